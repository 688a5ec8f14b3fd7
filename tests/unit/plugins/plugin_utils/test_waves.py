# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves and budgets."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils import _waves
from hypothesis import given
from hypothesis import strategies as st

shapes = st.lists(st.one_of(st.integers(1, 50), st.integers(1, 100).map(lambda percent: f"{percent}%")), min_size=1, max_size=6)


@given(st.lists(st.text("abcdefgh", min_size=1), unique=True), shapes)
def test_every_host_is_in_exactly_one_wave_in_order(hosts, shape):
    cut = _waves.waves(hosts, shape)
    assert [host for wave in cut for host in wave] == hosts
    assert all(cut)


@pytest.mark.parametrize("hosts, shape, expected", [
    (10, [1, "10%", "30%", "100%"], [1, 1, 3, 5]), (3, [1, "100%"], [1, 2]), (1, [5], [1]), (7, [2], [2, 2, 2, 1]), (0, [1], []),
    (1000, [1, "10%", "30%", "100%"], [1, 100, 300, 599])])
def test_shapes(hosts, shape, expected):
    assert _waves.sizes(hosts, shape) == expected


@pytest.mark.parametrize("shape", [[], [0], [-1], ["0%"], ["x"], ["%"], [None]])
def test_shapes_that_cannot_be_meant(shape):
    with pytest.raises(ValueError, match="oxzep7_waves"):
        _waves.sizes(3, shape)


outcomes = st.dictionaries(st.text("abc", min_size=1), st.sampled_from(["upgraded", "reverted", "failed", "unreachable", "interrupted", "unknown", "skipped"]))


@given(outcomes, st.integers(0, 5))
def test_the_gate_closes_exactly_when_more_fail_than_allowed(ended, maximum):
    bad = [host for host, outcome in ended.items() if outcome not in ("upgraded", "skipped")]
    assert _waves.over_budget(ended, maximum) == (sorted(bad) if len(bad) > maximum else [])


def test_a_host_without_a_record_is_unknown_and_counts():
    assert _waves.outcome({}) == "unknown"
    assert _waves.over_budget({"host1": _waves.outcome({})}, 0) == ["host1"]


def test_only_hosts_before_the_batch_are_judged():
    assert _waves.earlier(["a", "b", "c", "d"], ["c", "d"]) == ["a", "b"]
    assert _waves.earlier(["a", "b"], ["a", "b"]) == []
