# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module promotion does after a promotion has ended cannot change how it ended."""

import types

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, LeaseHeldError
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import validate_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._record import PromotionRecord
from ansible_collections.oxzep7.python.plugins.modules import promotion

GIVEN = {
    "generation": "1",
    "kind": "upgrade",
    "timeout": 1.0,
    "stability_window": 0.0,
    "service_timeout": 1.0,
    "dead_man": "preferred",
    "dead_man_interval": 10.0,
    "accept_unhealthy": [],
    "keep_generations": 1,
    "forget_original": False,
    "rollback_window": 0.0,
    "run_id": "run",
}


@pytest.mark.parametrize(
    "error",
    [OSError(1, "Operation not permitted"), ValueError("state.json is not valid JSON"), LeaseHeldError("a", {})],
)
def test_old_generations_that_stay_are_a_warning(tmp_path, monkeypatch, error):
    def prune(*_arguments):
        raise error

    done = {"outcome": "promoted", "generation": "1", "from": "0", "warnings": ["the deadline stays"]}
    monkeypatch.setattr(promotion, "promote_generation", lambda *_arguments: done)
    monkeypatch.setattr(promotion, "prune_generations", prune)
    declared = validate_declaration({"name": "mill", "environment": str(tmp_path)})
    warnings = []
    module = types.SimpleNamespace(
        params=dict(GIVEN, application=declared, state_dir=str(tmp_path)), check_mode=False, warn=warnings.append
    )
    record = PromotionRecord(ApplicationState(str(tmp_path), "mill"), "1")
    result = promotion._run(module, record, Changes())
    assert result["outcome"] == result["record"]["result"] == "promoted"
    assert warnings[0] == "the deadline stays" and str(error) in warnings[1] and "mill" in warnings[1]
