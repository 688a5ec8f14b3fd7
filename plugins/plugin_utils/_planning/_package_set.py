# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of an environment at a step, and the lock of a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import find_requirers
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import ResolvedLock
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._versions import is_same_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import MoveReason


@dataclasses.dataclass(frozen=True)
class PackageCopy:
    """A package as a host has it, as a wheel among those built: version, file name, SHA-256 and ``Requires-Python``.

    ``own`` tells that it was not installed from an index, so that nothing else may stand for it; ``modified`` that
    files of it were changed by hand.
    """

    version: str
    wheel: str
    sha256: str
    requires_python: str = ""
    own: bool = True
    modified: bool = False


@dataclasses.dataclass(frozen=True)
class PackageSet:
    """The packages that a step starts from.

    Versions by name, the requirers of each, packages wanted for their own sake, ``Requires-Dist`` of those that are as
    they were installed, packages that earlier steps added, and copies of those that no source has.
    """

    pins: Mapping[str, str]
    required_by: Mapping[str, set[str]]
    roots: frozenset[str]
    requires: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    added: frozenset[str] = frozenset()
    copies: Mapping[str, PackageCopy] = dataclasses.field(default_factory=dict)
    # What the application imports and what its requirement files name; None where its source is unknown.
    imported: frozenset[str] | None = None
    declared: frozenset[str] = frozenset()
    # Packages of an index whose installed files may be copied, which was not tried yet.
    copyable: frozenset[str] = frozenset()
    # The extras with which packages are used; a lock has what these require, too.
    extras: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    # Those of them that are satisfied by packages which are there for other reasons; they give way in a conflict.
    incidental: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def without(self, names: Collection[str]) -> PackageSet:
        """The same without the packages *names*; what requires them is as it was."""
        return dataclasses.replace(
            self,
            pins={name: version for name, version in self.pins.items() if name not in names},
            roots=self.roots - frozenset(names),
            requires={name: lines for name, lines in self.requires.items() if name not in names},
            copies={name: copy for name, copy in self.copies.items() if name not in names},
            extras={name: chosen for name, chosen in self.extras.items() if name not in names},
        )

    def select_held(self, after: Mapping[str, str], minor: Minor, architecture: str) -> frozenset[str]:
        """The packages that stay although none of *after* may require them: not only the old Python needed them.

        A requirer that moved counts as before, unless its own metadata does not require them on *minor* either.
        """
        still = find_requirers(self.requires, minor, architecture, self.extras)
        there = {name: version for name, version in self.pins.items() if name in after}
        moved = {name for name, version in there.items() if not is_same_version(after[name], version)}
        held = set(self.roots)
        for name, who in self.required_by.items():
            if name in self.pins and name not in self.added:
                required = still.get(name, set())
                if any(one in moved and (one not in self.requires or one in required) for one in who):
                    held.add(name)
        return frozenset(held)

    def apply_lock(self, lock: ResolvedLock, minor: Minor, platform: str) -> PackageSet:
        """What the next step starts from, when *lock* is this one's."""
        pins = lock.pins
        via = {name: set(who) for name, who in lock.requirers.items()}
        held = self.select_held(pins, minor, platform.partition("-")[0])
        return PackageSet(
            pins,
            via,
            frozenset(name for name in held if name in pins and (name in self.roots or not via.get(name))),
            {name: lines for name, lines in self.requires.items() if is_same_version(pins.get(name), self.pins[name])},
            self.added | (set(pins) - set(self.pins)),
            {name: copy for name, copy in self.copies.items() if is_same_version(pins.get(name), copy.version)},
            self.imported,
            self.declared,
            frozenset(name for name in self.copyable if pins.get(name) == self.pins.get(name)),
            {name: chosen for name, chosen in self.extras.items() if name in pins},
            {name: chosen for name, chosen in self.incidental.items() if name in pins},
        )


@dataclasses.dataclass(frozen=True)
class StepLock:
    """The lock of a step: text, packages afterwards, reasons of moves, packages built or copied, and doubtful ones.

    ``kept`` are packages of an index whose installed files are taken, because it has no wheel of them. ``libraries``
    are those that packages which were built need of a host.
    ``doubts`` gives the ``Requires-Python`` by package that excludes the Python in this and every later version.
    """

    text: str
    after: PackageSet
    reasons: Mapping[str, MoveReason]
    built: tuple[str, ...]
    doubts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    copied: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    libraries: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
