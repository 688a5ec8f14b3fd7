# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compatibility matrix as a page that needs no network, and the tables of such pages."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

STYLE = """:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#222}
body{background:#fff}table{border-collapse:collapse;margin:.5rem 0 1.5rem}
th,td{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;vertical-align:top}
th{background:#f3f3f3}.works{background:#e4f5e4}.moves,.added{background:#fdf3d8}.leaves,.mixed{background:#e8eef8}.breaks,.blocked{background:#fbe0de}
.unknown{background:#eee}.major{background:#f9d5c5}.stale{font-style:italic}caption{text-align:left;font-weight:600}
@media screen and (prefers-color-scheme:dark){
body{color:#ddd;background:#1b1b1b}th{background:#333}.works{background:#1d3a1d}.moves,.added{background:#463a14}
.leaves,.mixed{background:#23304a}.breaks,.blocked{background:#4d2320}.unknown{background:#2c2c2c}.major{background:#5a2a17}}
.scroll{overflow-x:auto}.steps td{font-size:.9em}.steps a{color:inherit}
.steps tr.first td{border-top:2px solid #888}.steps td:nth-last-child(8){white-space:nowrap}
.steps tr.urgent td:last-child{font-weight:600;border-left:4px solid #c9472b}td{overflow-wrap:anywhere;min-width:2.5rem}
.note{border-left:4px solid #d39e00;padding-left:.6rem}
svg.plan{font:11px/1 ui-monospace,monospace;fill:currentColor;max-width:100%;height:auto}
svg.plan path{fill:none;stroke-width:2;print-color-adjust:exact;-webkit-print-color-adjust:exact}
svg.plan .label{text-anchor:end}svg.plan .number{text-anchor:middle;font-weight:600;text-decoration:underline}
svg.plan path.stripe{fill:#8881}svg.plan path.stays{stroke:#9aa0a8;stroke-width:1.5}svg.plan path.small{fill:#d39e00}
svg.plan path.major{fill:#c9472b}svg.plan path.new{stroke:#1f78c8;stroke-width:2.5}
svg.plan path.leaves{stroke:#8250c4;stroke-width:2.5}svg.plan path.built{stroke:currentColor;stroke-width:1.5}
svg.plan a{color:inherit}
svg.status{font:11px/1 ui-monospace,monospace;fill:currentColor;max-width:100%;height:auto;print-color-adjust:exact}
svg.status .on-target{fill:#2e8b2e}svg.status .planned{fill:#d39e00}svg.status .below-target{fill:#a8741a}
svg.status .blocked,svg.status .open{fill:#c9472b}svg.status .unknown{fill:#8250c4}
svg.status .no-record,svg.status .no-target{fill:#8b929b}
@media screen and (prefers-color-scheme:dark){svg.plan path.new{stroke:#5aa9ee}svg.plan path.leaves{stroke:#b18ae6}
svg.plan path.major{fill:#e0664a}}
@media print{body{max-width:none;margin:0;font-size:11px;color:#000;background:#fff}.scroll{overflow:visible}
svg.plan{min-width:0!important}tr{break-inside:avoid}}"""


def render_html_table(
    caption: str, titles: Sequence[str], rows: Sequence[Sequence[Any]], classes: Sequence[Sequence[str]] | None = None
) -> str:
    """A table in HTML, everything in it escaped; *classes* are those of each cell."""
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    body = ""
    for number, row in enumerate(rows):
        cells = ""
        for at, value in enumerate(row):
            kind = html.escape(classes[number][at]) if classes else ""
            cells += f'<td class="{kind}">{html.escape(str(value))}</td>'
        body += f"<tr>{cells}</tr>\n"
    title = html.escape(caption)
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n"


def render_html_document(title: str, body: str) -> str:
    """A page with the heading *title* and the HTML *body*."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n<h1>{html.escape(title)}</h1>\n{body}</body></html>\n"
    )


def render_matrix_page(matrix: Mapping[str, Any]) -> str:
    """The *matrix* as a page of its own."""
    return render_html_document("Compatibility of the fleet", render_matrix_section(matrix))


def _describe_cell(known: Mapping[str, Any]) -> str:
    if known["state"] == "blocked":
        return f"blocked {known['from'] or ''}".strip()
    stays = known["state"] in ("works", "breaks", "unknown")
    way = known["to"] if stays else f"{known['from'] or 'new'} -> {known['to'] or 'gone'}"
    evidence = ", ".join(filter(None, [known["kind"], known["date"], "stale" if known["stale"] else None]))
    return f"{known['state']} {way} ({evidence})"


def render_matrix_section(matrix: Mapping[str, Any]) -> str:
    """The *matrix* as a part of a page. What hosts say is escaped."""
    rows, classes = [], []
    for package, cells in matrix["packages"].items():
        row, kinds = [package], [""]
        for python in matrix["pythons"]:
            known = cells.get(python)
            row.append(_describe_cell(known) if known else "")
            kinds.append(known["state"] + (" stale" if known["stale"] else "") if known else "")
        rows.append(row)
        classes.append(kinds)
    return "<h2>Compatibility</h2>" + render_html_table(
        "Packages by Python version", ["package", *matrix["pythons"]], rows, classes
    )
