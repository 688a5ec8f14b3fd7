# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a host, through the filters by which roles write it."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.filter.record_failure import record_failure
from ansible_collections.oxzep7.python.plugins.filter.record_outcome import record_outcome
from ansible_collections.oxzep7.python.plugins.filter.record_result import record_result
from ansible_collections.oxzep7.python.plugins.filter.record_step import record_step
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import LeaseHeldError
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._run import list_ended_rows, list_step_rows
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record, _ledger

STEP = {"application": "x", "from": "3.8", "to": "3.9", "lock": "l", "label": "x 3.8 -> 3.9", "interpreter": {}}
RECORD = {
    "application": "x",
    "from": "0",
    "to": "1",
    "lock": "m",
    "downtime_ms": 5,
    "seconds": 1.5,
    "result": "promoted",
}
PROMOTION = {"outcome": "promoted", "journal": {"events": []}, "record": RECORD}
BACK = {"application": "x", "from": "live", "to": "before r"}


def list_doubtful(record, names):
    wave = {"number": 1, "hosts": ["a"], "applications": {"a": names}}
    (row,) = list_ended_rows({"a": {"host_record": record}}, wave, ["a"])
    return _ledger.list_doubtful_applications(row)


def upgraded():
    record = record_result(record_step({}, STEP, "upgrade"), PROMOTION)
    return record_outcome(record, "upgrade")


def rows(record, outcome, reason=""):
    return list_step_rows("a", {"host_record": record}, {"outcome": outcome, "reason": reason})


def test_an_upgraded_host():
    record = upgraded()
    assert _host_record.determine_outcome(record, False) == ("upgraded", "")
    assert record["promoted"] == ["x"] and _host_record.get_journal(record) == {"events": []}
    (row,) = rows(record, "upgraded")
    assert row.pop("seconds") >= 0
    assert row == {
        "host": "a",
        "application": "x",
        "from": "3.8",
        "to": "3.9",
        "lock": "l",
        "downtime_ms": 5,
        "result": "promoted",
        "backup": None,
    }


def test_a_step_that_is_only_built_promotes_nothing():
    record = record_result(record_step({}, STEP, "upgrade"), {})
    assert record["results"][0]["result"] == "built" and "promoted" not in record


def test_a_host_on_which_the_second_step_was_undone():
    record = record_step(upgraded(), {**STEP, "from": "3.9", "to": "3.10"}, "upgrade")
    record = record_outcome(record, "upgrade", {"outcome": "reverted", "msg": "sick"})
    assert _host_record.determine_outcome(record, True) == ("reverted", "sick")
    assert [(row["to"], row["result"]) for row in rows(record, "reverted", "sick")] == [
        ("3.9", "promoted"),
        ("3.10", "reverted"),
    ]
    # What the host wrote down after the first promotion is not in its journal.
    assert _host_record.get_journal(record) is None
    later = record_outcome(record, "upgrade", {"msg": "no"}, "oxzep7_failed_host_tasks")
    assert later["outcome"] == "reverted" and later["reason"] == "sick; and oxzep7_failed_host_tasks failed: no"


def fail(record, failure, kind="upgrade", after_failure="continue"):
    return record_failure(record, failure, kind, after_failure)


def test_an_application_that_failed_stops_only_itself():
    record = fail(record_step({}, STEP, "upgrade"), {"outcome": "reverted", "msg": "x: sick", "cause": "KeyError: 1"})
    assert record["stopped"] == ["x"] and "left" not in record
    record = record_result(record_step(record, {**STEP, "application": "y"}, "upgrade"), PROMOTION)
    done = record_outcome(record, "upgrade")
    assert _host_record.determine_outcome(done, True) == ("reverted", "x: sick")
    assert done["cause"] == "KeyError: 1" and not done["down"]
    assert [(row["application"], row["result"], row.get("cause")) for row in rows(done, "reverted")] == [
        ("y", "promoted", None),
        ("x", "reverted", "KeyError: 1"),
    ]
    # What is healthy on the old environment is not in doubt.
    assert list_doubtful(done, ["x", "y"]) == []


def test_of_several_failures_the_worst_is_the_outcome_of_the_host():
    record = {}
    for name, outcome in (("x", "reverted"), ("y", "failed"), ("z", "refused")):
        record = fail(record_step(record, {**STEP, "application": name}, "upgrade"), {"outcome": outcome, "msg": name})
    done = record_outcome(record, "upgrade")
    assert (done["outcome"], done["reason"], done["down"]) == ("failed", "y; z; x", True)
    assert list_doubtful(done, ["x", "y", "z"]) == ["y", "z"]
    also = record_outcome(record, "upgrade", {"msg": "hook"})
    assert also["outcome"] == "failed" and also["reason"] == "y; z; hook; x"


@pytest.mark.parametrize(
    "failure",
    [
        {"msg": "x: uv ended with 2: No space left on device (os error 28)"},
        {"msg": "[Errno 30] Read-only file system: '/srv/x'"},
        {"msg": "Missing sudo password"},
        {"msg": str(LeaseHeldError("x", {"run": "nightly", "pid": 7, "since": "2026-11-30T01:00:00Z"}))},
        {"msg": "MODULE FAILURE", "module_stdout": ""},
        {"msg": "an unexpected error", "crashed": True},
    ],
)
def test_a_failure_of_the_host_leaves_it(failure):
    record = fail(record_step({}, STEP, "upgrade"), failure)
    assert record["left"] == "upgrade"
    assert "left" not in fail(record_step({}, STEP, "upgrade"), {"msg": "x: check 'space' (command): no password"})


def test_a_host_is_left_where_that_is_asked():
    assert fail(record_step({}, STEP, "upgrade"), {"msg": "no"}, after_failure="leave_host")["left"] == "upgrade"


def test_backups_that_failed_concern_their_applications():
    items = [
        {"backup_application": "x", "ansible_loop_var": "backup_application", "failed": True, "msg": "x: damaged"},
        {"backup_application": "y", "ansible_loop_var": "backup_application", "backup": "1"},
    ]
    record = fail({}, {"msg": "One or more items failed", "results": items})
    assert record["stopped"] == ["x"] and "left" not in record
    assert record["failures"][0]["reason"] == "x: damaged"
    # Without an application nothing can be told apart.
    assert fail({}, {"msg": "no role"})["left"] == "upgrade"


def test_each_application_goes_back_for_itself():
    record = fail(record_step(upgraded(), BACK, "rollback"), {"outcome": "failed", "msg": "x: gone"}, "rollback")
    done = record_outcome(record, "rollback", undone_for="b is not upgraded")
    assert _host_record.determine_outcome(done, True) == ("failed", "it could not be rolled back: x: gone")
    # A failure of the upgrade is why it goes back, and not how that ended.
    record = fail(record_step(upgraded(), STEP, "upgrade"), {"outcome": "reverted", "msg": "x: sick"})
    done = record_outcome(record, "rollback", undone_for="b is not upgraded")
    assert done["outcome"] == "reverted" and done["reason"] == "rolled back, because b is not upgraded"


def test_a_host_that_was_rolled_back_with_others():
    record = record_result(
        record_step(upgraded(), BACK, "rollback"), {**PROMOTION, "record": {**RECORD, "from": "1", "to": "0"}}
    )
    done = record_outcome(record, "rollback", undone_for="b is not upgraded")
    assert _host_record.determine_outcome(done, True) == ("reverted", "rolled back, because b is not upgraded")
    assert [(row["to"], row["result"]) for row in rows(done, "reverted")] == [("3.9", "promoted"), ("0", "promoted")]
    assert "seconds" not in rows(done, "reverted")[1] and done["promoted"] == ["x"]
    assert _host_record.get_journal(done) is None
    lost = record_outcome(record, "rollback", {"msg": "no"}, undone_for="b is not upgraded")
    assert _host_record.determine_outcome(lost, True) == ("failed", "it could not be rolled back: no")


def test_a_host_that_is_lost_while_it_goes_back_with_others():
    good = record_outcome(upgraded(), "upgrade")
    assert good["outcome"] == "upgraded"
    going = record_step(good, BACK, "rollback")
    outcome, reason = _host_record.determine_outcome(going, False)
    assert (outcome, reason) == ("unknown", "it became unreachable while x went back; the next run learns what is live")
    told = _host_record.list_application_outcomes(going, ["x", "y"], outcome, reason, "upgrade")
    assert [row["outcome"] for row in told] == ["unknown", "unknown"] and told[0]["reason"] == reason
    # What is known of it stays so when it is lost later.
    record = record_result(going, {**PROMOTION, "record": {**RECORD, "from": "1", "to": "0"}})
    assert _host_record.determine_outcome(record, False)[0] == "upgraded"
    failed = record_outcome(
        fail(going, {"outcome": "failed", "msg": "x: gone"}, "rollback"), "rollback", undone_for="b is not upgraded"
    )
    assert _host_record.determine_outcome(failed, False) == ("failed", "it could not be rolled back: x: gone")


def test_a_rollback_that_only_restores():
    record = record_result(record_step({}, BACK, "rollback"), {"skipped": True})
    done = record_outcome(record, "rollback")
    assert [(row["to"], row["result"]) for row in rows(done, "reverted")] == [(None, "restored")]


def test_how_the_generation_of_a_rollback_was_chosen_is_kept_for_the_summary():
    promotion = {**PROMOTION, "record": {**RECORD, "chosen": "before run r"}}
    assert record_result(record_step({}, BACK, "rollback"), promotion)["results"][0]["chosen"] == "before run r"
    assert "chosen" not in record_result(record_step({}, STEP, "upgrade"), promotion)["results"][0]
