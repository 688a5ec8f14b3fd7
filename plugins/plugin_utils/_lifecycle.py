# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about CPython's versions: which exist, their newest patch and their end of life.

The data are vendored in ``_data/python-releases.toml`` (CC0; see ``_data/README.md`` for source and date).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import pathlib
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import DATA

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Minor = tuple[int, int]
VERSION_PATTERN = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?$")
FINAL_PATTERN = re.compile(r"^(\d+)\.(\d+)\.(\d+)(?: final)?$")
RELEASES = DATA / "python-releases.toml"
DATA_SOURCES_FILE = DATA / "sources.toml"
DISTRIBUTION_DATA_FILE = DATA / "distribution-releases.toml"
# PEP 373; no release of Python 2 has been made since.
END_OF_PYTHON_2 = datetime.date(2020, 4, 20)
# Rebuilds that live as long as what they rebuild.
RHEL_REBUILDS = {"almalinux": "rhel", "rocky": "rhel", "ol": "rhel"}


# Names for the newest supported minor version and the one before it.
SYMBOLIC_TARGETS = ("newest-supported", "newest-1")
DATA_STALE_AFTER = datetime.timedelta(days=180)
# One minor version is released a year, so what ends within that time ends before the next upgrade would be due.
END_OF_LIFE_NOTICE = datetime.timedelta(days=365)


class UnknownVersionError(CollectionError, ValueError):
    """A version that is no version, or that was never released."""


@dataclasses.dataclass(frozen=True)
class PythonRelease:
    """One minor version: its newest released patch, and the first days of its phases."""

    minor: Minor
    newest_patch: int
    first_release: datetime.date
    end_of_bugfix: datetime.date
    end_of_life: datetime.date

    def get_phase(self, today: datetime.date) -> str:
        """``bugfix``, ``security`` or ``end-of-life``: what its maintainers still do on the day *today* (PEP 602)."""
        if today >= self.end_of_life:
            return "end-of-life"
        return "bugfix" if today < self.end_of_bugfix else "security"


def parse_version(text: str) -> tuple[Minor, int | None]:
    """Minor version and patch (None if not given) that *text* says. Raises UnknownVersionError."""
    match = VERSION_PATTERN.match(str(text))
    if not match:
        raise UnknownVersionError(
            f"{text!r} is not a Python version; write one like 3.11 or 3.11.9, or {' or '.join(SYMBOLIC_TARGETS)}"
        )
    return (int(match[1]), int(match[2])), int(match[3]) if match[3] else None


def get_today() -> datetime.date:
    """The day, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date()


def get_utc_timestamp() -> str:
    """The current time, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_minor(minor: Minor) -> str:
    """*minor* as people write it."""
    return f"{minor[0]}.{minor[1]}"


def _select_newest_patch(entries: list[dict[str, Any]]) -> int | None:
    finals = (FINAL_PATTERN.match(entry["stage"]) for entry in entries if entry["state"] == "actual")
    patches = [int(match[3]) for match in finals if match]
    return max(patches) if patches else None


@functools.cache
def load_releases() -> dict[Minor, PythonRelease]:
    """Every released minor version of Python 3, from the vendored data."""
    return read_release_data(RELEASES)


def read_release_data(path: pathlib.Path) -> dict[Minor, PythonRelease]:
    """Every released minor version of Python 3 in the release data *path*. Raises OSError, ValueError, KeyError."""
    with path.open("rb") as stream:
        data = tomllib.load(stream)
    found = {}
    for name, metadata in data["metadata"].items():
        minor, _patch = parse_version(name)
        newest = _select_newest_patch(data["release"].get(name, []))
        if minor >= (3, 0) and newest is not None:
            found[minor] = PythonRelease(
                minor,
                newest,
                _parse_date(metadata["first-release"]),
                _parse_date(metadata["end-of-bugfix"]),
                _parse_date(metadata["end-of-life"]),
            )
    return found


def _parse_date(value: datetime.date | str) -> datetime.date:
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)


@functools.cache
def read_data_date() -> datetime.date:
    """The day on which the release data were taken from their source."""
    with DATA_SOURCES_FILE.open("rb") as stream:
        return _parse_date(tomllib.load(stream)["python-releases"])


def resolve_target(target: str, today: datetime.date) -> str:
    """The version of *target*: itself, or the newest or second newest supported minor version on the day *today*.

    Raises UnknownVersionError.
    """
    if target not in SYMBOLIC_TARGETS:
        check_target(target)
        return target
    supported = []
    for minor, release in sorted(load_releases().items()):
        if release.get_phase(today) != "end-of-life" and release.first_release <= today:
            supported.append(minor)
    place = SYMBOLIC_TARGETS.index(target) + 1
    if len(supported) < place:
        raise UnknownVersionError(
            f"{target}: the release data of {read_data_date()} know no such version that is supported on {today}; "
            "renew them"
        )
    return format_minor(supported[-place])


def check_target(text: str) -> tuple[Minor, int | None]:
    """The target that *text* names. Raises UnknownVersionError for one that was never released."""
    minor, patch = parse_version(text)
    known = load_releases()
    if minor not in known:
        raise UnknownVersionError(
            f"Python {text} is not a released version; the newest known is {format_minor(max(known))}"
        )
    if patch is not None and patch > known[minor].newest_patch:
        raise UnknownVersionError(
            f"Python {text} is not a released version; "
            f"the newest known is {format_minor(minor)}.{known[minor].newest_patch}"
        )
    return minor, patch


def choose_newest_target(target: str, others: Iterable[str], today: datetime.date) -> str:
    """The newest of *target* and *others*, resolved; unknown ones among *others* do not count.

    Raises UnknownVersionError for *target*.
    """
    newest = resolve_target(target, today)
    for other in others:
        with contextlib.suppress(UnknownVersionError):
            newest = max(newest, resolve_target(other, today), key=lambda text: parse_version(text)[0])
    return newest


def find_upgrade_path(current: Minor, target: Minor) -> list[Minor]:
    """Every minor after *current* up to *target*, in order. Raises UnknownVersionError when *target* lies below."""
    if target < current:
        raise UnknownVersionError(
            f"the target {format_minor(target)} is below the current version {format_minor(current)}; "
            "use oxzep7.python.rollback to go back"
        )
    return [minor for minor in sorted(load_releases()) if current < minor <= target]


@dataclasses.dataclass(frozen=True)
class EndOfLife:
    """A date and what it is the end of; the date is None where it is not known."""

    date: datetime.date | None
    basis: str


@functools.cache
def _read_distributions() -> dict[str, Any]:
    with DISTRIBUTION_DATA_FILE.open("rb") as stream:
        return tomllib.load(stream)


def find_distribution_end(identifier: str | None, version: str | None) -> EndOfLife:
    """End of life of the release that os-release names by ID and VERSION_ID."""
    known = _read_distributions().get(RHEL_REBUILDS.get(identifier or "", identifier or ""), {})
    entry = known.get(version or "") or known.get((version or "").split(".")[0])
    name = f"{identifier} {version}"
    return (
        EndOfLife(entry["end-of-life"], f"{entry['basis']} of {name}")
        if entry
        else EndOfLife(None, f"{name} is not in the data")
    )


def find_interpreter_end(interpreter: Mapping[str, Any], system: Mapping[str, Any]) -> EndOfLife:
    """End of life of *interpreter* on a host with the operating *system*.

    The ``python3`` of a distribution is supported as long as that release; any other as long as its minor version.
    """
    if interpreter["default"] and interpreter["os_package"]:
        return find_distribution_end(system["id"], system["version"])
    minor = extract_minor(interpreter["version"])
    if minor is None or interpreter["implementation"] != "CPython":
        return EndOfLife(
            None, f"{interpreter['implementation']} {interpreter['version'] or 'of unknown version'} is not in the data"
        )
    release = load_releases().get(minor)
    if release:
        return EndOfLife(release.end_of_life, f"CPython {format_minor(minor)}")
    return EndOfLife(END_OF_PYTHON_2 if minor < (3, 0) else None, f"CPython {format_minor(minor)}")


def extract_minor(version: str | None) -> Minor | None:
    """The minor version in *version*, such as ``3.9.18`` or ``3.13.0rc1``; None if it has none."""
    match = re.match(r"^(\d+)\.(\d+)", version or "")
    return (int(match[1]), int(match[2])) if match else None


def find_newest_patch(version: str | None) -> str | None:
    """The newest patch of the minor version of *version*, if it is known."""
    minor = extract_minor(version)
    release = load_releases().get(minor) if minor else None
    return f"{format_minor(release.minor)}.{release.newest_patch}" if release else None
