# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole rollouts over any fleet, with hosts that fail or are lost, and runs that are started again.

The fleet is simulated; waves, ledger, gates and reports are the real ones.
"""

from __future__ import annotations

import dataclasses
import math

from ansible_collections.oxzep7.python.plugins.action import wave_gate
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _run
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger, _policy
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import (
    CRITICALITIES,
    RolloutHost,
    cut_waves,
    limit_interruptions,
)
from hypothesis import given
from hypothesis import strategies as st

# What can happen to a host in its wave. A host with one of the last four may be without its applications.
GOOD, UNDONE = "upgraded", "reverted"
DOUBTFUL = ("failed", "unreachable", "interrupted", "unknown")
# Away when the run begins, and there, but with its applications down.
AWAY, SICK = "away", "sick"
OUTCOMES = (GOOD, GOOD, GOOD, UNDONE, *DOUBTFUL)
APPLICATIONS = "xyz"


@dataclasses.dataclass
class Host:
    """A host of a simulated fleet: what is to happen to it in each run, and whether it is upgraded or down."""

    name: str
    criticality: str
    applications: tuple
    fates: tuple
    done: bool = False
    down: bool = False

    def get_fate(self, run):
        return self.fates[run] if run < len(self.fates) else GOOD


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a rollout."""

    waves: list
    max_unavailable: object
    max_failed: object
    max_failed_per_wave: object
    on_failure: str

    def to_dict(self):
        return {"waves": self.waves, "max_unavailable": self.max_unavailable, "canaries": False}


amounts = st.one_of(st.integers(1, 20), st.integers(1, 100).map("{}%".format), st.just("0.5%"))
budgets = st.one_of(st.integers(0, 5), st.integers(0, 60).map("{}%".format))
hosts = st.tuples(
    st.sampled_from(CRITICALITIES),
    st.lists(st.sampled_from(APPLICATIONS), min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(st.sampled_from((*OUTCOMES, AWAY, SICK)), min_size=0, max_size=3).map(tuple),
)
fleets = st.lists(hosts, min_size=1, max_size=40).map(
    lambda rows: [Host(f"h{number}", *row) for number, row in enumerate(rows)]
)
options = st.builds(
    Options,
    st.lists(amounts, min_size=1, max_size=4),
    amounts,
    budgets,
    st.one_of(st.none(), budgets),
    st.sampled_from(["stop", "rollback_wave", "rollback_run"]),
)


def round_down(amount, count):
    """What a budget means, told once more: hosts, or hundredths of a percent of them, rounded down."""
    text = str(amount)
    if not text.endswith("%"):
        return int(text)
    return count * math.floor(float(text[:-1]) * 100 + 0.5) // 10000


class Fleet:
    """A fleet, and the runs over it."""

    def __init__(self, members, given):
        self.members = {member.name: member for member in members}
        self.given = given
        self.population = {
            name: sum(name in member.applications for member in members)
            for name in APPLICATIONS
            if any(name in member.applications for member in members)
        }
        self.events = []

    def allow(self, name):
        """How many hosts with the application *name* may be without it at once."""
        return max(1, round_down(self.given.max_unavailable, self.population[name]))

    def count_down(self, name, taken=()):
        """How many hosts are without *name* while those *taken* are worked on."""
        return sum(
            name in member.applications and (member.down or member.name in taken) for member in self.members.values()
        )

    def check_wave(self, taken):
        for name in self.population:
            if any(name in self.members[host].applications for host in taken):
                assert self.count_down(name, taken) <= self.allow(name), name

    def check_group_that_returns(self, taken):
        for name in self.population:
            # One host may always go back.
            assert self.count_down(name, taken) <= max(self.allow(name), self.count_down(name) + 1), name

    def run(self, number):
        """One run: everything that is left, in waves, until a gate closes."""
        unknown = [name for name, member in self.members.items() if member.get_fate(number) == AWAY]
        sick = [name for name, member in self.members.items() if member.get_fate(number) == SICK]
        blocked = []
        for name in sick:
            for one in self.members[name].applications:
                blocked.append({"host": name, "application": one, "key": "unhealthy"})
        for member in self.members.values():
            # A host that answers again has closed what was left open, and is well unless the preflight says otherwise.
            member.down = member.name in unknown or member.name in sick
        declared = {name: [{"name": one} for one in member.applications] for name, member in self.members.items()}
        rules = _policy.build_wave_policy(self.given.to_dict(), {}, declared, unknown, blocked)
        left = [member for name, member in self.members.items() if not member.done and name not in (*unknown, *sick)]
        cut = cut_waves(
            [RolloutHost(one.name, one.criticality, frozenset(), frozenset(one.applications)) for one in left], rules
        )
        assert sorted(name for wave in cut for name in wave) == sorted(member.name for member in left)
        work = {
            one.name: [{"application": name, "steps": 1, "restarts": 1} for name in one.applications] for one in left
        }
        waves = _policy.describe_waves(cut, work, {}, 5, 60.0)
        facts = {
            "ansible_play_hosts": [name for name in self.members if name not in unknown],
            "ansible_play_hosts_all": list(self.members),
            "hostvars": {name: {"oxzep7_applications": entries} for name, entries in declared.items()},
        }
        rows, results = [], []
        for wave in waves:
            gate = {
                "wave": wave,
                "rows": rows,
                "unknown": unknown,
                "blocked": blocked,
                "max_unavailable": self.given.max_unavailable,
                "population": rules.population,
            }
            if wave_gate.find_unavailable_applications(gate, {}, facts):
                return
            self._begin_wave(wave, rows, len(left))
            for host in wave["hosts"]:
                self._end_host(self.members[host], number, wave, rows, results, facts)
            closed = _ledger.check_failure_budget(
                rows,
                wave["number"],
                "upgrade",
                len(left),
                self.given.max_failed,
                self.given.max_failed_per_wave,
            )
            if closed:
                self._go_back(wave["number"], rows, results, rules, (unknown, blocked), facts)
                return

    def _begin_wave(self, wave, rows, count):
        self.check_wave(wave["hosts"])
        bad = [row for row in rows if row["outcome"] != GOOD]
        assert len(bad) <= round_down(self.given.max_failed, count), "a wave began after too many had failed"
        if self.given.max_failed_per_wave is not None:
            for earlier in {row["wave"] for row in rows}:
                own = [row for row in rows if row["wave"] == earlier]
                failed = sum(row["outcome"] != GOOD for row in own)
                assert failed <= round_down(self.given.max_failed_per_wave, len(own)), "too many of a wave had failed"

    def _end_host(self, member, number, wave, rows, results, facts):
        outcome = member.get_fate(number)
        member.down, member.done = outcome in DOUBTFUL, outcome == GOOD
        if outcome == GOOD:
            results.append({"host": member.name, "result": "promoted"})
        elif outcome in ("unreachable", "unknown"):
            facts["ansible_play_hosts"].remove(member.name)
        rows.append(
            {
                "host": member.name,
                "wave": wave["number"],
                "outcome": outcome,
                "applications": wave["applications"][member.name],
            }
        )

    def _go_back(self, ended, rows, results, rules, missing, facts):
        unknown, blocked = missing
        limits = limit_interruptions(
            [row["applications"] for row in rows], self.given.max_unavailable, rules.population
        )
        lost = _policy.list_lost_rows(unknown, facts["hostvars"])
        everybody = rows + _run.list_unreachable_rows(unknown)
        without = _policy.map_doubtful_hosts(blocked)
        groups = _run.select_rollback_hosts(
            everybody, results, ended, self.given.on_failure, limits, lost, without=without
        )
        returned = [host for group in groups for host in group]
        expected = {row["host"] for row in results}
        if self.given.on_failure == "rollback_wave":
            expected &= {row["host"] for row in rows if row["wave"] == ended}
        assert sorted(returned) == sorted(expected if self.given.on_failure != "stop" else [])
        for group in groups:
            assert group
            self.check_group_that_returns(group)
            for host in group:
                self.members[host].done = False


@given(fleets, options)
def test_no_rollout_lets_more_fail_or_be_down_than_its_options_allow(members, asked):
    fleet = Fleet(members, asked)
    for number in range(4):
        fleet.run(number)


@given(fleets, options)
def test_a_fleet_without_trouble_is_upgraded_in_one_run(members, asked):
    fleet = Fleet([dataclasses.replace(member, fates=()) for member in members], asked)
    fleet.run(0)
    assert all(member.done for member in fleet.members.values())


@given(fleets, options)
def test_runs_that_are_started_again_come_to_an_end(members, asked):
    fleet = Fleet(members, asked)
    for number in range(4):
        fleet.run(number)
    # Since the fourth run nothing fails any more, so that it or the one after it has upgraded every host.
    fleet.run(4)
    assert all(member.done for member in fleet.members.values())


@given(fleets, options)
def test_with_a_budget_of_zero_at_most_one_wave_has_failures(members, asked):
    fleet = Fleet(members, dataclasses.replace(asked, max_failed=0, on_failure="stop"))
    began = []
    begin = fleet._begin_wave

    def note(wave, rows, count):
        began.append([row for row in rows if row["outcome"] != GOOD])
        begin(wave, rows, count)

    fleet._begin_wave = note
    fleet.run(0)
    assert not any(began)
