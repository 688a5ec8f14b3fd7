# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where every application of the fleet stands, as a table and as a page. Pure functions of the hosts' variables."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._matrix import (
    render_html_document,
    render_html_table,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._status_picture import draw_status
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._policy import list_declared_applications
from ansible_collections.oxzep7.python.plugins.plugin_utils._table import align_columns

UNKNOWN, OPEN, BLOCKED, PLANNED, BELOW, ON_TARGET, UNCHANGED, KNOWN = (
    "unknown",
    "open",
    "blocked",
    "planned",
    "below target",
    "on target",
    "no record",
    "no target",
)
# What an operator has to look at comes first.
STATES = (UNKNOWN, OPEN, BLOCKED, PLANNED, BELOW, UNCHANGED, KNOWN, ON_TARGET)
CLASSES = {UNKNOWN: "unknown", OPEN: "breaks", BLOCKED: "breaks", PLANNED: "moves", BELOW: "moves", ON_TARGET: "works"}
COLUMNS = ("host", "application", "python", "target", "state", "since", "last run", "drill")


def collect_status(hostvars: Mapping[str, Any], hosts: Sequence[str], target: str) -> list[dict[str, Any]]:
    """A row for each application of *hosts*, and one for each host without an answer, in the order of `STATES`.

    Declared applications without a record have a row, too. *target* is that of applications that no plan names.
    """
    rows = []
    for host in hosts:
        answer = hostvars[host].get("status_result") or {}
        if "applications" not in answer:
            rows.append(_build_row(host, None, UNKNOWN, why=str(answer.get("msg") or "it did not answer")))
            continue
        known = {entry["name"]: entry for entry in answer["applications"]}
        declared = [str(entry["name"]) for entry in list_declared_applications(hostvars[host])]
        for name in sorted({*known, *declared}):
            rows.append(_describe_application(host, name, known.get(name), name in declared, target))
    return sorted(rows, key=lambda row: (STATES.index(row["state"]), row["host"], row["application"] or ""))


def _build_row(host: str, application: str | None, state: str, **facts: Any) -> dict[str, Any]:
    row = {"host": host, "application": application, "state": state, "why": "", "python": None, "target": None}
    return {**row, "since": None, "last": None, "drill": None, **facts}


def _describe_application(
    host: str, name: str, entry: Mapping[str, Any] | None, declared: bool, target: str
) -> dict[str, Any]:
    if entry is None:
        return _build_row(host, name, UNCHANGED, target=target or None, why="no run has changed or planned it")
    wanted = entry["target"] or target or None
    state, why = _judge_application(entry, wanted)
    if not declared:
        why = "; ".join(filter(None, [why, "it is not declared any more"]))
    facts = {key: entry[key] for key in ("current", "environment", "python", "since", "last", "drill")}
    return _build_row(host, name, state, **facts, target=wanted, why=why)


def _judge_application(entry: Mapping[str, Any], target: str | None) -> tuple[str, str]:
    """The state of an application with a record, and what there is to say about it."""
    if entry["open"]:
        by = f"run {entry['holder']} changes it now" if entry["holder"] else "a process that changed it has died"
        return OPEN, by if entry["holder"] else f"{by}; run oxzep7.python.recover"
    if entry["blocked"]:
        return BLOCKED, "; ".join(f"{reason['cause']}; {reason['remediation']}" for reason in entry["blocked"])
    last = entry["last"] or {}
    why = str(last.get("cause") or "") if last.get("event") not in (None, "promoted", "restored") else ""
    if entry["stay"]:
        return KNOWN, f"it stays until {entry['stay']['until']}: {entry['stay']['reason']}"
    if target is None or entry["python"] is None:
        return KNOWN, why
    if parse_version(entry["python"])[0] >= parse_version(target)[0]:
        return ON_TARGET, why
    return (PLANNED if entry["steps"] else BELOW), why


def count_states(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many of *rows* have each state."""
    return {state: count for state in STATES if (count := sum(row["state"] == state for row in rows))}


def _format_row(row: Mapping[str, Any]) -> dict[str, Any]:
    last, drill = row["last"] or {}, row["drill"] or {}
    told = f"{last['event']} {str(last['time'])[:10]} {last['run'] or ''}".strip() if last else None
    passed = f"{'passed' if drill['passed'] else 'failed'} {str(drill['time'])[:10]}" if drill else None
    since = str(row["since"])[:10] if row["since"] else None
    return {**row, "since": since, "last run": told, "drill": passed}


def format_status(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """*rows* as lines of text: a table, how many there are of each state, and what there is to say."""
    if not rows:
        return ["no application is declared, and no host has a record"]
    lines = align_columns([_format_row(row) for row in rows], COLUMNS)
    lines.append(", ".join(f"{count} {state}" for state, count in count_states(rows).items()))
    for row in rows:
        if row["why"]:
            name = f"{row['host']}: {row['application']}" if row["application"] else row["host"]
            lines.append(f"{name}: {row['why']}")
    return lines


def render_status_page(rows: Sequence[Mapping[str, Any]]) -> str:
    """*rows* as a page. What hosts report is escaped."""
    titles = (*COLUMNS, "why")
    cells, classes = [], []
    for row in rows:
        told = _format_row(row)
        cells.append(["" if told[title] is None else told[title] for title in titles])
        classes.append([CLASSES.get(row["state"], "") if title == "state" else "" for title in titles])
    counts = count_states(rows)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items())
    table = render_html_table("Applications", titles, cells, classes)
    body = f"<p>{html.escape(summary)}</p>\n{draw_status(rows, counts)}\n{table}"
    return render_html_document("Status of the fleet", body)
