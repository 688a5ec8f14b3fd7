# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the operating system's package manager which package owns a file: one question for all files."""

import os
import re
from typing import Dict, Iterable, List

from ansible_collections.oxzep7.python.plugins.module_utils._runner import run

TIMEOUT = 120.0
AT_ONCE = 1000
# dpkg-query reads these as patterns; no file of a distribution is called so.
SAFE = re.compile(r"^/[A-Za-z0-9/._+@:~,=-]+$")
MERGED = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/")


def _spellings(path: str) -> List[str]:
    """*path* and the name that a package from before the merged /usr knows it by."""
    return [path, path[4:]] if path.startswith(tuple("/usr" + place for place in MERGED)) else [path]


def _dpkg(paths: List[str]) -> Dict[str, str]:
    answer = run(["dpkg-query", "--search", "--"] + [name for path in paths for name in _spellings(path)], TIMEOUT)
    found: Dict[str, str] = {}
    for line in answer.stdout.splitlines():
        owner, separator, path = line.partition(": ")
        if separator and not owner.startswith("diversion "):
            found[path] = owner.split(",")[0].split(":")[0]
    return {path: found[name] for path in paths for name in _spellings(path) if name in found}


def _rpm(paths: List[str]) -> Dict[str, str]:
    # rpm answers in order, one line for each file that exists.
    present = [path for path in paths if os.path.exists(path)]
    answer = run(["rpm", "--query", "--queryformat", "%{NAME}\\n", "--file"] + present, TIMEOUT) if present else None
    lines = answer.stdout.splitlines() if answer else []
    return {path: line for path, line in zip(present, lines) if " " not in line} if len(lines) == len(present) else {}


def owners(paths: Iterable[str]) -> Dict[str, str]:
    """The name of the owning package by path, for those of *paths* that one owns; of nothing on a host without dpkg and rpm."""
    asked = sorted(path for path in set(paths) if SAFE.match(path))
    if os.path.exists("/usr/bin/dpkg-query"):
        ask = _dpkg
    elif os.path.exists("/usr/bin/rpm"):
        ask = _rpm
    else:
        return {}
    found: Dict[str, str] = {}
    for start in range(0, len(asked), AT_ONCE):
        found.update(ask(asked[start:start + AT_ONCE]))
    return found
