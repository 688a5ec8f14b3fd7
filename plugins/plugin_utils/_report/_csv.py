# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as rows for a spreadsheet: one row per interpreter, environment and dependent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

COLUMNS = (
    "host",
    "taken",
    "what",
    "kind",
    "path",
    "python",
    "end_of_life",
    "state",
    "owner",
    "uses",
    "packages",
    "unmanaged",
    "modified",
    "missing",
    "advisories",
    "fingerprint",
)
# A spreadsheet would compute a cell that begins so.
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")


def _list_rows(fleet: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, host in fleet["hosts"].items():
        common = {"host": name, "taken": host["taken"]}
        ends = {entry["resolved"]: entry["end_of_life"] for entry in host["interpreters"]}
        for entry in host["interpreters"]:
            yield {
                **common,
                "what": "interpreter",
                "kind": entry["origin"],
                "path": entry["path"],
                "python": entry["version"],
                "end_of_life": entry["end_of_life"],
                "owner": entry["owner"],
                "packages": entry["packages"],
                "advisories": None if entry["advisories"] is None else len(entry["advisories"]),
            }
        for entry in host["environments"]:
            yield {
                **common,
                "what": "environment",
                "kind": entry["kind"],
                "path": entry["path"],
                "python": entry["python"],
                "end_of_life": ends.get(entry["interpreter"]),
                "state": entry["state"],
                "owner": entry["owner"],
                "uses": entry["interpreter"],
                "packages": len(entry["packages"]),
                **entry["counts"],
                "fingerprint": entry["fingerprint"],
                "advisories": None if entry["advisories"] is None else len(entry["advisories"]),
            }
        for entry in host["dependents"]:
            yield {
                **common,
                "what": "dependent",
                "kind": entry["kind"],
                "path": entry["name"],
                "owner": entry["user"],
                "uses": entry["environment"] or entry["interpreter"],
            }
    for name in fleet["unknown"]:
        yield {"host": name, "what": "unknown"}


def _quote_cell(value: Any) -> str:
    """*value* for a cell; what a spreadsheet would compute is quoted."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(FORMULA_PREFIXES) else text


def format_fleet_csv(fleet: Mapping[str, Any]) -> str:
    """The *fleet* as CSV (RFC 4180) with a heading; an empty cell is not known or does not apply."""
    return format_csv([COLUMNS, *([row.get(column) for column in COLUMNS] for row in _list_rows(fleet))])


def format_csv(table: Iterable[Sequence[Any]]) -> str:
    """The rows of *table* as CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows([list(map(_quote_cell, row)) for row in table])
    return out.getvalue()
