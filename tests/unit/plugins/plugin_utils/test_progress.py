# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is shown of a run while it is under way."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _progress
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._progress import ProgressBoard
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "action, phase",
    [
        ("oxzep7.python.promotion", "promote"),
        ("oxzep7.python.backup", "back up"),
        ("ansible.builtin.assert", None),
        ("oxzep7.python.plan_diff", None),
    ],
)
def test_only_what_takes_its_time_is_a_phase(action, phase):
    assert _progress.find_phase(action) == phase


@pytest.mark.parametrize(
    "seconds, text", [(0, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (90061, "25h01m")]
)
def test_time_as_people_read_it(seconds, text):
    assert _progress.format_elapsed(seconds) == text


def test_a_line_for_each_change_of_phase_and_none_for_the_same():
    board = ProgressBoard()
    assert board.begin_play("Upgrade in waves", ["a", "b"], 0) == ["Upgrade in waves: 2 hosts (a, b)"]
    assert board.start_phase("a", "wheels", 1) == ["a: wheels"] and board.start_phase("a", "wheels", 2) == []
    board.update_step("a", {"application": "billing", "from": "3.8", "to": "3.9"})
    assert board.start_phase("a", "build", 65) == ["a billing 3.8→3.9: build (after 1m04s of wheels)"]
    assert board.record_failure("a", _progress.FAILED, "no space", 70) == [
        "a billing 3.8→3.9: failed in build: no space"
    ]
    assert board.start_phase("a", "report", 71) == [] and board.rows["a"].phase == "failed"
    assert board.render_table(75, 200, 40) == [
        "host  application  step     phase   elapsed",
        "a     billing      3.8→3.9  failed  -",
        "b     -            -        waits   1m15s",
        "Upgrade in waves: 1 failed, 1 waits",
    ]
    assert board.finish_hosts(80) == ["1 failed, 1 done"]


def test_a_host_that_failed_is_not_forgotten_when_the_next_batch_begins():
    board = ProgressBoard()
    board.begin_play("wave", ["a"], 0)
    board.record_failure("a", _progress.UNREACHABLE, "no route", 1)
    board.begin_play("wave", ["a", "b"], 2)
    assert board.count_phases() == {"unreachable": 1, "waits": 1}


@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=30), min_size=1, max_size=40, unique=True),
    st.integers(1, 60),
    st.integers(4, 30),
)
def test_a_table_fits(hosts, width, height):
    board = ProgressBoard()
    board.begin_play("play", hosts, 0)
    board.record_failure(hosts[-1], _progress.FAILED, "x", 1)
    lines = board.render_table(2, width, height)
    assert all(len(line) <= width for line in lines) and len(lines) <= height
    # Who failed is seen, whatever else is not.
    assert hosts[-1][: max(0, width - 1)] in lines[1] or len(hosts[-1]) >= width


def test_a_gate_is_told_once():
    board = ProgressBoard()
    board.begin_play("Upgrade in waves", ["a", "b"], 0.0)
    assert (
        board.pass_gate({"number": 1, "hosts": ["a"]}, True, "") == ["wave 1: 1 host (a)"]
        and board.pass_gate({"number": 1, "hosts": ["a"]}, True, "") == []
    )
    assert board.render_table(0.0, 80, 20)[-1] == "Upgrade in waves: 2 waits; wave 1: 1 host (a)"
    assert board.pass_gate({"number": 2, "hosts": ["b"]}, False, "a is not upgraded") == [
        "gate closed: a is not upgraded"
    ]
    assert board.pass_gate({"number": 3, "hosts": []}, False, "a is not upgraded") == []
