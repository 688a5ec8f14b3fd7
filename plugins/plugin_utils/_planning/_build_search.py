# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the version that a package stays at or moves to, building what has no wheel: the nearest that can be built."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import WheelBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, load_releases
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import (
    RemoteBuildError,
    SourceUnavailableError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import PackageRelease
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    MoveReason,
    PackageBlockedError,
    VersionBound,
    VersionLimit,
    find_nearest_version,
)

# Seconds that the builds of one package for one Python may take together before the best found so far counts.
BUILD_BUDGET = 1800.0


@dataclasses.dataclass(frozen=True)
class BuildQuestion:
    """A package whose version is sought: as `find_nearest_version` takes it."""

    name: str
    current: str
    releases: Sequence[PackageRelease]
    limits: Sequence[VersionLimit]
    minor: Minor
    platform: str
    build_from: str | None = None

    def find_nearest(self, failed: Sequence[str] = (), wheels_only: bool = False) -> VersionBound:
        """The nearest version but those that *failed*. Raises PackageBlockedError."""
        barred = []
        for version in failed:
            text = f"{self.name}!={version}"
            barred.append(VersionLimit(self.name, text, "it could not be built", "not-built", None))
        return find_nearest_version(
            self.name,
            self.current,
            self.releases,
            [*self.limits, *barred],
            self.minor,
            self.platform,
            self.build_from,
            wheels_only,
        )


def list_guesses(releases: Sequence[PackageRelease], minor: Minor) -> list[int]:
    """Positions in *releases*, oldest first, that most likely build for *minor*, the likeliest first.

    The first that has a wheel for it on another platform, the first that was published after the release of that
    Python, and the newest.
    """
    released = load_releases()[minor].first_release.isoformat() if minor in load_releases() else "9999"
    found = []
    for test in (
        lambda entry: entry.elsewhere,
        lambda entry: bool(entry.published) and entry.published >= released,
        lambda entry: entry is releases[-1],
    ):
        position = next((number for number, entry in enumerate(releases) if test(entry)), None)
        if position is not None and position not in found:
            found.append(position)
    return found


def find_nearest_success(
    count: int, guesses: Sequence[int], attempt: Callable[[int], bool], in_time: Callable[[], bool]
) -> int | None:
    """The least of *count* positions whose *attempt* succeeds, as far as it is found while *in_time*.

    The *guesses* are tried first; below a success the gap to the last failure is halved. Where no guess succeeds, all
    others are tried, nearest first.
    """
    tried: dict[int, bool] = {}

    def succeeds(position: int) -> bool:
        if position not in tried:
            tried[position] = attempt(position)
        return tried[position]

    best: int | None = None
    order = dict.fromkeys([*(number for number in guesses if number < count), *range(count)])
    for number in order:
        if tried and not in_time():
            break
        if succeeds(number):
            best = number
            break
    if best is None:
        return None
    low = max([number for number, good in tried.items() if not good and number < best], default=-1) + 1
    while low < best and in_time():
        middle = (low + best) // 2
        if succeeds(middle):
            best = middle
        else:
            low = middle + 1
    return best


class BuildSearch:
    """Finds versions by trying builds, for a limited time each."""

    def __init__(self, budget: float = BUILD_BUDGET, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._clock = clock

    def find_version(self, question: BuildQuestion, build: Callable[[str], None]) -> VersionBound:
        """The nearest version that has a wheel or that *build* makes one of.

        *build* raises WheelBuildError, RemoteBuildError or SourceUnavailableError. Raises these, and
        PackageBlockedError.
        """
        entry = question.find_nearest()
        if not entry.build:
            return entry
        problem: WheelBuildError | RemoteBuildError
        try:
            build(entry.lowest)
        except SourceUnavailableError:
            # It may build at the next attempt, so no other version is chosen.
            raise
        except WheelBuildError as error:
            problem = error
        except RemoteBuildError as error:
            if not any(release.wheel for release in question.releases):
                raise
            problem = error
        else:
            return entry
        try:
            following = question.find_nearest([entry.lowest], True)
        except PackageBlockedError:
            raise problem from None
        if following.build:
            following = self._search(question, entry.lowest, problem, build)
        if following.reason:
            following = dataclasses.replace(
                following, reason=MoveReason("not-built", str(problem), following.reason.date)
            )
        return following

    def _search(
        self,
        question: BuildQuestion,
        failed: str,
        problem: WheelBuildError | RemoteBuildError,
        build: Callable[[str], None],
    ) -> VersionBound:
        """The nearest version after *failed* that builds. Raises *problem* with what else was tried."""
        candidates = list_candidates(question, failed)
        end = self._clock() + self._budget
        tried: list[str] = []

        def attempt(position: int) -> bool:
            tried.append(candidates[position])
            try:
                build(candidates[position])
            except SourceUnavailableError:
                raise
            except (WheelBuildError, RemoteBuildError):
                return False
            return True

        known = {release.version: release for release in question.releases}
        guesses = list_guesses([known[version] for version in candidates], question.minor)
        position = find_nearest_success(len(candidates), guesses, attempt, lambda: self._clock() < end)
        if position is None:
            if isinstance(problem, RemoteBuildError):
                raise problem
            rest = f" of {len(candidates)}" if len(tried) < len(candidates) else ""
            raise WheelBuildError(f"{problem}; {len(tried)}{rest} later versions were tried and do not build either")
        return question.find_nearest([failed, *candidates[:position]], True)


def list_candidates(question: BuildQuestion, failed: str) -> list[str]:
    """The versions after *failed* that could be built, nearest first."""
    found: list[str] = []
    passed = [failed]
    while True:
        try:
            entry = question.find_nearest(passed, True)
        except PackageBlockedError:
            return found
        if not entry.build:
            return found
        found.append(entry.lowest)
        passed.append(entry.lowest)
