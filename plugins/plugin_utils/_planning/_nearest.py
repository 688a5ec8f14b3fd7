# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy of locks: which packages may stay, which must move and why, and which leave. Functions of data only."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import PackageRelease
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._versions import (
    get_variant,
    is_valid_version,
    parse_installed_version,
)

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version


class InvalidLimitError(CollectionError, ValueError):
    """A constraint that cannot be read; the text shows it."""


@dataclasses.dataclass(frozen=True)
class VersionLimit:
    """A constraint that holds for a Python: what an operator, an advisory or a rehearsal says about one package."""

    name: str
    requirement: str
    reason: str
    evidence: str
    date: str | None
    # Whether the package is wanted although nothing there requires it.
    install: bool = False
    # Whether the package leaves, and the requirement of the package that takes its place.
    drop: bool = False
    replaced_by: str = ""
    # Whether the package is built from its source although it has wheels.
    build: bool = False

    def is_departure(self) -> bool:
        """Whether it makes its package leave."""
        return self.drop or bool(self.replaced_by)

    def describe_departure(self) -> str:
        """Why its package leaves, as plans say it."""
        how = f"replaced by {self.replaced_by}" if self.replaced_by else "left out"
        return f"constraint {self.requirement} ({how}): {self.reason}"

    def admits(self, version: str) -> bool:
        """Whether *version* is within it."""
        return Requirement(self.requirement).specifier.contains(parse_installed_version(version), prereleases=True)


@dataclasses.dataclass(frozen=True)
class MoveReason:
    """Why a package moves: kind of evidence, a sentence, and the day of the evidence (ISO 8601) where one is known."""

    evidence: str
    text: str
    date: str | None = None


@dataclasses.dataclass(frozen=True)
class VersionBound:
    """From where a package may be taken on: the version *lowest*, published as a wheel or to be *built*.

    ``reason`` is None while it stays. ``barred`` are later versions that exclude the Python, which uv does not see.
    ``excluded`` is the ``Requires-Python`` of a version that is kept although it excludes the Python, because every
    later one does, too.
    """

    name: str
    current: str
    lowest: str
    build: bool
    reason: MoveReason | None
    barred: tuple[str, ...]
    excluded: str | None = None


class PackageBlockedError(CollectionError):
    """A package for which no version will do; the text says what to provide."""


def select_limits(constraints: Iterable[Mapping[str, Any]], minor: Minor) -> tuple[VersionLimit, ...]:
    """The *constraints* that hold for *minor*, sorted. Raises InvalidLimitError."""
    chosen = []
    for entry in constraints:
        try:
            requirement = Requirement(str(entry["requirement"]))
            departure = _read_departure(requirement, entry)
            if SpecifierSet(str(entry.get("python") or "")).contains(format_minor(minor) + ".0", prereleases=True):
                chosen.append(
                    VersionLimit(
                        normalize_name(requirement.name),
                        str(requirement),
                        str(entry.get("reason") or "no reason given"),
                        str(entry.get("evidence") or "constraint"),
                        str(entry["date"]) if entry.get("date") else None,
                        _read_flag(entry, "install"),
                        *departure,
                        _read_flag(entry, "build"),
                    )
                )
        except KeyError as error:
            raise InvalidLimitError(f"oxzep7_constraints: {dict(entry)!r}: it has no {error}") from None
        except (InvalidRequirement, InvalidSpecifier, ValueError) as error:
            raise InvalidLimitError(f"oxzep7_constraints: {dict(entry)!r}: {error}") from None
    return tuple(sorted(set(chosen), key=lambda limit: (limit.name, limit.requirement, limit.evidence)))


def _read_flag(entry: Mapping[str, Any], name: str) -> bool:
    """The value of the boolean option *name* of a constraint. Raises ValueError."""
    try:
        return bool(boolean(entry.get(name) or False))
    except TypeError:
        raise ValueError(f"`{name}` is {entry[name]!r}; set it to true or false") from None


def _read_departure(requirement: Requirement, entry: Mapping[str, Any]) -> tuple[bool, str]:
    """The options ``drop`` and ``replaced_by`` of a constraint. Raises ValueError, InvalidRequirement."""
    drop, text = _read_flag(entry, "drop"), str(entry.get("replaced_by") or "").strip()
    if not drop and not text:
        return False, ""
    if drop and text:
        raise ValueError("`drop` and `replaced_by` exclude each other; remove one")
    for name in ("install", "build"):
        if _read_flag(entry, name):
            raise ValueError(f"`{name}` excludes `drop` and `replaced_by`; remove one")
    used = "drop" if drop else "replaced_by"
    if str(requirement) != requirement.name:
        raise ValueError(f"with `{used}`, `requirement` is the name of a package alone; set it to {requirement.name}")
    if not text:
        return True, ""
    other = Requirement(text)
    if other.extras or other.marker or other.url:
        raise ValueError(f"`replaced_by` is {text!r}; set it to NAME or NAME==VERSION")
    if normalize_name(other.name) == normalize_name(requirement.name):
        raise ValueError(f"{requirement.name} cannot replace itself; set `replaced_by` to another package")
    return False, str(other)


def find_nearest_version(
    name: str,
    current: str,
    releases: Sequence[PackageRelease],
    limits: Sequence[VersionLimit],
    minor: Minor,
    platform: str,
    build_from: str | None = None,
    wheels_only: bool = False,
) -> VersionBound:
    """The nearest version from *current* on that *minor* can have, of *releases* (oldest first).

    A version without a wheel stays and is built if the next wheel is for every platform: such sources need no compiler.
    Otherwise a later version with a wheel wins, as it always does with *wheels_only*. With *build_from*, versions from
    that one on are built even if later ones have wheels. Raises PackageBlockedError.
    """
    own = [limit for limit in limits if limit.name == name]
    later = _select_later(releases, build_from or current)
    installed = parse_installed_version(current)
    steady = installed.is_prerelease
    admitted = [entry for entry in later if all(limit.admits(entry.version) for limit in own)]
    eligible = []
    for entry in admitted:
        acceptable = not entry.yanked and (steady or not Version(entry.version).is_prerelease)
        if not entry.excluded and (acceptable or Version(entry.version) == installed):
            eligible.append(entry)
    barred = tuple(entry.version for entry in later if entry.excluded)
    wheels = [entry for entry in eligible if entry.wheel]
    sources = [entry for entry in eligible if entry.source]
    plain = bool(wheels) and wheels[0].universal and bool(sources) and sources[0] is eligible[0] and not wheels_only
    if build_from is None and wheels and (wheels[0] is eligible[0] or not plain):
        return VersionBound(
            name,
            current,
            wheels[0].version,
            False,
            _explain_move(name, current, wheels[0], later, own, minor, platform),
            barred,
        )
    if sources:
        return VersionBound(
            name,
            current,
            sources[0].version,
            True,
            _explain_move(name, current, sources[0], later, own, minor, platform),
            barred,
        )
    kept = [entry for entry in admitted if entry.excluded and (entry.fits or entry.source)]
    if kept and not eligible and not wheels_only:
        # A bound that nothing lifts is a claim of its day; whether it holds, a rehearsal tells.
        chosen = kept[0]
        return VersionBound(
            name,
            current,
            chosen.version,
            not chosen.fits,
            _explain_move(name, current, chosen, later, own, minor, platform),
            tuple(version for version in barred if version != chosen.version),
            chosen.excluded,
        )
    raise PackageBlockedError(_describe_obstacle(name, current, later, own, minor, platform))


def _select_later(releases: Sequence[PackageRelease], current: str) -> list[PackageRelease]:
    """The *releases* from *current* on; of one with a local label those of the same variant, where there are any."""
    installed = parse_installed_version(current)
    later = [entry for entry in releases if Version(entry.version) >= installed]
    if not installed.local:
        return later
    return [entry for entry in later if get_variant(Version(entry.version)) == get_variant(installed)] or later


def _explain_move(
    name: str,
    current: str,
    chosen: PackageRelease,
    later: Sequence[PackageRelease],
    own: Sequence[VersionLimit],
    minor: Minor,
    platform: str,
) -> MoveReason | None:
    installed = parse_installed_version(current)
    if chosen.version == current or (is_valid_version(current) and Version(chosen.version) == installed):
        return None
    if not is_valid_version(current):
        why = f"{current} is not a version that package indexes and installers accept (PEP 440)"
        return MoveReason("not-published", why, chosen.published)
    for limit in own:
        if not limit.admits(current):
            return MoveReason(limit.evidence, f"constraint {limit.requirement}: {limit.reason}", limit.date)
    present = next((entry for entry in later if Version(entry.version) == installed), None)
    if present is None:
        return MoveReason("not-published", f"{current} is not published", chosen.published)
    if present.excluded:
        return MoveReason(
            "requires-python",
            f"{current} excludes Python {format_minor(minor)} (Requires-Python {present.excluded})",
            chosen.published,
        )
    if not present.wheel and chosen.wheel:
        return MoveReason(
            "no-wheel", f"{current} has no wheel for Python {format_minor(minor)} on {platform}", chosen.published
        )
    return MoveReason("not-built", f"{current} could not be built for Python {format_minor(minor)}", chosen.published)


def _describe_obstacle(
    name: str, current: str, later: Sequence[PackageRelease], own: Sequence[VersionLimit], minor: Minor, platform: str
) -> str:
    python = format_minor(minor)
    if not later:
        return (
            f"no source has {name} {current} or later; publish it to an index of oxzep7_indexes or put its wheel "
            "into a folder of oxzep7_find_links"
        )
    allowed = [entry for entry in later if not entry.excluded]
    if not any(limit.admits(entry.version) for entry in allowed for limit in own) and own:
        return (
            f"the constraints {', '.join(limit.requirement for limit in own)} leave no version of {name} "
            f"from {current} on for Python {python}; loosen them"
        )
    within = f" within the constraints {', '.join(limit.requirement for limit in own)}" if own else ""
    return (
        f"no version of {name} from {current} on{within} has a wheel for Python {python} on {platform}, "
        "or can be built; put a wheel into a folder of oxzep7_find_links"
    )


def classify_move(before: str | None, after: str | None) -> str:
    """How far a package moves: ``added``, ``left``, the first part of the release number that differs, or ``other``."""
    if before is None:
        return "added"
    if after is None:
        return "left"
    try:
        parts = [[*Version(text).release, 0, 0][:3] for text in (before, after)]
    except InvalidVersion:
        return "other"
    return next(
        (name for name, one, other in zip(("major", "minor", "patch"), *parts, strict=True) if one != other), "other"
    )


def find_root_packages(
    names: Iterable[str], required_by: Mapping[str, set[str]], requested: set[str], wanted: set[str]
) -> set[str]:
    """The packages of *names* that are *wanted* by the application, requested, or required by no other.

    A list of pins installs everything on request; *requested* counts only if it lacks a package that others require.
    """
    known = set(names)
    required = {name for name in known if required_by.get(name, set()) & known - {name}}
    telling = bool(required - set(requested))
    return {name for name in known if name in wanted or name not in required or (telling and name in requested)}


def find_unrequired_packages(names: Iterable[str], kept: set[str], via: Mapping[str, set[str]]) -> set[str]:
    """The packages of *names*, not *kept*, that in *via* (requirers by package) only such packages require."""
    leaving: set[str] = set()
    while True:
        rest = [name for name in names if name in via and name not in kept and name not in leaving]
        more = {name for name in rest if not via[name] - leaving - {name}}
        if not more:
            return leaving
        leaving |= more
