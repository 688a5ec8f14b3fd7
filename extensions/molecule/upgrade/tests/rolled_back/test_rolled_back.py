# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After the rollback to the previous generation."""

from conftest import assert_whole


def test_runs_wholly_on_the_previous_generation(ledger):
    assert_whole(ledger, "2-py3.10", "3.10.13")


def test_history_tells_that_it_was_a_rollback(ledger):
    last = ledger.state()["history"][-1]
    assert (last["event"], last["kind"], last["from"], last["to"]) == ("promoted", "rollback", "3-py3.11", "2-py3.10")
