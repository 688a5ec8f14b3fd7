# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of where a fleet stands: for each application a mark for each host, and the share of each state.

Each state has a shape of its own, so that it is read without colours. It is one SVG of a few paths, whatever the number
of hosts, and needs no scripts.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import shorten

CELL = 12
PER_LINE = 60
LABEL_LIMIT, CHARACTER = 28, 6.6
BAR_HEIGHT, LEGEND_HEIGHT = 18, 20
GAP = 8
# Applications that are drawn; those with the most hosts come first into the choice.
MAXIMUM_APPLICATIONS = 100
# The parts of a path for the mark of each state, in a cell of 12 by 12.
SHAPES = {
    "on target": "M{x:g} {y:g}m1 1h9v9h-9z",
    "planned": "M{x:g} {y:g}m1 10v-9l9 9z",
    "below target": "M{x:g} {y:g}m1 6h9v4h-9z",
    "blocked": "M{x:g} {y:g}m1 3l2-2 2.5 2.5 2.5-2.5 2 2-2.5 2.5 2.5 2.5-2 2-2.5-2.5-2.5 2.5-2-2 2.5-2.5z",
    "open": "M{x:g} {y:g}m1 5.5a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0",
    "unknown": "M{x:g} {y:g}m1 4.5h9v2h-9z",
    "no record": "M{x:g} {y:g}m4 4h3v3h-3z",
    "no target": "M{x:g} {y:g}m4.5 1h2v9h-2z",
}


def draw_status(rows: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> str:
    """The picture of *rows*, each with ``host``, ``application`` and ``state``; *counts* are the rows of each state.

    Empty without applications.
    """
    hosts: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (str(row["application"]), row["host"])):
        hosts.setdefault(str(row["application"] or "hosts without an answer"), []).append(row["state"])
    if not hosts:
        return ""
    chosen = sorted(hosts, key=lambda name: (-len(hosts[name]), name))[:MAXIMUM_APPLICATIONS]
    left = min(LABEL_LIMIT, max(map(len, chosen))) * CHARACTER + 10
    width = left + CELL * PER_LINE
    text = "; ".join(f"{state}: {count}" for state, count in counts.items())
    legend, y = _draw_legend(counts, width)
    parts = [*_draw_shares(counts, width), *legend]
    paths: dict[str, list[str]] = {}
    for name in sorted(chosen):
        parts.append(f'<text x="0" y="{y + 10:g}">{html.escape(shorten(name, LABEL_LIMIT))}</text>')
        for number, state in enumerate(hosts[name]):
            line, column = divmod(number, PER_LINE)
            mark = SHAPES[state].format(x=left + CELL * column, y=y + CELL * line)
            paths.setdefault(state, []).append(mark)
        y += CELL * (1 + (len(hosts[name]) - 1) // PER_LINE) + GAP
    parts += [f'<path class="{_name_class(state)}" d="{"".join(marks)}"/>' for state, marks in paths.items()]
    rest = len(hosts) - len(chosen)
    note = f"<p>{rest} more applications are in the table only.</p>" if rest else ""
    return (
        f'<div class="scroll"><svg class="status" role="img" aria-label="{html.escape(text)}" width="{width:g}" '
        f'height="{y:g}" viewBox="0 0 {width:g} {y:g}"><title>{html.escape(text)}</title>\n'
        + "\n".join(parts)
        + f"\n</svg></div>{note}"
    )


def _name_class(state: str) -> str:
    return state.replace(" ", "-")


def _draw_shares(counts: Mapping[str, int], width: float) -> list[str]:
    """One bar with the share of each state."""
    parts, at, every = [], 0.0, sum(counts.values())
    for state, count in counts.items():
        share = width * count / every
        told = f"{state}: {count} of {every}"
        parts.append(
            f'<rect class="{_name_class(state)}" x="{at:.1f}" y="0" width="{share:.1f}" height="{BAR_HEIGHT - 4}">'
            f"<title>{html.escape(told)}</title></rect>"
        )
        at += share
    return parts


def _draw_legend(counts: Mapping[str, int], width: float) -> tuple[list[str], float]:
    """What the marks mean, in lines of *width*; and where the picture goes on below them."""
    parts, x, y, every = [], 0.0, float(BAR_HEIGHT), sum(counts.values())
    for state, count in counts.items():
        meaning = f"{state} {count} ({100 * count / every:.0f} %)"
        taken = CELL + 4 + len(meaning) * CHARACTER
        if x + taken > width:
            x, y = 0.0, y + LEGEND_HEIGHT
        parts.append(f'<path class="{_name_class(state)}" d="{SHAPES[state].format(x=x, y=y + 4)}"/>')
        parts.append(f'<text x="{x + CELL + 4:g}" y="{y + 14:g}">{html.escape(meaning)}</text>')
        x += taken + 16
    return parts, y + LEGEND_HEIGHT + GAP
