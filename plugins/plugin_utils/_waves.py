# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves and budgets: which hosts are upgraded together, and when a rollout must stop. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GOOD = frozenset({"upgraded", "skipped", "unchanged"})
UNKNOWN = "unknown"


def sizes(hosts: int, shape: Sequence[int | str]) -> list[int]:
    """How many of *hosts* each wave takes, for a *shape* of counts and percentages; the last entry repeats.

    A percentage is of all hosts, rounded up to at least one. Raises ValueError for a shape that cannot be meant.
    """
    if not shape:
        raise ValueError("oxzep7_waves is empty; give at least one count or percentage")
    taken: list[int] = []
    while sum(taken) < hosts:
        entry = shape[min(len(taken), len(shape) - 1)]
        taken.append(min(_count(entry, hosts), hosts - sum(taken)))
    return taken


def _count(entry: int | str, hosts: int) -> int:
    text = str(entry).strip()
    try:
        count = math.ceil(hosts * float(text[:-1]) / 100) if text.endswith("%") else int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ValueError(f"oxzep7_waves: {entry!r} is neither a positive count nor a percentage")
    return count


def waves(hosts: Sequence[str], shape: Sequence[int | str]) -> list[list[str]]:
    """*hosts* cut into waves, keeping their order."""
    cut, start = [], 0
    for size in sizes(len(hosts), shape):
        cut.append(list(hosts[start:start + size]))
        start += size
    return cut


def outcome(facts: Mapping[str, Any]) -> str:
    """The outcome that a host's variables record; a host without a record is unknown."""
    return str(facts.get("wave_outcome") or UNKNOWN)


def failed(outcomes: Mapping[str, str]) -> list[str]:
    """Hosts whose outcome is not good, sorted."""
    return sorted(host for host, ended in outcomes.items() if ended not in GOOD)


def over_budget(outcomes: Mapping[str, str], maximum: int) -> list[str]:
    """The failed hosts, if there are more than *maximum* of them; nobody otherwise."""
    bad = failed(outcomes)
    return bad if len(bad) > maximum else []


def earlier(all_hosts: Iterable[str], batch: Iterable[str]) -> list[str]:
    """Those of *all_hosts* that come before every host of *batch*."""
    now = set(batch)
    before = []
    for host in all_hosts:
        if host in now:
            break
        before.append(host)
    return before
