# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet itself, and what differs between releases of Debian."""

from __future__ import annotations

import json

import pytest

from tests.fleet import archives, fleet
from tests.fleet.hosts import run_on_host
from tests.fleet.paths import run_checked


@pytest.fixture(scope="module")
def releases():
    fleet.start_fleet(["debian11", "debian13:sqlite"])
    yield
    fleet.stop_fleet()
    assert run_checked("podman", "ps", "--all", "--quiet", "--filter", f"network={fleet.NETWORK}") == ""
    assert fleet.NETWORK not in run_checked("podman", "network", "ls", "--quiet").split()
    assert not (fleet.WORK / "server.pid").exists()


def test_audit_on_old_and_new_releases(releases, controller):
    done = controller("audit")
    assert done.returncode == 0 and done.stdout.count("changed=0") == 2, done.stdout[-2000:]
    folder = controller.folder / "oxzep7" / "report" / "hosts"
    found = {host: json.loads((folder / f"{host}.json").read_text()) for host in ("host1", "host2")}
    system = run_on_host("host1", "python3 -c 'import platform; print(platform.python_version())'").strip()
    assert [entry["version"] for entry in found["host1"]["interpreters"]] == [system]
    (environment,) = [entry for entry in found["host2"]["environments"] if entry["kind"] == "venv"]
    assert (environment["path"], environment["python"], environment["owner"]) == (
        "/srv/ledger/venv",
        "3.8.18",
        "ledger",
    )
    assert environment["services"] == ["ledger-web.service", "ledger-worker.service"]
    installed = {entry["name"]: entry["version"] for entry in environment["packages"]}
    assert {"django": "3.1.6", "lxml": "4.6.2"}.items() <= installed.items()
    assert (
        environment["unmanaged"] == environment["missing"] == environment["modified"] == environment["unresolved"] == []
    )


def test_an_interpreter_for_a_newer_libc_is_refused_before_it_is_used(releases):
    archive = archives.pack_interpreter("3.10")
    arguments = (
        f"source=archive version=3.10 sha256={archives.hash_archive(archive)} "
        f"url=http://{fleet.SUBNET[1]}:{fleet.PORT}/{archive.name}"
    )
    needs = run_checked(
        "sh",
        "-c",
        f"tar -xzOf {archive} --wildcards '*/lib/libpython3.10.so.1.0' | grep -ao 'GLIBC_2\\.[0-9]*' | sort -uV | "
        "tail -1",
    )
    if int(needs.strip().rpartition(".")[2]) <= 31:
        pytest.skip("this machine's interpreters run on Debian 11 too")
    done = run_checked(
        "sh", "-c", f"ansible -i {fleet.INVENTORY} host1 -b -m oxzep7.python.interpreter -a '{arguments}' || true"
    )
    assert "does not run on this host" in done and "GLIBC" in done
    assert run_on_host("host1", "ls /opt/oxzep7/interpreters") == ""


def test_hosts_reach_no_package_index(releases):
    assert run_on_host("host2", "ip route show default") == ""


def test_newest_release_is_upgraded_by_the_plan_that_was_reviewed(releases, controller):
    options = {"oxzep7_target": "3.9", "oxzep7_stability_window": 0}
    assert controller("plan", "--limit", "host2", **options).returncode == 0
    path = controller.folder / "oxzep7" / "plan" / "plan.json"
    reviewed = path.read_text()
    refused = controller("upgrade", "--limit", "host2", oxzep7_plan_id="0123456789abcdef", **options)
    assert refused.returncode != 0 and "oxzep7_plan_id is 0123456789abcdef" in refused.stdout
    assert '"3.8.18"' in run_on_host("host2", "curl -fsS http://127.0.0.1:8001/health")
    for _again in range(2):
        done = controller("upgrade", "--limit", "host2", oxzep7_plan_id=json.loads(reviewed)["id"], **options)
        assert done.returncode == 0, done.stdout[-3000:]
        assert (
            '"3.9.18"' in run_on_host("host2", "curl -fsS http://127.0.0.1:8001/health")
            and path.read_text() == reviewed
        )
