# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What planning needs of a host, and the packages that its environments start from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import (
    PackageCopy,
    PackageSet,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    find_requirers,
    find_root_packages,
)

# Debian's pip once reported this package, which exists nowhere.
PHANTOM_PACKAGES = frozenset({"pkg-resources"})


@dataclasses.dataclass(frozen=True)
class PlannedHost:
    """What planning needs of one host: its inventory's parts and the operator's options for it."""

    name: str
    facts: Mapping[str, Any]
    applications: Sequence[Mapping[str, Any]]
    found_interpreters: Sequence[Mapping[str, Any]]
    interpreters: Sequence[Mapping[str, Any]]
    constraints: Sequence[Mapping[str, Any]]
    # How much depends on it; empty where only its applications say.
    criticality: str = ""


def build_package_set(
    environment: Mapping[str, Any],
    wanted: set[str],
    minor: Minor,
    architecture: str,
    copies: Mapping[str, Mapping[str, Any]] | None = None,
) -> PackageSet:
    """What the inventory's *environment* starts from; *wanted* are the packages that the application itself names or imports.

    *copies* are rows of package_copy by name; a row without a wheel counts for nothing.
    """
    made = {
        name: PackageCopy(row["version"], row["wheel"], row["sha256"], row["requires_python"] or "")
        for name, row in (copies or {}).items()
        if "wheel" in row
    }
    known = {
        normalize_name(package["name"]): package
        for package in environment["packages"]
        if normalize_name(package["name"]) not in PHANTOM_PACKAGES
    }
    pins = {name: made[name].version if name in made else package["version"] for name, package in known.items()}
    if any(package.get("requires") is None for package in known.values()):
        return PackageSet(pins, {}, frozenset(pins), copies=made)
    requires = {
        name: copies[name]["requires"] if copies and name in made else package["requires"]
        for name, package in known.items()
    }
    required_by = find_requirers(requires, minor, architecture)
    requested = {name for name, package in known.items() if package.get("requested")}
    # What its owner put there by hand is wanted.
    return PackageSet(
        pins,
        required_by,
        frozenset(find_root_packages(pins, required_by, requested | set(made), wanted)),
        requires,
        copies=made,
    )
