# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about Python's versions."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle


def test_facts_of_the_vendored_data():
    known = _lifecycle.load_releases()
    assert known[3, 8].end_of_life == datetime.date(2024, 10, 7)
    assert known[3, 8].newest_patch == 20
    assert known[3, 11].end_of_life == datetime.date(2027, 10, 1)
    assert (3, 16) not in known and (2, 7) not in known


@pytest.mark.parametrize(
    "current, target, expected",
    [
        ((3, 8), (3, 11), [(3, 9), (3, 10), (3, 11)]),
        ((3, 9), (3, 10), [(3, 10)]),
        ((3, 11), (3, 11), []),
        ((3, 6), (3, 8), [(3, 7), (3, 8)]),
    ],
)
def test_the_path_never_skips_a_minor(current, target, expected):
    assert _lifecycle.find_upgrade_path(current, target) == expected


def test_going_down_is_refused_with_the_way_to_do_it():
    with pytest.raises(_lifecycle.UnknownVersionError, match="rollback"):
        _lifecycle.find_upgrade_path((3, 11), (3, 9))


@pytest.mark.parametrize(
    "text", ["", "3", "three", "3.11.x", "3.11.7.1", "3.99", "3.16", "3.11.99", "3.11rc1", "-3.11"]
)
def test_what_is_no_released_version_is_refused(text):
    with pytest.raises(_lifecycle.UnknownVersionError):
        _lifecycle.check_target(text)


@pytest.mark.parametrize(
    "target, today, expected",
    [
        ("newest-supported", "2026-11-21", "3.14"),
        ("newest-1", "2026-11-21", "3.13"),
        ("newest-supported", "2024-06-01", "3.12"),
        ("newest-1", "2024-06-01", "3.11"),
        ("3.11.7", "2026-11-21", "3.11.7"),
    ],
)
def test_symbolic_targets(target, today, expected):
    assert _lifecycle.resolve_target(target, datetime.date.fromisoformat(today)) == expected


def test_data_that_end_before_today_have_no_newest():
    with pytest.raises(_lifecycle.UnknownVersionError, match="renew them"):
        _lifecycle.resolve_target("newest-supported", datetime.date(2040, 1, 1))


@pytest.mark.parametrize(
    "day, phase",
    [("2026-10-06", "bugfix"), ("2026-10-07", "security"), ("2029-09-30", "security"), ("2029-10-01", "end-of-life")],
)
def test_phases(day, phase):
    assert _lifecycle.load_releases()[3, 13].get_phase(datetime.date.fromisoformat(day)) == phase


@pytest.mark.parametrize(
    "text, expected", [("3.11", ((3, 11), None)), ("3.11.7", ((3, 11), 7)), ("3.9", ((3, 9), None))]
)
def test_targets(text, expected):
    assert _lifecycle.check_target(text) == expected
