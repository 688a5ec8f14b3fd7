# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the operating system's package managers, dpkg and rpm, which package owns a file: one question for all files."""

import os
import re
from typing import Dict, Iterable, List

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

OWNER_QUERY_TIMEOUT = 120.0
PATHS_PER_QUERY = 1000
# dpkg-query reads these as patterns; no file of a distribution is called so.
SAFE_PATH = re.compile(r"^/[A-Za-z0-9/._+@:~,=-]+$")
MERGED_DIRECTORIES = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/")


def _list_spellings(path: str) -> List[str]:
    """*path* and the name that a package from before the merged /usr knows it by."""
    return [path, path[4:]] if path.startswith(tuple("/usr" + place for place in MERGED_DIRECTORIES)) else [path]


def _query_dpkg(paths: List[str]) -> Dict[str, str]:
    answer = run_command(
        ["dpkg-query", "--search", "--"] + [name for path in paths for name in _list_spellings(path)],
        OWNER_QUERY_TIMEOUT,
    )
    found: Dict[str, str] = {}
    for line in answer.stdout.splitlines():
        owner, separator, path = line.partition(": ")
        if separator and not owner.startswith("diversion "):
            found[path] = owner.split(",")[0].split(":")[0]
    return {path: found[name] for path in paths for name in _list_spellings(path) if name in found}


def _query_rpm(paths: List[str]) -> Dict[str, str]:
    present = [path for path in paths if os.path.exists(path)]
    return _query_rpm_files(present) if present else {}


def _query_rpm_files(paths: List[str]) -> Dict[str, str]:
    """rpm answers in order, a line for each owner of a file; where a file has several, the lines of its neighbours are told apart by halves."""
    lines = run_command(
        ["rpm", "--query", "--queryformat", "%{NAME}\\n", "--file"] + paths, OWNER_QUERY_TIMEOUT
    ).stdout.splitlines()
    if len(lines) == len(paths) or len(paths) == 1:
        return {path: line for path, line in zip(paths, lines) if " " not in line}
    middle = len(paths) // 2
    return dict(_query_rpm_files(paths[:middle]), **_query_rpm_files(paths[middle:]))


def find_owning_packages(paths: Iterable[str]) -> Dict[str, str]:
    """The name of the owning package by path, for those of *paths* that one owns; of nothing on a host without dpkg and rpm."""
    asked = sorted(path for path in set(paths) if SAFE_PATH.match(path))
    found: Dict[str, str] = {}
    for program, ask in (("/usr/bin/dpkg-query", _query_dpkg), ("/usr/bin/rpm", _query_rpm)):
        rest = [path for path in asked if path not in found] if os.path.exists(program) else []
        for start in range(0, len(rest), PATHS_PER_QUERY):
            found.update(ask(rest[start : start + PATHS_PER_QUERY]))
    return found
