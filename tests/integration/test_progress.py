# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress callback, as a pipeline and as somebody at a terminal sees it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

PLAYBOOK = """
- name: Watch
  hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - name: Remember
      ansible.builtin.set_fact:
        host_record: {step: {application: billing, from: "3.8", to: "3.9"}}
    - name: Recover
      oxzep7.python.recovery: {state_dir: "{{ state }}"}
    - name: Say
      ansible.builtin.debug:
        msg: [one line, another]
      run_once: true
    - name: Go on
      ansible.builtin.command: "false"
      when: inventory_hostname == 'b'
      ignore_errors: true
    - name: Fail
      oxzep7.python.backup:
        application: {name: billing, environment: /nowhere}
        state_dir: "{{ state }}"
        repository_password: nobody-may-see
      when: inventory_hostname == 'b'
    - name: Hide
      ansible.builtin.fail: {msg: nobody-may-see}
      no_log: true
      when: inventory_hostname == 'a'
    - name: Look
      oxzep7.python.recovery: {state_dir: "{{ state }}"}
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    (tmp_path / "ansible.cfg").write_text("[defaults]\nstdout_callback = oxzep7.python.progress\n")
    return [
        "ansible-playbook",
        "-i",
        "a,b,c",
        "-c",
        "local",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        "-e",
        f"state={tmp_path}/state",
        "play.yml",
    ]


def environment(tmp_path):
    given = {name: value for name, value in os.environ.items() if name != "ANSIBLE_STDOUT_CALLBACK"}
    return {**given, "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}


def test_a_line_for_each_change_of_phase(tmp_path, command):
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=120
    )
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in done.stdout.splitlines()]
    assert done.returncode == 2, done.stdout + done.stderr
    assert lines[0] == "Watch: 2 hosts (a, b)" and lines.count("a billing 3.8→3.9: recover") == 1
    assert (
        "one line" in lines
        and "another" in lines
        and any(line.startswith("b: ") and line.endswith("(the play goes on)") for line in lines)
    )
    assert any(re.match(r"b billing 3\.8→3\.9: failed in back up: billing: .*/nowhere", line) for line in lines), lines
    assert any(
        line.startswith("a billing 3.8→3.9: failed") and line.endswith("not shown, because no_log is set")
        for line in lines
    )
    assert "nobody-may-see" not in done.stdout and "TASK" not in done.stdout and "\x1b" not in done.stdout


def run_on_terminal(command, tmp_path):
    """What is shown of *command* on a terminal."""
    main, other = pty.openpty()
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=other, stderr=other
    ) as running:
        os.close(other)
        said = b""
        while True:
            try:
                data = os.read(main, 65536)
            except OSError:
                break
            if not data:
                break
            said += data
        running.wait(120)
    os.close(main)
    return said.decode()


def test_a_table_on_a_terminal(tmp_path, command):
    text = run_on_terminal(command, tmp_path)
    # The last table is drawn over those before it, and stays.
    last = text.rsplit("\x1b[J", 1)[1].replace("\r", "").splitlines()
    assert "\x1b[" in text and last[-1].startswith("Watch: 2 failed"), last
    assert any(re.match(r"host +application +step +phase +elapsed$", line) for line in last)
    assert any(re.match(r"b +billing +3\.8→3\.9 +failed +-$", line) for line in last) and "nobody-may-see" not in text


SLOW = """
import threading
from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils import _activity

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        lines, enough = [], threading.Event()

        def say(line):
            self._display.display(line)
            lines.append(line)
            if len(lines) == 2:
                enough.set()

        with _activity.Activity("work", say, 0.05):
            _activity.expect("pieces", 3)
            with _activity.track("pieces", "the first"):
                enough.wait(60)
        result.update(changed=False, lines=len(lines))
        return result
"""
STAGE = """
- name: Work
  hosts: all
  gather_facts: false
  tasks:
    - name: Take long
      slow:
      run_once: true
"""


@pytest.fixture
def stage(tmp_path):
    """A playbook with one long stage on the controller."""
    for folder, text in (("action_plugins", SLOW), ("library", "#!/usr/bin/python\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "slow.py").write_text(text)
    (tmp_path / "stage.yml").write_text(STAGE)
    return ["ansible-playbook", "-i", "a,b", "-c", "local", "stage.yml"]


@pytest.mark.parametrize("callback", ["default", "oxzep7.python.progress"])
def test_a_long_stage_says_what_it_does_with_any_callback(tmp_path, stage, callback):
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\nstdout_callback = {callback}\n")
    done = subprocess.run(
        stage, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "… work: " in line]
    assert len(lines) >= 3 and "… work: 0 of 3 pieces (now the first); 0s" in lines[0]
    assert "… work: 1 of 3 pieces; " in lines[-1]
    stamped = [bool(re.match(r"\d\d:\d\d:\d\d … ", line)) for line in lines]
    assert set(stamped) == {callback != "default"}


def test_a_long_stage_is_a_line_of_the_table_on_a_terminal(tmp_path, stage):
    (tmp_path / "ansible.cfg").write_text("[defaults]\nstdout_callback = oxzep7.python.progress\n")
    text = run_on_terminal(stage, tmp_path)
    drawn = [part.replace("\r", "").splitlines() for part in re.split(r"\x1b\[\d+A\x1b\[J", text)[1:]]
    seen = [lines for lines in drawn if any(line.startswith("… work: 0 of 3 pieces (now the first)") for line in lines)]
    # It stands between the hosts and the last line, and is drawn over by the next one.
    assert seen and all(lines[-1].startswith("Work: ") and lines[-2].startswith("… work: ") for lines in seen)
    assert max(sum(line.startswith("… work: ") for line in lines) for lines in drawn) == 1
