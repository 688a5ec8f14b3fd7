# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings in the output of playbooks are found on every supported release of ansible-core."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.fleet.output import find_unexpected_warnings, list_warnings
from tests.integration.cores import NEWEST, OLDER_RELEASES, can_run_release, install_core

LONG = "the application that is called billing-db is past its end-of-life and has no more updates (some-key); go on"
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: before}
    - ansible.builtin.fail: {msg: "[WARNING] is part of a text"}
      ignore_errors: true
      when: false
    - warn:
    - ansible.builtin.debug: {msg: after}
"""
ACTION = f"""
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        self._display.warning({LONG!r})
        self._display.warning("another one")
        return {{"changed": False}}
"""


@pytest.mark.parametrize("release", [NEWEST, *OLDER_RELEASES])
@pytest.mark.parametrize("together", [True, False])
def test_each_warning_is_found_whole(release, together, tmp_path):
    if release != NEWEST and not can_run_release(release):
        pytest.skip(f"ansible-core {release} does not run on this Python")
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "warn.py").write_text(ACTION)
    (tmp_path / "play.yml").write_text(PLAY)
    done = subprocess.run(
        [install_core(release) / "ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"},
    )
    text = done.stdout + (done.stderr or "")
    assert len(list_warnings(text)) == 2, text
    assert find_unexpected_warnings(text, {"past its end-of-life and": "", "another": ""}) == []
    (left,) = find_unexpected_warnings(text, {LONG: "planted"})
    assert left.endswith("another one"), text
