# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a step that failed: a release that cannot start on 3.10."""

from conftest import assert_whole


def test_runs_wholly_on_the_generation_before(ledger):
    assert_whole(ledger, "1-py3.9", "3.9.18")


def test_history_names_the_reason(ledger):
    last = ledger.state()["history"][-1]
    assert (last["event"], last["from"], last["to"]) == ("reverted", "1-py3.9", "2-py3.10")
    assert "ledger-web.service" in last["reason"]
