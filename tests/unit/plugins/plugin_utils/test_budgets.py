# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes and budgets by application: what fails, is blocked or is closed costs no other application anything."""

from __future__ import annotations

import math

import pytest
from ansible_collections.oxzep7.python.plugins.action import plan_delivery, wave_gate
from ansible_collections.oxzep7.python.plugins.filter.record_failure import record_failure
from ansible_collections.oxzep7.python.plugins.filter.record_outcome import record_outcome
from ansible_collections.oxzep7.python.plugins.filter.record_result import record_result
from ansible_collections.oxzep7.python.plugins.filter.record_step import record_step
from ansible_collections.oxzep7.python.plugins.filter.record_wave import record_wave
from ansible_collections.oxzep7.python.plugins.filter.rollback_order import rollback_order
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _record, _run
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger
from hypothesis import given
from hypothesis import strategies as st

KINDS = (_ledger.UPGRADE, _ledger.ROLLBACK)
NAMES = ("billing", "mail", "wiki")
BAD = ("reverted", "failed", "unreachable", "interrupted", "unknown")
amounts = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda percent: f"{percent}%"))
budgets = st.builds(_ledger.FailureBudget, amounts, st.one_of(st.none(), amounts))
# Of each host: its wave, and the outcome of each of its applications.
fleets = st.lists(
    st.tuples(
        st.integers(1, 3), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(_ledger.SEVERITY), min_size=1)
    ),
    max_size=15,
)


def build_rows(fleet, kind="upgrade"):
    rows = []
    for number, (wave, outcomes) in enumerate(fleet):
        parts = [{"application": name, "outcome": outcome, "reason": ""} for name, outcome in outcomes.items()]
        worst = _ledger.find_worst_outcome(list(outcomes.values()), kind)
        row = {"host": f"h{number}", "wave": wave, "outcome": worst, "reason": "", "applications": list(outcomes)}
        rows.append({**row, "outcomes": parts})
    return rows


def build_waves(rows):
    found = []
    for number in sorted({row["wave"] for row in rows}):
        own = {row["host"]: row["applications"] for row in rows if row["wave"] == number}
        found.append({"number": number, "hosts": list(own), "applications": own})
    return found


def check(rows, kind, budget, wave=1):
    return _ledger.check_application_budgets(rows, wave, kind, build_waves(rows), budget)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(_ledger.SEVERITY)), max_size=15), budgets)
def test_with_one_application_on_all_hosts_both_budgets_decide_alike(hosts, budget):
    rows = build_rows([(wave, {"wiki": outcome}) for wave, outcome in hosts])
    for kind in KINDS:
        whole = _ledger.check_failure_budget(rows, 1, kind, len(rows), budget.per_run, budget.per_wave)
        assert {name: why.replace("for wiki ", "") for name, why in check(rows, kind, budget).items()} == (
            {"wiki": whole} if whole else {}
        )


@given(fleets, budgets, st.sampled_from(KINDS))
def test_a_failure_of_one_application_changes_nothing_for_another(fleet, budget, kind):
    before = check(build_rows(fleet, kind), kind, budget)
    worse = [(wave, {**outcomes, **({"wiki": "failed"} if "wiki" in outcomes else {})}) for wave, outcomes in fleet]
    after = check(build_rows(worse, kind), kind, budget)
    assert {**before, "wiki": ""} == {**after, "wiki": ""}


@given(fleets, budgets, st.sampled_from(KINDS))
def test_an_application_is_closed_exactly_when_more_of_its_hosts_fail_than_allowed(fleet, budget, kind):
    rows = build_rows(fleet, kind)
    untried = (_ledger.SUCCESS_OUTCOMES[kind], "skipped", "blocked")

    def exceeds(amount, outcomes):
        text = str(amount)
        allowed = math.floor(len(outcomes) * int(text[:-1]) / 100) if text.endswith("%") else int(text)
        return sum(outcome not in untried for outcome in outcomes) > allowed

    expected = set()
    for name in NAMES:
        every = [outcomes[name] for _wave, outcomes in fleet if name in outcomes]
        own = [outcomes[name] for wave, outcomes in fleet if name in outcomes and wave == 1]
        if exceeds(budget.per_run, every) or (budget.per_wave is not None and exceeds(budget.per_wave, own)):
            expected.add(name)
    assert set(check(rows, kind, budget)) == expected


@given(fleets, st.sampled_from(KINDS), st.sampled_from(BAD))
def test_a_host_that_failed_itself_counts_for_each_of_its_applications(fleet, kind, outcome):
    rows = [{**row, "outcome": outcome, "host_failed": True} for row in build_rows(fleet, kind)]
    names = {name for _wave, outcomes in fleet for name in outcomes}
    assert set(check(rows, kind, _ledger.FailureBudget(0))) == names


def test_the_reason_names_the_application():
    rows = build_rows([(1, {"wiki": "reverted", "billing": "upgraded"}), (1, {"wiki": "upgraded"})])
    assert check(rows, "upgrade", _ledger.FailureBudget("50%", 0)) == {
        "wiki": "h0 of wave 1 is not upgraded, and for wiki oxzep7_max_failed_per_wave allows 0 of 2 hosts (0)"
    }


@given(st.lists(st.sampled_from(_ledger.SEVERITY), min_size=1), st.sampled_from(KINDS))
def test_the_worst_outcome_of_a_host_is_good_only_if_all_are(outcomes, kind):
    good = _ledger.SUCCESS_OUTCOMES[kind]
    assert (_ledger.find_worst_outcome(outcomes, kind) == good) == (set(outcomes) == {good})


STEP = {"application": "x", "from": "3.8", "to": "3.9", "lock": "l"}
PROMOTION = {"outcome": "promoted", "record": {"application": "x", "from": "0", "to": "1", "result": "promoted"}}
DISK = {"outcome": "refused", "msg": "No space left on device"}


def promote(record, name):
    row = {**PROMOTION["record"], "application": name}
    return record_result(record_step(record, {**STEP, "application": name}, "upgrade"), {**PROMOTION, "record": row})


def fail(record, name, failure, after_failure="continue"):
    begun = record_step(record, {**STEP, "application": name}, "upgrade")
    return record_failure(begun, failure, "upgrade", after_failure)


def end(record, names="xyz", reachable=True, kind="upgrade", **options):
    wave = {"number": 2, "hosts": ["a"], "applications": {"a": list(names)}}
    (row,) = _run.list_ended_rows({"a": {"host_record": record}}, wave, ["a"] if reachable else [], kind, **options)
    return row


def tell(row):
    return {part["application"]: part["outcome"] for part in row["outcomes"]}


def test_outcomes_of_the_applications_of_a_host():
    record = fail(promote({}, "x"), "y", {"outcome": "reverted", "msg": "y: sick", "cause": "KeyError: 1"})
    row = end(record_outcome(promote(record, "z"), "upgrade"))
    assert row["outcome"] == "reverted" and tell(row) == {"x": "upgraded", "y": "reverted", "z": "upgraded"}
    assert _ledger.list_failed_applications(row, "upgrade") == ["y"] and row["outcomes"][1]["cause"] == "KeyError: 1"
    left = end(
        record_outcome(fail(promote({}, "x"), "y", {"outcome": "reverted", "msg": "s"}, "leave_host"), "upgrade")
    )
    assert tell(left) == {"x": "upgraded", "y": "reverted", "z": "skipped"}
    assert _ledger.list_failed_applications(left, "upgrade") == ["y"]
    assert left["outcomes"][2]["reason"] == "the host was left: s"


@pytest.mark.parametrize(
    ("record", "reachable", "expected"),
    [
        (record_outcome(fail(promote({}, "x"), "y", DISK), "upgrade"), True, ("upgraded", "failed", "failed")),
        (record_outcome(promote({}, "x"), "upgrade", {"msg": "no"}), True, ("upgraded", "failed", "failed")),
        (
            record_step(promote({}, "x"), {**STEP, "application": "y"}, "upgrade"),
            False,
            ("upgraded", "unknown", "unknown"),
        ),
        (promote({}, "x"), True, ("upgraded", "unknown", "unknown")),
        ({}, False, ("unreachable",) * 3),
    ],
)
def test_what_concerns_the_host_counts_for_every_application(record, reachable, expected):
    row = end(record, reachable=reachable)
    assert tuple(tell(row).values()) == expected
    assert _ledger.list_failed_applications(row, "upgrade") == ["x", "y", "z"]
    assert _ledger.list_doubtful_applications(row) == ["x", "y", "z"]


CLOSED = {"x": {"wave": 1, "reason": "h1 is not upgraded"}, "y": {"wave": 2, "reason": "later"}}


def test_a_closed_application_is_left_out_in_later_waves_and_never_ends_well():
    row = end(record_outcome(promote(promote({}, "y"), "z"), "upgrade"), closed=CLOSED)
    assert tell(row) == {"y": "upgraded", "z": "upgraded", "x": "skipped"} and row["outcome"] == "skipped"
    assert _run.list_off_target([row], "upgrade") == [
        "a: skipped: x: no further host of it was begun: h1 is not upgraded"
    ]
    # Nothing was asked of such a host, so it can have left no record.
    idle = end({}, "x", closed=CLOSED)
    assert tell(idle) == {"x": "skipped"} and "host_failed" not in idle
    steps = _run.list_step_rows("a", {}, idle)
    assert [(one["application"], one["result"]) for one in steps] == [("x", "skipped")] and "h1" in steps[0]["cause"]
    for counted in (row, idle):
        assert (
            _ledger.list_failed_hosts([counted], "upgrade")
            == _ledger.list_failed_applications(counted, "upgrade")
            == []
        )


def gate(closed, **applications):
    wave = {"number": 2, "hosts": list(applications), "applications": applications}
    return wave, wave_gate.list_idle_hosts(wave, closed)


def test_a_wave_without_an_open_application_has_nothing_to_do():
    wave, idle = gate(CLOSED, a=["x"], b=["x", "z"], c=["x", "y"], d=[])
    assert idle == ["a", "c"]
    assert wave_gate.describe_idle_wave(wave, CLOSED) == "h1 is not upgraded; later"


def test_too_many_hosts_without_an_application_close_only_that_one():
    rows = build_rows([(1, {"wiki": "failed", "billing": "upgraded"})])
    wave = {"number": 2, "hosts": ["a", "b"], "applications": {"a": ["wiki", "billing"], "b": ["billing"]}}
    given = {
        "wave": wave,
        "rows": rows,
        "max_unavailable": "50%",
        "population": {"wiki": 2, "billing": 3},
        "unknown": [],
        "blocked": [],
    }
    found = wave_gate.find_unavailable_applications(given, {}, {"hostvars": {}})
    assert list(found) == ["wiki"] and "h0 may be without wiki" in found["wiki"]
    assert wave_gate.find_unavailable_applications(given, CLOSED | {"wiki": {}}, {"hostvars": {}}) == {}


@pytest.mark.parametrize("key, expected", [("unhealthy", ["wiki"]), ("lease-held", ["wiki"]), ("disk-space-short", [])])
def test_a_host_on_which_the_preflight_found_the_application_down_counts(key, expected):
    wave = {"number": 1, "hosts": ["a", "b"], "applications": {"a": ["wiki", "billing"], "b": ["billing"]}}
    given = {
        "wave": wave,
        "rows": [],
        "max_unavailable": 1,
        "population": {"wiki": 2, "billing": 1},
        "unknown": [],
        "blocked": [{"host": "c", "application": "wiki", "key": key}],
    }
    found = wave_gate.find_unavailable_applications(given, {}, {"hostvars": {}})
    assert list(found) == expected
    assert all("c may be without wiki" in text for text in found.values())


def test_only_the_closed_application_goes_back():
    hostvars = {}
    for host in ("a", "b"):
        hostvars[host] = {"host_record": record_outcome(promote(promote({}, "x"), "y"), "upgrade")}
    hostvars["c"] = {"host_record": record_outcome(promote({}, "y"), "upgrade")}
    wave = {"number": 1, "hosts": ["a", "b", "c"], "applications": {"a": ["x", "y"], "b": ["x", "y"], "c": ["y"]}}
    rows = _run.list_ended_rows(hostvars, wave, ["a", "b", "c"])
    results = [one for row in rows for one in _run.list_step_rows(row["host"], hostvars[row["host"]], row)]

    def select(names, limits):
        return _run.select_rollback_hosts(rows, results, 1, "rollback_run", limits, names=names)

    assert select(["x"], {"x": 1, "y": 1}) == [["a"], ["b"]] and select(["x"], {"x": 2, "y": 1}) == [["a", "b"]]
    assert select(None, {"x": 9, "y": 9}) == [["a", "b", "c"]]
    row = end(record_outcome(hostvars["a"]["host_record"], "rollback", undone_for={"x": "h1 failed"}), "xy")
    assert row["outcome"] == "reverted" and tell(row) == {"x": "reverted", "y": "upgraded"}
    assert row["outcomes"][0]["reason"] == "rolled back, because h1 failed"
    assert _ledger.list_failed_applications(row, "upgrade") == ["x"]


def test_an_application_that_is_down_stays_failed_when_another_goes_back():
    record = record_outcome(fail(promote({}, "x"), "y", {"outcome": "failed", "msg": "y: down"}), "upgrade")
    row = end(record_outcome(record, "rollback", undone_for={"x": "h1 failed"}), "xy")
    assert row["outcome"] == "failed" and row["down"] and tell(row) == {"x": "reverted", "y": "failed"}


FATES = st.sampled_from(["upgraded", "reverted", "failed"])
runs = st.lists(
    st.tuples(st.integers(1, 4), st.dictionaries(st.sampled_from(NAMES), FATES, min_size=1)), min_size=1, max_size=10
).map(lambda hosts: {f"h{number}": host for number, host in enumerate(hosts)})


def build_record(outcomes):
    record = {}
    for name, outcome in outcomes.items():
        record = (
            promote(record, name) if outcome == "upgraded" else fail(record, name, {"outcome": outcome, "msg": name})
        )
    return record_outcome(record, "upgrade")


def simulate_run(hosts, budget):
    """The applications that were begun, and the last ledger, when each of *hosts* has its wave and its outcomes."""
    waves = []
    for number in sorted({wave for wave, _outcomes in hosts.values()}):
        own = {host: list(outcomes) for host, (wave, outcomes) in hosts.items() if wave == number}
        waves.append({"number": number, "hosts": list(own), "applications": own})
    closed, hostvars, rows, begun = {}, {host: {} for host in hosts}, [], set()
    for wave in waves:
        idle = wave_gate.list_idle_hosts(wave, closed)
        working = [host for host in wave["hosts"] if host not in idle]
        for host in working:
            asked = {name: fate for name, fate in hosts[host][1].items() if name not in closed}
            hostvars[host] = {"host_record": build_record(asked)}
            begun |= {(host, name) for name in asked}
        if working:
            rows += _run.list_ended_rows(hostvars, wave, list(hosts), closed=closed)
            for name, why in _ledger.check_application_budgets(rows, wave["number"], "upgrade", waves, budget).items():
                closed.setdefault(name, {"wave": wave["number"], "reason": why})
    last = [row for wave in waves for row in _run.list_ended_rows(hostvars, wave, list(hosts), closed=closed)]
    return begun, last


@given(runs, budgets)
def test_a_run_treats_each_application_as_if_it_were_alone(hosts, budget):
    begun, last = simulate_run(hosts, budget)
    for name in NAMES:
        alone = {host: (wave, {name: fates[name]}) for host, (wave, fates) in hosts.items() if name in fates}
        assert {pair for pair in begun if pair[1] == name} == (simulate_run(alone, budget)[0] if alone else set())
    # What was not begun is told, and is never good; what was has its own outcome.
    told = {(row["host"], part["application"]): part["outcome"] for row in last for part in row["outcomes"]}
    assert told == {
        (host, name): fate if (host, name) in begun else "skipped"
        for host, (_wave, outcomes) in hosts.items()
        for name, fate in outcomes.items()
    }
    for row in last:
        assert (row["outcome"] == "upgraded") == (set(tell(row).values()) == {"upgraded"})


BLOCKED = [
    {
        "host": "a",
        "application": "wiki",
        "key": "package-unavailable",
        "cause": "lxml 4.2 has no wheel for Python 3.12",
        "remediation": "pin lxml>=5, then run oxzep7.python.plan",
        "from": "3.11",
        "to": "3.12",
    },
    {"host": "z", "application": "wiki", "key": "k", "cause": "c", "remediation": "r"},
]
LINE = (
    "a: blocked: wiki: lxml 4.2 has no wheel for Python 3.12 (package-unavailable); "
    "pin lxml>=5, then run oxzep7.python.plan"
)


def test_what_is_blocked_is_not_on_target_and_says_why_and_what_to_do():
    rows = [end(record_outcome(promote({}, "x"), "upgrade"), ["x"], blocked=BLOCKED)]
    rows += _run.list_blocked_rows(["a"], BLOCKED, "upgrade")
    assert [(row["host"], row["wave"], row["outcome"]) for row in rows] == [("a", 2, "blocked"), ("z", None, "blocked")]
    assert tell(rows[0]) == {"x": "upgraded", "wiki": "blocked"}
    lines = _run.list_off_target(rows, "upgrade")
    assert lines == [LINE, "z: blocked: wiki: c (k); r"]
    assert LINE in _run.format_run_summary(rows, lines, "", "/somewhere")
    hostvars = {"a": {"host_record": record_outcome(promote({}, "x"), "upgrade")}}
    results = _run.list_step_rows("a", hostvars["a"], rows[0]) + _run.list_blocked_steps(rows[1:])
    assert [(row["host"], row["application"], row["from"], row["to"], row["result"]) for row in results] == [
        ("a", "x", "3.8", "3.9", "promoted"),
        ("a", "wiki", "3.11", "3.12", "blocked"),
        ("z", "wiki", None, None, "blocked"),
    ]
    assert _run.format_step_table(results)[2].endswith(BLOCKED[0]["cause"])
    run = {"run": "r", "kind": "upgrade", "began": "b", "ended": "e", "waves": [], "ledger": rows, "results": results}
    record = _record.format_change_record({**run, "closed": "", "closed_applications": CLOSED})
    assert f"- {LINE}" in record and "- x: closed after wave 1: h1 is not upgraded" in record
    assert _ledger.list_causes(rows[0]) == [f"wiki is blocked: {BLOCKED[0]['cause']}; {BLOCKED[0]['remediation']}"]
    # No budget is for what was not tried.
    assert (
        check(rows[:1], "upgrade", _ledger.FailureBudget(0, 0)) == {}
        and _ledger.list_failed_hosts(rows, "upgrade") == []
    )


def test_an_application_that_took_some_steps_and_is_blocked_then_is_blocked():
    row = end(record_outcome(promote({}, "wiki"), "upgrade"), ["wiki"], blocked=BLOCKED)
    assert tell(row) == {"wiki": "blocked"}
    failed = record_outcome(fail({}, "wiki", {"outcome": "reverted", "msg": "sick"}), "upgrade")
    assert tell(end(failed, ["wiki"], blocked=BLOCKED)) == {"wiki": "reverted"}


def test_all_causes_of_a_blocked_application_are_told():
    also = {**BLOCKED[0], "key": "other", "cause": "no source has vendor"}
    (row,) = _run.list_blocked_rows([], [BLOCKED[0], also], "upgrade")
    (line,) = _run.list_off_target([row], "upgrade")
    assert line == LINE.replace("unavailable)", "unavailable); no source has vendor (other)")


def test_hosts_whose_wave_did_not_begin_have_their_blocked_applications_too():
    wave = {"number": 2, "hosts": ["a"], "applications": {"a": ["x"]}}
    (row,) = _run.list_skipped_rows([wave], 1, "no window", "upgrade", {}, BLOCKED)
    assert tell(row) == {"x": "skipped", "wiki": "blocked"} and row["outcome"] == "blocked"
    assert _run.list_off_target([row], "upgrade")[-1] == LINE
    (closed,) = _run.list_skipped_rows([wave], 1, "", "upgrade", CLOSED)
    assert closed["reason"] == "its wave did not begin: h1 is not upgraded"


AFTER = {"y": ["x"], "z": ["y"]}


def begin(blocked=(), closed=(), after=AFTER):
    return record_wave({}, {"steps": [], "after": after, "blocked": list(blocked)}, dict.fromkeys(closed))


def test_what_comes_after_an_application_that_failed_waits_for_the_next_run():
    record = fail(begin(), "x", {"outcome": "reverted", "msg": "x: sick"})
    assert record["stopped"] == ["x", "y", "z"]
    row = end(record_outcome(record, "upgrade"))
    assert tell(row) == {"x": "reverted", "y": "skipped", "z": "skipped"}
    assert _run.list_off_target([row], "upgrade") == [
        "a: reverted: x: sick",
        "a: skipped: y: after: x, which was reverted; run again when x is on target",
        "a: skipped: z: after: y, which was left out; run again when y is on target",
    ]
    # What waits is no failure of its own.
    assert _ledger.list_failed_applications(row, "upgrade") == ["x"]


def test_what_comes_after_an_application_that_is_blocked_or_closed_is_not_begun():
    blocked = end(record_outcome(begin(blocked=["x"]), "upgrade"), "yz")
    assert tell(blocked) == {"y": "skipped", "z": "skipped"} and "x, which is blocked" in blocked["reason"]
    record = begin(closed=["y"])
    assert record["stopped"] == ["y", "z"]
    row = end(record_outcome(promote(record, "x"), "upgrade"), closed={"y": {"wave": 1, "reason": "h1"}})
    assert tell(row) == {"x": "upgraded", "z": "skipped", "y": "skipped"}
    assert begin(blocked=["x"], after={})["stopped"] == []


def test_a_failed_way_back_stops_nothing_else():
    begun = record_step(begin(), {"application": "x", "from": "1", "to": "0"}, "rollback")
    assert record_failure(begun, {"msg": "no"}, "rollback")["stopped"] == ["x"]


def test_a_rollback_takes_the_last_application_first():
    declared = [
        {"name": "web", "after": ["db"], "criticality": "low"},
        {"name": "db", "criticality": "high"},
        {"name": "mail"},
    ]
    assert [one["name"] for one in rollback_order(declared, ["web", "db", "mail", "gone"])] == ["web", "db", "mail"]
    assert [one["name"] for one in rollback_order(declared, ["db", "web"])] == ["web", "db"]


def test_steps_are_delivered_in_the_order_of_the_declaration():
    planned = [{"name": name} for name in ("gone", "b", "a")]
    assert [one["name"] for one in plan_delivery.sort_planned_applications(planned, ["a", "b"])] == ["a", "b", "gone"]


@pytest.mark.parametrize(
    "without, expected", [({}, [["h0", "h1"], ["h2"]]), ({"wiki": ["c"]}, [["h0"], ["h1"], ["h2"]])]
)
def test_hosts_go_back_alone_where_another_is_without_the_application(without, expected):
    rows = build_rows([(1, {"wiki": "upgraded"}), (1, {"wiki": "upgraded"}), (1, {"wiki": "upgraded"})])
    names = [row["host"] for row in rows]
    assert _ledger.split_returning_hosts(rows, names, {"wiki": 2}, None, without) == expected
