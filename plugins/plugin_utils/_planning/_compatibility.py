# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compatibility matrix: packages by Python version, with state, evidence and date. Unknown stays unknown."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins as pins_of
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    LearnedConstraint,
    RehearsalResult,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _csv

EVIDENCE_STALE_AFTER = datetime.timedelta(days=90)
MATRIX_SCHEMA = 1
# What tells more comes first: a run in production, tests, imports, a scan, an index.
EVIDENCE_ORDER = ("run", "test", "import", "scan", "index")


@dataclasses.dataclass(frozen=True, order=True)
class Evidence:
    """Evidence on a package's version and a Python: ``works`` or ``breaks``, kind, date (ISO 8601), host, sentence."""

    package: str
    version: str
    python: str
    state: str
    kind: str
    date: str
    host: str
    detail: str = ""

    @classmethod
    def from_rehearsal(cls, ended: RehearsalResult, minor: Minor, host: str, date: str) -> list[Evidence]:
        """What a rehearsal showed: every package of the lock that it ended with works, and what it freed breaks."""
        python = format_minor(minor)
        found = []
        if not ended.failures:
            for name, version in pins_of(ended.found.text).items():
                found.append(cls(name, version, python, "works", "import", date, host))
        return [*found, *cls.from_learned(ended.learned, minor, host, date)]

    @classmethod
    def from_learned(cls, learned: Iterable[LearnedConstraint], minor: Minor, host: str, date: str) -> list[Evidence]:
        """What *learned* constraints say of the versions that they free: these break."""
        found = []
        for entry in learned:
            words = entry.reason.split(" breaks ")[0].split()
            if len(words) == 2:
                python = format_minor(minor)
                found.append(cls(words[0], words[1], python, "breaks", entry.evidence, date, host, entry.reason))
        return found

    @classmethod
    def from_run(
        cls, results: Iterable[Mapping[str, Any]], lock: Callable[[str], str | None], date: str
    ) -> list[Evidence]:
        """Evidence of promotions: packages of promoted locks work in production; *lock* gives texts by identifier."""
        found: dict[str, Evidence] = {}
        promoted = {row["lock"]: row for row in results if row.get("lock") and row["result"] == "promoted"}
        for lock_id, row in promoted.items():
            python = format_minor(parse_version(str(row["to"]))[0])
            for name, version in pins_of(lock(lock_id) or "").items():
                found[f"{name} {version} {python}"] = cls(name, version, python, "works", "run", date, str(row["host"]))
        return list(found.values())

    def build_key(self) -> tuple[str, str, str, str, str]:
        """What later evidence of the same replaces, whichever host it is of: a fleet would have thousands."""
        return self.package, self.version, self.python, self.state, self.kind


def read_evidence(path: pathlib.Path) -> list[Evidence]:
    """The evidence in *path*; none without the file. Raises ValueError for a damaged one."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["evidence"]
        return [Evidence(**row) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error}; correct or remove it") from None


def record_evidence(path: pathlib.Path, seen: Iterable[Evidence]) -> None:
    """Add *seen* to the file *path*; the newest of the same version, Python, state and kind stays.

    Raises ValueError, OSError.
    """
    with lock_file(path.with_name(".evidence.lock")):
        known = {entry.build_key(): entry for entry in read_evidence(path)}
        known.update({entry.build_key(): entry for entry in sorted(seen, key=lambda entry: entry.date)})
        rows = [dataclasses.asdict(entry) for entry in sorted(known.values())]
        write_private(path, format_json({"schema": MATRIX_SCHEMA, "evidence": rows}))


def build_matrix(
    plan: Mapping[str, Any], locks: Mapping[str, str], evidence: Sequence[Evidence], today: datetime.date
) -> dict[str, Any]:
    """The matrix of a plan's document and *locks*: a cell for each package of a host and each Python on the path.

    A cell has ``state`` (``works``, ``moves``, ``leaves``, ``added``, ``breaks``, ``blocked``, ``mixed``, ``unknown``),
    the versions ``from`` and ``to``, ``kind`` and ``date`` of the evidence, ``reason``, ``hosts`` (how many) and
    ``stale`` (evidence of 90 days ago or more).
    """
    seen: dict[tuple[str, str, str], list[Evidence]] = {}
    for entry in evidence:
        seen.setdefault((entry.package, entry.version, entry.python), []).append(entry)
    cells: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for step, hosts in _count_equal_steps(plan):
        changed = {row["package"]: row for row in step["changes"]}
        python = format_minor(parse_version(step["to"])[0])
        versions: dict[str, str | None] = dict(pins_of(locks[step["lock"]]))
        versions.update({package: None for package, row in changed.items() if row["to"] is None})
        for package, version in versions.items():
            cell = _build_cell(package, version, changed.get(package), python, seen, today)
            cells.setdefault(package, {}).setdefault(python, []).append({**cell, "hosts": hosts})
    for package, python, before, cause in _list_blocked_packages(plan, locks):
        cell = {"state": "blocked", "from": before, "to": None, "kind": "index", "date": None, "reason": cause}
        cells.setdefault(package, {}).setdefault(python, []).append({**cell, "stale": False, "hosts": 1})
    pythons = sorted({python for row in cells.values() for python in row}, key=lambda text: parse_version(text)[0])
    return {
        "schema": MATRIX_SCHEMA,
        "pythons": pythons,
        "packages": {name: _merge_row(row) for name, row in sorted(cells.items())},
    }


def _list_blocked_packages(
    plan: Mapping[str, Any], locks: Mapping[str, str]
) -> Iterable[tuple[str, str, str | None, str]]:
    """Each package that blocks a step: its name, the Python of the step, its version where one is known, and why."""
    for part in plan["hosts"].values():
        for application in part["applications"]:
            steps = application["steps"]
            pins = pins_of(locks[steps[-1]["lock"]]) if steps else {}
            for reason in application.get("blocked") or []:
                for package in (reason.get("packages") or []) if reason.get("to") else []:
                    python = format_minor(parse_version(reason["to"])[0])
                    yield package, python, pins.get(package), reason["cause"]


def _count_equal_steps(plan: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], int]]:
    """The different steps of all applications, each with how many take it."""
    steps: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    counts: dict[tuple[Any, ...], int] = {}
    for part in plan["hosts"].values():
        for application in part["applications"]:
            for step in application["steps"]:
                key = (step["to"], step["lock"], step.get("start"), step.get("asked"))
                steps.setdefault(key, step)
                counts[key] = counts.get(key, 0) + 1
    return [(step, counts[key]) for key, step in steps.items()]


def _rank_evidence(entry: Evidence) -> int:
    return EVIDENCE_ORDER.index(entry.kind) if entry.kind in EVIDENCE_ORDER else len(EVIDENCE_ORDER)


def _build_cell(
    package: str,
    version: str | None,
    row: Mapping[str, Any] | None,
    python: str,
    seen: Mapping[tuple[str, str, str], Sequence[Evidence]],
    today: datetime.date,
) -> dict[str, Any]:
    before = row["from"] if row else version
    known = seen.get((package, version or "", python), ())
    strength = min(map(_rank_evidence, known), default=0)
    # Of equal evidence the newest counts; if hosts disagree on the same day, the version counts as broken.
    strongest = max(
        (entry for entry in known if _rank_evidence(entry) == strength),
        key=lambda entry: (entry.date, entry.state == "breaks"),
        default=None,
    )
    moved = "leaves" if version is None else "added" if before is None else "moves"
    state = moved if row else strongest.state if strongest else "unknown"
    kind, date = (
        (strongest.kind, strongest.date) if strongest else (row["evidence"], row["date"]) if row else ("index", None)
    )
    reason = row["reason"] if row else strongest.detail if strongest else "has a wheel, and was not tried"
    stale = bool(strongest and datetime.date.fromisoformat(strongest.date) <= today - EVIDENCE_STALE_AFTER)
    return {
        "state": state,
        "from": before,
        "to": version,
        "kind": kind,
        "date": date,
        "reason": reason,
        "stale": stale,
        "hosts": 1,
    }


def _merge_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {python: _merge_cells(found) for python, found in sorted(row.items())}


def _merge_cells(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One cell for several hosts; where they differ, the versions are listed and the state is mixed."""
    unique = {(cell["state"], cell["from"], cell["to"]) for cell in found}
    if len(unique) == 1:
        return {**found[0], "hosts": sum(cell["hosts"] for cell in found)}
    ways = []
    for state, before, after in unique:
        ways.append("blocked" if state == "blocked" else f"{before or 'new'} -> {after or 'gone'}")
    return {
        **found[0],
        "state": "mixed",
        "from": None,
        "to": None,
        "reason": "; ".join(sorted(ways)),
        "hosts": sum(cell["hosts"] for cell in found),
        "stale": any(cell["stale"] for cell in found),
    }


def update_matrix(directory: pathlib.Path, seen: Sequence[Evidence], today: datetime.date) -> None:
    """Add *seen* to the evidence in the plan directory, and make its matrix anew. Raises ValueError, OSError."""
    record_evidence(directory / "evidence.json", seen)
    document = json.loads((directory / "plan.json").read_text(encoding="utf-8"))
    locks = {path.stem: path.read_text(encoding="utf-8") for path in sorted((directory / "locks").glob("*.txt"))}
    write_matrix(directory, build_matrix(document, locks, read_evidence(directory / "evidence.json"), today))


def write_matrix(directory: pathlib.Path, table: Mapping[str, Any]) -> None:
    """Write the matrix *table* as ``matrix.json`` and ``matrix.csv``. Raises OSError."""
    write_private(directory / "matrix.csv", _csv.format_csv(build_matrix_rows(table)))
    write_private(directory / "matrix.json", format_json(table))


def build_matrix_rows(table: Mapping[str, Any]) -> list[list[str]]:
    """The matrix as rows for CSV, the first with the titles."""
    found = [["package", "python", "state", "from", "to", "evidence", "date", "stale", "hosts", "reason"]]
    for package, cells in table["packages"].items():
        for python, cell in cells.items():
            known = [cell["state"], cell["from"] or "", cell["to"] or "", cell["kind"], cell["date"] or ""]
            stale = "yes" if cell["stale"] else "no"
            found.append([package, python, *known, stale, str(cell["hosts"]), cell["reason"]])
    return found
