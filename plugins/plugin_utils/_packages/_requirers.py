# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packages require which, by their metadata. Functions of data only."""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion, Version

# The first and a late patch: what any patch of a minor requires is required.
PATCHES = (0, 99)
LEGACY_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*(?:\s*\[[^]]*\])?)[^;]*(;.*)?$")
EXTRA_MARKER = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")


def _build_marker_environments(minor: Minor, architecture: str) -> list[dict[str, str]]:
    """The values of markers on *minor* on Linux, for several patches."""
    found = []
    for patch in PATCHES:
        version = f"{format_minor(minor)}.{patch}"
        found.append(
            {
                "python_version": format_minor(minor),
                "python_full_version": version,
                "implementation_name": "cpython",
                "implementation_version": version,
                "platform_python_implementation": "CPython",
                "os_name": "posix",
                "sys_platform": "linux",
                "platform_system": "Linux",
                "platform_machine": architecture,
                "platform_release": "",
                "platform_version": "",
            }
        )
    return found


@functools.lru_cache(maxsize=65536)
def _parse_requirement(line: str) -> Requirement | None:
    """The requirement *line*; of one with bounds of a form that is not valid any more, all but the bounds."""
    match = LEGACY_REQUIREMENT.match(line)
    for text in (line, "".join(match.groups("")) if match else "", match[1] if match else ""):
        try:
            return Requirement(text)
        except InvalidRequirement:
            continue
    return None


def _select_requirements(
    lines: Sequence[str], extras: frozenset[str], environments: Sequence[Mapping[str, str]]
) -> Iterator[Requirement]:
    """The requirements of ``Requires-Dist`` *lines* that hold in one of the *environments*, with the *extras*."""
    for line in lines:
        requirement = _parse_requirement(line)
        if requirement is None:
            continue
        marker = requirement.marker
        if marker is None:
            yield requirement
            continue
        values = itertools.product(environments, ("", *sorted(extras)))
        if any(marker.evaluate({**environment, "extra": extra}) for environment, extra in values):
            yield requirement


def find_requirers(
    requires: Mapping[str, Sequence[str]],
    minor: Minor,
    architecture: str,
    extras: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, set[str]]:
    """Who of *requires* (``Requires-Dist`` by package) requires each package on *minor*.

    *extras* are those that are wanted of a package; those that requirements name count for themselves.
    """
    environments = _build_marker_environments(minor, architecture)
    wanted = {name: set(chosen) for name, chosen in (extras or {}).items()}
    found: dict[str, set[str]] = {}
    waiting = list(requires)
    while waiting:
        package = waiting.pop()
        for requirement in _select_requirements(requires[package], frozenset(wanted.get(package, ())), environments):
            name = normalize_name(requirement.name)
            if name != package:
                found.setdefault(name, set()).add(package)
            more = {normalize_name(extra) for extra in requirement.extras} - wanted.setdefault(name, set())
            if more:
                wanted[name] |= more
                if name in requires and name not in waiting:
                    waiting.append(name)
    return found


def find_held_extras(
    requires: Mapping[str, Sequence[str]],
    pins: Mapping[str, str],
    minor: Minor,
    architecture: str,
    declared: Mapping[str, Collection[str]],
) -> dict[str, frozenset[str]]:
    """The extras with which each package of *requires* is used, by the versions *pins* of all that are installed.

    These are extras whose requirements are satisfied, and *declared* ones with a requirement that is installed.
    """
    environments = _build_marker_environments(minor, architecture)
    own = {name: _split_extras(lines, environments) for name, lines in requires.items()}
    held = {name: set(extras) for name, extras in own.items()}
    while True:
        dropped = []
        for name, extras in held.items():
            asked = {normalize_name(extra) for extra in declared.get(name, ())}
            for extra in extras:
                entries = own[name][extra]
                there = extra in asked and any(normalize_name(entry.name) in pins for entry in entries)
                if not there and not all(_is_satisfied(entry, pins, name, own, held) for entry in entries):
                    dropped.append((name, extra))
        for name, extra in dropped:
            held[name].discard(extra)
        if not dropped:
            return {name: frozenset(extras) for name, extras in held.items() if extras}


def select_incidental_extras(
    requires: Mapping[str, Sequence[str]],
    held: Mapping[str, frozenset[str]],
    declared: Mapping[str, Collection[str]],
    explained: Collection[str],
    minor: Minor,
    architecture: str,
) -> dict[str, frozenset[str]]:
    """The *held* extras that no operator *declared* and for which no package is there: all have other reasons.

    *explained* are the packages that have one.
    """
    environments = _build_marker_environments(minor, architecture)
    found = {}
    for name, extras in held.items():
        asked = {normalize_name(extra) for extra in declared.get(name, ())}
        chosen = set()
        for extra, entries in _split_extras(requires.get(name, ()), environments).items():
            alone = [entry for entry in entries if normalize_name(entry.name) not in explained]
            if extra in extras and extra not in asked and not alone:
                chosen.add(extra)
        if chosen:
            found[name] = frozenset(chosen)
    return found


def _split_extras(lines: Sequence[str], environments: Sequence[Mapping[str, str]]) -> dict[str, list[Requirement]]:
    """What each extra of a package with ``Requires-Dist`` *lines* requires more than the package itself."""
    plain = {_format_bare(entry) for entry in _select_requirements(lines, frozenset(), environments)}
    found = {}
    for extra in {normalize_name(extra) for line in lines for extra in EXTRA_MARKER.findall(line)}:
        chosen = _select_requirements(lines, frozenset({extra}), environments)
        more = [entry for entry in chosen if _format_bare(entry) not in plain]
        if more:
            found[extra] = more
    return found


def _format_bare(requirement: Requirement) -> str:
    """*requirement* without its marker."""
    return f"{normalize_name(requirement.name)}{sorted(requirement.extras)}{requirement.specifier}"


def _is_satisfied(
    requirement: Requirement,
    pins: Mapping[str, str],
    package: str,
    known: Mapping[str, Mapping[str, Sequence[Requirement]]],
    held: Mapping[str, Collection[str]],
) -> bool:
    """Whether the *requirement* of *package* is satisfied by *pins*, and its own extras are among those *held*."""
    name = normalize_name(requirement.name)
    if name not in pins or (name == package and not requirement.extras):
        return False
    extras = {normalize_name(extra) for extra in requirement.extras}
    if any(extra in known.get(name, ()) and extra not in held.get(name, ()) for extra in extras):
        return False
    try:
        return bool(requirement.specifier.contains(Version(pins[name]), prereleases=True))
    except InvalidVersion:
        return False
