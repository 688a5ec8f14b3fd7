# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applications of PyPI with pins of early 2021, from what an audit suggests to Python 3.12, as their users see them.

`make scenarios` takes those of `QUICK`, `make real` all of the host.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml

from tests.fleet import fleet
from tests.fleet.hosts import build_command, run_on_host
from tests.fleet.paths import HERE, get_podman_environment
from tests.scenarios.conftest import PlaybookController

QUICK = ("pypiserver", "radicale")
EVERY = ("bepasty", "celery", "httpbin", "isso", "pypiserver", "radicale")
NAMES = EVERY if os.environ.get("OXZEP7_REAL") == "all" else QUICK
OPTIONS = {
    "oxzep7_target": "3.12",
    # A rehearsal finds these as well, by trials for each application.
    "oxzep7_constraints": [
        {"requirement": "setuptools>=66.1.0", "python": ">=3.12", "reason": "the first without pkgutil.ImpImporter"},
        {"requirement": "pip>=23.1", "python": ">=3.12", "reason": "the first without distutils"},
    ],
    "oxzep7_stability_window": 0,
    "oxzep7_backup": False,
}
# What the check of a dry start keeps of its answer.
STARTED = "/srv/pypiserver/started"
# What operators add to suggestions: what no inventory can know.
ADDED = {
    "celery": {
        "checks": [{"name": "does jobs", "command": {"cmd": "/srv/celery/venv/bin/python /srv/celery/app/ask.py"}}]
    },
    "pypiserver": {
        "rehearse": {
            "start": {
                "service": "pypiserver.service",
                "port_variable": "PORT",
                "check": {"command": {"cmd": f"curl -fsS -o {STARTED} http://127.0.0.1:{{port}}/simple/"}},
            }
        }
    },
}
# Those in which a visitor leaves nothing.
STATELESS = ("celery", "httpbin")
# The versions that rehearsals freed: the step, the package, and the nearest version that works.
LEARNED = {
    "bepasty": {("3.11", "jinja2", "3.0.0")},
    "celery": {("3.12", "kombu", "5.3.0")},
    "httpbin": {("3.11", "jinja2", "3.0.0"), ("3.12", "six", "1.16.0")},
    "isso": {("3.11", "jinja2", "3.0.0")},
    # The bottle that it carries imports inspect.getargspec.
    "pypiserver": {("3.11", "pypiserver", "1.5.1")},
    "radicale": {("3.12", "six", "1.16.0")},
}
MAPPED = "for pid in $(pgrep -u %s); do cat /proc/$pid/maps; done | grep -oE 'python3[.][0-9]+' | sort -u"


def visit(name, mark):
    """The marks that a user of the application *name* finds after leaving *mark*."""
    done = subprocess.run(
        build_command("host1", "python3", "-", name, mark),
        input=(HERE / "visitor.py").read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=False,
        env=get_podman_environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def read_json(folder, name):
    return json.loads((folder / "oxzep7" / name).read_text(encoding="utf-8"))


def list_notes(folder, name):
    """The findings of the application *name* in the plan."""
    return read_json(folder, "plan/plan.json")["notes"]["host1"][name]["findings"]


def follow_advice(folder):
    """Let the unit of bepasty find the libraries of all interpreters, as the plan's finding asks for."""
    (told,) = [entry for entry in list_notes(folder, "bepasty") if entry["key"] == "interpreter-named"]
    assert "LD_LIBRARY_PATH=/opt/oxzep7-3.8.18/lib" in told["detail"]
    run_on_host(
        "host1",
        "mkdir -p /etc/systemd/system/bepasty.service.d && printf '[Service]\\nEnvironment=LD_LIBRARY_PATH=%s\\n'"
        " $(echo /opt/oxzep7-3.8.18/lib /opt/oxzep7/interpreters/*/lib | tr ' ' :)"
        " >/etc/systemd/system/bepasty.service.d/libraries.conf"
        " && systemctl daemon-reload && systemctl restart bepasty",
    )


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    """The folder of a controller that declared what an audit suggested, rehearsed and upgraded it."""
    folder = tmp_path_factory.mktemp("real")
    fleet.start_fleet(["debian12:real"])
    controller = PlaybookController(folder, timeout=3600)
    assert {name: visit(name, "before") for name in NAMES} == {name: ["before"] for name in NAMES}
    done = controller("audit")
    assert done.returncode == 0, done.stdout[-3000:]
    suggested = yaml.safe_load((folder / "oxzep7" / "report" / "applications.suggested.yml").read_text())
    assert [entry["name"] for entry in suggested["oxzep7_applications"]] == list(EVERY)
    declared = [entry for entry in suggested["oxzep7_applications"] if entry["name"] in NAMES]
    for entry in declared:
        entry.update(ADDED.get(entry["name"], {}))
    for playbook in ("rehearse", "upgrade"):
        done = controller(playbook, **OPTIONS, oxzep7_applications=declared)
        (folder / f"{playbook}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        if playbook == "rehearse" and "bepasty" in NAMES:
            follow_advice(folder)
    yield folder
    fleet.stop_fleet()


@pytest.mark.parametrize("name", NAMES)
def test_it_serves_as_before_on_the_target(upgraded, name):
    assert visit(name, "after") == (["after", "before"] if name not in STATELESS else ["after"])
    assert run_on_host("host1", MAPPED % name).split() == ["python3.12"]
    history = json.loads(run_on_host("host1", f"cat /var/lib/oxzep7/applications/{name}/state.json"))["history"]
    assert [entry["to"].partition("-py")[2] for entry in history] == ["3.9", "3.10", "3.11", "3.12"]
    pip = f"runuser -u {name} -- /srv/{name}/venv/bin/python -m pip"
    assert "pip" in run_on_host("host1", f"cd / && {pip} list --disable-pip-version-check && {pip} check")


@pytest.mark.parametrize("name", NAMES)
def test_what_was_learned_is_what_its_old_versions_cannot_do(upgraded, name):
    (planned,) = [
        entry
        for entry in read_json(upgraded, "plan/plan.json")["hosts"]["host1"]["applications"]
        if entry["name"] == name
    ]
    moved = {
        (step["to"], row["package"], row["to"])
        for step in planned["steps"]
        for row in step["changes"]
        if row["evidence"] in ("import", "test", "start")
    }
    assert moved == LEARNED[name] if name in QUICK else moved >= LEARNED[name]
    lines = yaml.safe_load((upgraded / "oxzep7" / "plan" / "constraints.yml").read_text(encoding="utf-8"))
    learned = {line["requirement"] for line in lines if line["evidence"] and line["seen"] and line["host"] == "host1"}
    assert {f"{package}>={version}" for _python, package, version in LEARNED[name]} <= learned


def test_a_dry_start_answered_beside_the_live_service(upgraded):
    owner, _newline, page = run_on_host("host1", f"stat -c %U {STARTED} && cat {STARTED}").partition("\n")
    assert owner == "pypiserver" and "Simple Index" in page
