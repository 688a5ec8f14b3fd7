# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matches packages and interpreters with advisories in the Open Source Vulnerability format (OSV 1.x), offline."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

try:
    from packaging.version import InvalidVersion, Version

    PACKAGING_ERROR: ImportError | None = None
except ImportError as error:
    PACKAGING_ERROR = error

PYPI_ECOSYSTEM = "PyPI"
INTERPRETER_PACKAGES = {("Bitnami", "python")}
RANGE_TYPES = ("ECOSYSTEM", "SEMVER")


class AdvisoriesError(CollectionError):
    """A folder or zip that holds no advisories, or a record that is none; the text names it."""


@dataclasses.dataclass(frozen=True)
class Advisory:
    """One advisory for one package: its identifiers, summary, severity as published, ranges and versions."""

    identifier: str
    aliases: tuple[str, ...]
    summary: str
    severity: str | None
    ranges: tuple[tuple[tuple[str, str], ...], ...]
    versions: frozenset[str]

    def affects(self, version: Version) -> bool:
        """Whether *version* is in a range or listed."""
        return str(version) in self.versions or any(_is_in_range(events, version) for events in self.ranges)

    def find_fix(self, version: Version) -> str | None:
        """The first version after *version* that a range calls fixed."""
        later = [(_parse_version(text), text) for events in self.ranges for kind, text in events if kind == "fixed"]
        fitting = [(parsed, text) for parsed, text in later if parsed is not None and parsed > version]
        return min(fitting)[1] if fitting else None


def _parse_version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _is_in_range(events: Sequence[tuple[str, str]], version: Version) -> bool:
    """OSV's own evaluation: events in the order of their versions, each switching the answer."""
    known = [(Version("0.dev0") if text == "0" else _parse_version(text), kind) for kind, text in events]
    affected = False
    for at, kind in sorted(
        ((at, kind) for at, kind in known if at is not None), key=lambda event: (event[0], event[1] != "fixed")
    ):
        if kind == "introduced" and version >= at:
            affected = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            affected = False
    return affected


class Advisories:
    """Advisories by package; ``date`` is that of the newest record, ``count`` that of the records read."""

    def __init__(self) -> None:
        if PACKAGING_ERROR:
            raise AdvisoriesError(
                f"advisories need the collection's requirements.txt on the controller: {PACKAGING_ERROR}"
            )
        self.date = ""
        self.count = 0
        self._packages: dict[str, list[Advisory]] = {}
        self._interpreters: list[Advisory] = []
        self._answers: dict[tuple[str | None, str], list[dict[str, Any]]] = {}

    @property
    def has_packages(self) -> bool:
        """Whether there are records of packages; without them nothing is known, which is not that there is nothing."""
        return bool(self._packages)

    @property
    def has_interpreters(self) -> bool:
        """Whether there are records of the interpreter."""
        return bool(self._interpreters)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take up one OSV *record*; a withdrawn one is left out."""
        self.count += 1
        self.date = max(self.date, str(record.get("modified", ""))[:10])
        if record.get("withdrawn"):
            return
        for affected in record.get("affected", []):
            package = affected.get("package", {})
            key = (package.get("ecosystem"), package.get("name"))
            advisory = Advisory(
                str(record["id"]),
                tuple(record.get("aliases", [])),
                str(record.get("summary") or record.get("details", ""))[:200],
                _read_severity(record, affected),
                _read_ranges(affected),
                _read_versions(affected),
            )
            if key[0] == PYPI_ECOSYSTEM:
                self._packages.setdefault(normalize_name(str(key[1])), []).append(advisory)
            elif key in INTERPRETER_PACKAGES:
                self._interpreters.append(advisory)

    def find_for_package(self, name: str, version: str | None) -> list[dict[str, Any]]:
        """What is known against *version* of the package *name*; empty for a version that is no PEP 440 version."""
        return self._match_version(normalize_name(name), version)

    def find_for_interpreter(self, version: str | None) -> list[dict[str, Any]]:
        """What is known against CPython *version*."""
        return self._match_version(None, version)

    def _match_version(self, name: str | None, version: str | None) -> list[dict[str, Any]]:
        question = (name, version or "")
        if question not in self._answers:
            parsed = _parse_version(version or "")
            candidates = self._interpreters if name is None else self._packages.get(name, [])
            unique = {entry.identifier: entry for entry in candidates if parsed is not None and entry.affects(parsed)}
            rows: list[dict[str, Any]] = []
            for _name, entry in sorted(unique.items()):
                rows.append(
                    {
                        "id": entry.identifier,
                        "aliases": list(entry.aliases),
                        "summary": entry.summary,
                        "severity": entry.severity,
                        "fixed": entry.find_fix(parsed) if parsed is not None else None,
                    }
                )
            self._answers[question] = rows
        return self._answers[question]


def _read_severity(record: Mapping[str, Any], affected: Mapping[str, Any]) -> str | None:
    for holder in (affected, record):
        specific = holder.get("database_specific") or {}
        if isinstance(specific, Mapping) and isinstance(specific.get("severity"), str):
            return str(specific["severity"]).lower()
    return None


def _read_ranges(affected: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], ...]:
    ranges = []
    for entry in affected.get("ranges", []):
        if entry.get("type") in RANGE_TYPES:
            events = [(kind, str(text)) for event in entry.get("events", []) for kind, text in event.items()]
            ranges.append(tuple(events))
    return tuple(ranges)


def _read_versions(affected: Mapping[str, Any]) -> frozenset[str]:
    versions = (_parse_version(str(text)) for text in affected.get("versions", []))
    return frozenset(str(version) for version in versions if version is not None)


def _read_records(path: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for entry in sorted(path.rglob("*.json")):
            yield str(entry), entry.read_bytes()
        for entry in sorted(path.rglob("*.zip")):
            yield from _read_records(entry)
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield f"{path}:{name}", archive.read(name)


def load_advisories(path: pathlib.Path) -> Advisories:
    """The advisories in *path*: a folder of JSON files and zips, or a zip such as OSV's. Raises AdvisoriesError."""
    found = Advisories()
    try:
        for name, data in _read_records(path):
            try:
                found.add(json.loads(data))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise AdvisoriesError(
                    f"{name} is no OSV record ({error}); remove it, or correct oxzep7_advisories"
                ) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise AdvisoriesError(f"oxzep7_advisories: {path} cannot be read: {error}") from None
    if not found.count:
        raise AdvisoriesError(
            f"oxzep7_advisories: {path} holds no OSV record; give a folder with JSON files, or OSV's zip"
        )
    return found
