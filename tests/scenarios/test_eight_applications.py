# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Eight applications on each of three hosts, each problem of which is met once, in one run and in a rerun."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from tests.fleet import fleet
from tests.fleet.hosts import run_on_host
from tests.scenarios.conftest import PlaybookController

HOSTS = ("host1", "host2", "host3")
OLD, NEW = "3.8", "3.11"
# Of the image, and small ones beside them.
PORTS = {"board": 8101, "tickets": 8102, "feeds": 8103}
SMALL = {"archive": 8104, "docs": 8105, "letters": 8106, "parts": 8107, "wiki": 8108}
UNPLANNED, UNBUILT, UNTESTED, UNHEALTHY, LOST = "wiki", "parts", "docs", "tickets", "host3"
PROGRAM = """
import http.server, json, platform, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"python": platform.python_version()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
"""
UNIT = """[Service]
User={name}
ExecStart=/srv/{name}/venv/bin/python /srv/{name}/app/small.py {port}
[Install]
WantedBy=multi-user.target
"""
INSTALL = """set -eu
useradd --system --create-home --home-dir /srv/{name} --shell /usr/sbin/nologin {name}
mkdir /srv/{name}/app && cp /root/small.py /srv/{name}/app/
cp /root/{name}.service /etc/systemd/system/
chown -R {name}: /srv/{name} && chmod 755 /srv/{name}
setpriv --reuid={name} --regid={name} --init-groups env HOME=/srv/{name} \
    $(ls /opt/oxzep7-3.8.*/bin/python3.8) -m venv /srv/{name}/venv
"""
# Installed as a release of the operator's own index would be.
PACKAGE = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
SETUP = """
import sys
if sys.version_info >= (3, 9):
    sys.exit("longwords needs the compiler of 2019")
from setuptools import setup
setup(name="longwords", version="1.0", py_modules=["longwords"])
"""
BROKEN = "import sys\nif sys.version_info >= (3, 11):\n    import licence_for_tickets\n"
CAUSE = "ModuleNotFoundError: No module named 'licence_for_tickets'"
OPTIONS = {
    "oxzep7_target": NEW,
    "oxzep7_waves": [1, "100%"],
    "oxzep7_canaries": False,
    "oxzep7_max_unavailable": "100%",
    "oxzep7_max_failed": 0,
    "oxzep7_stability_window": 0,
    "oxzep7_timeout": 20,
    "oxzep7_backup": False,
    # The host that is lost is known to be lost.
    "oxzep7_known_findings": ["host-unreachable"],
}
WARNINGS = {
    f"{LOST} has no inventory": "the host is lost",
    "Failed to connect": "the host is lost",
}


def declare_application(name, port):
    check = {"name": "answers", "http": {"url": f"http://127.0.0.1:{port}/health"}}
    application = {
        "name": name,
        "environment": f"/srv/{name}/venv",
        "user": name,
        "services": [{"name": f"{name}.service"}],
        "checks": [check],
    }
    if name == UNTESTED:
        application["tests"] = ["python -c 'import sys; sys.exit(sys.version_info >= (3, 9))'"]
    return application


def install_package(host, application, name):
    site = f"/srv/{application}/venv/lib/python{OLD}/site-packages"
    run_on_host(host, f"mkdir {site}/{name}-1.0.dist-info && echo 'word = 1' >{site}/{name}.py")
    run_on_host(host, f"cat >{site}/{name}-1.0.dist-info/METADATA", PACKAGE.format(name=name))
    run_on_host(host, f"echo pip >{site}/{name}-1.0.dist-info/INSTALLER")
    run_on_host(host, f"printf '{name}.py,,\\n{name}-1.0.dist-info/METADATA,,\\n' >{site}/{name}-1.0.dist-info/RECORD")


def write_source_archive(folder):
    folder.mkdir()
    with tarfile.open(folder / "longwords-1.0.tar.gz", "w:gz") as archive:
        for name, text in (
            ("setup.py", SETUP),
            ("longwords.py", "word = 1\n"),
            ("PKG-INFO", PACKAGE.format(name="longwords")),
        ):
            entry = tarfile.TarInfo(f"longwords-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def prepare_host(host):
    run_on_host(host, "cat >/root/small.py", PROGRAM)
    for name, port in SMALL.items():
        run_on_host(host, f"cat >/root/{name}.service", UNIT.format(name=name, port=port))
        run_on_host(host, INSTALL.format(name=name))
    install_package(host, UNPLANNED, "longdeadpackage")
    install_package(host, UNBUILT, "longwords")
    run_on_host(host, f"cat >/srv/tickets/app/licence.py <<'END'\n{BROKEN}END\n")
    run_on_host(host, "sed -i '0,/^import json/s//import licence, json/' /srv/tickets/app/tickets.py")
    run_on_host(host, f"systemctl daemon-reload && systemctl enable --now --quiet {' '.join([*PORTS, *SMALL])}")
    for port in [*PORTS.values(), *SMALL.values()]:
        run_on_host(
            host, f"timeout 60 sh -c 'until curl -fsS -o /dev/null http://127.0.0.1:{port}/health; do sleep 0.1; done'"
        )


def read_versions(host):
    found = {}
    for name, port in [*PORTS.items(), *SMALL.items()]:
        answer = run_on_host(host, f"curl -fsS http://127.0.0.1:{port}/health")
        found[name] = ".".join(json.loads(answer)["python"].split(".")[:2])
    return found


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eight")
    write_source_archive(folder / "links")
    fleet.start_fleet(["debian12:trio"] * len(HOSTS))
    inventory = json.loads(fleet.INVENTORY.read_text(encoding="utf-8"))
    for host in HOSTS:
        declared = [declare_application(name, port) for name, port in [*PORTS.items(), *SMALL.items()]]
        inventory["all"]["hosts"][host]["oxzep7_applications"] = declared
        inventory["all"]["hosts"][host]["oxzep7_find_links"] = [str(folder / "links")]
        prepare_host(host)
    fleet.INVENTORY.write_text(json.dumps(inventory, indent=2), encoding="utf-8")
    run_on_host(LOST, "systemctl stop ssh.service ssh.socket 2>/dev/null; pkill sshd; true")
    yield PlaybookController(folder, WARNINGS)
    fleet.stop_fleet()


def read_run(controller, run):
    folder = controller.folder / "oxzep7" / "report" / "runs" / run
    return json.loads((folder / "run.json").read_text()), (folder / "change-record.md").read_text()


def test_every_problem_costs_what_it_concerns(controller):
    done = controller("upgrade", **OPTIONS, oxzep7_run_id="first")
    assert done.returncode != 0
    run, record = read_run(controller, "first")
    good = {"board", "feeds", "archive", "letters"}
    first, second = read_versions("host1"), read_versions("host2")
    assert {name for name, version in first.items() if version == NEW} == good, done.stdout[-8000:]
    assert {name for name, version in second.items() if version == NEW} == good, done.stdout[-8000:]
    # Two steps were good, and the third was undone; on the host behind it the application is left alone.
    assert first[UNHEALTHY] == "3.10" and second[UNHEALTHY] == OLD
    assert {first[name] for name in (UNPLANNED, UNBUILT, UNTESTED)} == {OLD}
    told = {(row["host"], row["application"]): row for row in run["applications"]}
    outcomes = {name: told["host1", name]["outcome"] for name in first}
    assert outcomes == {
        **dict.fromkeys(good, "upgraded"),
        UNPLANNED: "blocked",
        UNBUILT: "blocked",
        UNTESTED: "failed",
        UNHEALTHY: "reverted",
    }
    assert set(run["closed_applications"]) == {UNTESTED, UNHEALTHY} and run["closed"] == ""
    assert {row["host"]: row["outcome"] for row in run["ledger"]}[LOST] == "unreachable"
    # Each with its cause, and where something is to be done, with that.
    for name in (UNPLANNED, UNBUILT):
        row = told["host1", name]
        assert row["cause"] in record and row["remediation"] in record and f"host2: blocked: {name}: " in record
    assert "longdeadpackage" in told["host1", UNPLANNED]["cause"] and CAUSE in told["host1", UNHEALTHY]["cause"]
    for text in (CAUSE, f"host2: skipped: {UNHEALTHY}: ", f"{LOST}: unreachable: "):
        assert text in record and text in done.stdout, text


def test_a_rerun_does_only_what_is_left(controller):
    run_on_host(LOST, "systemctl start ssh.service")
    for host in HOSTS:
        run_on_host(host, ": >/srv/tickets/app/licence.py")
    done = controller("upgrade", **{**OPTIONS, "oxzep7_skip_applications": [UNTESTED]}, oxzep7_run_id="second")
    # What cannot be planned still cannot.
    assert done.returncode != 0
    run, _record = read_run(controller, "second")
    promoted = {(row["host"], row["application"], row["to"]) for row in run["results"] if row["result"] == "promoted"}
    assert {row for row in promoted if row[0] == "host1"} == {("host1", UNHEALTHY, NEW)}
    assert {row for row in promoted if row[0] == "host2"} == {
        ("host2", UNHEALTHY, minor) for minor in ("3.9", "3.10", NEW)
    }
    assert {name for host, name, _to in promoted if host == LOST} == {"board", "feeds", "archive", "letters", UNHEALTHY}
    for host in HOSTS:
        left = {name for name, version in read_versions(host).items() if version != NEW}
        assert left == {UNPLANNED, UNBUILT, UNTESTED}, host
