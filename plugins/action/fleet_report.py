# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the fleet report on the controller, from every inventory that the report directory has."""

from __future__ import annotations

import datetime
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import (
    expand_path,
    format_json,
    make_file_name,
    write_private,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import (
    Advisories,
    load_advisories,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import (
    _csv,
    _fleet,
    _html,
    _matrix,
    _run,
    _sbom,
    _suggestions,
)

INVENTORY_SCHEMA = 2


class ActionModule(CollectionAction):
    """Merge this run's inventories with earlier ones and write the report in its forms."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution; nothing is written in check mode."""
        directory = expand_path(given["report_dir"])
        try:
            advisories = self._load_advisories(given["advisories"])
            inventories, damaged = read_inventories(directory / "hosts")
            now = self._collect_fresh_inventories(task_vars, given["hosts"], given["inventories"])
            inventories.update({name: inventory for name, inventory in now.items() if inventory})
            matrix = read_plan_matrix(expand_path(given["plan_dir"]) if given["plan_dir"] else None)
            fleet = _fleet.summarize_fleet(
                inventories, list(now), given["hosts"], advisories, datetime.datetime.now(datetime.timezone.utc).date()
            )
            for text in damaged:
                self._display.warning(text)
            if not self._task.check_mode:
                write_fleet_report(
                    directory,
                    {**fleet, "matrix": matrix is not None, "runs": list_recorded_runs(directory / "runs")},
                    inventories,
                )
                if matrix is not None:
                    write_private(directory / "matrix.html", _matrix.render_matrix_page(matrix))
        except ValueError as error:
            raise ActionFailedError(str(error)) from None
        return dict(
            totals=fleet["totals"],
            unknown=fleet["unknown"],
            end_of_life=fleet["end_of_life"],
            errors=list_errors({name: host for name, host in fleet["hosts"].items() if name in now}),
            not_audited=[name for name in given["hosts"] if name not in now],
            earlier=sorted(set(fleet["hosts"]) - set(now)),
            path=str(directory / "fleet.html"),
        )

    def _load_advisories(self, path: str | None) -> Advisories | None:
        return load_advisories(expand_path(path)) if path else None

    def _collect_fresh_inventories(
        self, task_vars: Mapping[str, Any], hosts: list[str], variable: str
    ) -> dict[str, Any]:
        """The hosts whose inventory this run took; its content, if the task returned it in detail."""
        found = {}
        for name in hosts:
            taken = (task_vars["hostvars"][name].get(variable) or {}) if name in task_vars["hostvars"] else {}
            if "summary" in taken and not taken.get("failed"):
                found[name] = taken.get("inventory")
        return found


def list_errors(hosts: Mapping[str, Any]) -> list[str]:
    """Return the findings of *hosts* with the severity error, as lines of text."""
    lines = []
    for name, host in hosts.items():
        for finding in host["findings"]:
            if finding["severity"] == "error":
                lines.append(f"{name}: {finding['where']}: {finding['detail']} ({finding['key']})")
    return lines


def read_inventories(directory: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Every inventory in *directory* by host, and a sentence about each file that is none of this schema."""
    found, damaged = {}, []
    for path in sorted(directory.glob("*.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            schema = value["schema"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"{path} is left out: {error}; audit the host again")
            continue
        if schema == INVENTORY_SCHEMA:
            found[path.stem] = value
        else:
            damaged.append(f"{path} is left out: it has schema {schema}, not {INVENTORY_SCHEMA}; audit the host again")
    return found, damaged


def read_plan_matrix(directory: pathlib.Path | None) -> dict[str, Any] | None:
    """Return the compatibility matrix of the plan in *directory*, or None without a plan. Raises ValueError."""
    path = directory / "matrix.json" if directory else None
    if path is None or not path.exists():
        return None
    matrix: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return matrix


def list_recorded_runs(directory: pathlib.Path) -> list[dict[str, Any]]:
    """The runs that *directory* has the record of, oldest first; a damaged record is left out."""
    found = []
    for path in sorted(directory.glob("*/run.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            found.append(
                {
                    **{key: document[key] for key in ("run", "kind", "began", "ended", "closed")},
                    "counts": _run.count_outcomes(document["ledger"]),
                }
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda row: str(row["began"]))


def write_fleet_report(directory: pathlib.Path, fleet: Mapping[str, Any], inventories: Mapping[str, Any]) -> None:
    """Write the report's files; the page comes last, so that what it stands beside is as new."""
    for name, inventory in inventories.items():
        path = directory / "sbom" / f"{make_file_name(name)}.cdx.json"
        stamp = f'"{inventory["taken"]}'.rstrip("Z")
        if not path.exists() or stamp not in path.read_text(encoding="utf-8"):
            write_private(path, _sbom.render_sbom(name, inventory))
    write_private(directory / "applications.suggested.yml", _suggestions.format_suggestions(inventories))
    write_private(directory / "fleet.json", format_json(fleet))
    write_private(directory / "fleet.csv", _csv.format_fleet_csv(fleet))
    write_private(directory / "fleet.html", _html.render_fleet_page(fleet))
