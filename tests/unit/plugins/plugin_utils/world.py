# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package index in memory with dependencies, and a resolver that answers as uv does, for tests of planning."""

from __future__ import annotations

import dataclasses

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import LockedPackage
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import WheelBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RemoteBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import PackageRelease, is_python_allowed
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import find_requirers
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionError,
    ResolvedLock,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from packaging.requirements import Requirement
from packaging.version import Version

EVERY = range(6, 20)


@dataclasses.dataclass(frozen=True)
class Made:
    """One version: minors with a wheel, whether it has a source that builds, ``Requires-Python``, ``Requires-Dist``,
    whether the wheel is for every platform, and whether only another host can build it."""

    wheels: range = EVERY
    source: bool = False
    builds: bool = True
    python: str = ""
    requires: tuple[str, ...] = ()
    plain: bool = False
    elsewhere: bool = False


class World:
    """Index, resolver and builder at once. ``questions`` went to the resolver, ``wanted`` are the built wheels."""

    def __init__(self, packages: dict[str, dict[str, Made]]) -> None:
        self.packages = packages
        self.questions: list = []
        self.wanted: list = []
        self.own: set = set()
        self.libraries: dict = {}

    def locker(self) -> StepLocker:
        """A locker on this world."""
        return StepLocker(self, self, self)

    def load(self, names):
        """Nothing is far away here."""

    def list_releases(self, name, minor, platform):
        """As `Index.releases`."""
        found = []
        for version, made in sorted(self.packages.get(name, {}).items(), key=lambda item: Version(item[0])):
            fits, admitted = minor[1] in made.wheels, is_python_allowed(made.python, minor)
            source = (
                PackageFile(f"{name}-{version}.tar.gz", made.python, "2021-01-02", False, "memory", None)
                if made.source
                else None
            )
            found.append(
                PackageRelease(
                    version,
                    fits and admitted,
                    source,
                    None if admitted else made.python,
                    "2021-01-02",
                    False,
                    made.plain,
                    fits,
                )
            )
        return found

    def find_release(self, name, version, minor, platform):
        """As `Index.release`."""
        releases = self.list_releases(name, minor, platform)
        return next((entry for entry in releases if Version(entry.version) == Version(version)), None)

    def has_version(self, name, version):
        """As `Index.provides`."""
        return (name, version) in self.own

    has_variant = has_version

    def get_wheel(self, wanted):
        """As `Builder.wheel`."""
        self.wanted.append(wanted)
        if self.packages[wanted.name][wanted.version].elsewhere:
            raise RemoteBuildError(wanted, f"{wanted.name} {wanted.version} must be compiled elsewhere")
        if not self.packages[wanted.name][wanted.version].builds:
            raise WheelBuildError(
                f"{wanted.name} {wanted.version} could not be built for Python 3.{wanted.minor[1]}: it needs mysql.h"
            )
        return f"{wanted.name}-{wanted.version}-py3-none-any.whl", "0" * 64

    def list_libraries(self, wheel):
        """As `Builder.list_libraries`."""
        return self.libraries.get(wheel.split("-")[0], [])

    def lock(self, question):
        """As `Resolver.lock`: the lowest of what is asked for, the newest of its requirements, any bounds on Python."""
        self.questions.append(question)
        built = {name.split("-")[0]: name.split("-")[1] for name, _digest in question.built}
        built_as = {name.split("-")[0]: name for name, _digest in question.built}
        limits = [Requirement(line) for line in question.constraints]
        asked = {requirement.name: requirement.specifier for requirement in map(Requirement, question.requirements)}
        extras = {entry.name: frozenset(entry.extras) for entry in map(Requirement, question.requirements)}
        chosen: dict[str, str] = {}
        demands: dict[str, dict[str, Requirement]] = {}
        for _round in range(50):
            before = dict(chosen)
            for name in [*asked, *[name for name in demands if name not in asked]]:
                chosen[name] = self._choose(name, asked, demands.get(name, {}), limits, built, question)
            demands = self._demands(chosen, question, extras)
            chosen = {name: version for name, version in chosen.items() if name in asked or name in demands}
            if chosen == before:
                found = {}
                for name, version in chosen.items():
                    digest = dict(question.built).get(built_as.get(name), "9" * 64)
                    requirers = tuple(sorted(demands.get(name, {})))
                    found[name] = LockedPackage(name, version, (digest,), "", requirers)
                return ResolvedLock(found)
        raise ResolutionError("no end")

    def _choose(self, name, asked, demands, limits, built, question):
        known = self.packages.get(name, {})
        specifiers = [one.specifier for one in demands.values()]
        specifiers += [limit.specifier for limit in limits if limit.name == name]
        specifiers += [asked[name]] if name in asked else []
        fitting = []
        for version in {*known, *filter(None, [built.get(name)])}:
            usable = built.get(name) == version or question.minor[1] in known[version].wheels
            if usable and all(specifier.contains(version) for specifier in specifiers):
                fitting.append(version)
        if not fitting:
            rows = [f"{requirer} depends on {requirement}" for requirer, requirement in sorted(demands.items())]
            who = " and ".join(rows)
            raise ResolutionError(
                f"Because you require {name}{asked.get(name, '')} and {who or 'nothing else'}, it is unsatisfiable; "
                f"Because {name} has no wheels, it cannot be used"
            )
        return (min if name in asked else max)(fitting, key=Version)

    def _demands(self, chosen, question, extras):
        requires = {name: self.packages.get(name, {}).get(version, Made()).requires for name, version in chosen.items()}
        found: dict[str, dict[str, Requirement]] = {}
        for name, who in find_requirers(requires, question.minor, "x86_64", extras).items():
            if name in question.excluded:
                continue
            for requirer in who:
                line = next(line for line in requires[requirer] if normalize_name(Requirement(line).name) == name)
                found.setdefault(name, {})[requirer] = Requirement(str(Requirement(line)).partition(";")[0])
        return found
