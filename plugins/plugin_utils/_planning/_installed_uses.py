# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What installed packages use that a later Python lacks: findings of a plan, and what a rehearsal tries first.

It moves no package by itself: what is used may never be reached.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import (
    describe_broken_use,
    find_broken_uses,
)

MAXIMUM_USES = 3
# How many later versions of a package are scanned to find one without such uses.
MAXIMUM_WHEELS = 8


@dataclasses.dataclass(frozen=True)
class InstalledUse:
    """A use in an installed package of what is gone from the Python *since* on; *certain* where importing meets it."""

    package: str
    version: str
    since: Minor
    text: str
    certain: bool


def list_installed_uses(scan: Mapping[str, Any] | None, current: Minor, target: Minor) -> list[InstalledUse]:
    """The uses in the packages of *scan*, an application's, that break between *current* and *target*."""
    found = []
    rows = sorted(((scan or {}).get("installed") or {}).get("uses") or [], key=lambda row: tuple(map(str, row[:3])))
    for (package, version, path), uses in itertools.groupby(rows, key=lambda row: tuple(row[:3])):
        for entry in find_broken_uses([row[3:] for row in uses], current, target):
            when = "on import" if entry.on_import else "when called"
            text = f"{path}:{entry.line}: {describe_broken_use(entry)} ({when})"
            found.append(InstalledUse(package, version, entry.since, text, entry.on_import and entry.certain))
    return found


def build_use_findings(
    scan: Mapping[str, Any] | None, planned: Mapping[str, Any], clean: Mapping[str, str | None]
) -> list[tuple[int, dict[str, Any]]]:
    """A finding for each package that a step of *planned* keeps at a version which uses what its Python lacks.

    Each comes with the number of the first step that does so. *clean* has by package the nearest later version that has
    no such uses on import.
    """
    steps = planned["steps"]
    if not steps:
        return []
    uses = list_installed_uses(scan, parse_version(planned["from"])[0], parse_version(steps[-1]["to"])[0])
    moved: set[str] = set()
    told: dict[str, tuple[int, list[InstalledUse]]] = {}
    for number, step in enumerate(steps):
        minor = parse_version(step["to"])[0]
        moved |= {row["package"] for row in step["changes"]}
        for use in uses:
            if use.since <= minor and use.package not in moved:
                known = told.setdefault(use.package, (number, []))[1]
                if use not in known:
                    known.append(use)
    found = []
    for package, (number, known) in sorted(told.items()):
        python = format_minor(parse_version(steps[number]["to"])[0])
        found.append((number, _build_finding(python, known, clean.get(package))))
    return found


def _build_finding(python: str, uses: Sequence[InstalledUse], clean: str | None) -> dict[str, Any]:
    # What an import meets comes first.
    ranked = sorted(uses, key=lambda use: not use.certain)
    more = f"; and {len(ranked) - MAXIMUM_USES} more" if len(ranked) > MAXIMUM_USES else ""
    texts = "; ".join(use.text for use in ranked[:MAXIMUM_USES])
    package, version = uses[0].package, uses[0].version
    later = f"; {package} {clean} is the nearest later version that an import does not stop at" if clean else ""
    return build_finding(
        key="package-uses-removed",
        detail=f"{package} {version}, which the step to Python {python} keeps, uses {texts}{more}{later}",
        remediation="rehearse, which tries that package first, or constrain it in oxzep7_constraints",
    )


def find_clean_version(
    versions: Sequence[str], is_clean: Callable[[str], bool | None], limit: int = MAXIMUM_WHEELS
) -> str | None:
    """The nearest of *versions*, nearest first, for which *is_clean*; it is asked of *limit* at most.

    It returns None where that cannot be known, which counts as not clean. Versions that are clean are taken to stay so.
    """
    asked: dict[int, bool] = {}

    def ask(number: int) -> bool:
        if number not in asked:
            asked[number] = len(asked) < limit and bool(is_clean(versions[number]))
        return asked[number]

    strides = itertools.takewhile(lambda number: number < len(versions), ((1 << power) - 1 for power in range(32)))
    found = next((number for number in [*strides, len(versions) - 1] if number >= 0 and ask(number)), None)
    if found is None:
        return None
    low, high = max((number for number in asked if number < found), default=-1) + 1, found
    while low < high:
        middle = (low + high) // 2
        if ask(middle):
            high = middle
        else:
            low = middle + 1
    return versions[high]


@dataclasses.dataclass(frozen=True)
class KnownUses:
    """What is known of the installed packages before a rehearsal: uses, and the nearest later version without them."""

    uses: tuple[InstalledUse, ...] = ()
    clean: Mapping[str, str | None] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_application(cls, application: Mapping[str, Any], target: Minor) -> KnownUses:
        """From the scan of *application* on its way to *target*."""
        environment = application["environment"] or {}
        if not environment.get("python"):
            return cls()
        current = parse_version(environment["python"])[0]
        uses = list_installed_uses(application.get("scan"), current, target)
        return cls(tuple(uses), dict(application.get("clean") or {}))

    def is_suspected(self, package: str, version: str | None, minor: Minor) -> bool:
        """Whether importing *package* in *version* meets what *minor* lacks."""
        for use in self.uses:
            if use.certain and use.package == package and use.version == version and use.since <= minor:
                return True
        return False

    def rank_candidates(
        self, candidates: Iterable[tuple[str, int]], pins: Mapping[str, str], minor: Minor
    ) -> list[tuple[str, int]]:
        """*candidates* (package, failures explained) with the suspected ones first; else in their order."""
        return sorted(candidates, key=lambda entry: not self.is_suspected(entry[0], pins.get(entry[0]), minor))
