# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that are a part of Python now, or have no releases any more, and their successors.

The table is ``_data/retired-packages.toml``.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Iterable, Sequence

from ansible_collections.oxzep7.python.plugins.plugin_utils._files import DATA
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import find_requirers
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    MoveReason,
    VersionLimit,
    find_unrequired_packages,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = DATA / "retired-packages.toml"
# Evidence of moves by this table.
IN_STDLIB, RETIRED = "in-stdlib", "retired"


@dataclasses.dataclass(frozen=True)
class RetiredPackage:
    """A row of the table: ``kind`` is ``in-stdlib``, ``dead`` or ``renamed``.

    ``since`` is the minor that has it in its standard library; ``module`` is what programs import; ``successor`` the
    module or package to use instead, of the ``same`` interface or another one.
    """

    name: str
    kind: str
    module: str
    source: str
    since: Minor | None = None
    successor: str = ""
    same: bool = False
    date: str | None = None
    note: str = ""

    def is_shadowed(self) -> bool:
        """Whether its module has the name of one of the standard library, which is imported in its place."""
        return self.kind == IN_STDLIB and self.module.partition(".")[0] in sys.stdlib_module_names

    def is_in_stdlib_of(self, minor: Minor) -> bool:
        """Whether *minor* has it in its standard library."""
        return self.since is not None and self.since <= minor

    def describe(self) -> str:
        """What it is, with the source."""
        if self.since:
            return f"{self.name} is a part of Python since {format_minor(self.since)} ({self.successor}; {self.source})"
        if self.kind == "renamed":
            return f"{self.name} is {self.successor} now ({self.source})"
        last = f" since {self.date}" if self.date else ""
        return f"{self.name} has no release{last} ({self.source})"

    def format_marker(self) -> str:
        """The line of a requirements file that asks for it only where Python lacks it."""
        return f"{self.name}; python_version < '{format_minor(self.since)}'" if self.since else self.name

    def describe_remedy(self, minor: Minor) -> str:
        """What an operator does about it on the way to *minor*."""
        order = "drop: true"
        first = ""
        if not self.is_in_stdlib_of(minor):
            if self.successor and not self.since:
                order = f"replaced_by: {self.successor}"
            if not self.same:
                other = f"to {self.successor}, whose interface is another one" if self.successor else "to do without"
                first = f"change the program {other}, then "
        line = f'- {{requirement: {self.name}, {order}, python: ">={format_minor(minor)}"}}'
        note = f"; {self.note}" if self.note else ""
        return f"{first}add `{line}` to oxzep7_constraints{note}"


@functools.cache
def load_retired_packages() -> dict[str, RetiredPackage]:
    """The rows of the table by package name."""
    with TABLE.open("rb") as stream:
        rows = tomllib.load(stream)["packages"]
    found = {}
    for name, row in rows.items():
        values = {key: value for key, value in row.items() if key not in ("since", "date")}
        since = parse_version(row["since"])[0] if "since" in row else None
        found[name] = RetiredPackage(name, since=since, date=str(row["date"]) if "date" in row else None, **values)
    return found


def describe_remedies(names: Iterable[str], minor: Minor) -> str:
    """What the table knows of *names* on the way to *minor*, and the remedies; empty if it has none of them."""
    known = [load_retired_packages()[name] for name in sorted(set(names)) if name in load_retired_packages()]
    return "; ".join(f"{row.describe()}: {row.describe_remedy(minor)}" for row in known)


def list_superfluous_packages(packages: PackageSet, limits: Sequence[VersionLimit], minor: Minor) -> frozenset[str]:
    """The packages that *minor* has in its standard library and that are wanted for no other reason.

    A module of another name that the application imports, or may import because its source is unknown, is wanted, and
    so is what a constraint speaks of.
    """
    constrained = {limit.name for limit in limits}
    found = set()
    for name in packages.pins:
        row = load_retired_packages().get(name)
        if row is None or not row.is_in_stdlib_of(minor) or name in constrained:
            continue
        if row.is_shadowed() or (packages.imported is not None and name not in packages.imported):
            found.add(name)
    return frozenset(found)


def list_dispensable_packages(packages: PackageSet, limits: Sequence[VersionLimit], minor: Minor) -> frozenset[str]:
    """The packages of the table that the application neither imports nor declares, and no constraint speaks of.

    None where the source of the application is unknown.
    """
    if packages.imported is None:
        return frozenset()
    wanted = {*packages.imported, *packages.declared, *(limit.name for limit in limits)}
    known = {name for name in packages.pins if name in load_retired_packages()}
    return frozenset(known - wanted)


def list_retired_uses(packages: PackageSet) -> list[tuple[str, bool, bool]]:
    """The packages of the table, and whether the application imports or declares each: what a lock depends on."""
    imported = packages.imported
    rows = []
    for name in sorted(packages.pins):
        if name in load_retired_packages():
            rows.append((name, imported is None or name in imported, name in packages.declared))
    return rows


def build_leaving_reason(name: str, minor: Minor) -> MoveReason:
    """Why *name*, a package of the table, leaves on *minor*."""
    row = load_retired_packages()[name]
    if row.is_in_stdlib_of(minor):
        return MoveReason(IN_STDLIB, f"{row.describe()}; in requirement files write {row.format_marker()}", row.date)
    return MoveReason(RETIRED, f"{row.describe()}, and nothing that is imported or declared needs it", row.date)


def predict_leaving(packages: PackageSet, loose: frozenset[str], minor: Minor, architecture: str) -> set[str]:
    """The packages that nothing requires on *minor* by the metadata of today; *loose* ones are not wanted otherwise.

    A package whose metadata are unknown requires what it did before.
    """
    now = find_requirers(packages.requires, minor, architecture, packages.extras)
    via = {}
    for name in packages.pins:
        unknown = {who for who in packages.required_by.get(name, ()) if who not in packages.requires}
        via[name] = (now.get(name, set()) | unknown) & set(packages.pins)
    return find_unrequired_packages(packages.pins, set(packages.roots - loose), via)
