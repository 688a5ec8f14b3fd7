# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts for the scenarios, playbooks run against them as an operator would, and the order of the scenarios.

Each worker of ``pytest -n N`` has a fleet of its own.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.fleet import fleet
from tests.fleet.output import check_warnings
from tests.fleet.paths import ANSIBLE_CONF

TIMEOUT = 900
# Files whose tests share no hosts.
DIVISIBLE = {"test_faults", "test_molecule"}
# Workers take groups in this order, so that none is left with a long one at the end: names of tests or files.
LONGEST_FIRST = (
    "test_scenario[rollout]",
    "test_a_promotion_survives_a_kill_at_calls_that_change_something",
    "test_dead_run",
    "test_bad_input",
    "test_a_backup_and_a_restore_survive_a_kill_at_calls_that_change_something",
    "test_rehearsal",
    "test_real_applications",
    "test_eight_applications",
    "test_backups",
    "test_independence",
    "test_scenario[upgrade]",
    "test_trouble",
    "test_audit",
    "test_without_systemd",
    "test_a_promotion_survives_a_stop_of_its_host",
    "test_zoo",
    "test_services",
    "test_units",
    "test_own_packages",
    "test_causes",
    "test_interpreters",
    "test_fleet",
)


def pytest_collection_modifyitems(items):
    """Begin with the tests that take longest."""
    items.sort(key=rank_item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep tests that share hosts on one worker, in the order of collection."""
    config.option.loadscopereorder = False
    return FleetScheduling(config, log)


class FleetScheduling(LoadScopeScheduling):
    """Gives a worker a file at a time, and of divisible files a test."""

    def _split_scope(self, nodeid):
        path = nodeid.partition("::")[0]
        return nodeid if pathlib.PurePath(path).stem in DIVISIBLE else path


def rank_item(item):
    for rank, name in enumerate(LONGEST_FIRST):
        if name in (item.name, item.path.stem):
            return rank
    return len(LONGEST_FIRST)


@dataclasses.dataclass
class PlaybookController:
    """Runs the collection's playbooks from a folder of its own.

    ``warnings`` are texts of warnings that its runs may print, each with the reason; any other one is a failure.
    ``timeout`` is for each of its programs, in seconds.
    """

    folder: pathlib.Path
    warnings: dict = dataclasses.field(default_factory=dict)
    timeout: float = TIMEOUT

    def __call__(self, playbook, *options, warnings=None, **variables):
        """The finished process; *variables* become extra variables. *warnings* are for this run only."""
        words = (f"oxzep7.python.{playbook}", *options, "-e", json.dumps(variables))
        return self.run_program("ansible-playbook", *words, warnings=warnings)

    def run_program(self, program, *words, warnings=None):
        """The finished process of *program*, on the hosts of the fleet. *warnings* are for this run only."""
        done = subprocess.run(
            [program, "-i", str(fleet.INVENTORY), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.timeout,
            env={**os.environ, "ANSIBLE_CONFIG": str(ANSIBLE_CONF), "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1"},
        )
        check_warnings(done.stdout + done.stderr, {**self.warnings, **(warnings or {})})
        return done


@pytest.fixture(scope="module")
def hosts():
    """Two hosts: the ledger with SQLite and with PostgreSQL."""
    fleet.start_fleet(["debian12:sqlite", "debian12:postgresql"])
    yield
    fleet.stop_fleet()


@pytest.fixture
def controller(tmp_path):
    return PlaybookController(tmp_path)
