# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans the wheels of later versions of packages, for the nearest one that no longer uses what leaves Python."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import expect, track
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import (
    Minor,
    choose_newest_target,
    get_today,
    parse_version,
    resolve_target,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import get_supported_tags
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import parse_file_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv_platform
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import Transport
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._demands import get_own_target
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import DATA_ERRORS
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._explanations import RemovedUse
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._installed_uses import (
    MAXIMUM_WHEELS,
    InstalledUse,
    find_clean_version,
    list_installed_uses,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._scanning import (
    FIRST_VERSION,
    list_breakages,
    read_known_scan,
    scan_file,
    scan_wheel,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import find_broken_uses

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.version import InvalidVersion, Version

# Seconds for all packages of a plan.
SEARCH_BUDGET = 120.0
# How many later versions of a package are asked whether they use one name.
MAXIMUM_ASKED = 16
WheelFetcher = Callable[[PackageFile, pathlib.Path], None]


def build_fetcher(sources: PackageSources) -> WheelFetcher:
    """What puts a file of *sources* to a path. It raises OSError, IndexUnavailableError."""
    transport = Transport(sources)

    def fetch(entry: PackageFile, target: pathlib.Path) -> None:
        if "://" not in entry.location:
            shutil.copyfile(entry.location, target)
            return
        if sources.offline:
            raise OSError(f"{entry.name} is not fetched: oxzep7_offline is set")
        transport.download(entry.location, target)
        if entry.sha256 and compute_sha256(str(target)) != entry.sha256:
            raise OSError(f"{entry.name} is not what the index describes")

    return fetch


class LaterWheels:
    """Scans wheels of *index* that *fetch* gets; each is read once and its scan is kept in *cache*."""

    def __init__(self, index: PackageIndex, fetch: WheelFetcher, cache: pathlib.Path) -> None:
        self._index = index
        self._fetch = fetch
        self._cache = cache
        self._deadline = time.monotonic() + SEARCH_BUDGET
        # By what was asked: the package, its version, for which minor and platform, and about what.
        self._known: dict[tuple[str, str, Minor, str, Minor | RemovedUse], str | None] = {}

    def find_clean(self, package: str, version: str, since: Minor, target: Minor, platform: str) -> str | None:
        """The nearest later version of *package* for *since* whose import meets nothing that *target* or earlier lacks.

        None where none of those that were asked is, and where they cannot be read.
        """
        return self._find_once(
            (package, version, since, platform, target),
            lambda number: self._is_clean(package, number, since, target, platform),
            MAXIMUM_WHEELS,
        )

    def find_without(self, package: str, version: str, use: RemovedUse, minor: Minor, platform: str) -> str | None:
        """The nearest later version of *package* for *minor* that lacks *use*, or checks that the name is there.

        None where none of those that were asked does, and where they cannot be read.
        """
        return self._find_once(
            (package, version, minor, platform, use),
            lambda number: self._lacks(package, number, use, minor, platform),
            MAXIMUM_ASKED,
        )

    def _find_once(
        self,
        question: tuple[str, str, Minor, str, Minor | RemovedUse],
        is_good: Callable[[str], bool | None],
        limit: int,
    ) -> str | None:
        """The nearest later version that *is_good*, for a *question* that is asked again and again."""
        if question not in self._known:
            package, version, minor, platform, _about = question
            try:
                later = self._list_later_versions(package, version, minor, platform)
            except (CollectionError, InvalidVersion):
                later = []
            self._known[question] = find_clean_version(later, is_good, limit)
        return self._known[question]

    def _lacks(self, package: str, version: str, use: RemovedUse, minor: Minor, platform: str) -> bool | None:
        entry = self._find_wheel(package, version, minor, platform)
        if entry is None:
            return None
        with tempfile.TemporaryDirectory(prefix="oxzep7-later-") as directory:
            wheel, code = pathlib.Path(directory, pathlib.PurePath(entry.name).name), pathlib.Path(directory, "code")
            try:
                self._fetch(entry, wheel)
                with zipfile.ZipFile(wheel) as archive:
                    if use.path not in archive.namelist():
                        return True
                    archive.extract(use.path, code)
                rows = scan_file(code, use.name)
            except (OSError, ValueError, CollectionError, zipfile.BadZipFile):
                return None
        return not any(entry.certain for entry in find_broken_uses(rows, FIRST_VERSION, minor))

    def _list_later_versions(self, package: str, version: str, minor: Minor, platform: str) -> list[str]:
        """Raises CollectionError, InvalidVersion."""
        found = []
        for entry in self._index.list_releases(package, minor, platform):
            if entry.wheel and entry.is_stable() and Version(entry.version) > Version(version):
                found.append(entry.version)
        return found

    def _is_clean(self, package: str, version: str, since: Minor, target: Minor, platform: str) -> bool | None:
        entry = self._find_wheel(package, version, since, platform)
        scan = self._scan_file(entry) if entry else None
        if scan is None:
            return None
        minors = [(since[0], number) for number in range(since[1], target[1] + 1)]
        return not any(certain for minor in minors for _text, certain in list_breakages(scan, minor))

    def _find_wheel(self, package: str, version: str, minor: Minor, platform: str) -> PackageFile | None:
        accepted = get_supported_tags(minor, platform)
        for entry in self._index.list_files(package):
            known = parse_file_name(entry.name)
            if known and known[1] and str(known[0]) == version and not accepted.isdisjoint(known[1]):
                return entry
        return None

    def _scan_file(self, entry: PackageFile) -> dict[str, Any] | None:
        known = read_known_scan(entry.sha256, self._cache) if entry.sha256 else None
        if known is not None or time.monotonic() > self._deadline:
            return known
        with tempfile.TemporaryDirectory(prefix="oxzep7-later-") as directory:
            path = pathlib.Path(directory, pathlib.PurePath(entry.name).name)
            try:
                self._fetch(entry, path)
                return scan_wheel(path, hashlib.sha256(path.read_bytes()).hexdigest(), self._cache)
            except (OSError, ValueError, CollectionError):
                return None


def note_clean_versions(hosts: Iterable[PlannedHost], wheels: LaterWheels, target: str) -> None:
    """Give each application with installed packages whose import meets what leaves: ``clean``, a version by package.

    The version is the nearest later one without such uses, or None. An application whose data cannot be read gets none;
    planning it says why. Raises UnknownVersionError for *target*.
    """
    today = get_today()
    run = resolve_target(target, today)
    for host in hosts:
        for application in host.applications:
            own = filter(None, [get_own_target(application)])
            newest = parse_version(choose_newest_target(run, own, today))[0]
            with contextlib.suppress(*DATA_ERRORS):
                _note_clean_versions(host, application, wheels, newest)


def _note_clean_versions(host: PlannedHost, application: Mapping[str, Any], wheels: LaterWheels, newest: Minor) -> None:
    uses = _select_certain_uses(application, newest)
    if not uses or not isinstance(application, dict):
        return
    platform = find_uv_platform(str(host.facts["architecture"]), host.facts["libc"])
    clean = {}
    expect("later versions looked for", len(uses))
    for use in uses:
        with track("later versions looked for", f"{use.package} {use.version}"):
            clean[use.package] = wheels.find_clean(use.package, use.version, use.since, newest, platform)
    application["clean"] = clean


def _select_certain_uses(application: Mapping[str, Any], target: Minor) -> list[InstalledUse]:
    """The earliest use of each package that an import meets."""
    environment = application["environment"] or {}
    if not environment.get("python"):
        return []
    found: dict[str, InstalledUse] = {}
    for use in list_installed_uses(application.get("scan"), parse_version(environment["python"])[0], target):
        if use.certain and (use.package not in found or use.since < found[use.package].since):
            found[use.package] = use
    return list(found.values())
