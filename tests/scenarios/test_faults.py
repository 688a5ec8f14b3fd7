# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Promotions that are killed, and hosts that stop, at every place that matters: nothing is ever half done."""

from __future__ import annotations

from tests.faults import promotion, restart


def test_a_promotion_survives_a_kill_at_every_call_that_changes_something():
    points, survived = promotion.run_all()
    assert survived == points >= 150


def test_a_promotion_survives_a_stop_of_its_host():
    points, survived = restart.run_all()
    assert survived == points >= 20
