# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is proven of each step of a plan: by evidence on its packages, and by when they were released."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import format_minor, load_releases, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import parse_file_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import EVIDENCE_ORDER, Evidence

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.tags import Tag
    from packaging.version import InvalidVersion, Version

COMPILED_PATTERN = re.compile(r"^cp3(\d+)$")

# Kinds of evidence for which the package was installed and used.
TRIED_KINDS = ("run", "test", "import")
# By package and version: ``date`` of the first file (ISO 8601), and ``compiled``, the Pythons that have wheels of their
# own.
ReleaseFacts = Mapping[str, Mapping[str, Mapping[str, Any]]]


def list_step_locks(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The identifier of each lock of the plan's *document*, with the Python that it is for."""
    found = set()
    for part in document["hosts"].values():
        for application in part["applications"]:
            for step in application["steps"]:
                found.add((step["lock"], format_minor(parse_version(step["to"])[0])))
    return found


def collect_proofs(
    document: Mapping[str, Any], locks: Mapping[str, str], evidence: Iterable[Evidence], released: ReleaseFacts
) -> dict[str, dict[str, dict[str, Any]]]:
    """The proof of each lock of the plan's *document*, by lock and Python.

    A proof has ``packages`` and ``proven`` (how many), ``kind`` (the weakest evidence) and ``date`` (the oldest), which
    are None unless something is proven, ``broken`` (names that evidence speaks against), ``older`` (names of unproven
    packages that were released before that Python and not compiled for it) and ``youngest`` (the date of the youngest
    release of these).
    """
    seen: dict[tuple[str, str, str], list[Evidence]] = {}
    for entry in evidence:
        if entry.kind in TRIED_KINDS:
            seen.setdefault((entry.package, entry.version, entry.python), []).append(entry)
    proofs: dict[str, dict[str, dict[str, Any]]] = {}
    for lock, python in sorted(list_step_locks(document)):
        pins = parse_pins(locks[lock])
        known = {name: seen.get((name, version, python), []) for name, version in pins.items()}
        proofs.setdefault(lock, {})[python] = _build_proof(pins, known, python, released)
    return proofs


def _build_proof(
    pins: Mapping[str, str], known: Mapping[str, Sequence[Evidence]], python: str, released: ReleaseFacts
) -> dict[str, Any]:
    strongest = {name: _find_strongest(entries) for name, entries in known.items() if entries}
    works = {name: entry for name, entry in strongest.items() if entry.state == "works"}
    appeared = load_releases()[parse_version(python)[0]].first_release.isoformat()
    dates = {}
    for name, version in pins.items():
        known_of = (released.get(name) or {}).get(version) or {}
        date = known_of.get("date")
        if name not in works and date and date < appeared and python not in known_of["compiled"]:
            dates[name] = date
    return {
        "packages": len(pins),
        "proven": len(works),
        "kind": max((entry.kind for entry in works.values()), key=EVIDENCE_ORDER.index, default=None),
        "date": min((entry.date for entry in works.values()), default=None),
        "broken": sorted(set(strongest) - set(works)),
        "older": sorted(dates),
        "youngest": max(dates.values(), default=None),
    }


def _find_strongest(entries: Sequence[Evidence]) -> Evidence:
    """The entry that counts: the strongest kind, of these the newest; on one day what breaks."""
    strength = min(EVIDENCE_ORDER.index(entry.kind) for entry in entries)
    return max(
        (entry for entry in entries if EVIDENCE_ORDER.index(entry.kind) == strength),
        key=lambda entry: (entry.date, entry.state == "breaks"),
    )


def select_missing_facts(locks: Iterable[str], released: ReleaseFacts) -> dict[str, set[str]]:
    """The versions by package in the texts of *locks* of which *released* has nothing."""
    missing: dict[str, set[str]] = {}
    for text in locks:
        for name, version in parse_pins(text).items():
            if version not in (released.get(name) or {}):
                missing.setdefault(name, set()).add(version)
    return missing


class FileIndex(Protocol):
    """What is needed of an index."""

    def load(self, names: Iterable[str]) -> None:
        """Have what is known of all *names*."""

    def list_files(self, name: str) -> list[PackageFile]:
        """All files of the package *name*."""


def find_release_facts(index: FileIndex, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Date and compiled wheels of each version in *wanted*, by package, as far as *index* knows them.

    Raises IndexUnavailableError.
    """
    index.load(wanted)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, versions in wanted.items():
        days: dict[Version, str] = {}
        compiled: dict[Version, set[str]] = {}
        for entry in index.list_files(name):
            known = parse_file_name(entry.name)
            if known and entry.published:
                days[known[0]] = min(entry.published, days.get(known[0], entry.published))
                compiled.setdefault(known[0], set()).update(_list_compiled(known[1] or ()))
        for version in versions:
            with contextlib.suppress(InvalidVersion, KeyError):
                known_as = Version(version)
                facts = {"date": days[known_as], "compiled": sorted(compiled[known_as])}
                found.setdefault(name, {})[version] = facts
    return found


def _list_compiled(tags: Iterable[Tag]) -> set[str]:
    """The versions of CPython for which alone a wheel with *tags* was compiled."""
    matches = [COMPILED_PATTERN.match(tag.interpreter) for tag in tags if tag.platform != "any" and tag.abi != "abi3"]
    return {f"3.{match[1]}" for match in matches if match}


def merge_facts(locks: Iterable[str], *known: ReleaseFacts) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The facts about the versions in the texts of *locks*; of several in *known*, the last counts."""
    merged: dict[str, dict[str, Mapping[str, Any]]] = {}
    for text in locks:
        for name, version in parse_pins(text).items():
            for facts in known:
                own = (facts.get(name) or {}).get(version)
                if own:
                    merged.setdefault(name, {})[version] = own
    return merged
