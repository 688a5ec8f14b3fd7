# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a long stage says of itself."""

from __future__ import annotations

import concurrent.futures
import random
import threading

import pytest
from ansible_collections.oxzep7.python.plugins.action.rehearse import FollowedTrials
from ansible_collections.oxzep7.python.plugins.plugin_utils import _activity
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import Activity
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._progress import ProgressBoard

from .planted_fleet import make_hosts, make_packages
from .world import World


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def open_quiet(clock=None):
    """An activity that says nothing by itself within a test, and its lines."""
    said = []
    return Activity("plan", said.append, 3600, clock or Clock()), said


def test_a_line_says_what_of_how_many_is_done_and_for_how_long():
    clock = Clock()
    activity, said = open_quiet(clock)
    with activity:
        assert activity.describe() == "… plan: 0s"
        _activity.expect("steps resolved", 4)
        with (
            _activity.track("steps resolved", "120 packages for Python 3.9"),
            _activity.track("wheels built", "lxml 4.6"),
        ):
            clock.now += 65
            assert activity.describe() == (
                "… plan: 0 of 4 steps resolved (now 120 packages for Python 3.9); 0 wheels built (now lxml 4.6); 1m05s"
            )
        with pytest.raises(ValueError), _activity.track("wheels built", "x 1"):
            raise ValueError
        _activity.complete("steps resolved")
        assert activity.describe() == "… plan: 2 of 4 steps resolved; 2 wheels built; 1m05s"
        names = [f"p{number}" for number in range(5)]
        together = threading.Barrier(6)

        def meet(_name):
            together.wait(30)
            together.wait(30)

        with concurrent.futures.ThreadPoolExecutor(max_workers=5) as pool:
            asked = pool.map(_activity.follow("index pages", meet), names)
            together.wait(30)
            assert "0 index pages (now " in activity.describe() and " and 3 more)" in activity.describe()
            together.wait(30)
            list(asked)
        assert "5 index pages;" in activity.describe()
    # A stage that was short has no lines.
    assert said == []


def test_without_an_activity_nothing_is_counted():
    with _activity.track("trials", "x"):
        _activity.expect("trials", 1)
    assert _activity.follow("trials", str.upper)("x") == "X" and _activity._current is None


def test_a_stage_at_work_says_so_again_and_again_and_once_at_its_end():
    said, enough = [], threading.Event()

    def is_at_work(line):
        return "0 trials (now billing)" in line

    def say(line):
        said.append(line)
        if len(list(filter(is_at_work, said))) == 3:
            enough.set()

    # A line may come before the work is tracked, or after it is done and before the stage ends.
    with Activity("plan", say, 0.001), _activity.track("trials", "billing"):
        assert enough.wait(30)
    assert "1 trials;" in said[-1]
    assert _activity._current is None


def test_a_plan_counts_its_applications_and_steps():
    packages = make_packages(30, random.Random(1))
    activity, _said = open_quiet()
    with activity:
        Planner("3.11", World(packages).locker()).plan(make_hosts(4, 2, packages))
        assert activity.describe() == "… plan: 4 of 4 applications planned; 6 of 6 steps resolved; 0s"


def test_a_board_shows_the_last_line_of_each_stage_for_a_while():
    board = ProgressBoard()
    board.begin_play("Plan", ["a"], 0)
    assert not board.note_activity("plan: 3 of 4", 0) and not board.note_activity("… and more", 0)
    assert board.note_activity("… plan: 1 of 4 steps resolved (now x: 3); 15s", 1)
    assert board.note_activity("… a: rehearse: 0 trials (now billing on Python 3.9: six 1.16); 15s", 2)
    assert board.note_activity("… plan: 2 of 4 steps resolved; 30s", 3)
    assert board.render_table(4, 200, 40)[-3:-1] == [
        "… a: rehearse: 0 trials (now billing on Python 3.9: six 1.16); 15s",
        "… plan: 2 of 4 steps resolved; 30s",
    ]
    assert len(board.render_table(60, 200, 40)) == 3
    assert all(len(board.render_table(4, 200, height)) <= height for height in (4, 5, 6, 7))


def test_trials_are_named_by_what_differs_from_the_first():
    seen = []

    class Trials:
        def run_trial(self, lock, only):
            seen.append(activity.describe())
            return only

    activity, _said = open_quiet()
    with activity:
        followed = FollowedTrials(Trials(), "billing on Python 3.9")
        for lock in ("six==1.15\njinja2==2\n", "six==1.16\njinja2==2\n", "six==1.15\njinja2==2\n"):
            assert followed.run_trial(lock, [lock]) == [lock]
    assert [line.split("billing on Python 3.9: ")[1].split(")")[0] for line in seen] == [
        "2 packages",
        "six 1.16",
        "the same",
    ]
