# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of a package, made of its files."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Sequence

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import get_supported_tags

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.tags import Tag
    from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
    from packaging.version import InvalidVersion, Version


@dataclasses.dataclass(frozen=True)
class PackageRelease:
    """One version of a package as one Python on one platform sees it."""

    version: str
    wheel: bool
    source: PackageFile | None
    excluded: str | None
    published: str | None
    yanked: bool
    # Whether the wheel is for every platform: nothing in it is compiled.
    universal: bool = False
    # Whether there is a wheel for the platform, whatever its Requires-Python says.
    fits: bool = False
    # Whether there is a wheel for just this minor, on whatever platform.
    elsewhere: bool = False

    def is_stable(self) -> bool:
        """Whether it was neither yanked nor is a prerelease."""
        return not self.yanked and not Version(self.version).is_prerelease


@functools.lru_cache(maxsize=4096)
def is_python_allowed(requires_python: str, minor: Minor) -> bool:
    """Whether a ``Requires-Python`` admits a patch release of *minor*, upper bounds included; an invalid one does."""
    try:
        specifiers = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    # Bounds such as <3.12.1 or !=3.9.0 speak of patches; a minor is excluded when its first and its late patches are.
    return any(specifiers.contains(f"{format_minor(minor)}.{patch}", prereleases=True) for patch in (0, 5, 99))


def parse_file_name(name: str) -> tuple[Version, frozenset[Tag] | None] | None:
    """Version and, of a wheel, tags of the file *name*; None for a file that is neither wheel nor source."""
    try:
        if name.endswith(".whl"):
            _name, version, _build, tags = parse_wheel_filename(name)
            return version, tags
        return parse_sdist_filename(name)[1], None
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def build_releases(files: Iterable[PackageFile], minor: Minor, platform: str) -> list[PackageRelease]:
    """What *files* of one package are to *minor* on *platform*: every version, oldest first."""
    accepted = get_supported_tags(minor, platform)
    wheels: dict[Version, list[tuple[PackageFile, bool]]] = {}
    own: set[Version] = set()
    sources: dict[Version, PackageFile] = {}
    for entry in files:
        known = parse_file_name(entry.name)
        if known is None:
            continue
        version, tags = known
        if tags is None:
            sources[version] = entry
        else:
            wheels.setdefault(version, []).append((entry, not accepted.isdisjoint(tags)))
            if any(tag.interpreter == f"cp{minor[0]}{minor[1]}" for tag in tags):
                own.add(version)
    releases = []
    for version in sorted({*wheels, *sources}):
        made = _build_release(version, wheels.get(version, []), sources.get(version), minor)
        releases.append(dataclasses.replace(made, elsewhere=version in own))
    return releases


def _build_release(
    version: Version, wheels: Sequence[tuple[PackageFile, bool]], source: PackageFile | None, minor: Minor
) -> PackageRelease:
    fitting = [entry for entry, fits in wheels if fits]
    files = fitting or [source] if source else fitting or [entry for entry, _fits in wheels]
    open_files = [entry for entry in files if is_python_allowed(entry.requires_python, minor)]
    universal = any(entry.name.endswith("-none-any.whl") for entry in fitting)
    published = min(
        (entry.published for entry, _fits in wheels if entry.published), default=source.published if source else None
    )
    return PackageRelease(
        str(version),
        any(is_python_allowed(entry.requires_python, minor) for entry in fitting),
        source,
        None if open_files else next((entry.requires_python for entry in files), None),
        published,
        all(entry.yanked for entry in files),
        universal,
        bool(fitting),
    )
