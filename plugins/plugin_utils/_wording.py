# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phrases that several reports and messages use."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAXIMUM_NAMES = 5
NUMBERED_NAME = re.compile(r"^(.*?)(\d{1,9})(\D*)$", re.DOTALL)
# A range of fewer names is longer than the names.
MINIMUM_RANGE = 3


def shorten(text: str, limit: int) -> str:
    """*text*, or the beginning of it where it has more than *limit* characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def join_names(names: Sequence[str]) -> str:
    """Return the first five of *names*, and how many more there are."""
    more = len(names) - MAXIMUM_NAMES
    return ", ".join(names[:MAXIMUM_NAMES]) + (f" and {more} more" if more > 0 else "")


def compress_names(names: Sequence[str], limit: int) -> str:
    """Return *names*, those that differ by consecutive numbers as ranges (``web[1:20]``), and how many more there are.

    At most *limit* names and ranges are shown.
    """
    parts: list[str] = []
    run: list[tuple[str, str, str]] = []
    for name in [*names, ""]:
        match = NUMBERED_NAME.match(name)
        split = (match[1], match[2], match[3]) if match else None
        if run and split and _follows(run[-1], split):
            run.append(split)
            continue
        parts += _format_run(run)
        run = [split] if split else []
        if not split and name:
            parts.append(name)
    more = len(parts) - limit
    shown = ", ".join(parts[:limit])
    return f"{shown} and {more} more" if more > 0 else shown


def _follows(before: tuple[str, str, str], after: tuple[str, str, str]) -> bool:
    same = before[0] == after[0] and before[2] == after[2]
    padded = len(before[1]) == len(after[1]) or not (before[1].startswith("0") or after[1].startswith("0"))
    return same and padded and int(after[1]) == int(before[1]) + 1


def _format_run(run: Sequence[tuple[str, str, str]]) -> list[str]:
    if len(run) < MINIMUM_RANGE:
        return ["".join(parts) for parts in run]
    (prefix, first, suffix), (_prefix, last, _suffix) = run[0], run[-1]
    return [f"{prefix}[{first}:{last}]{suffix}"]
