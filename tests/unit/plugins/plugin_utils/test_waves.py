# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves: order, sizes, limits, windows, durations, budgets."""

from __future__ import annotations

import datetime

import pytest
from ansible.errors import AnsibleError
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import (
    _amount,
    _estimate,
    _host_record,
    _ledger,
    _window,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _policy as _rollout
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _waves as _order
from hypothesis import given
from hypothesis import strategies as st

LEVELS = {name: number for number, name in enumerate(_order.CRITICALITIES)}
amounts = st.one_of(st.integers(1, 50), st.integers(1, 100).map(lambda percent: f"{percent}%"))
shapes = st.lists(amounts, min_size=1, max_size=6)
names = st.sampled_from("abc")
members = st.lists(
    st.tuples(st.sampled_from(_order.CRITICALITIES), st.frozensets(names), st.frozensets(names, min_size=1)),
    max_size=40,
).map(lambda rows: [_order.RolloutHost(f"h{number}", *row) for number, row in enumerate(rows)])


def cut(hosts, shape, **options):
    return _order.cut_waves([_order.RolloutHost(name) for name in hosts], _order.WavePolicy(shape, **options))


@given(members, shapes, amounts, st.booleans())
def test_what_holds_of_all_waves(hosts, shape, most, canaries):
    policy = _order.WavePolicy(shape, most, {}, canaries)
    made = _order.cut_waves(hosts, policy)
    known = {member.name: member for member in hosts}
    assert sorted(name for wave in made for name in wave) == sorted(known) and all(made)
    levels = [LEVELS[known[name].criticality] for wave in made for name in wave]
    assert levels == sorted(levels)
    own = {name: sum(name in member.applications for member in hosts) for name in "abc"}
    limits = _order.compute_interruption_limits({name: count for name, count in own.items() if count}, policy)
    met = set()
    for wave in made:
        for name, limit in limits.items():
            assert sum(name in known[host].applications for host in wave) <= limit
        fresh = [environment for host in wave for environment in known[host].environments - met]
        assert not canaries or len(fresh) == len(set(fresh)), (
            "two hosts of a wave are the first ones with an environment"
        )
        met.update(fresh)


@pytest.mark.parametrize(
    "hosts, shape, expected",
    [
        (10, [1, "10%", "30%", "100%"], [1, 1, 3, 5]),
        (3, [1, "100%"], [1, 2]),
        (1, [5], [1]),
        (7, [2], [2, 2, 2, 1]),
        (0, [1], []),
        (1000, [1, "10%", "30%", "100%"], [1, 100, 300, 599]),
    ],
)
def test_shapes(hosts, shape, expected):
    assert [len(wave) for wave in cut([f"h{number}" for number in range(hosts)], shape)] == expected


@pytest.mark.parametrize("shape", [[], [0], [-1], ["0%"], ["x"], ["%"], [None], [True], ["nan%"], [1, ["a"]]])
def test_shapes_that_cannot_be_meant(shape):
    with pytest.raises(ValueError, match="oxzep7_waves"):
        cut("abc", shape)


def test_canaries_come_first_and_their_likes_wait_for_them():
    hosts = [
        _order.RolloutHost(f"h{number}", environments=frozenset({"one" if number < 4 else "two"}))
        for number in range(8)
    ]
    assert _order.cut_waves(hosts, _order.WavePolicy([1, "100%"])) == [
        ["h0"],
        ["h4", "h1", "h2", "h3"],
        ["h5", "h6", "h7"],
    ]
    assert _order.cut_waves(hosts, _order.WavePolicy(["100%"], canaries=False)) == [
        ["h0", "h4", "h1", "h2", "h3", "h5", "h6", "h7"]
    ]


def test_the_shape_begins_anew_with_each_criticality():
    hosts = [_order.RolloutHost(f"h{number}", ("high", "low", "normal")[number % 3]) for number in range(9)]
    assert _order.cut_waves(hosts, _order.WavePolicy([1, "100%"])) == [
        ["h1"],
        ["h4", "h7"],
        ["h2"],
        ["h5", "h8"],
        ["h0"],
        ["h3", "h6"],
    ]
    with pytest.raises(_order.WavesError, match="h: oxzep7_criticality is 'urgent'; it is one of low, normal, high"):
        _order.cut_waves([_order.RolloutHost("h", "urgent", applications=frozenset({"a"}))], _order.WavePolicy([1]))


def test_waves_that_are_named():
    hosts = [_order.RolloutHost(name, applications=frozenset({"a"})) for name in "abcde"]
    policy = _order.WavePolicy([["c", "nobody"], ["web"], "100%"], groups={"web": ["a", "c"]})
    assert _order.cut_waves(hosts, policy) == [["c"], ["a"], ["b", "d", "e"]]
    with pytest.raises(
        _order.WavesError,
        match=r"wave 1 of oxzep7_waves has 2 hosts of a \(a, b\), and oxzep7_max_unavailable allows 1 at once",
    ):
        _order.cut_waves(hosts, _order.WavePolicy([["a", "b"]], 1))
    assert _order.cut_waves(hosts, _order.WavePolicy([["d"]])) == [["d"], ["a", "b", "c", "e"]]


def test_amounts_are_rounded_to_the_safe_side():
    assert [_amount.round_amount_down("50%", hosts, "o") for hosts in (1, 3, 4)] == [
        0,
        1,
        2,
    ] and _amount.round_amount_up("1%", 10, "o") == 1
    assert _order.compute_interruption_limits({"a": 1, "b": 4}, _order.WavePolicy([1], "50%", {"a": 9})) == {
        "a": 4,
        "b": 2,
    }
    assert _order.compute_interruption_limits({"a": 1}, _order.WavePolicy([1], "50%")) == {"a": 1}
    for wrong in (0, "0%"):
        with pytest.raises(ValueError, match="lets nothing be upgraded"):
            _order.compute_interruption_limits({"a": 1}, _order.WavePolicy([1], wrong))


NOON = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.timezone.utc)  # a Tuesday


@pytest.mark.parametrize(
    "window, seconds, expected",
    [
        ("11:00-13:00", 3600, None),
        ("11:00-13:00", 3601, "the change window ends at 2026-11-24 13:00 UTC"),
        ("Tue 12:00-12:30", 60, None),
        ("Mon 11:00-13:00", 60, "the next one begins at 2026-11-30 11:00 UTC"),
        ("Mon-Wed 11:00-13:00", 60, None),
        ("Fri-Tue 11:00-13:00", 60, None),
        ("Mon 22:00-14:00", 7200, None),
        ("13:00-14:00 Europe/Berlin", 3600, None),
        ("12:00-13:00 Europe/Berlin", 60, "the next one begins at 2026-11-25 12:00 CET"),
        ("2026-11-24T11:00Z/2026-11-24T12:30Z", 1800, None),
        ("2026-11-24T13:00+01:00/2026-11-24T14:00+01:00", 3600, None),
        ("2026-11-24T11:00Z/2026-11-24T12:30Z", 1801, "before this wave would (about 30 min)"),
        ("11:00-24:00", 12 * 3600, None),
        ("13:00-13:10", 3600, "within 8 days none is long enough for this wave (about 60 min)"),
    ],
)
def test_windows(window, seconds, expected):
    why = _window.check_change_windows([window], NOON, seconds)
    assert why is None if expected is None else expected in why


def test_no_window_is_always_open_and_one_of_many_is_enough():
    assert (
        _window.check_change_windows([], NOON, 1e9) is None
        and _window.check_change_windows(["01:00-02:00", "11:00-13:00"], NOON, 60) is None
    )


@pytest.mark.parametrize(
    "window",
    [
        "",
        "whenever",
        "25:00-26:00",
        "Someday 01:00-02:00",
        "01:00-02:00 Nowhere/Land",
        "2026-11-24T11:00/2026-11-24T12:30Z",
        "2026-11-24T12:30Z/2026-11-24T11:00Z",
        "24:00-02:00",
        "Sat,Sun",
        "T/T",
    ],
)
def test_windows_that_cannot_be_read(window):
    with pytest.raises(_window.WindowError, match="oxzep7_window: .* cannot be read"):
        _window.check_change_windows([window], NOON, 60)


SATURDAY_NIGHT = datetime.datetime(2026, 11, 28, 23, 30, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    "windows, seconds, expected",
    [
        (["00:00-24:00"], 3 * 24 * 3600, None),
        (["Sat,Sun 00:00-24:00"], 24 * 3600, None),
        (["Sat,Sun 00:00-24:00"], 24 * 3600 + 1801, "the change window ends at 2026-11-30 00:00 UTC"),
        (["Sat 20:00-24:00", "Sun 00:00-02:00"], 2 * 3600, None),
        (["Sat 20:00-24:00", "Sun 01:00-02:00"], 3600, "the change window ends at 2026-11-29 00:00 UTC"),
        (["Sat 23:00-24:00 Europe/Berlin", "Sat 23:00-24:00"], 1800, None),
        (["Sat 20:00-23:45", "2026-11-28T23:40Z/2026-11-29T02:00Z"], 7200, None),
        (["Mon 00:00-24:00", "Tue 00:00-24:00"], 48 * 3600, "the next one begins at 2026-11-30 00:00 UTC"),
    ],
)
def test_windows_that_follow_one_another_are_one(windows, seconds, expected):
    why = _window.check_change_windows(windows, SATURDAY_NIGHT, seconds)
    assert why is None if expected is None else expected in why


@pytest.mark.parametrize(
    "given, expected",
    [
        ("", []),
        ("Sat,Sun 22:00-04:00 Europe/Berlin", ["Sat,Sun 22:00-04:00 Europe/Berlin"]),
        ("Sat,Sun 00:00-24:00, Mon 01:00-05:00", ["Sat,Sun 00:00-24:00", "Mon 01:00-05:00"]),
        ("Mon-Wed, Fri 01:00-05:00;Sun 02:00-03:00\n", ["Mon-Wed,Fri 01:00-05:00", "Sun 02:00-03:00"]),
        ("2026-11-28T22:00Z/2026-11-29T04:00Z,Sun 02:00-03:00", None),
        (["Sat", "Sun 22:00-04:00"], ["Sat,Sun 22:00-04:00"]),
        (["Sat, Sun 22:00-04:00", "Mon 01:00-02:00"], ["Sat, Sun 22:00-04:00", "Mon 01:00-02:00"]),
    ],
)
def test_windows_given_as_text_are_those_of_a_list(given, expected):
    assert _window.split_windows(given) == (given.split(",") if expected is None else expected)
    assert not given or _window.check_change_windows(given, NOON, 60) == _window.check_change_windows(
        _window.split_windows(given), NOON, 60
    )


@pytest.mark.parametrize(
    "window, moment, seconds, is_open",
    [
        # Clocks in Berlin go from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
        ("Sun 02:15-02:45 Europe/Berlin", "2026-03-29T00:59", 60, False),
        ("Sun 02:15-02:45 Europe/Berlin", "2026-03-29T01:20", 60, False),
        ("Sun 01:30-02:30 Europe/Berlin", "2026-03-29T00:30", 1800, True),
        ("Sun 01:30-02:30 Europe/Berlin", "2026-03-29T00:30", 1801, False),
        ("Sun 02:30-04:00 Europe/Berlin", "2026-03-29T00:59", 60, False),
        ("Sun 02:30-04:00 Europe/Berlin", "2026-03-29T01:00", 3600, True),
        ("Sun 02:30-04:00 Europe/Berlin", "2026-03-29T01:00", 3601, False),
        ("Sun 01:00-04:00 Europe/Berlin", "2026-03-29T00:00", 7200, True),
        ("Sun 01:00-04:00 Europe/Berlin", "2026-03-29T00:00", 7201, False),
        # They go from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC.
        ("Sun 01:00-04:00 Europe/Berlin", "2026-10-24T23:00", 4 * 3600, True),
        ("Sun 02:15-02:45 Europe/Berlin", "2026-10-25T00:15", 1800, True),
        ("Sun 02:15-02:45 Europe/Berlin", "2026-10-25T01:15", 1800, False),
    ],
)
def test_hours_that_clocks_skip_or_repeat(window, moment, seconds, is_open):
    now = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.timezone.utc)
    why = _window.check_change_windows([window], now, seconds)
    assert (why is None) == is_open, why


def test_a_window_that_will_cross_a_change_of_clocks_has_its_real_length():
    friday = datetime.datetime(2026, 3, 27, 12, tzinfo=datetime.timezone.utc)
    window = ["Sun 01:00-04:00 Europe/Berlin"]
    assert "the next one begins at 2026-03-29 01:00 CET" in str(_window.check_change_windows(window, friday, 7200))
    assert "within 8 days none is long enough" in str(_window.check_change_windows(window, friday, 7201))


@given(
    st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.times(),
    st.times(),
)
def test_nothing_of_a_window_lies_outside_its_times(moment, zone, start, end):
    window = f"{start:%H:%M}-{end:%H:%M} {zone}"
    for span in _window.list_window_spans(window, moment.replace(tzinfo=datetime.timezone.utc)):
        assert span.start < span.end
        shown = f"{span.start.astimezone(span.zone):%H:%M}"
        assert shown == f"{start:%H:%M}" or (
            (span.start - datetime.timedelta(seconds=1)).astimezone(span.zone).utcoffset()
            != span.start.astimezone(span.zone).utcoffset()
        )


@pytest.mark.parametrize(
    "amount, hosts, down, up",
    [
        ("0.5%", 1000, 5, 5),
        ("0.5%", 100, 0, 1),
        ("0.5%", 1100, 5, 6),
        ("0.57%", 10000, 57, 57),
        ("0.29%", 100, 0, 1),
        ("12.5 %", 8, 1, 1),
        ("100%", 7, 7, 7),
        (3, 2, 3, 3),
        ("3", 2, 3, 3),
    ],
)
def test_percentages_are_exact(amount, hosts, down, up):
    assert _amount.round_amount_down(amount, hosts, "o") == down
    assert _amount.round_amount_up(amount, hosts, "o") == up


@given(st.integers(1, 100000), st.integers(1, 10000))
def test_percentages_with_fractions_round_as_whole_numbers_do(hosts, hundredths):
    text = f"{hundredths // 100}.{hundredths % 100:02d}%"
    assert _amount.round_amount_down(text, hosts, "o") == hosts * hundredths // 10000
    assert _amount.round_amount_up(text, hosts, "o") == -(-hosts * hundredths // 10000)


@pytest.mark.parametrize(
    "wrong", [True, 0.5, "0,5%", "half", "-1", "-1%", "1e3%", "nan%", "inf%", "\u0663", "5%%", "", None]
)
def test_amounts_that_cannot_be_meant(wrong):
    with pytest.raises(_amount.AmountError, match="o: .* is neither a count nor a percentage; write"):
        _amount.round_amount_down(wrong, 10, "o")


def test_a_small_percentage_of_unavailable_hosts_is_no_zero():
    policy = _order.WavePolicy([1], "0.5%", {"a": 1000, "b": 10})
    assert _order.compute_interruption_limits({"a": 1, "b": 1}, policy) == {"a": 5, "b": 1}


def test_a_wave_takes_as_long_as_its_longest_host_for_each_round_of_forks():
    measured = {"a": [10.0, 20.0, 30.0]}
    assert _estimate.estimate_wave([["a", "a"], ["a"]], measured, 5, 60.0) == _estimate.WaveEstimate(
        40.0, "from 3 measured steps"
    )
    assert _estimate.estimate_wave([["a"]] * 11, measured, 5, 60.0).seconds == 60.0
    assert _estimate.estimate_wave([["b"]], measured, 5, 60.0).seconds == 20.0
    assert _estimate.estimate_wave([["b"]], {}, 5, 60.0) == _estimate.WaveEstimate(
        360.0, "nothing was measured yet; 360 s a step are assumed"
    )


def test_the_shape_of_a_rollout_is_told():
    document = {
        "hosts": {
            "a": {
                "applications": [{"name": "x", "steps": [{"asked": "1"}, {"asked": "2"}]}, {"name": "y", "steps": []}]
            },
            "b": {"applications": [{"name": "x", "steps": [{"asked": "1"}, {"asked": "2"}]}]},
            "c": {"applications": [{"name": "x", "steps": []}]},
        },
        "notes": {"a": {"x": {"restarts": 4}}, "b": {"x": {"restarts": 4}}},
    }
    declared = {
        "a": [{"name": "x"}, {"name": "y", "criticality": "high"}],
        "b": [{"name": "x", "criticality": "low"}],
        "c": [{"name": "x"}],
    }
    own = {"a": "", "b": "", "c": ""}
    made = _rollout.cut_plan_waves(document, declared, own, _order.WavePolicy([1]))
    assert made == [["b"], ["a"]] and _rollout.cut_plan_waves(
        document, declared, {"a": "low"}, _order.WavePolicy([1])
    ) == [
        ["a"],
        ["b"],
    ]
    rows = _rollout.describe_waves(made, _rollout.list_plan_work(document, "each_step"), {"x": [100.0]}, 5, 60.0)
    assert [(row["number"], row["hosts"], row["steps"], row["restarts"], row["seconds"]) for row in rows] == [
        (1, ["b"], 2, 4, 200.0),
        (2, ["a"], 2, 4, 200.0),
    ]
    assert [
        row["restarts"]
        for row in _rollout.describe_waves(made, _rollout.list_plan_work(document, "final"), {}, 5, 60.0)
    ] == [2, 2]
    assert _rollout.format_wave_table(rows)[
        -1
    ] == "together about 7 min (from 1 measured steps)" and _rollout.format_wave_table([])[0].startswith(
        "there is nothing to do"
    )
    assert _rollout.count_hosts_by_application(declared) == {"x": 3, "y": 1}


def test_durations_are_read_from_what_earlier_runs_recorded(tmp_path):
    assert _rollout.read_step_durations(tmp_path) == _rollout.read_step_durations(None) == {}
    for name, text in (
        (
            "one",
            '{"results": [{"application": "x", "seconds": 4.5, "result": "promoted"},'
            ' {"result": "reverted", "seconds": 9}]}',
        ),
        ("two", "damaged"),
        ("three", '{"results": 1}'),
    ):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text(text)
    assert _rollout.read_step_durations(tmp_path) == {"x": [4.5]}


rows = st.lists(
    st.sampled_from(["upgraded", "reverted", "failed", "unreachable", "interrupted", "unknown"]), max_size=20
).map(
    lambda outcomes: [
        {"host": f"h{number}", "wave": 1 + number % 2, "outcome": outcome} for number, outcome in enumerate(outcomes)
    ]
)


@given(rows, st.integers(0, 5))
def test_the_gate_closes_exactly_when_more_fail_than_allowed(ended, maximum):
    bad = [row["host"] for row in ended if row["outcome"] != "upgraded"]
    assert _ledger.list_failed_hosts(ended, "upgrade") == bad
    assert bool(_ledger.check_failure_budget(ended, 1, "upgrade", 20, maximum, None)) == (len(bad) > maximum)


def test_budgets_of_a_wave_and_of_a_rollback():
    ended = [{"host": "a", "wave": 1, "outcome": "reverted"}, {"host": "b", "wave": 2, "outcome": "upgraded"}]
    assert _ledger.check_failure_budget(ended, 2, "upgrade", 2, "50%", 0) == ""
    assert (
        "a of wave 1 is not upgraded, and oxzep7_max_failed_per_wave allows 0 of 1 hosts"
        in _ledger.check_failure_budget(ended, 1, "upgrade", 2, "50%", 0)
    )
    assert _ledger.list_failed_hosts(ended, "rollback") == ["b"]


def test_outcomes_of_hosts_that_recorded_none():
    begun = {"step": {"application": "x", "from": "3.8", "to": "3.9"}}
    ended = {"outcome": "reverted", "reason": "sick"}
    assert _host_record.determine_outcome(ended, False) == ("reverted", "sick")
    assert _host_record.determine_outcome({}, True)[0] == "unknown"
    assert _host_record.determine_outcome({}, False)[0] == "unreachable"
    outcome, why = _host_record.determine_outcome(begun, False)
    assert outcome == "unknown" and "x 3.8 -> 3.9" in why


def test_a_lost_host_may_have_variables_that_cannot_be_read():
    class Facts(dict):
        def get(self, name, default=None):
            raise AnsibleError(f"{name} is undefined")

    known = {"a": {"oxzep7_applications": [{"name": "x"}, {"name": "y"}, {}]}, "b": Facts(), "c": {}}
    assert _rollout.list_lost_rows(["a", "b", "c"], known) == [
        {"host": "a", "outcome": "unreachable", "applications": ["x", "y"]},
        {"host": "b", "outcome": "unreachable", "applications": []},
        {"host": "c", "outcome": "unreachable", "applications": []},
    ]


def test_a_lost_host_lacks_only_what_the_run_is_about():
    facts = {"oxzep7_applications": [{"name": "x"}, {"name": "y"}, {"name": "z"}], "oxzep7_skip_applications": ["z"]}
    rows = _rollout.list_lost_rows(["a", "b"], {"a": facts, "b": {**facts, "oxzep7_only_applications": ["y", "z"]}})
    assert [row["applications"] for row in rows] == [["x", "y"], ["y"]]


def test_waves_leave_room_for_hosts_that_are_away():
    hosts = [_order.RolloutHost(name, applications=frozenset({"x"})) for name in "abcdef"]
    declared = {name: [{"name": "x"}] for name in "abcdefgh"}
    given = {"waves": ["100%"], "max_unavailable": "50%", "canaries": False}
    assert _order.cut_waves(hosts, _rollout.build_wave_policy(given, {}, declared, [])) == [list("abcd"), list("ef")]
    away = _rollout.build_wave_policy(given, {}, declared, ["g", "h"])
    assert away.population == {"x": 8} and _order.cut_waves(hosts, away) == [list("ab"), list("cd"), list("ef")]


def test_hosts_that_may_be_down_count_with_those_of_the_wave():
    ended = [{"host": "a", "outcome": "failed"}, {"host": "b", "outcome": "reverted"}]
    applications = {"a": ["x"], "b": ["x"], "c": ["x"], "d": ["y"]}
    assert "a may be without x" in _ledger.check_availability(ended, ["c"], applications, {"x": 1, "y": 1})
    assert (
        _ledger.check_availability(ended, ["c"], applications, {"x": 2, "y": 1})
        == _ledger.check_availability(ended, ["d"], applications, {"x": 1, "y": 1})
        == ""
    )
