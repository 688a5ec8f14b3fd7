# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts for the scenarios, and playbooks run against them as an operator would."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess

import pytest

from tests.fleet import fleet

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 900


@dataclasses.dataclass
class PlaybookController:
    """Runs the collection's playbooks from a folder of its own."""

    folder: pathlib.Path

    def __call__(self, playbook, *options, **variables):
        """The finished process; *variables* become extra variables."""
        return self.run_program("ansible-playbook", f"oxzep7.python.{playbook}", *options, "-e", json.dumps(variables))

    def run_program(self, program, *words):
        """The finished process of *program*, on the hosts of the fleet."""
        return subprocess.run(
            [program, "-i", str(fleet.INVENTORY), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
            env={**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1"},
        )


@pytest.fixture(scope="module")
def hosts():
    """Two hosts: the ledger with SQLite and with PostgreSQL."""
    fleet.start_fleet(["debian12:sqlite", "debian12:postgresql"])
    yield
    fleet.stop_fleet()


@pytest.fixture
def controller(tmp_path):
    return PlaybookController(tmp_path)
