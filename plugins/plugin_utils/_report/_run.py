# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run's report: what became of every host and application. Pure functions of the hosts' variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils import _waves

COLUMNS = ("host", "application", "from", "to", "downtime_ms", "result")


def rows(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> list[dict[str, Any]]:
    """One row per host and application; a host that recorded nothing has one row with the result ``unknown``."""
    table = []
    for host in hosts:
        facts = hostvars[host]
        done = facts.get("step_results") or []
        table += [{"host": host, **row} for row in done]
        if not done or _waves.outcome(facts) not in _waves.GOOD:
            last = facts.get("step_current") or {}
            table.append({"host": host, "application": last.get("application"), "from": last.get("from"), "to": last.get("to"),
                          "downtime_ms": None, "result": _waves.outcome(facts), "reason": facts.get("wave_reason")})
    return table


def table(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """*entries* as aligned lines of text, with a heading."""
    cells = [list(COLUMNS)] + [[_cell(entry.get(column)) for column in COLUMNS] for entry in entries]
    widths = [max(len(line[index]) for line in cells) for index in range(len(COLUMNS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)
