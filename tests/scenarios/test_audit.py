# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit of a fleet of different releases: suggested applications, merging, old Pythons and an old core."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest
import yaml

from tests.fleet import archives, fleet
from tests.fleet.hosts import copy_to_host, run_on_host
from tests.fleet.paths import ROOT
from tests.scenarios.conftest import PlaybookController

OLDEST_CORE = ROOT / ".venv-2.16.19" / "bin"


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Four hosts, audited; gives the controller's folder."""
    fleet.start_fleet(["debian11", "debian12:sqlite", "debian12:postgresql", "debian13:sqlite"])
    folder = tmp_path_factory.mktemp("audit")
    done = PlaybookController(folder)("audit")
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count("changed=0") == 4
    yield folder
    fleet.stop_fleet()


def report(folder, name):
    return (folder / "oxzep7" / "report" / name).read_text(encoding="utf-8")


def test_every_host_is_found_whole(audited):
    found = json.loads(report(audited, "fleet.json"))
    assert list(found["hosts"]) == ["host1", "host2", "host3", "host4"] and found["unknown"] == []
    for host, release in (("host1", "11"), ("host2", "12"), ("host4", "13")):
        assert found["hosts"][host]["host"]["os"]["version"] == release and found["hosts"][host]["host"]["privileged"]
        system = run_on_host(host, "python3 -c 'import platform; print(platform.python_version())'").strip()
        (entry,) = [one for one in found["hosts"][host]["interpreters"] if one["path"].startswith("/usr/bin/")]
        assert (entry["version"], entry["origin"], bool(entry["os_package"])) == (system, "system", True)
        assert entry["end_of_life_of"] == f"long term support of debian {release}"
    (group,) = found["locks"]
    assert [one["host"] for one in group["environments"]] == ["host2", "host3", "host4"]
    dependents = found["hosts"]["host2"]["dependents"]
    kinds = {(one["kind"], one["name"]) for one in dependents if one["environment"] == "/srv/ledger/venv"}
    assert {("service", "ledger-web.service"), ("service", "ledger-worker.service"), ("cron.d", "ledger:5")} <= kinds


def test_reports_are_private_and_of_one_mind(audited):
    folder = audited / "oxzep7" / "report"
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert "ledger" in report(audited, "fleet.csv") and report(audited, "fleet.html").startswith("<!DOCTYPE html>")
    bill = json.loads(report(audited, "sbom/host2.cdx.json"))
    assert bill["bomFormat"] == "CycloneDX" and "pkg:pypi/django@3.1.6" in json.dumps(bill)


def test_what_is_suggested_upgrades_the_fleet(audited):
    suggested = audited / "oxzep7" / "report" / "applications.suggested.yml"
    content = yaml.safe_load(suggested.read_text(encoding="utf-8"))
    (application,) = content["oxzep7_suggested"]["host2"]
    assert application == {
        "name": "ledger",
        "environment": "/srv/ledger/venv",
        "source": "/srv/ledger/app",
        "services": [{"name": "ledger-web.service"}, {"name": "ledger-worker.service"}],
        "checks": [{"name": "port 8001", "tcp": {"port": 8001}}],
    }
    done = PlaybookController(audited)("upgrade", "-e", f"@{suggested}", oxzep7_target="3.9", oxzep7_stability_window=0)
    assert done.returncode == 0, done.stdout[-3000:]
    for host in ("host2", "host3", "host4"):
        assert '"3.9.18"' in run_on_host(host, "curl -fsS http://127.0.0.1:8001/health")


def test_a_limited_audit_keeps_the_other_hosts_with_their_date(audited):
    before = json.loads(report(audited, "fleet.json"))
    done = PlaybookController(audited)("audit", "--limit", "host2")
    assert done.returncode == 0, done.stdout[-3000:]
    after = json.loads(report(audited, "fleet.json"))
    assert (
        after["hosts"]["host3"]["taken"] == before["hosts"]["host3"]["taken"]
        and after["hosts"]["host3"]["seen"] == "earlier"
    )
    assert (
        after["hosts"]["host2"]["taken"] > before["hosts"]["host2"]["taken"]
        and after["hosts"]["host2"]["seen"] == "now"
    )
    states = {entry["path"]: entry["state"] for entry in after["hosts"]["host2"]["environments"]}
    assert (
        states["/srv/ledger/venv.generations/0-py3.8"] == states["/srv/ledger/venv.generations/1-py3.9"] == "generation"
    )
    again = yaml.safe_load(report(audited, "applications.suggested.yml"))["oxzep7_suggested"]["host2"]
    assert [entry["environment"] for entry in again] == ["/srv/ledger/venv"]


def test_a_lost_host_fails_the_audit_and_keeps_its_last_inventory(audited):
    run_on_host("host3", "systemctl stop ssh.service ssh.socket 2>/dev/null; pkill sshd; true")
    done = PlaybookController(audited)("audit", "--limit", "host2,host3")
    run_on_host("host3", "systemctl start ssh.service")
    assert done.returncode != 0 and "host3 was not audited: " in done.stdout
    after = json.loads(report(audited, "fleet.json"))
    assert (after["hosts"]["host2"]["seen"], after["hosts"]["host3"]["seen"]) == ("now", "earlier")


def test_check_mode_writes_nothing(audited, tmp_path):
    before = run_on_host("host2", "stat -c %Y.%i /var/lib/oxzep7/host.json.gz")
    done = PlaybookController(tmp_path)("audit", "--check", "--diff")
    assert done.returncode == 0 and done.stdout.count("changed=0") == 4
    assert (
        list(tmp_path.iterdir()) == [] and run_on_host("host2", "stat -c %Y.%i /var/lib/oxzep7/host.json.gz") == before
    )


def test_without_root_less_is_seen_and_said(audited, tmp_path):
    expected = {"the inventory could not be stored on the host": "only root may write the state directory"}
    # As Debian's package cron makes it.
    run_on_host("host2", "mkdir -p /var/spool/cron/crontabs && chmod 1730 /var/spool/cron/crontabs")
    done = PlaybookController(tmp_path)("audit", "--limit", "host2", warnings=expected, oxzep7_become=False)
    assert done.returncode == 0, done.stdout[-3000:]
    found = json.loads((tmp_path / "oxzep7" / "report" / "fleet.json").read_text(encoding="utf-8"))["hosts"]["host2"]
    keys = {entry["key"]: entry["detail"] for entry in found["findings"]}
    assert "unprivileged" in keys and "not-seen" in keys
    for path in ("/root", "/var/spool/cron/crontabs"):
        assert {"path": path, "reason": "Permission denied"} in found["not_seen"]
    assert any(entry["path"] == "/proc" for entry in found["not_seen"])


def test_python_3_6_under_the_oldest_core(audited, tmp_path):
    archive = archives.pack_interpreter("3.6")
    if archive is None or not (OLDEST_CORE / "ansible-playbook").exists():
        pytest.skip("no Python 3.6 on this machine, or no ansible-core 2.16")
    copy_to_host(archive, "host2", "/tmp/python36.tar.gz")
    run_on_host("host2", "mkdir -p /var/tmp/old && tar -C /var/tmp/old --strip-components=1 -xzf /tmp/python36.tar.gz")
    done = subprocess.run(
        [
            str(OLDEST_CORE / "ansible-playbook"),
            "-i",
            str(fleet.INVENTORY),
            "oxzep7.python.audit",
            "--limit",
            "host2",
            "-e",
            "ansible_python_interpreter=/var/tmp/old/bin/python3.6",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    old = json.loads(pathlib.Path(tmp_path, "oxzep7/report/hosts/host2.json").read_text(encoding="utf-8"))
    new = json.loads(report(audited, "hosts/host2.json"))
    assert old["host"]["python"] == "/var/tmp/old/bin/python3.6"
    fingerprints, interpreters = [], []
    for inventory in (old, new):
        fingerprints.append([entry["fingerprint"] for entry in inventory["environments"]])
        interpreters.append([(entry["path"], entry["version"]) for entry in inventory["interpreters"]])
    assert fingerprints[0] == fingerprints[1] and interpreters[0] == interpreters[1]
