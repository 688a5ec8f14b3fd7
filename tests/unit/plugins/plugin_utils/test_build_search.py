# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for the nearest version that can be built."""

from __future__ import annotations

import math

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import WheelBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import SourceUnavailableError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import PackageRelease, build_releases
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._build_search import (
    BuildQuestion,
    BuildSearch,
    find_nearest_success,
    list_guesses,
)
from hypothesis import given
from hypothesis import strategies as st

PLATFORM = "x86_64-manylinux_2_36"


def always():
    return True


@given(st.integers(0, 80), st.integers(0, 90), st.lists(st.integers(0, 79), max_size=4))
def test_what_builds_from_a_version_on_is_found_exactly_with_few_builds(count, first, guesses):
    tried = []

    def attempt(position):
        tried.append(position)
        return position >= first

    found = find_nearest_success(count, [*guesses, count - 1] if count else [], attempt, always)
    assert found == (first if first < count else None)
    assert len(tried) == len(set(tried))
    if found is not None:
        assert len(tried) <= 2 + len(guesses) + math.ceil(math.log2(count)) + 1


@given(st.lists(st.booleans(), max_size=30), st.lists(st.integers(0, 40), max_size=4))
def test_a_version_that_builds_is_found_wherever_there_is_one(builds, guesses):
    found = find_nearest_success(len(builds), guesses, lambda position: builds[position], always)
    assert builds[found] if found is not None else not any(builds)


@given(st.integers(1, 20), st.integers(0, 25))
def test_it_ends_with_the_time_and_the_best_so_far(count, steps):
    tried = []

    def attempt(position):
        tried.append(position)
        return position == count - 1 or position > count // 2

    found = find_nearest_success(count, [count - 1], attempt, lambda: len(tried) < steps)
    assert len(tried) <= max(1, steps)
    assert (found is not None) == any(number == count - 1 or number > count // 2 for number in tried)


def release(version, published=None, elsewhere=False, wheel=False, plain=False):
    source = PackageFile(f"a-{version}.tar.gz", "", published, False, "memory", None)
    return PackageRelease(version, wheel, source, None, published, False, plain, elsewhere=elsewhere)


def test_likely_versions_are_those_with_wheels_elsewhere_then_by_date_then_the_newest():
    releases = [
        release("1.0", "2019-01-01"),
        release("1.1", "2024-01-01"),
        release("1.2", "2024-02-01", elsewhere=True),
        release("1.3", "2024-03-01", elsewhere=True),
    ]
    assert list_guesses(releases, (3, 12)) == [2, 1, 3]
    assert list_guesses(releases[:2], (3, 12)) == [1] and list_guesses(releases[:1], (3, 12)) == [0]
    assert list_guesses([release("1.0"), release("1.1")], (3, 12)) == [1] and list_guesses([], (3, 12)) == []


def test_a_wheel_for_the_minor_on_another_platform_is_seen():
    def file(name):
        return PackageFile(name, "", None, False, "memory", None)

    files = [
        file("a-1.0.tar.gz"),
        file("a-1.0-cp311-cp311-win_amd64.whl"),
        file("a-1.1.tar.gz"),
        file("a-1.1-cp312-cp312-macosx_11_0_arm64.whl"),
    ]
    assert [entry.elsewhere for entry in build_releases(files, (3, 12), PLATFORM)] == [False, True]


def search(releases, good, current="1.0", budget=100.0, cost=1.0):
    """The version that is found where *good* build, each build taking *cost* seconds, and what was built."""
    built, now = [], [0.0]

    def build(version):
        built.append(version)
        now[0] += cost
        if version not in good:
            raise WheelBuildError(f"a {version} could not be built: it needs a.h")

    question = BuildQuestion("a", current, releases, (), (3, 12), PLATFORM)
    return BuildSearch(budget, lambda: now[0]).find_version(question, build), built


def test_all_versions_are_searched_and_the_nearest_is_taken():
    releases = [release(f"1.{number}", "2019-01-01") for number in range(40)]
    entry, built = search(releases, {f"1.{number}" for number in range(23, 40)})
    assert entry.lowest == "1.23" and entry.build and entry.reason.evidence == "not-built" and len(built) < 10
    assert "a 1.0 could not be built" in entry.reason.text


def test_a_date_tells_where_to_begin():
    releases = [release(f"1.{number}", "2019-01-01" if number < 30 else "2024-01-01") for number in range(40)]
    _entry, built = search(releases, {f"1.{number}" for number in range(30, 40)})
    assert built[:2] == ["1.0", "1.30"] and len(built) < 8


def test_when_time_is_up_it_says_how_many_were_tried():
    releases = [release(f"1.{number}") for number in range(40)]
    with pytest.raises(WheelBuildError, match=r"needs a\.h; 3 of 39 later versions were tried and do not build"):
        search(releases, set(), budget=3.0)
    with pytest.raises(WheelBuildError, match=r"; 39 later versions were tried"):
        search(releases, set(), budget=300.0)


def test_a_later_wheel_ends_the_search():
    releases = [release("1.0"), release("1.1"), release("1.2", wheel=True, plain=True)]
    entry, built = search(releases, {"1.1"})
    assert entry.lowest == "1.2" and not entry.build and built == ["1.0"]


@pytest.mark.parametrize("unavailable", ["1.0", "1.2"])
def test_a_source_that_is_not_available_now_is_no_reason_to_take_another_version(unavailable):
    def build(version):
        if version == unavailable:
            raise SourceUnavailableError(f"the source of a {version} is not available: 503")
        raise WheelBuildError("it needs a.h")

    releases = [release(f"1.{number}") for number in range(3)]
    question = BuildQuestion("a", "1.0", releases, (), (3, 12), PLATFORM)
    with pytest.raises(SourceUnavailableError, match="503"):
        BuildSearch().find_version(question, build)
