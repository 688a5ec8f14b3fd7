# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in which one application cannot be planned and one host cannot be reached: the other application moves."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import zipfile

import pytest

from tests.integration.conftest import write_tar, write_wheel

# The end of the name tells it from the one that includes it.
BUILD_TASK = "[oxzep7.python.plan : Build missing wheels on the builder]"
SETTINGS = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_DIFF_ALWAYS": "1"}


class Fleet:
    """This machine with two applications, of which no source has what one needs, and a host that does not answer."""

    def __init__(self, root, interpreters):
        self.root, (self.old, python), (self.new, later) = root, *interpreters[:2]
        self.wheels = root / "wheels"
        self.wheels.mkdir()
        applications = []
        for name in ("greeter", "stuck"):
            wheel = write_wheel(self.wheels, name, "1.0", {f"{name}.py": ""})
            environment = root / name / "venv"
            subprocess.run([python, "-m", "venv", "--without-pip", environment], check=True)
            (packages,) = environment.glob("lib/*/site-packages")
            zipfile.ZipFile(wheel).extractall(packages)
            account = pwd.getpwuid(os.geteuid()).pw_name
            applications.append({"name": name, "environment": str(environment), "user": account})
        here = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "oxzep7_applications": applications,
            "oxzep7_constraints": [{"requirement": "stuck>=2", "reason": "1.0 is broken"}],
            "oxzep7_interpreters": [{"source": "existing", "version": self.new, "path": later}],
            "oxzep7_state_dir": str(root / "state"),
            "oxzep7_roots": [str(root / "greeter"), str(root / "stuck")],
            "oxzep7_homes": False,
        }
        away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
        away["oxzep7_applications"] = [{**applications[0], "name": "other"}]
        common = {
            "oxzep7_become": False,
            "oxzep7_target": self.new,
            "oxzep7_wheelhouse_dir": str(root / "wheelhouse"),
            "oxzep7_cache_dir": str(root / "cache"),
            "oxzep7_backup": False,
            "oxzep7_backup_dir": str(root / "backups"),
            "oxzep7_stability_window": 0,
            "oxzep7_offline": True,
            "oxzep7_find_links": [str(self.wheels)],
        }
        groups = {"all": {"hosts": {"away": away, "here": here}, "vars": common}}
        (root / "inventory.json").write_text(json.dumps(groups), encoding="utf-8")

    def run(self, playbook, *options):
        """Run *playbook*; returns its exit status and what it printed."""
        done = subprocess.run(
            ["ansible-playbook", "-i", "inventory.json", f"oxzep7.python.{playbook}", *options],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **SETTINGS},
        )
        return done.returncode, done.stdout + done.stderr

    def change_application(self, name, **changes):
        """Declare the application *name* with *changes*."""
        path = self.root / "inventory.json"
        inventory = json.loads(path.read_text(encoding="utf-8"))
        for application in inventory["all"]["hosts"]["here"]["oxzep7_applications"]:
            if application["name"] == name:
                application.update(changes)
        path.write_text(json.dumps(inventory), encoding="utf-8")

    def read_plan(self, path="oxzep7/plan"):
        return json.loads((self.root / path / "plan.json").read_text(encoding="utf-8"))

    def read_version(self, name):
        """The version of the interpreter that runs the application *name*."""
        words = [
            self.root / name / "venv" / "bin" / "python",
            "-c",
            "import sys; print('%d.%d' % sys.version_info[:2])",
        ]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def fleet(tmp_path, interpreters):
    return Fleet(tmp_path, interpreters)


def test_what_cannot_be_planned_is_told_and_keeps_nothing_else_from_its_target(fleet):
    told = "here: stuck: no lock for the step from Python"
    status, printed = fleet.run("plan", "--limit", "here", "--check")
    assert status == 2 and told in printed and not (fleet.root / "oxzep7" / "plan").exists()
    for changed in (True, False):
        status, printed = fleet.run("plan", "--limit", "here")
        assert status == 2 and told in printed and "(package-blocked)" in printed
        assert ("+# Plan" in printed) is changed and f"changed={2 if changed else 0}" in printed
    plan = fleet.read_plan()
    greeter, stuck = plan["hosts"]["here"]["applications"]
    assert [(step["from"], step["to"]) for step in greeter["steps"]] == [(fleet.old, fleet.new)]
    assert stuck["steps"] == [] and "blocked" not in greeter
    ((reason),) = stuck["blocked"]
    assert (reason["key"], reason["from"], reason["to"]) == ("package-blocked", fleet.old, fleet.new)
    assert "stuck>=2" in reason["cause"] and reason["remediation"]
    readable = (fleet.root / "oxzep7" / "plan" / "plan.md").read_text(encoding="utf-8")
    assert readable.index("## Steps") < readable.index("## What blocks") < readable.index("## Waves")
    delivered = json.loads((fleet.root / "state" / "plan.json").read_text(encoding="utf-8"))
    assert delivered["id"] == plan["id"] and delivered["applications"] == [greeter, stuck]

    status, printed = fleet.run("rehearse", "--limit", "here")
    assert status == 2 and told in printed
    assert f"greeter on Python {fleet.new}: " in printed and f"stuck on Python {fleet.new}" not in printed
    plan = fleet.read_plan()

    status, printed = fleet.run("upgrade", "--limit", "here", "-e", "oxzep7_blocked=stop")
    assert status == 2 and told in printed and fleet.read_version("greeter") == fleet.old

    # A host that does not answer changes neither.
    status, printed = fleet.run("upgrade", "-e", json.dumps({"oxzep7_plan_id": plan["id"]}))
    assert status != 0 and "away has no inventory, or was lost since; it is unknown to this plan" in printed
    assert told in printed
    assert (fleet.read_version("greeter"), fleet.read_version("stuck")) == (fleet.new, fleet.old)
    assert fleet.read_plan() == plan

    # Nothing is left but what is blocked.
    status, printed = fleet.run("upgrade", "--limit", "here", "-e", "oxzep7_run_id=left")
    assert status == 2 and told in printed
    assert fleet.read_plan()["hosts"]["here"]["applications"][0]["steps"] == []
    run = json.loads((fleet.root / "oxzep7" / "report" / "runs" / "left" / "run.json").read_text(encoding="utf-8"))
    assert [(row["host"], row["outcome"]) for row in run["ledger"]] == [("here", "blocked")]

    status, printed = fleet.run("status", "--limit", "here", "-e", "oxzep7_target=")
    assert status == 0, printed
    rows = json.loads((fleet.root / "oxzep7" / "report" / "status.json").read_text(encoding="utf-8"))["applications"]
    assert [(row["application"], row["state"]) for row in rows] == [("stuck", "blocked"), ("greeter", "on target")]
    assert reason["cause"] in rows[0]["why"] and reason["remediation"] in rows[0]["why"]
    status, printed = fleet.run("status", "--limit", "away")
    assert status != 0 and "1 unknown" in printed
    rows = json.loads((fleet.root / "oxzep7" / "report" / "status.json").read_text(encoding="utf-8"))["applications"]
    assert [(row["host"], row["state"]) for row in rows] == [("away", "unknown")] and rows[0]["why"]


def test_every_application_of_a_host_may_be_blocked(fleet):
    status, printed = fleet.run("plan", "-e", '{"oxzep7_interpreters": []}')
    assert status != 0 and printed.count("(interpreter-source-missing)") >= 1
    plan = fleet.read_plan()
    assert plan["unknown"] == ["away"] and set(plan["hosts"]) == {"here"}
    assert [application["steps"] for application in plan["hosts"]["here"]["applications"]] == [[], []]
    readable = (fleet.root / "oxzep7" / "plan" / "plan.md").read_text(encoding="utf-8")
    assert "Unknown, because there is no inventory: away." in readable and "Nothing to do" not in readable


def write_source_that_does_not_compile(fleet):
    setup = "from setuptools import setup, Extension\nsetup(name='stuck', ext_modules=[Extension('c', ['c.c'])])\n"
    members = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: stuck\nVersion: 2.0\n",
        "setup.py": setup,
        "c.c": "#error no\n",
    }
    rows = [(f"stuck-2.0/{name}", text.encode()) for name, text in members.items()]
    write_tar(fleet.wheels / "stuck-2.0.tar.gz", rows)


@pytest.mark.parametrize("builder", ["away", "here"])
def test_a_wheel_that_no_builder_provides_blocks_what_needs_it(fleet, builder):
    write_source_that_does_not_compile(fleet)
    status, printed = fleet.run("plan", "--limit", f"here,{builder}", "-e", f"oxzep7_builder={builder}")
    assert status != 0 and "(package-not-built)" in printed
    greeter, stuck = fleet.read_plan()["hosts"]["here"]["applications"]
    assert len(greeter["steps"]) == 1 and stuck["steps"] == []
    assert [row["key"] for row in stuck["blocked"]] == ["package-not-built"]


def test_what_was_built_in_vain_is_not_built_again_for_a_plan_without_what_is_refused(fleet):
    write_source_that_does_not_compile(fleet)
    fleet.change_application("greeter", checks=[{"name": "works", "command": {"cmd": ["false"]}}])
    status, printed = fleet.run("upgrade", "--limit", "here", "-e", "oxzep7_builder=here")
    assert status != 0 and "(package-not-built)" in printed and "(unhealthy)" in printed
    assert printed.count(BUILD_TASK) == 1
    applications = fleet.read_plan()["hosts"]["here"]["applications"]
    assert [[row["key"] for row in entry["blocked"]] for entry in applications] == [
        ["unhealthy"],
        ["package-not-built"],
    ]
    assert (fleet.read_version("greeter"), fleet.read_version("stuck")) == (fleet.old, fleet.old)


def test_a_run_is_about_the_chosen_applications(fleet):
    def run(playbook, **options):
        return fleet.run(playbook, "--limit", "here", "-e", json.dumps(options))

    status, printed = run("plan", oxzep7_only_applications=["gre*"])
    assert status == 0, printed
    plan = fleet.read_plan()
    assert [application["name"] for application in plan["hosts"]["here"]["applications"]] == ["greeter"]
    status, printed = run("backup", oxzep7_skip_applications=["stuck"])
    assert status == 0 and [path.name for path in (fleet.root / "backups").iterdir()] == ["greeter"], printed
    status, printed = run("upgrade", oxzep7_only_applications=["greeter"])
    assert status == 0 and (fleet.read_version("greeter"), fleet.read_version("stuck")) == (fleet.new, fleet.old)
    status, printed = run("drill", oxzep7_only_applications=["greeter"])
    assert status == 0, printed
    (record,) = (fleet.root / "oxzep7" / "report" / "drills").glob("*.json")
    drilled = json.loads(record.read_text(encoding="utf-8"))["results"]
    assert [(row["application"], row["result"]) for row in drilled] == [("greeter", "passed")]
    status, printed = run("diagnose", oxzep7_skip_applications=["stuck"])
    assert status == 0 and "greeter" in printed and "stuck" not in printed, printed
    status, printed = run("rollback", oxzep7_only_applications=["greeter"], oxzep7_generation="previous")
    assert status == 0 and fleet.read_version("greeter") == fleet.old, printed
    # What only a host beyond the limit declares is known; what none declares is an error.
    status, printed = run("plan", oxzep7_only_applications=["other"])
    assert status == 0 and fleet.read_plan() == plan, printed
    status, printed = run("plan", oxzep7_only_applications=["greeter"], oxzep7_skip_applications=["nosuch"])
    assert status == 2 and "no host declares nosuch; correct oxzep7_only_applications" in printed


def test_a_finding_of_the_preflight_costs_what_it_concerns(fleet):
    sick = fleet.root / "sick"
    sick.touch()
    healthy = {"name": "works", "command": {"cmd": ["test", "!", "-e", str(sick)]}}
    fleet.change_application("stuck", checks=[healthy])
    # Only a command line overrides what a host has.
    constraints = {"oxzep7_constraints": []}
    told = "stuck is not healthy before the promotion: "

    def run(identifier, **options):
        words = ["--limit", "here", "-e", json.dumps({"oxzep7_run_id": identifier, **constraints, **options})]
        status, printed = fleet.run("upgrade", *words)
        record = fleet.root / "oxzep7" / "report" / "runs" / identifier / "run.json"
        return status, printed, json.loads(record.read_text(encoding="utf-8")) if record.exists() else None

    status, printed, record = run("stopped", oxzep7_blocked="stop")
    assert status != 0 and told in printed and record is None
    assert (fleet.read_version("greeter"), fleet.read_version("stuck")) == (fleet.old, fleet.old)

    status, printed, record = run("first")
    assert status != 0 and told in printed and "(unhealthy)" in printed
    assert (fleet.read_version("greeter"), fleet.read_version("stuck")) == (fleet.new, fleet.old)
    outcomes = {row["application"]: row for row in record["applications"]}
    assert {name: row["outcome"] for name, row in outcomes.items()} == {"greeter": "upgraded", "stuck": "blocked"}
    assert told in outcomes["stuck"]["cause"] and outcomes["stuck"]["remediation"]
    delivered = json.loads((fleet.root / "state" / "plan.json").read_text(encoding="utf-8"))
    assert [bool(entry.get("blocked")) for entry in delivered["applications"]] == [False, True]

    status, printed, record = run("again")
    assert status != 0 and record["ledger"][0]["outcome"] == "blocked", printed
    sick.unlink()
    status, printed, record = run("repaired")
    assert status == 0 and fleet.read_version("stuck") == fleet.new, printed
    assert [(row["application"], row["result"]) for row in record["results"]] == [("stuck", "promoted")]
