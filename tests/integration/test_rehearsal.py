# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of several applications on this machine: each ends for itself, and what is learned stays."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.integration.conftest import write_wheel

BREAKS = "import sys\nif sys.version_info >= ({new}): import {gone}\n"
SETTINGS = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}


class RehearsedHost:
    """A host with three applications: one works, one is cured by a later version, one by none."""

    def __init__(self, root, interpreters, names=("lost", "cured", "sound")):
        self.root = root
        (_old, self.python), (self.new, path) = interpreters[:2]
        wheels = root / "wheels"
        wheels.mkdir()
        fails = BREAKS.format(new=self.new.replace(".", ", "), gone="a_module_that_left")
        for name, version, text in (
            ("sound", "1.0", ""),
            ("cured", "1.0", fails),
            ("cured", "1.1", ""),
            ("lost", "1.0", fails),
            ("lost", "1.1", fails),
        ):
            write_wheel(wheels, name, version, {f"{name}.py": text})
        for name in names:
            environment = root / name / "venv"
            subprocess.run([self.python, "-m", "venv", "--without-pip", environment], check=True)
            wheel = wheels / f"{name}-1.0-py3-none-any.whl"
            words = ["uv", "pip", "install", "--quiet", "--offline", "--no-config", "--no-deps"]
            subprocess.run([*words, "--python", environment / "bin" / "python", wheel], check=True)
        self.declared = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "oxzep7_become": False,
            "oxzep7_target": self.new,
            "oxzep7_state_dir": str(root / "host"),
            "oxzep7_interpreter_dir": str(root / "interpreters"),
            "oxzep7_wheelhouse_dir": str(root / "wheelhouse"),
            "oxzep7_cache_dir": str(root / "cache"),
            "oxzep7_roots": [str(root)],
            "oxzep7_homes": False,
            "oxzep7_offline": True,
            "oxzep7_find_links": [str(wheels)],
            "oxzep7_interpreters": [{"source": "existing", "version": self.new, "path": path}],
            "oxzep7_applications": [
                {"name": name, "environment": str(root / name / "venv"), "user": pwd.getpwuid(os.geteuid()).pw_name}
                for name in names
            ],
        }
        self.inventory = root / "inventory.json"
        self.inventory.write_text(json.dumps({"all": {"hosts": {"host1": self.declared}}}), encoding="utf-8")

    def rehearse(self):
        words = ["ansible-playbook", "-i", str(self.inventory), "oxzep7.python.rehearse"]
        return subprocess.run(
            words,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **SETTINGS},
        )

    def rehearse_until_something_is_learned(self):
        """Kill the controller and what it runs as soon as there is a constraint."""
        running = subprocess.Popen(
            ["ansible-playbook", "-i", str(self.inventory), "oxzep7.python.rehearse"],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **SETTINGS},
            start_new_session=True,
        )
        constraints = self.root / "oxzep7" / "plan" / "constraints.yml"
        while not constraints.exists():
            assert running.poll() is None, running.stdout.read().decode()[-4000:]
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()

    def read_constraints(self):
        return yaml.safe_load((self.root / "oxzep7" / "plan" / "constraints.yml").read_text(encoding="utf-8"))

    def list_generations(self, name):
        folder = self.root / name / "venv.generations"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def rehearsed(tmp_path, interpreters):
    return RehearsedHost(tmp_path, interpreters)


def test_an_application_that_nothing_cures_ends_for_itself(rehearsed):
    for known in (0, 2):
        done = rehearsed.rehearse()
        printed = done.stdout + done.stderr
        # What has a generation is not tried again, although the trials are forgotten.
        assert printed.count(f": generation 1-py{rehearsed.new} was proved with this lock") == known, printed[-6000:]
        for path in (rehearsed.root / "host" / "applications").glob("*/trials.json"):
            path.unlink()
        assert done.returncode != 0, printed[-4000:]
        assert "not rehearsed to the target: lost; what was learned is kept" in printed, printed[-6000:]
        assert f"lost on Python {rehearsed.new}: no version of any package cures lost: " in printed
        assert (
            "No module named 'a_module_that_left'" in printed
            and "run oxzep7.python.rehearse again with --limit host1" in printed
        )
        (learned,) = rehearsed.read_constraints()
        assert (learned["requirement"], learned["python"]) == ("cured>=1.1", f">={rehearsed.new}")
        evidence = json.loads((rehearsed.root / "oxzep7" / "plan" / "evidence.json").read_text(encoding="utf-8"))
        states = {(row["package"], row["version"], row["state"]) for row in evidence["evidence"]}
        assert {("cured", "1.0", "breaks"), ("cured", "1.1", "works"), ("sound", "1.0", "works")} <= states
        assert ("lost", "1.0", "works") not in states
        assert [rehearsed.list_generations(name) for name in ("lost", "cured", "sound")] == [
            [],
            [f"1-py{rehearsed.new}"],
            [f"1-py{rehearsed.new}"],
        ]


def test_a_rehearsal_that_was_killed_goes_on_where_it_was(tmp_path, interpreters):
    host = RehearsedHost(tmp_path, interpreters, ("sound", "cured"))
    host.rehearse_until_something_is_learned()
    (learned,) = host.read_constraints()
    assert learned["requirement"] == "cured>=1.1"
    assert host.list_generations("sound") == [] and f".rehearsal-{host.new}" in host.list_generations("cured")
    done = host.rehearse()
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-4000:]
    assert f"host1: sound on Python {host.new}: an earlier trial of this lock passed" in printed
    assert host.read_constraints() == [learned]
    assert [host.list_generations(name) for name in ("sound", "cured")] == [[f"1-py{host.new}"]] * 2
