# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What planning needs of a host, and the packages that its environments start from."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import (
    find_held_extras,
    find_requirers,
    select_incidental_extras,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._versions import normalize_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._pinned_settings import find_pinned_settings
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    DATA_ERRORS,
    BlockedReason,
    PlanError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import find_root_packages
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageCopy, PackageSet
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import Selection

# Debian's pip once reported this package, which exists nowhere.
PHANTOM_PACKAGES = frozenset({"pkg-resources"})


@dataclasses.dataclass(frozen=True)
class PlannedHost:
    """One host of a plan: parts of its inventory, and the operator's options for it."""

    name: str
    facts: Mapping[str, Any]
    applications: Sequence[Mapping[str, Any]]
    found_interpreters: Sequence[Mapping[str, Any]]
    interpreters: Sequence[Mapping[str, Any]]
    constraints: Sequence[Mapping[str, Any]]
    # How much depends on it; empty where only its applications say.
    criticality: str = ""
    # By name of an application, what already forbids to plan it.
    blocked: Mapping[str, Sequence[BlockedReason]] = dataclasses.field(default_factory=dict)


def is_not_from_index(package: Mapping[str, Any]) -> bool:
    """Whether *package* was not installed from an index, or is a vendor's variant of what an index may have."""
    return bool(package.get("editable") or package.get("direct_url") or "+" in str(package["version"]))


def build_package_set(
    environment: Mapping[str, Any],
    wanted: set[str],
    minor: Minor,
    architecture: str,
    copies: Mapping[str, Mapping[str, Any]] | None = None,
    imported: Iterable[str] | None = None,
    copying: bool = False,
    extras: Mapping[str, Collection[str]] | None = None,
) -> PackageSet:
    """The packages of the *environment* of an inventory; *wanted* are those that the application names or imports.

    *imported* are those that it imports, None where its source is unknown, and *extras* those that it declares. With
    *copying*, packages of an index may be copied, too, unless their files were changed by hand.
    *copies* are rows of package_copy by name; a row without a wheel counts for nothing.
    """
    known = {normalize_name(package["name"]): package for package in environment["packages"]}
    for name in PHANTOM_PACKAGES:
        known.pop(name, None)
    made = {}
    for name, row in (copies or {}).items():
        if "wheel" in row:
            made[name] = PackageCopy(
                row["version"],
                row["wheel"],
                row["sha256"],
                row["requires_python"] or "",
                name not in known or is_not_from_index(known[name]),
                bool(row.get("modified")),
            )
    pins = {}
    for name, package in known.items():
        pins[name] = made[name].version if name in made else normalize_version(str(package["version"] or ""))
    told = None if imported is None else frozenset(imported)
    declared = frozenset(wanted - set(told or ()))
    changed = {normalize_name(str(entry["package"])) for entry in environment.get("modified") or ()}
    copyable = set()
    for name, package in known.items():
        if copying and name not in (copies or {}) and name not in changed and not is_not_from_index(package):
            copyable.add(name)
    if any(package.get("requires") is None for package in known.values()):
        return PackageSet(
            pins, {}, frozenset(pins), copies=made, imported=told, declared=declared, copyable=frozenset(copyable)
        )
    requires = {name: package["requires"] for name, package in known.items()}
    for name in made:
        if copies and name in requires:
            requires[name] = copies[name]["requires"]
    required_by = find_requirers(requires, minor, architecture)
    requested = {name for name, package in known.items() if package.get("requested")}
    held = find_held_extras(requires, pins, minor, architecture, extras or {})
    explained = {name for name, who in required_by.items() if who} | set(imported or ())
    # Packages that were installed by hand are wanted.
    return PackageSet(
        pins,
        required_by,
        frozenset(
            find_root_packages(pins, required_by, requested | {name for name, copy in made.items() if copy.own}, wanted)
        ),
        requires,
        copies=made,
        imported=told,
        declared=declared,
        copyable=frozenset(copyable),
        extras=held,
        incidental=select_incidental_extras(requires, held, extras or {}, explained, minor, architecture),
    )


def build_planned_host(
    name: str, facts: Mapping[str, Any], given: Mapping[str, Any], learned: Sequence[Mapping[str, Any]]
) -> PlannedHost | None:
    """The host *name* with the variables *facts*, or None without an inventory.

    It has the applications that *given* chooses. What cannot be read blocks the application that it is about, or all,
    and so does what the preflight refused.
    """
    taken = facts.get(given["inventories"])
    if not taken or taken.get("failed") or taken.get("unreachable") or "applications" not in taken:
        return None
    found = Selection.from_options(given).choose(taken["applications"])
    blocked = _collect_refusals(facts, given)
    try:
        declared = {entry.get("name"): entry for entry in facts.get("oxzep7_applications") or []}
        interpreters = facts.get("oxzep7_interpreters") or []
        constraints = [*(facts.get("oxzep7_constraints") or []), *learned]
        criticality = str(facts.get("oxzep7_criticality") or "")
    except (AnsibleError, *DATA_ERRORS) as error:
        declared, interpreters, constraints, criticality = {}, [], [*learned], ""
        text = f"the variables of {name} cannot be read: {error}"
        for entry in found:
            blocked[entry["name"]] = [BlockedReason.from_error(PlanError(text))]
    copies = _collect_copies(name, facts, given)
    applications = []
    for entry in found:
        own = declared.get(entry["name"]) or {}
        try:
            applications.append(_build_planned_application(entry, own, taken, copies.get(entry["name"]) or {}))
        except DATA_ERRORS as error:
            blocked.setdefault(entry["name"], []).append(BlockedReason.from_error(error))
            applications.append({"name": entry["name"], "environment": None, "findings": [], "declared": own})
    return PlannedHost(
        name,
        taken["host"],
        applications,
        taken["interpreters"],
        interpreters,
        constraints,
        criticality,
        blocked,
    )


def _collect_refusals(facts: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, list[BlockedReason]]:
    """The blocking findings of the preflight by the application that they concern."""
    refused = (facts.get(given["refusals"]) or {}) if given.get("refusals") else {}
    found: dict[str, list[BlockedReason]] = {}
    for entry in refused.get("blocking") or []:
        for name in entry["applications"]:
            found.setdefault(name, []).append(BlockedReason.from_finding(entry))
    return found


def _collect_copies(
    name: str, facts: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The rows of package_copy by application and package; a row with the reason for what the host did not copy."""
    taken = facts.get(given["copies"]) or {}
    found = {application: dict(rows) for application, rows in (taken.get("copies") or {}).items()}
    for application, names in ((given.get("copied") or {}).get(name) or {}).items():
        for package in names:
            reason = str(taken.get("msg") or "its host could not be reached")
            found.setdefault(application, {}).setdefault(package, {"reason": reason})
    return found


def _build_planned_application(
    entry: Mapping[str, Any], own: Mapping[str, Any], taken: Mapping[str, Any], copies: Mapping[str, Any]
) -> dict[str, Any]:
    """The application *entry* of the inventory *taken*, with its declaration *own* and *copies* of its packages."""
    scan = next((row for row in taken.get("sources") or [] if row["name"] == entry["name"]), None)
    return {
        **entry,
        "goal": own.get("goal") or "compatibility",
        "scan": scan,
        "declared": own,
        "copies": copies,
        "wanted": list_wanted_packages(entry["environment"], scan),
        "pinned": find_pinned_settings(entry["environment"], taken["interpreters"], taken.get("dependents") or ()),
        "imported": list_imported_packages(entry["environment"], scan),
        "extras": collect_declared_extras(entry["environment"], scan),
    }


def collect_declared_extras(
    environment: Mapping[str, Any] | None, scan: Mapping[str, Any] | None
) -> dict[str, list[str]]:
    """The extras by package that requirement files name, and those with which a tool says that it installed."""
    found: dict[str, set[str]] = {}
    for known in ((scan or {}).get("extras"), (environment or {}).get("requested_extras")):
        for name, extras in (known or {}).items():
            found.setdefault(normalize_name(name), set()).update(extras)
    return {name: sorted(extras) for name, extras in sorted(found.items())}


def list_imported_packages(environment: Mapping[str, Any] | None, scan: Mapping[str, Any] | None) -> list[str] | None:
    """The packages of *environment* that the application imports in its source; None where that is unknown."""
    if environment is None or scan is None:
        return None
    imports = set(scan["imports"])
    packages = environment["packages"]
    return sorted(
        {normalize_name(package["name"]) for package in packages if imports.intersection(package.get("modules") or [])}
    )


def list_wanted_packages(environment: Mapping[str, Any] | None, scan: Mapping[str, Any] | None) -> list[str]:
    """The packages of *environment* that the application names in its requirement files or imports in its source."""
    if environment is None or scan is None:
        return []
    imports = set(scan["imports"])
    named = set(scan["required"])
    found = set()
    for package in environment["packages"]:
        name = normalize_name(package["name"])
        if name in named or imports.intersection(package.get("modules") or []):
            found.add(name)
    return sorted(found)
