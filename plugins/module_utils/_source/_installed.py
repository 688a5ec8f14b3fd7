# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans the packages that are installed in the environment of an application, and its source."""

import contextlib
import os
import re
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import TIME_BUDGET_EXCEEDED, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    open_directory,
    open_subdirectory,
    read_bytes,
    resolve_trusted_path,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import RECORD_LIMIT
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import parse_record_rows
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan_memory import ScanMemory, build_scan_key
from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import (
    TIME_BUDGET,
    TreeScanner,
    build_scan_request,
    scan_application,
)

# Seconds for the packages of one environment.
INSTALLED_BUDGET = 60.0
PYTHON_DIRECTORY = re.compile(r"^python3\.\d+$")
METADATA_DIRECTORY = re.compile(r"^(.+?)-([^-]+?)(?:-py3\.\d+)?\.(dist|egg)-info$")
# Nothing imports the tests of a package when it is used.
TEST_DIRECTORIES = {"test", "tests"}
# Where an egg-info has the paths of the package's files, relative to itself.
LEGACY_RECORD = "installed-files.txt"


def scan_declared(
    application: Application,
    names: List[str],
    symbols: List[str],
    budget: float = TIME_BUDGET,
    memory: Optional[ScanMemory] = None,
) -> Dict[str, Any]:
    """Scan source and environment of *application*: as `scan_application`, and ``installed`` for the packages.

    Packages that are the same as in *memory* are not parsed again.
    """
    scan = scan_application(build_scan_request(application), names, symbols, budget)
    live = find_live_directory(application)
    scan["installed"] = scan_environment(live, names, min(budget, INSTALLED_BUDGET), memory)
    return scan


def find_live_directory(application: Application) -> str:
    """The directory that the environment of *application* is: its own, or that of the generation it links to."""
    try:
        target = os.readlink(application.environment)
    except OSError:
        return application.environment
    generation = os.path.normpath(os.path.join(os.path.dirname(application.environment), target))
    # Links elsewhere are followed only where they belong to root.
    return generation if os.path.dirname(generation) == application.generations_directory() else application.environment


def scan_environment(
    environment: str, names: List[str], budget: float = INSTALLED_BUDGET, memory: Optional[ScanMemory] = None
) -> Dict[str, Any]:
    """Scan the packages in *environment* for *names*, without their tests, for *budget* seconds.

    ``uses`` are rows (package, version, path, name, line, versions, on import, certain); files that no package
    recorded are left out. ``problems`` are as those of a source; ``files`` is the number of Python files. The answer of
    *memory* counts while the files are the same.
    """
    found: Dict[str, Any] = {"uses": [], "problems": [], "files": 0}
    sites: List[Tuple[str, int]] = []
    try:
        try:
            root = open_directory(resolve_trusted_path(environment))
        except OSError as error:
            found["problems"].append({"path": environment, "reason": error.strerror or str(error)})
            return found
        try:
            sites = _open_sites(root)
        finally:
            os.close(root)
        key = None
        if memory:
            # A file that goes meanwhile is seen by the scan.
            with contextlib.suppress(OSError):
                key = build_scan_key([handle for _site, handle in sites], names)
            known = memory.find(environment, key)
            if known is not None:
                return known
        for site, handle in sites:
            _scan_site(handle, site, names, budget, found)
        if memory and not any(problem["reason"] == TIME_BUDGET_EXCEEDED for problem in found["problems"]):
            memory.note(environment, key, found)
        return found
    finally:
        for _site, handle in sites:
            os.close(handle)


def _open_sites(root: int) -> List[Tuple[str, int]]:
    """The paths of ``site-packages`` below the open directory *root*, each with a descriptor."""
    sites = []
    for site in _list_sites(root):
        with contextlib.suppress(OSError):
            sites.append((site, open_subdirectory(root, site)))
    return sites


def _list_sites(root: int) -> List[str]:
    """The paths of ``site-packages`` below the open directory *root*."""
    sites = []
    for library in ("lib", "lib64"):
        try:
            handle = open_subdirectory(root, library)
        except OSError:
            continue
        try:
            directories = list_entries(handle)[0]
        finally:
            os.close(handle)
        for name in sorted(filter(PYTHON_DIRECTORY.match, directories)):
            sites.append("%s/%s/site-packages" % (library, name))
    return sites


def _scan_site(handle: int, site: str, names: List[str], budget: float, found: Dict[str, Any]) -> None:
    owners = _read_owners(handle)
    tree = TreeScanner(names, [], budget, [], every=False, skipped=TEST_DIRECTORIES)
    tree.scan(handle)
    for use in tree.uses:
        owner = owners.get(use[0])
        if owner:
            found["uses"].append(owner + (site + "/" + use[0],) + tuple(use[1:]))
    for problem in tree.problems:
        # Templates and sources for Python 2 are no modules of the package that anything imports.
        if not problem["reason"].startswith("does not parse"):
            found["problems"].append(dict(problem, path=site + "/" + problem["path"]))
    found["files"] += tree.files


def _read_owners(handle: int) -> Dict[str, Tuple[str, str]]:
    """Name and version of the package by the path of each Python file that it recorded below the open *handle*."""
    owners: Dict[str, Tuple[str, str]] = {}
    for entry in sorted(list_entries(handle)[0]):
        match = METADATA_DIRECTORY.match(entry)
        if match is None:
            continue
        owner = (normalize_name(match.group(1)), match.group(2))
        record = "RECORD" if match.group(3) == "dist" else LEGACY_RECORD
        try:
            inside = open_subdirectory(handle, entry)
            try:
                text = read_bytes(record, inside, RECORD_LIMIT).decode("utf-8", "replace")
            finally:
                os.close(inside)
        except OSError:
            continue
        if record == LEGACY_RECORD:
            paths = [os.path.normpath(os.path.join(entry, line)) for line in text.splitlines()]
        else:
            paths = parse_record_rows(text)[0]
        owners.update(dict.fromkeys([path for path in paths if path.endswith(".py")], owner))
    return owners
