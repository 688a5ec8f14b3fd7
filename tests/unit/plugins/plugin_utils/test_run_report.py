# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's rows, and the record of a run."""

from __future__ import annotations

from ansible_collections.oxzep7.python.plugins.filter.record_outcome import record_outcome
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _record, _run
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record, _ledger

WAVE = {
    "number": 2,
    "hosts": ["a", "b", "c"],
    "applications": {"a": ["x", "y"], "b": ["x", "y", "z"], "c": ["x"]},
    "steps": 3,
    "restarts": 6,
    "seconds": 90.0,
}
PROMOTED = {"application": "x", "from": "3.8", "to": "3.9", "downtime_ms": 5, "result": "promoted"}
HOSTVARS = {
    "a": {
        "host_record": {"results": [PROMOTED], "outcome": "upgraded", "step": {"application": "x", "ended": True}},
        "backup_results": {"results": [{"backup_application": "x", "backup": "b1"}, {}]},
    },
    "b": {
        "host_record": {
            "results": [PROMOTED],
            "outcome": "reverted",
            "reason": "sick | bad",
            "step": {"application": "y", "from": "3.9", "to": "3.10", "ended": False},
        },
    },
    "c": {},
}


def everything():
    rows = _run.list_ended_rows(HOSTVARS, WAVE, ["a", "b"])
    return rows, [entry for row in rows for entry in _run.list_step_rows(row["host"], HOSTVARS[row["host"]], row)]


def test_a_row_for_every_host_and_every_step_and_every_failure():
    rows, results = everything()
    assert [(row["host"], row["outcome"], row["wave"]) for row in rows] == [
        ("a", "upgraded", 2),
        ("b", "reverted", 2),
        ("c", "unreachable", 2),
    ]
    assert [(entry["host"], entry["result"]) for entry in results] == [
        ("a", "promoted"),
        ("b", "promoted"),
        ("b", "reverted"),
        ("c", "unreachable"),
    ]
    assert results[0]["backup"] == "b1 (unverified)"
    lines = _run.format_step_table(results)
    assert (
        lines[0].split() == ["host", "application", "from", "to", "backup", "downtime_ms", "result"]
        and lines[4].split()[-1] == "unreachable"
    )


def test_outcomes_by_application():
    rows, results = everything()
    told = {(row["host"], row["application"]): row["outcome"] for row in _run.split_by_application(rows)}
    assert told == {
        ("a", "x"): "upgraded",
        ("a", "y"): "upgraded",
        ("b", "x"): "upgraded",
        ("b", "y"): "reverted",
        ("b", "z"): "skipped",
        ("c", "x"): "unreachable",
    }


def test_who_goes_back():
    rows, results = everything()
    first = [
        {"host": "o", "wave": 1, "outcome": "upgraded", "reason": "", "applications": ["x"]},
        {"host": "n", "wave": 1, "outcome": "upgraded", "reason": "", "applications": []},
    ]
    done = [*results, {"host": "o", "result": "promoted"}]
    assert _run.select_rollback_hosts(first + rows, done, 2, "stop", {}) == []
    assert _run.select_rollback_hosts(first + rows, done, 2, "rollback_wave", {}) == [["a", "b"]]
    assert _run.select_rollback_hosts(first + rows, done, 2, "rollback_run", {}) == [["a", "b"], ["o"]]


def test_hosts_that_are_down_are_named_first():
    """Of all bad outcomes these need somebody at once."""
    hostvars = {
        "a": {"host_record": record_outcome({}, "upgrade", {"outcome": "reverted", "msg": "sick"})},
        "b": {"host_record": record_outcome({}, "upgrade", {"outcome": "refused", "msg": "no"})},
        "c": {"host_record": record_outcome({}, "upgrade", {"outcome": "failed", "msg": "x is not healthy: web"})},
    }
    wave = {"number": 1, "hosts": ["a", "b", "c"], "applications": {"c": ["x"]}}
    rows = _run.list_ended_rows(hostvars, wave, ["a", "b", "c"])
    assert [line.split(":")[0] for line in _run.list_off_target(rows, "upgrade")] == ["c", "b", "a"]
    summary = _run.format_run_summary(rows, _run.list_off_target(rows, "upgrade"), "", "/somewhere").splitlines()
    assert summary[0] == "2 failed, 1 reverted" and summary[1] == "c: failed: x is not healthy: web"
    assert _ledger.describe_failures(rows, 1, "upgrade") == (
        "an application is down on c; hosts of wave 1 have failed: c, b, a"
    )
    assert _ledger.describe_failures(rows[:1], 1, "upgrade") == "hosts of wave 1 have failed: a"
    assert _ledger.describe_failures([], 1, "upgrade") == ""
    limits = {"x": 1}
    assert "c may be without x" in _ledger.check_availability(rows, ["d"], {"c": ["x"], "d": ["x"]}, limits)
    undone = record_outcome(hostvars["c"]["host_record"], "rollback", undone_for="b is not upgraded")
    assert undone["outcome"] == "reverted" and not undone["down"]


def test_the_cause_of_a_failure_is_in_the_row_of_its_host():
    cause = "ImportError: cannot import name 'getargspec' from 'inspect' (/srv/x/bottle.py, line 72)"
    failure = {
        "outcome": "reverted",
        "msg": f"generation 2 of x failed and 1 is live again: {cause}; check",
        "cause": cause,
    }
    hostvars = {
        "a": {"host_record": record_outcome({}, "upgrade", failure)},
        "b": {"host_record": record_outcome({}, "upgrade", {"outcome": "refused", "msg": "disk\nfull " + "x" * 1000})},
        "c": {"host_record": record_outcome({}, "upgrade")},
    }
    wave = {"number": 1, "hosts": ["a", "b", "c"], "applications": {}}
    ended = {row["host"]: row for row in _run.list_ended_rows(hostvars, wave, ["a", "b", "c"])}
    assert ended["a"]["cause"] == cause and "cause" not in ended["c"]
    assert ended["b"]["cause"].startswith("disk full xxx") and len(ended["b"]["cause"]) == 400
    rows = [row for host, row in ended.items() for row in _run.list_step_rows(host, hostvars[host], row)]
    heading, first, *_rest, last = _run.format_step_table(rows)
    assert heading.split()[-1] == "cause" and first.endswith(cause) and last.endswith("-")
    assert _run.format_step_table(rows[2:])[0].split()[-1] == "result"


def test_no_host_goes_back_in_a_rollback():
    rows = [{"host": host, "wave": 1, "outcome": "reverted", "reason": "", "applications": []} for host in "ab"]
    done = [{"host": host, "result": "promoted"} for host in "ab"]
    assert _run.select_rollback_hosts(rows, done, 1, "rollback_run", {}) == [["a", "b"]]
    assert _run.select_rollback_hosts(rows, done, 1, "rollback_run", {}, kind="rollback") == []


def test_hosts_go_back_in_groups_that_leave_enough_others():
    rows = [
        {"host": f"h{number}", "wave": 1, "outcome": "upgraded", "reason": "", "applications": ["x"]}
        for number in range(4)
    ]
    rows.append({"host": "down", "wave": 2, "outcome": "failed", "reason": "", "applications": ["x"]})
    rows.append({"host": "other", "wave": 2, "outcome": "upgraded", "reason": "", "applications": ["y"]})
    rows += _run.list_unreachable_rows(["nobody"])
    done = [{"host": row["host"], "result": "promoted"} for row in rows[:-1]]

    def groups(limit):
        return _run.select_rollback_hosts(rows, done, 2, "rollback_run", {"x": limit, "y": 1})

    assert groups(3) == [["down", "other"], ["h0", "h1"], ["h2", "h3"]]
    assert groups(1) == [["down", "other"], ["h0"], ["h1"], ["h2"], ["h3"]]
    assert groups(9) == [["down", "other"], ["h0", "h1", "h2", "h3"]]


def test_hosts_whose_wave_never_began():
    later = {"number": 3, "hosts": ["d"], "applications": {"d": ["x"]}}
    rows = _run.list_skipped_rows([WAVE, later], 2, "b is not upgraded") + _run.list_unreachable_rows(["e"])
    assert [(row["host"], row["outcome"]) for row in rows] == [("d", "skipped"), ("e", "unreachable")]
    lines = _run.list_off_target(rows, "upgrade")
    assert lines[0] == "d: skipped: its wave did not begin: b is not upgraded"
    text = _run.format_run_summary(rows, lines * 15, "b is not upgraded", "/somewhere")
    assert "1 skipped, 1 unreachable" in text and "and 10 more" in text and text.endswith("the record is in /somewhere")


def test_the_summary_of_a_rollback_says_which_it_was():
    back = {"application": "x", "from": "2", "to": "0", "downtime_ms": 1, "result": "promoted"}
    results = [
        {"host": "a", **back, "chosen": "before run nightly"},
        {"host": "b", **back, "chosen": "before run weekly"},
        {"host": "c", **back, "chosen": "before run nightly"},
        {"host": "d", **PROMOTED},
    ]
    assert _run.format_step_table(results)[-2:] == [
        "rollback of x, before run nightly: a, c",
        "rollback of x, before run weekly: b",
    ]
    text = _run.format_run_summary([], [], "", "/somewhere", results)
    assert text.splitlines()[1:3] == [
        "rollback of x, before run nightly: a, c",
        "rollback of x, before run weekly: b",
    ]


def test_the_change_record():
    rows, results = everything()
    run = {
        "run": "nightly",
        "kind": "upgrade",
        "target": "3.10",
        "plan": "p",
        "began": "t1",
        "ended": "t2",
        "waves": [WAVE],
        "ledger": rows,
        "results": results,
        "closed": "b is not upgraded",
        "on_failure": "stop",
        "budget": {"per_run": 0, "per_wave": "10%"},
    }
    text = _record.format_change_record(run)
    assert (
        "- outcome: 1 reverted, 1 unreachable, 1 upgraded" in text
        and "target: Python 3.10, plan p" in text
        and "10% per wave" in text
    )
    assert "| a | x | 3.8 | 3.9 | b1 (unverified) | 5 | promoted |" in text and "- b: reverted: sick | bad" in text
    assert "2. a, b, c (3 steps, 6 restarts, about 2 min)" in text
    assert "No wave began any more: b is not upgraded." in text and "-e oxzep7_rollback_run=nightly" in text
    assert "## Not tried" not in text


def test_the_change_record_says_what_no_proof_has_tried():
    part = {
        "reason": "end or block their process in both environments",
        "count": 4,
        "names": ["p.q", "p.r", "p.s", "p.t"],
    }
    record = _host_record.begin_step({}, {"application": "x", "from": "3.8", "to": "3.9", "lock": "l"}, "upgrade")
    record = _host_record.add_result(record, {"record": {"result": "promoted", "from": "0", "to": "1"}}, [part])
    rows, results = everything()
    results += [{"host": host, **record["results"][0]} for host in ("web1", "web2", "web3")]
    run = {"run": "r", "kind": "upgrade", "began": "t1", "ended": "t2", "waves": [], "ledger": rows, "results": results}
    text = _record.format_change_record({**run, "closed": "", "on_failure": "stop", "budget": {}})
    section = text.partition("## Not tried by the proofs\n\n")[2].partition("\n\n")[0]
    assert section == f"- web[1:3]: x 3.8 -> 3.9: {part['reason']}: 4 (p.q, p.r, p.s, ...)"


def application(name="x", opened=False, **history):
    return {
        "name": name,
        "current": "1-py3.9",
        "python": "3.9.1",
        "open": opened,
        "history": [history] if history else [],
    }


def test_a_run_that_nobody_here_saw():
    event = {
        "time": "2026-11-24T01:00:00Z",
        "application": "x",
        "event": "promoted",
        "from": "0",
        "to": "1",
        "reason": None,
    }
    records = {
        "good": {
            "events": [event],
            "applications": [application(event="promoted", kind="upgrade", **{"from": "0", "to": "1"})],
        },
        "undone": {"events": [event], "applications": [application(event="reverted", kind="upgrade", reason="sick")]},
        "down": {
            "events": [event],
            "applications": [application(event="failed", kind="upgrade", reason="sick", problem="web: not running")],
        },
        "open": {"events": [event], "applications": [application(opened=True)]},
        "back": {"events": [event], "applications": [application(event="promoted", kind="rollback")]},
        "none": {"events": [], "applications": [application()]},
        "built": {"events": [event], "applications": [application()]},
        "gone": None,
    }
    ledger, results = _record.rebuild_ledger(records, "nightly")
    assert {row["host"]: row["outcome"] for row in ledger} == {
        "good": "upgraded",
        "undone": "reverted",
        "down": "failed",
        "open": "interrupted",
        "back": "reverted",
        "none": "skipped",
        "built": "skipped",
        "gone": "unknown",
    }
    assert [row["reason"] for row in ledger][1] == "x: sick" and len(results) == 4
    assert ledger[2]["reason"] == "x is not healthy after its change was undone: web: not running"
    assert "- 2026-11-24T01:00:00Z x: promoted (from 0, to 1)" in _record.format_timeline(
        "good", records["good"], "nightly"
    )
    assert "gave no record" in _record.format_timeline(
        "gone", None, "nightly"
    ) and "and a promotion is open" in _record.format_timeline("open", records["open"], "nightly")
    run = {
        "run": "n",
        "kind": "upgrade",
        "began": None,
        "ended": None,
        "waves": [],
        "ledger": ledger,
        "results": results,
        "closed": "",
        "on_failure": "stop",
        "budget": {"per_run": 0, "per_wave": None},
    }
    assert "do not say which waves there were" in _record.format_change_record(run)
