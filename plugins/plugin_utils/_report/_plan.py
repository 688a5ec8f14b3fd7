# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: Markdown for a ticket, one self-contained page, and the compatibility matrix as CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._report._csv import cell

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;vertical-align:top}
th{background:#f3f3f3}.works{background:#e4f5e4}.moves,.added{background:#fdf3d8}.leaves,.mixed{background:#e8eef8}.breaks{background:#fbe0de}
.unknown{background:#eee}.stale{font-style:italic}caption{text-align:left;font-weight:600}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}th{background:#333}.works{background:#1d3a1d}.moves,.added{background:#463a14}
.leaves,.mixed{background:#23304a}.breaks{background:#4d2320}.unknown{background:#2c2c2c}}"""


def markdown(document: Mapping[str, Any]) -> str:
    """The plan's *document* as Markdown."""
    lines = [f"# Plan {document['id']}: Python {document['target']}", ""]
    for entry in document["findings"]:
        lines += [f"**{entry['title']}**: {entry['detail']}; {entry['remediation']}", ""]
    if document.get("waves"):
        lines += ["Waves, one after the other:", "", *(f"{number}. {', '.join(wave)}" for number, wave in enumerate(document["waves"], 1)), ""]
    for name, part in document["hosts"].items():
        lines += [f"## {name}", ""]
        for application in part["applications"]:
            note = document["notes"][name][application["name"]]
            lines += [f"### {application['name']}: {application['environment']}, Python {application['from']}", ""]
            lines += [*(_steps(application, document["phases"]) if application["steps"] else ["Nothing to do."]), "", *_note(note, application)]
    return "\n".join(lines).rstrip() + "\n"


def _steps(application: Mapping[str, Any], phases: Mapping[str, str]) -> list[str]:
    lines = []
    for step in application["steps"]:
        source = step["interpreter"].get("url") or step["interpreter"].get("path") or step["interpreter"]["source"]
        support = f"{phases[step['to']]}, end of life {step['end_of_life']}, newest patch {step['newest_patch']}"
        built = "".join(f", {title}: {', '.join(step[title])}" for title in ("built", "copied") if step.get(title))
        lines.append(f"- {step['from']} -> {step['to']} ({support}), {step['packages']} packages{built}, interpreter from {source}")
        lines += [f"  - {row['package']} {row['from'] or '(new)'} -> {row['to'] or '(gone)'} ({row['move']}): {row['reason']}" for row in step["changes"]]
    return lines


def _note(note: Mapping[str, Any], application: Mapping[str, Any]) -> list[str]:
    if not application["steps"]:
        return []
    terms = ", ".join(f"{name} {term['count']} ({term['points']:g})" for name, term in note["risk"]["terms"].items())
    downtime = f"the last promotion took {note['last_downtime_ms']} ms" if note["last_downtime_ms"] is not None else "its downtime is not known yet"
    lines = [f"Risk {note['risk']['score']:g}: {terms or 'nothing counts'}.", "",
             f"Restarts: {note['restarts']} ({', '.join(note['services']) or 'no service is declared'}); {downtime}.", "", "It succeeded when:", "",
             *(f"- {line}" for line in note["success"]), ""]
    if note["findings"]:
        lines += ["Findings:", "", *(f"- {entry['detail']} ({entry['key']}); {entry['remediation']}" for entry in note["findings"]), ""]
    for row in note["python"]:
        parts = [("gone", row["removed"]), ("behaves otherwise", row["changed"]), ("new", row["new"])]
        told = [f"- {title}: {', '.join(names)}" for title, names in parts if names]
        if told:
            lines += [f"In Python {row['to']}, of what it imports:", "", *told, ""]
    return lines


def _table(caption: str, titles: Sequence[str], rows: Sequence[Sequence[Any]], classes: Sequence[Sequence[str]] | None = None) -> str:
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    body = ""
    for number, row in enumerate(rows):
        cells = "".join(f'<td class="{html.escape(classes[number][at]) if classes else ""}">{html.escape(str(value))}</td>' for at, value in enumerate(row))
        body += f"<tr>{cells}</tr>\n"
    return f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n"


def page(document: Mapping[str, Any], matrix: Mapping[str, Any]) -> str:
    """The plan's *document* and the *matrix* as one page that needs no network. What hosts say is escaped."""
    parts = [f"<h1>Plan {html.escape(document['id'])}: Python {html.escape(document['target'])}</h1>"]
    parts += [f"<p><strong>{html.escape(entry['title'])}</strong>: {html.escape(entry['detail'])}; {html.escape(entry['remediation'])}</p>"
              for entry in document["findings"]]
    parts.append(_table("Waves", ("wave", "hosts"), [(number, ", ".join(wave)) for number, wave in enumerate(document.get("waves") or [], 1)]))
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            parts.append(_application(name, application, document))
    parts.append(_matrix(matrix))
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Plan {html.escape(document["id"])}</title>'
            f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "</body></html>\n")


def _application(host: str, application: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    note = document["notes"][host][application["name"]]
    parts = [f"<h2>{html.escape(host)}: {html.escape(application['name'])}</h2>",
             f"<p>{html.escape(application['environment'])}, Python {html.escape(application['from'])}</p>"]
    rows = [[step["from"] + " -> " + step["to"], row["package"], row["from"] or "new", row["to"] or "gone", row["move"], row["evidence"], row["date"] or "",
             row["reason"]] for step in application["steps"] for row in step["changes"]]
    parts.append(_table("Changes", ("step", "package", "from", "to", "move", "evidence", "date", "reason"), rows))
    parts.append(_table(f"Risk {note['risk']['score']:g}", ("term", "count", "points"),
                        [(name, term["count"], f"{term['points']:g}") for name, term in note["risk"]["terms"].items()]))
    if note["findings"]:
        parts.append(_table("Findings", ("key", "detail", "next step"), [(row["key"], row["detail"], row["remediation"]) for row in note["findings"]]))
    parts.append(_table("What changes in Python, of what it imports", ("to", "gone", "behaves otherwise", "new"),
                        [(row["to"], ", ".join(row["removed"]), "; ".join(row["changed"]), ", ".join(row["new"])) for row in note["python"]]))
    return "\n".join(parts)


def _known(known: Mapping[str, Any]) -> str:
    stays = known["state"] in ("works", "breaks", "unknown")
    way = known["to"] if stays else f"{known['from'] or 'new'} -> {known['to'] or 'gone'}"
    evidence = ", ".join(filter(None, [known["kind"], known["date"], "stale" if known["stale"] else None]))
    return f"{known['state']} {way} ({evidence})"


def _matrix(matrix: Mapping[str, Any]) -> str:
    rows, classes = [], []
    for package, cells in matrix["packages"].items():
        row, kinds = [package], [""]
        for python in matrix["pythons"]:
            known = cells.get(python)
            row.append(_known(known) if known else "")
            kinds.append(known["state"] + (" stale" if known["stale"] else "") if known else "")
        rows.append(row)
        classes.append(kinds)
    return "<h2>Compatibility</h2>" + _table("Packages by Python version", ["package", *matrix["pythons"]], rows, classes)


def matrix_csv(rows: Sequence[Sequence[str]]) -> str:
    """The matrix' *rows* as CSV (RFC 4180); a cell that a spreadsheet would compute is quoted."""
    out = io.StringIO()
    csv.writer(out).writerows([list(map(cell, row)) for row in rows])
    return out.getvalue()
