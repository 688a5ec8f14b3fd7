# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof imports of the packages that are installed: from their records, without running anything."""

import os
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_text_file
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import (
    InstalledPackage,
    list_installed_packages,
    list_recorded_files,
)

# How much is imported: what is used by name; a part of all modules within a time budget; all of them.
ENTRY_POINTS, MODULES, EVERYTHING = "entry_points", "modules", "all"
PROBE_CHOICES = [ENTRY_POINTS, MODULES, EVERYTHING]
MODULE_FILE = re.compile(r"^((?:[A-Za-z_]\w*/)*[A-Za-z_]\w*)(?:\.py|(?:\.[A-Za-z0-9_-]+)?\.so)$")
ENTRY_POINT = re.compile(r"^[^=]+=\s*([A-Za-z_][\w.]*)\s*(?::\s*([A-Za-z_][\w.]*))?\s*(?:\[.*\])?\s*$")
TEST_PARTS = {"test", "tests", "testing", "conftest"}
# Modules that do something when they are imported: a browser, a poem, a window, a server.
ACTING_MODULES = {"antigravity", "this", "idlelib", "turtledemo", "pythonwin"}
# These install and build; `pip list` and `pip check` prove that they work, and applications import their first modules.
INSTALLERS = {"pip", "setuptools", "wheel", "distribute"}
# Groups of entry points that only a build of a package looks up.
BUILD_GROUP = re.compile(r"^(?:distutils|egg_info|setuptools)\.")
# Why a module is not imported.
MAIN, TESTS, SETUP, ACTS = "__main__ modules", "tests", "setup.py", "act when they are imported"
BUILDS = "build and install packages"


class PackageModules(NamedTuple):
    """The modules of a package: the first that can be imported, those that its entry points name, and all others.

    ``skipped`` are modules that are not imported, by the reason.
    """

    package: str
    first: List[str]
    entries: List[str]
    others: List[str]
    skipped: Dict[str, List[str]]


def _find_reason(name: str, tests: bool) -> Optional[str]:
    """Why the module *name* is not imported; with *tests* those of tests are."""
    parts = name.split(".")
    if parts[-1] == "__main__":
        return MAIN
    if parts[-1] == "setup" and len(parts) == 1:
        return SETUP
    if parts[0] in ACTING_MODULES:
        return ACTS
    if not tests and any(part in TEST_PARTS or part.startswith("test_") or part.endswith("_test") for part in parts):
        return TESTS
    return None


def list_modules(paths: Iterable[str], shared: Set[str]) -> Tuple[List[str], List[str]]:
    """The modules in the files *paths* of a package: the first that can be imported on each way down, and the others.

    What lies in a directory without ``__init__``, or in one of the packages *shared* with other distributions, is a
    part of a namespace. Below a regular package a directory without ``__init__`` holds data, not modules.
    """
    files = {match.group(1): path for path in paths for match in [MODULE_FILE.match(path)] if match}
    regular = {stem[: -len("/__init__")] for stem in files if stem.endswith("/__init__")} - shared
    first: Set[str] = set()
    others: Set[str] = set()
    for stem in files:
        folder = stem[: -len("/__init__")] if stem.endswith("/__init__") else stem
        ways = [folder[: end.start()] for end in re.finditer("/", folder)]
        above = [way for way in ways if way in regular]
        if above and ways[ways.index(above[0]) :] != above:
            continue
        if folder in regular and not above or not ways and folder not in shared:
            first.add(folder.replace("/", "."))
        else:
            others.add(folder.replace("/", "."))
    return sorted(first), sorted(others, key=lambda name: (name.count("."), name))


def parse_entry_points(text: str) -> List[str]:
    """What the entry points in *text* name, as ``module`` or ``module:attribute``, except those for builds."""
    found = []
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip(" []\t")
        match = ENTRY_POINT.match(line.strip())
        if match and not line.lstrip().startswith(("#", ";", "[")) and not BUILD_GROUP.match(group):
            found.append(match.group(1) + (":" + match.group(2) if match.group(2) else ""))
    return sorted(set(found))


def find_shared_packages(files: Dict[str, List[str]]) -> Set[str]:
    """Directories that several packages, each with its *files*, make a package: namespaces in the old form."""
    owners: Dict[str, int] = {}
    for paths in files.values():
        for path in set(paths):
            if path.endswith("/__init__.py"):
                owners[path] = owners.get(path, 0) + 1
    return {path[: -len("/__init__.py")] for path, count in owners.items() if count > 1}


def list_package_modules(environment: str, tests: bool) -> List[PackageModules]:
    """The modules of every package in *environment*, with *tests* also those of tests; sorted by package."""
    packages = list_installed_packages(environment)
    files = {package.metadata: list(list_recorded_files(package)) for package in packages}
    shared = find_shared_packages(files)
    return [_list_of_package(package, files[package.metadata], shared, tests) for package in packages]


def _list_of_package(package: InstalledPackage, files: List[str], shared: Set[str], tests: bool) -> PackageModules:
    first, others = list_modules(files, shared)
    entries = parse_entry_points(read_text_file(os.path.join(package.metadata, "entry_points.txt")) or "")
    skipped: Dict[str, List[str]] = {}
    kept = set(first + others)
    for name in first + others:
        reason = _find_reason(name, tests)
        if package.name in INSTALLERS and name in others:
            reason = BUILDS
        if reason:
            skipped.setdefault(reason, []).append(name)
            kept.discard(name)
    return PackageModules(
        package.name,
        [name for name in first if name in kept],
        entries,
        [name for name in others if name in kept],
        skipped,
    )
