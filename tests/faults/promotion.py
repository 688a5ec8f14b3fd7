# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills a promotion at every system call that changes a file or tells systemd something: in adoption, forward, and in a rollback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from tests.faults.steady_host import (
    FIRST,
    ORIGINAL,
    PATIENCE,
    SECOND,
    Broken,
    SteadyHost,
    judge,
    on_hosts,
    promotion,
    succeeded,
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


def after(host: SteadyHost, journey: tuple[str, str, str, str | None], dead_man: bool, *first: list[Any]) -> list[Any]:
    """What came of the actions *first*, when all is well after them. Raises Broken when it is not.

    With *dead_man* nobody helps before the host has closed the promotion by itself.
    """
    _name, generation, kind, before = journey
    options = promotion(generation, kind)
    *answers, undone, recovered, then, again, now = host.do(
        *first,
        ["wait", PATIENCE if dead_man else 0],
        ["module", "recovery", {}],
        ["look"],
        ["module", "promotion", options],
        ["look"],
    )
    called = next((f"{answer['calls'][-1].split(None, 2)[2]}: " for answer in answers if answer["calls"]), "")
    try:
        if dead_man and not undone:
            raise Broken(f"the dead man's switch has not undone it within {PATIENCE:g} seconds")
        succeeded(recovered)
        # An adoption that was undone leaves the original as generation 0.
        judge(then, generation, before, *([ORIGINAL] if before is None else []))
        succeeded(again)
        judge(now, generation)
    except Broken as error:
        raise Broken(f"{called}{error}") from None
    return answers


def count(host: SteadyHost, of_journeys: Callable[[Iterable[int]], int] = max) -> int:
    """How many points the longest of the journeys has, or what else *of_journeys* makes of their numbers."""
    _reset, *traced = host.do(
        ["reset"], *(["trace", 0, "kill", promotion(generation, kind)] for _name, generation, kind, _before in JOURNEYS)
    )
    for one in traced:
        if one["status"] != 0:
            raise FleetError(f"a promotion that nobody kills ended with {one['status']}: {one['said']}")
    return of_journeys(len(one["calls"]) for one in traced)


def part(host: SteadyHost, numbers: list[int]) -> tuple[int, list[str]]:
    """Every journey, killed at each of *numbers*: how many points were tried, and what was wrong."""
    tried, wrong = 0, []
    for number in numbers:
        host.do(["reset"])
        for journey in JOURNEYS:
            name, generation, kind, _before = journey
            try:
                (killed,) = after(
                    host, journey, number % 2 == 1, ["trace", number, "kill", promotion(generation, kind)]
                )
                tried += killed["status"] == KILLED
            except Broken as error:
                tried += 1
                wrong.append(f"{name} {number}: {error}")
                print(f"faults promotion: {wrong[-1]}", file=sys.stderr, flush=True)
                break
    return tried, wrong


def run_all(every: int = 1) -> tuple[int, int]:
    """Points tried, and points survived; with *every*, only one of so many points."""
    parts = on_hosts(HOSTS, count, part, every)
    tried = sum(points for points, _wrong in parts)
    return tried, tried - sum(len(wrong) for _points, wrong in parts)
