# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drills came to, and how long a recovery takes. Pure functions of the hosts' variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._table import align_columns

COLUMNS = ("host", "application", "backup", "recovery_seconds", "result")
UNKNOWN = "unknown"


def collect_drill_results(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> list[dict[str, Any]]:
    """One row per host and application; a host without any drill has one with the result ``unknown``."""
    found = []
    for host in hosts:
        results = (hostvars[host].get("drill_results") or {}).get("results") or []
        for one in results:
            found.append(
                {
                    "host": host,
                    "application": one["drill_application"],
                    "backup": one.get("backup"),
                    "recovery_seconds": one.get("recovery_seconds"),
                    "result": _classify_drill(one),
                    "problems": one.get("problems") or [],
                    "untried": one.get("untried") or [],
                    "proven": one.get("proven") or [],
                }
            )
        if not results:
            found.append(
                {
                    "host": host,
                    "application": None,
                    "backup": None,
                    "recovery_seconds": None,
                    "result": UNKNOWN,
                    "problems": ["nothing was drilled"],
                    "untried": [],
                    "proven": [],
                }
            )
    return found


def _classify_drill(one: Mapping[str, Any]) -> str:
    if one.get("failed"):
        return "failed"
    return "passed" if one.get("passed") else "not drilled"


def list_failed_drills(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Why, for each host that has a row which did not pass."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry["result"] != "passed":
            found.setdefault(entry["host"], []).append(
                f"{entry['application'] or 'it'}: {entry['result']}: {'; '.join(entry['problems'][:3])}"
            )
    return {host: ". ".join(reasons) for host, reasons in found.items()}


def format_drill_table(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """*entries* as aligned lines of text, with a heading."""
    return align_columns(entries, COLUMNS)


def format_drill_page(run: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """*entries* of *run* as Markdown."""
    lines = [f"# Drills of run {run}", "", f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for entry in entries:
        cells = ["-" if entry[column] is None else str(entry[column]) for column in COLUMNS]
        lines.append(f"| {' | '.join(cells)} |")
    for entry in entries:
        notes = [f"- problem: {text}" for text in entry["problems"]]
        notes += [f"- not tried: {text}" for text in entry["untried"]]
        if notes:
            lines += ["", f"## {entry['host']}: {entry['application'] or 'no application'}", "", *notes]
    return "\n".join(lines) + "\n"
