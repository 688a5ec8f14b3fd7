# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills a promotion at every system call that changes a file or a service: in adoption, forward, and in a rollback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from tests.faults.steady_host import (
    FIRST,
    ORIGINAL,
    PATIENCE,
    SECOND,
    BrokenHostError,
    SteadyHost,
    build_promotion_options,
    expect_generation,
    require_module_success,
    spread_over_hosts,
)
from tests.fleet.paths import FleetError

HOSTS = 3
# The status of what was killed with SIGKILL.
KILLED = 137
# In this order each leaves the host where the next one begins.
JOURNEYS = (
    ("adoption", FIRST, "upgrade", None),
    ("forward", SECOND, "upgrade", FIRST),
    ("rollback", FIRST, "rollback", SECOND),
)


def choose_undo(number: int) -> list[list[Any]]:
    """How what was killed at point *number* is undone: by the dead man or by hand, and then two and three times more.

    Of six points, one is left to the next run.
    """
    if number % 6 == 0:
        return []
    return [["wait", PATIENCE] if number % 2 else ["undo", 1], ["undo", 2], ["undo", 3]]


def expect_recovery(
    host: SteadyHost, journey: tuple[str, str, str, str | None], undos: list[list[Any]], *first: list[Any]
) -> list[Any]:
    """Run the actions *first* and expect the host to recover; returns their results. Raises BrokenHostError.

    After each of *undos*, actions of ``drive.py``, the promotion must be closed.
    """
    _name, generation, kind, before = journey
    options = build_promotion_options(generation, kind)
    found = host.run_actions(
        *first,
        *undos,
        ["module", "recovery", {}],
        ["look"],
        ["module", "promotion", options],
        ["look"],
    )
    answers, closed = found[: len(first)], found[len(first) : -4]
    recovered, then, again, now = found[-4:]
    called = next((f"{answer['calls'][-1].split(None, 2)[2]}: " for answer in answers if answer["calls"]), "")
    try:
        if not all(closed):
            raise BrokenHostError(f"it is still open after one of {undos}")
        require_module_success(recovered)
        # An adoption that was undone leaves the original as generation 0.
        expect_generation(then, generation, before, *([ORIGINAL] if before is None else []))
        require_module_success(again)
        expect_generation(now, generation)
    except BrokenHostError as error:
        raise BrokenHostError(f"{called}{error}") from None
    return answers


def count_promotion_points(host: SteadyHost, of_journeys: Callable[[Iterable[int]], int] = max) -> int:
    """Number of points of the longest journey, or what else *of_journeys* makes of the numbers of all of them."""
    actions: list[list[Any]] = [["reset"]]
    for _name, generation, kind, _before in JOURNEYS:
        actions.append(["trace", 0, "kill", build_promotion_options(generation, kind)])
    _reset, *traced = host.run_actions(*actions)
    for one in traced:
        if one["status"] != 0:
            raise FleetError(f"a promotion that was not killed ended with {one['status']}: {one['said']}")
    return of_journeys(len(one["calls"]) for one in traced)


def try_promotion_points(host: SteadyHost, numbers: list[int]) -> tuple[int, list[str]]:
    """Kill every journey at each of *numbers*; returns the number of points tried, and what was wrong."""
    tried, wrong = 0, []
    for number in numbers:
        host.run_actions(["reset"])
        for index, journey in enumerate(JOURNEYS):
            name, generation, kind, _before = journey
            try:
                (killed,) = expect_recovery(
                    host,
                    journey,
                    choose_undo(number + index),
                    ["trace", number, "kill", build_promotion_options(generation, kind)],
                )
                tried += killed["status"] == KILLED
            except BrokenHostError as error:
                tried += 1
                wrong.append(f"{name} {number}: {error}")
                print(f"faults promotion: {wrong[-1]}", file=sys.stderr, flush=True)
                break
    return tried, wrong


def run_all(every: int = 1) -> tuple[int, int]:
    """Points tried, and points survived; with *every*, only one of so many points."""
    parts = spread_over_hosts(HOSTS, count_promotion_points, try_promotion_points, every)
    tried = sum(points for points, _wrong in parts)
    return tried, tried - sum(len(wrong) for _points, wrong in parts)
