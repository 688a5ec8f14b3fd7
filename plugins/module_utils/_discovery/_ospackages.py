# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries dpkg and rpm for the packages that own files, with one query for many files."""

import os
import re
from typing import Dict, Iterable, List

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

OWNER_QUERY_TIMEOUT = 120.0
PATHS_PER_QUERY = 1000
# Other names are patterns to dpkg-query, and no package of an operating system has files called so.
SAFE_PATH = re.compile(r"^/[A-Za-z0-9/._+@:~,=-]+$")
MERGED_DIRECTORIES = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/")


def _list_spellings(path: str) -> List[str]:
    """*path*, and its name without ``/usr``, which packages from before the merged /usr use."""
    return [path, path[4:]] if path.startswith(MERGED_DIRECTORIES) else [path]


def _query_dpkg(paths: List[str]) -> Dict[str, str]:
    command = ["dpkg-query", "--search", "--"]
    for path in paths:
        command += _list_spellings(path)
    owners: Dict[str, str] = {}
    for line in run_command(command, OWNER_QUERY_TIMEOUT).stdout.splitlines():
        owner, separator, path = line.partition(": ")
        if separator and not owner.startswith("diversion "):
            owners[path] = owner.split(",")[0].split(":")[0]
    found: Dict[str, str] = {}
    for path in paths:
        for name in _list_spellings(path):
            if name in owners:
                found[path] = owners[name]
    return found


def _query_rpm(paths: List[str]) -> Dict[str, str]:
    present = [path for path in paths if os.path.exists(path)]
    return _query_rpm_files(present) if present else {}


def _query_rpm_files(paths: List[str]) -> Dict[str, str]:
    """Query rpm, which prints a line for each owner, in the order of *paths*.

    A file may have several owners; then the query is halved until the lines can be assigned.
    """
    lines = run_command(
        ["rpm", "--query", "--queryformat", "%{NAME}\\n", "--file"] + paths, OWNER_QUERY_TIMEOUT
    ).stdout.splitlines()
    if len(lines) == len(paths) or len(paths) == 1:
        return {path: line for path, line in zip(paths, lines) if " " not in line}
    middle = len(paths) // 2
    return dict(_query_rpm_files(paths[:middle]), **_query_rpm_files(paths[middle:]))


def find_owning_packages(paths: Iterable[str]) -> Dict[str, str]:
    """The owning package of each of *paths* that has one, by path; empty on a host without dpkg and rpm."""
    safe = sorted(filter(SAFE_PATH.match, set(paths)))
    found: Dict[str, str] = {}
    for program, query in (("/usr/bin/dpkg-query", _query_dpkg), ("/usr/bin/rpm", _query_rpm)):
        rest = [path for path in safe if path not in found] if os.path.exists(program) else []
        for start in range(0, len(rest), PATHS_PER_QUERY):
            found.update(query(rest[start : start + PATHS_PER_QUERY]))
    return found
