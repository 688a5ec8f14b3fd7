# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A step in the making, and what is needed to make it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import PackageRelease
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import ResolutionRequest, ResolvedLock
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import VersionBound, VersionLimit
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageCopy


class LockResolver(Protocol):
    """What is needed of a resolver."""

    def lock(self, question: ResolutionRequest) -> ResolvedLock:
        """The lock. Raises ResolutionError."""


class ReleaseIndex(Protocol):
    """What is needed of an index."""

    def load(self, names: Iterable[str]) -> None:
        """Have what is known of all *names*."""

    def list_releases(self, name: str, minor: Minor, platform: str) -> list[PackageRelease]:
        """Every version of *name*, oldest first."""

    def find_release(self, name: str, version: str, minor: Minor, platform: str) -> PackageRelease | None:
        """That version of *name*, if there is one."""

    def has_version(self, name: str, version: str) -> bool:
        """Whether the operator's own sources have that version of *name*."""

    def has_variant(self, name: str, version: str) -> bool:
        """Whether they have it or a later one with the same kind of local label."""


class WheelProvider(Protocol):
    """What is needed of a builder."""

    def get_wheel(self, wanted: RequiredWheel) -> tuple[str, str]:
        """File name and SHA-256 of a built wheel. Raises WheelBuildError, RemoteBuildError."""

    def list_libraries(self, wheel: str) -> list[str]:
        """The names of the libraries that a built wheel needs of a host."""


@dataclasses.dataclass
class StepDraft:
    """A step in the making. ``built_from``: versions from which packages are built although later ones have wheels."""

    packages: dict[str, str]
    limits: tuple[VersionLimit, ...]
    minor: Minor
    platform: str
    built_from: dict[str, str] = dataclasses.field(default_factory=dict)
    barred: frozenset[str] = frozenset()
    newcomers: frozenset[str] = frozenset()
    copies: Mapping[str, PackageCopy] = dataclasses.field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    copyable: frozenset[str] = frozenset()
    extras: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    incidental: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def without_incidental(self, names: Collection[str]) -> StepDraft:
        """The same without the incidental extras of the packages *names*, or of all if there are none."""
        freed = {name: extras for name, extras in self.incidental.items() if name in names or not names}
        kept = {name: self.extras.get(name, frozenset()) - extras for name, extras in freed.items()}
        rest = {name: extras for name, extras in self.incidental.items() if name not in freed}
        return dataclasses.replace(self, extras={**self.extras, **kept}, incidental=rest)

    def format_requirement(self, entry: VersionBound, alone: bool) -> str:
        """The requirement for the package of *entry* from its lowest version on; for that alone if *alone*."""
        return f"{self.format_name(entry.name)}{'==' if alone else '>='}{entry.lowest}"

    def format_name(self, name: str) -> str:
        """The package *name* with the extras that it is used with."""
        extras = ",".join(sorted(self.extras.get(name, ())))
        return f"{name}[{extras}]" if extras else name

    def is_built(self, name: str) -> bool:
        """Whether a constraint has the package *name* built, although it has wheels."""
        return any(limit.build for limit in self.limits if limit.name == name)

    def find_copy(self, name: str) -> PackageCopy | None:
        """The copy that stands for the package *name*, unless a constraint forbids its version."""
        copy = self.copies.get(name)
        if copy is None or self.packages.get(name) != copy.version:
            return None
        return copy if all(limit.admits(copy.version) for limit in self.limits if limit.name == name) else None


@dataclasses.dataclass(frozen=True)
class BoundedDraft:
    """A draft with the bound of each package, the wheels that were built or copied, and the question for a resolver."""

    bounds: dict[str, VersionBound]
    wheels: dict[str, tuple[str, str]]
    question: ResolutionRequest
    copied: frozenset[str] = frozenset()
    # Packages whose lowest version is the only one asked for.
    alone: frozenset[str] = frozenset()
