# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run's report: what became of every host and application. Pure functions of the hosts' variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils import _waves

COLUMNS = ("host", "application", "from", "to", "backup", "downtime_ms", "result")


def rows(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> list[dict[str, Any]]:
    """One row per host and application; a host that recorded nothing has one row with the result ``unknown``."""
    table = []
    for host in hosts:
        facts = hostvars[host]
        done = facts.get("step_results") or []
        kept = _kept(facts)
        table += [{"host": host, **row, "backup": kept.get(row["application"])} for row in done]
        if not done or _waves.outcome(facts) not in _waves.GOOD:
            last = facts.get("step_current") or {}
            table.append({"host": host, "application": last.get("application"), "from": last.get("from"), "to": last.get("to"),
                          "downtime_ms": None, "result": _waves.outcome(facts), "reason": facts.get("wave_reason"),
                          "backup": kept.get(str(last.get("application")))})
    return table


def _kept(facts: Mapping[str, Any]) -> dict[str, str]:
    """The backup that was made of each application before its first step; nobody has restored it yet."""
    results = (facts.get("backup_results") or {}).get("results") or []
    return {one["backup_application"]["name"]: f"{one['backup']} (unverified)" for one in results if one.get("backup")}


def table(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """*entries* as aligned lines of text, with a heading."""
    return aligned(entries, COLUMNS)


def aligned(entries: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """The *columns* of *entries* as aligned lines of text, with a heading."""
    cells = [list(columns)] + [[_cell(entry.get(column)) for column in columns] for entry in entries]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
