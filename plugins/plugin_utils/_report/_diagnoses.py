# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What generations of applications differ in, as text and as one page. Pure functions of the hosts' variables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._report._matrix import (
    render_html_document,
    render_html_table,
)

MAX_LINES = 10


def collect_diagnoses(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> list[dict[str, Any]]:
    """One entry per host and application that was diagnosed, with ``host`` and ``application``."""
    found = []
    for host in hosts:
        outcome = hostvars[host].get("diagnose_results")
        if outcome is None:
            found.append({"host": host, "application": None, "failed": True, "msg": "it did not answer"})
            continue
        for one in outcome.get("results") or []:
            found.append({**one, "host": host, "application": one["diagnose_application"]})
        if not outcome.get("results"):
            found.append({"host": host, "application": None, "reason": "no application is declared"})
    return found


def list_failures(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Why, for each host with an application that could not be diagnosed."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry.get("failed"):
            found.setdefault(entry["host"], []).append(str(entry.get("msg")))
    return {host: "; ".join(reasons) for host, reasons in found.items()}


def _name_entry(entry: Mapping[str, Any]) -> str:
    return f"{entry['host']}: {entry['application']}" if entry["application"] else str(entry["host"])


def _describe_entry(entry: Mapping[str, Any]) -> str:
    """What came of a diagnosis, in one line."""
    if entry.get("failed"):
        return str(entry.get("msg"))
    if entry.get("reason"):
        return str(entry["reason"])
    sides = [f"{entry[side]['id']} (Python {entry[side]['python'] or 'unknown'})" for side in ("before", "after")]
    count = len(entry["lines"])
    told = "no difference" if not count else "1 difference" if count == 1 else f"{count} differences"
    return f"{' and '.join(sides)}: {told}"


def format_diagnoses(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """*entries* as lines of text, the likely cause of each first."""
    text = []
    for entry in entries:
        text.append(f"{_name_entry(entry)}: {_describe_entry(entry)}")
        lines = entry.get("lines") or []
        text += [f"  {number}. {line}" for number, line in enumerate(lines[:MAX_LINES], 1)]
        if len(lines) > MAX_LINES:
            text.append(f"  and {len(lines) - MAX_LINES} more, which the page has")
    return text


def render_diagnoses_page(run: str, entries: Iterable[Mapping[str, Any]]) -> str:
    """*entries* of *run* as a page. What hosts report is escaped."""
    parts = []
    for entry in entries:
        parts.append(f"<h2>{html.escape(_name_entry(entry))}</h2>\n<p>{html.escape(_describe_entry(entry))}</p>\n")
        if entry.get("before"):
            parts.append(_render_entry(entry))
    return render_html_document(f"Diagnosis {run}", "".join(parts))


def _render_entry(entry: Mapping[str, Any]) -> str:
    lines = "".join(f"<li>{html.escape(str(line))}</li>\n" for line in entry["lines"])
    parts = [f"<ol>\n{lines}</ol>\n" if lines else ""]
    names = (entry["before"]["id"], entry["after"]["id"])
    rows = [(one["culprit"], one["area"], one["name"], one["before"], one["after"]) for one in entry["differences"]]
    if rows:
        parts.append(render_html_table("Differences", ("culprit", "area", "name", *names), rows))
    if entry["runs"]:
        parts.append(_render_runs(entry["runs"], names))
    if entry["log"]:
        changes = [(one["kind"], one["before"], one["after"], one["example"]) for one in entry["log"]]
        parts.append(render_html_table("Log", ("line", "times before", "times since", "example"), changes))
    facts = [tuple(fact) for fact in entry["facts"]]
    classes = [["", "", "moves" if fact[1] != fact[2] else ""] for fact in facts]
    parts.append(render_html_table("Side by side", ("name", *names), facts, classes))
    parts.append(f"<p>Environment variables: {html.escape(str(entry['origin']))}</p>\n")
    return "".join(parts)


def _render_runs(runs: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    rows, classes = [], []
    for run in runs:
        cells = []
        for side in ("before", "after"):
            one = run[side]
            cost = "" if one["seconds"] is None else f", {one['seconds']:.1f} s, {one['memory'] // 1024} MiB"
            output = "\n".join(text for text in (one["stdout"], one["stderr"]) if text.strip())
            cells.append(f"{one['rc']}{cost}\n{output}".strip())
        rows.append((run["command"], *cells, ", ".join(run["differs"]), run["cause"] or ""))
        classes.append(["", "", "breaks" if "exit status" in run["differs"] else "", "", ""])
    return render_html_table("Commands", ("command", *names, "differs", "cause"), rows, classes)
