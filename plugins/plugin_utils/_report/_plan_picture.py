# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of a whole plan: packages by steps. Each mark has a shape of its own, so that it is read without colours.

It is one SVG of a few paths, whatever the number of its cells, and needs no scripts.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan_groups import EnvironmentGroup
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import shorten

CELL = 14
# Between environments.
GAP = 6
# A picture that is wider than the page is made smaller, but not more than this; then it scrolls.
SMALLEST_SCALE = 0.75
CHARACTER = 6.6
LABEL_LIMIT = 32
LEGEND_HEIGHT = 26
HEADER_HEIGHT = 46
# Packages that are drawn; those with the most moves come first into the choice.
MAXIMUM_ROWS = 200
MEANINGS = {
    "stays": "stays",
    "small": "small moves",
    "major": "major moves",
    "new": "new",
    "leaves": "leaves",
    "built": "built from source",
}


def draw_plan(document: Mapping[str, Any], groups: Sequence[EnvironmentGroup]) -> str:
    """The picture of the plan's *document* as a part of a page, with its text; empty without steps."""
    marks = _collect_marks(document, groups)
    if not marks:
        return ""
    moving = {name: row for name, row in marks.items() if any(kinds != ["stays"] for kinds in row.values())}
    weight = {name: sum(kinds != ["stays"] for kinds in row.values()) for name, row in moving.items()}
    chosen = sorted(sorted(moving, key=lambda name: (-weight[name], name))[:MAXIMUM_ROWS])
    text = _describe_marks(marks, moving, groups)
    rest = len(moving) - len(chosen)
    notes = [f"{len(marks) - len(moving)} packages stay at every step and are not drawn."]
    notes += [f"{rest} more packages move."] if rest else []
    picture = _draw_grid(groups, {name: moving[name] for name in chosen}, text) if chosen else ""
    return f"<h2>Packages by step</h2><p>{html.escape(text)} {html.escape(' '.join(notes))}</p>{picture}"


def _collect_marks(
    document: Mapping[str, Any], groups: Sequence[EnvironmentGroup]
) -> dict[str, dict[tuple[int, int], list[str]]]:
    """What happens to each package, by number of the environment and of its step; nothing where it is absent."""
    marks: dict[str, dict[tuple[int, int], list[str]]] = {}
    for group in groups:
        present = _find_start(document, group)
        for number, step in enumerate(group.steps):
            kinds = {name: ["stays"] for name in present}
            for row in step["changes"]:
                kinds[row["package"]] = [_choose_mark(row)]
                (present.discard if row["to"] is None else present.add)(row["package"])
            for name in step.get("built") or []:
                kinds[name] = [kind for kind in kinds.get(name, []) if kind != "stays"] + ["built"]
            for name, kind in kinds.items():
                marks.setdefault(name, {})[group.number, number] = kind
    return marks


def _find_start(document: Mapping[str, Any], group: EnvironmentGroup) -> set[str]:
    """The packages that the environments of *group* have now."""
    first = group.members[0]
    start = ((document.get("starts") or {}).get(first.host) or {}).get(first.part["name"])
    return set((document.get("pins") or {}).get(start or "") or {})


def _choose_mark(row: Mapping[str, Any]) -> str:
    if row["to"] is None:
        return "leaves"
    if row["from"] is None:
        return "new"
    return "major" if row["move"] == "major" else "small"


def _describe_marks(
    marks: Mapping[str, Mapping[tuple[int, int], Sequence[str]]],
    moving: Mapping[str, Any],
    groups: Sequence[EnvironmentGroup],
) -> str:
    counts = dict.fromkeys(MEANINGS, 0)
    for row in marks.values():
        for kinds in row.values():
            for kind in kinds:
                counts[kind] += 1
    told = ", ".join(f"{counts[kind]} {MEANINGS[kind]}" for kind in MEANINGS if counts[kind] and kind != "stays")
    steps = sum(len(group.steps) for group in groups)
    environments = "1 environment" if len(groups) == 1 else f"{len(groups)} different environments"
    return f"Of {len(marks)} packages in {environments} with {steps} steps, {len(moving)} change: {told or 'none'}."


def _draw_grid(
    groups: Sequence[EnvironmentGroup], rows: Mapping[str, Mapping[tuple[int, int], Sequence[str]]], text: str
) -> str:
    columns: dict[tuple[int, int], float] = {}
    left = min(LABEL_LIMIT, max(map(len, rows))) * CHARACTER + 10
    at = left
    for group in groups:
        for number in range(len(group.steps)):
            columns[group.number, number] = at
            at += CELL
        at += GAP
    width = max(at, left + 560)
    top = LEGEND_HEIGHT + HEADER_HEIGHT
    height = top + CELL * len(rows) + 4
    paths: dict[str, list[str]] = {kind: [] for kind in MEANINGS}
    labels = []
    stripes = []
    for line, (name, cells) in enumerate(rows.items()):
        y = top + CELL * line
        if line % 2:
            stripes.append(f"M0 {y}h{at:g}v{CELL}h-{at:g}z")
        labels.append(
            f'<text x="{left - 6:g}" y="{y + 11}" class="label">{html.escape(shorten(name, LABEL_LIMIT))}</text>'
        )
        for place, kinds in cells.items():
            for kind in kinds:
                paths[kind].append(_draw_mark(kind, columns[place], y))
    parts = [f'<path class="stripe" d="{"".join(stripes)}"/>', *_draw_legend(), *_draw_header(groups, columns)]
    parts += [f'<path class="{kind}" d="{"".join(found)}"/>' for kind, found in paths.items() if found]
    return (
        f'<div class="scroll"><svg class="plan" role="img" aria-label="{html.escape(text)}" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" style="min-width:{width * SMALLEST_SCALE:.0f}px">'
        f"<title>{html.escape(text)}</title>\n" + "\n".join([*parts, *labels]) + "\n</svg></div>"
    )


def _draw_mark(kind: str, x: float, y: float) -> str:
    """The part of a path for a mark in the cell whose upper left corner is at *x*, *y*."""
    if kind == "stays":
        return f"M{x:g} {y + 7:g}h{CELL}"
    if kind == "small":
        return f"M{x + 4:g} {y + 4:g}h6v6h-6z"
    if kind == "major":
        return f"M{x + 1:g} {y + 1:g}h12v12h-12z"
    if kind == "new":
        return f"M{x + 2:g} {y + 7:g}h10m-5-5v10"
    if kind == "leaves":
        return f"M{x + 3:g} {y + 3:g}l8 8m0-8l-8 8"
    return f"M{x + 2:g} {y + 7:g}a5 5 0 1 0 10 0a5 5 0 1 0-10 0"


def _draw_legend() -> list[str]:
    parts, at = [], 4.0
    for kind, meaning in MEANINGS.items():
        parts.append(f'<path class="{kind}" d="{_draw_mark(kind, at, 4)}"/>')
        parts.append(f'<text x="{at + CELL + 5:g}" y="15">{meaning}</text>')
        at += CELL + 22 + len(meaning) * CHARACTER
    return parts


def _draw_header(groups: Sequence[EnvironmentGroup], columns: Mapping[tuple[int, int], float]) -> list[str]:
    """The number of each environment, which leads to its details, and the version that each step reaches."""
    parts = []
    bottom = LEGEND_HEIGHT + HEADER_HEIGHT - 4
    for group in groups:
        first = columns[group.number, 0]
        middle = first + CELL * len(group.steps) / 2
        parts.append(
            f'<a href="#environment-{group.number}"><text x="{middle:g}" y="{LEGEND_HEIGHT + 10}" class="number">'
            f"{group.number}</text></a>"
        )
        for number, step in enumerate(group.steps):
            x = columns[group.number, number] + 10
            parts.append(
                f'<text transform="translate({x:g} {bottom}) rotate(-90)" class="version">'
                f"{html.escape(step['to'])}</text>"
            )
    return parts
