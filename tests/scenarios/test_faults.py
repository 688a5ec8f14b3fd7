# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Promotions that are killed, and hosts that stop, at every place that matters: nothing is ever half done."""

from __future__ import annotations

from tests.faults import backup, damage, power, promotion, restart, restore_again
from tests.faults.steady_host import FIRST, PATIENCE, expect_generation, start_steady_hosts
from tests.faults.steady_host import build_promotion_options as options
from tests.fleet import fleet


def test_a_promotion_survives_a_kill_at_calls_that_change_something():
    """One of four; `make faults NAME=promotion` tries every one."""
    points, survived = promotion.run_all(every=4)
    assert survived == points >= 40


def test_a_backup_and_a_restore_survive_a_kill_at_calls_that_change_something():
    """One of eight; `make faults NAME=backup` tries every one."""
    points, survived = backup.run_all(every=8)
    assert survived == points >= 20


def test_a_second_restore_of_the_same_backup_survives_a_kill():
    """One of sixteen; `make faults NAME=restore-again` tries every one."""
    points, survived = restore_again.run_all(every=16)
    assert survived == points >= 5


def test_every_damage_of_a_backup_is_found():
    """A few; `make faults NAME=damage` does 500."""
    assert damage.run_all(20) == (20, 20)


def test_every_change_survives_a_loss_of_power():
    """A few points of each change, and its end; `make faults NAME=power` tries about 2,000."""
    points, survived = power.run_all(limit=8)
    assert survived == points >= 100


def test_a_promotion_survives_a_stop_of_its_host():
    points, survived = restart.run_all()
    assert survived == points >= 20


def test_of_two_controllers_one_works_and_the_other_names_it():
    try:
        (host,) = start_steady_hosts()
        with restart.freeze_promotion(host, 25, FIRST, "upgrade"):
            second, building = host.run_actions(
                ["module", "promotion", options(FIRST, "upgrade")], ["module", "recovery", {"wait": 0}]
            )
        assert (
            second["failed"]
            and second["outcome"] == "refused"
            and "is being changed by run faults (process" in second["msg"]
        )
        assert building["closed"] == [] and building["busy"]["steady"]["run"] == "faults"
        opened, seen = host.run_actions(["wait", PATIENCE], ["look"])
        assert opened
        expect_generation(seen, FIRST)
    finally:
        fleet.stop_fleet()
