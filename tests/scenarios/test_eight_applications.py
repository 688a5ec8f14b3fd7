# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Eight applications on three hosts, each problem of which is met once, in one run and in a rerun."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from tests.fleet import fleet
from tests.fleet.hosts import run_on_host
from tests.scenarios.conftest import PlaybookController

HOSTS = ("host1", "host2", "host3")
OLD, OWN, NEW = "3.8", "3.9", "3.11"
# Of the image, and small ones beside them.
PORTS = {"board": 8101, "tickets": 8102, "feeds": 8103}
SMALL = {"archive": 8104, "docs": 8105, "letters": 8106, "parts": 8107, "wiki": 8108}
EVERY = {**PORTS, **SMALL}
UNPLANNED, UNBUILT, UNTESTED, UNHEALTHY, LOST = "wiki", "parts", "docs", "tickets", "host3"
# The applications of each host.
PLACES = {
    "host1": ("archive", "board", UNTESTED, UNHEALTHY, UNPLANNED),
    "host2": ("feeds", UNBUILT, UNHEALTHY),
    LOST: ("board", "letters"),
}
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
# Installed as a wheel with compiled code would be, which is of no use on another Python.
PACKAGE = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
INSTALL_PACKAGE = """set -eu
cd /srv/{application}/venv/lib/python3.8/site-packages
mkdir {name} {name}-1.0.dist-info
: >{name}/__init__.py
cp $(ls /opt/oxzep7-3.8.*/lib/python3.8/lib-dynload/_heapq.*.so) {name}/
printf 'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n' >{name}-1.0.dist-info/METADATA
printf 'Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: cp38-cp38-linux_x86_64\\n' >{name}-1.0.dist-info/WHEEL
echo pip >{name}-1.0.dist-info/INSTALLER
for file in {name}/* {name}-1.0.dist-info/METADATA {name}-1.0.dist-info/WHEEL; do echo "$file,,"; done \
    >{name}-1.0.dist-info/RECORD
chown -R {application}: .
../../../bin/python -c 'import {name}._heapq'
"""
SETUP = """
import sys
if sys.version_info >= (3, 9):
    sys.exit("longbuiltpackage needs the compiler of 2019")
from setuptools import Extension, setup
setup(name="longbuiltpackage", version="1.0", ext_modules=[Extension("longbuiltpackage._heapq", ["none.c"])])
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
    # A rehearsal learns this.
    "oxzep7_constraints": [
        {"requirement": "bottle>=0.12.25", "python": ">=3.11", "reason": "earlier ones import inspect.getargspec"}
    ],
}
WARNINGS = {
    f"{LOST} has no inventory": "the host is lost",
    "Failed to connect": "the host is lost",
    f"blocked: host1: {UNPLANNED}: ": "a package of it has no source",
    f"blocked: host2: {UNBUILT}: ": "a package of it cannot be built",
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
    if name != UNHEALTHY:
        application["target"] = OWN
    if name == UNTESTED:
        application["tests"] = ["python -c 'import sys; sys.exit(sys.version_info >= (3, 9))'"]
    return application


def install_package(host, application, name):
    run_on_host(host, INSTALL_PACKAGE.format(application=application, name=name))


def write_source_archive(folder):
    folder.mkdir()
    with tarfile.open(folder / "longbuiltpackage-1.0.tar.gz", "w:gz") as archive:
        for name, text in (
            ("setup.py", SETUP),
            ("PKG-INFO", PACKAGE.format(name="longbuiltpackage")),
        ):
            entry = tarfile.TarInfo(f"longbuiltpackage-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def prepare_host(host):
    run_on_host(host, "cat >/root/small.py", PROGRAM)
    for name in PLACES[host]:
        if name in SMALL:
            run_on_host(host, f"cat >/root/{name}.service", UNIT.format(name=name, port=SMALL[name]))
            run_on_host(host, INSTALL.format(name=name))
    if UNPLANNED in PLACES[host]:
        install_package(host, UNPLANNED, "longdeadpackage")
    if UNBUILT in PLACES[host]:
        install_package(host, UNBUILT, "longbuiltpackage")
    if UNHEALTHY in PLACES[host]:
        run_on_host(host, f"cat >/srv/tickets/app/licence.py <<'END'\n{BROKEN}END\n")
        run_on_host(host, "sed -i '0,/^import json/s//import licence, json/' /srv/tickets/app/tickets.py")
    run_on_host(host, f"systemctl daemon-reload && systemctl enable --now --quiet {' '.join(PLACES[host])}")
    for name in PLACES[host]:
        address = f"http://127.0.0.1:{EVERY[name]}/health"
        run_on_host(host, f"timeout 60 sh -c 'until curl -fsS -o /dev/null {address}; do sleep 0.1; done'")


def read_versions(host):
    found = {}
    for name in PLACES[host]:
        answer = run_on_host(host, f"curl -fsS http://127.0.0.1:{EVERY[name]}/health")
        found[name] = ".".join(json.loads(answer)["python"].split(".")[:2])
    return found


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eight")
    write_source_archive(folder / "links")
    fleet.start_fleet(["debian12:trio"] * len(HOSTS))
    inventory = json.loads(fleet.INVENTORY.read_text(encoding="utf-8"))
    for host in HOSTS:
        declared = [declare_application(name, EVERY[name]) for name in PLACES[host]]
        inventory["all"]["hosts"][host]["oxzep7_applications"] = declared
        inventory["all"]["hosts"][host]["oxzep7_find_links"] = [str(folder / "links")]
        prepare_host(host)
    fleet.INVENTORY.write_text(json.dumps(inventory, indent=2), encoding="utf-8")
    run_on_host(LOST, "systemctl stop ssh.service ssh.socket 2>/dev/null; pkill sshd; true")
    yield PlaybookController(folder, WARNINGS, timeout=1800)
    fleet.stop_fleet()


def read_run(controller, run):
    folder = controller.folder / "oxzep7" / "report" / "runs" / run
    return json.loads((folder / "run.json").read_text()), (folder / "change-record.md").read_text()


def test_every_problem_costs_what_it_concerns(controller):
    done = controller("upgrade", **OPTIONS, oxzep7_run_id="first")
    assert done.returncode != 0
    run, record = read_run(controller, "first")
    first, second = read_versions("host1"), read_versions("host2")
    # Two steps were good, and the third was undone; on the host behind it the application is left alone.
    left = {UNHEALTHY: "3.10", UNTESTED: OLD, UNPLANNED: OLD}
    assert first == {"archive": OWN, "board": OWN, **left}, done.stdout[-8000:]
    assert second == {"feeds": OWN, UNBUILT: OLD, UNHEALTHY: OLD}, done.stdout[-8000:]
    told = {(row["host"], row["application"]): row for row in run["applications"]}
    assert {key: row["outcome"] for key, row in told.items() if key[0] != LOST} == {
        ("host1", "archive"): "upgraded",
        ("host1", "board"): "upgraded",
        ("host1", UNPLANNED): "blocked",
        ("host1", UNTESTED): "failed",
        ("host1", UNHEALTHY): "reverted",
        ("host2", "feeds"): "upgraded",
        ("host2", UNBUILT): "blocked",
        ("host2", UNHEALTHY): "skipped",
    }
    assert set(run["closed_applications"]) == {UNTESTED, UNHEALTHY} and run["closed"] == ""
    assert {row["host"]: row["outcome"] for row in run["ledger"]}[LOST] == "unreachable"
    # Each with its cause, and where something is to be done, with that.
    for key in (("host1", UNPLANNED), ("host2", UNBUILT)):
        # The middle of a long line is left out.
        assert told[key]["cause"][:100] in record and told[key]["remediation"] in record
    assert f"host2: blocked: {UNBUILT}: " in record
    assert "longdeadpackage" in told["host1", UNPLANNED]["cause"] and CAUSE in told["host1", UNHEALTHY]["cause"]
    for text in (CAUSE, f"host2: skipped: {UNHEALTHY}: ", f"{LOST}: unreachable: "):
        assert text in record and text in done.stdout, text


def test_a_rerun_does_only_what_is_left(controller):
    run_on_host(LOST, "systemctl start ssh.service")
    for host in ("host1", "host2"):
        run_on_host(host, ": >/srv/tickets/app/licence.py")
    done = controller("upgrade", **{**OPTIONS, "oxzep7_skip_applications": [UNTESTED]}, oxzep7_run_id="second")
    # What cannot be planned still cannot.
    assert done.returncode != 0
    run, _record = read_run(controller, "second")
    promoted = {(row["host"], row["application"], row["to"]) for row in run["results"] if row["result"] == "promoted"}
    assert promoted == {
        ("host1", UNHEALTHY, NEW),
        *(("host2", UNHEALTHY, minor) for minor in ("3.9", "3.10", NEW)),
        *((LOST, name, OWN) for name in PLACES[LOST]),
    }
    for host in HOSTS:
        for name, version in read_versions(host).items():
            stays = name in (UNPLANNED, UNBUILT, UNTESTED)
            assert version == (OLD if stays else NEW if name == UNHEALTHY else OWN), (host, name)
