# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diffs of modified files against the original in another environment of the host, which the recorded hash proves."""

import difflib
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._comparison import (
    TEXT_LIMIT,
    decode_short_text,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_without_symlinks
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import compute_record_hash

DIFF_LINES = 400
# Name and version.
PackageVersion = Tuple[str, Optional[str]]


def make_unified_diff(original: str, text: str, path: str) -> str:
    """The unified diff from *original* to *text*, cut after 400 lines."""
    lines = list(
        difflib.unified_diff(original.splitlines(), text.splitlines(), path + " (as recorded)", path, lineterm="")
    )
    rest = len(lines) - DIFF_LINES
    if rest > 0:
        lines[DIFF_LINES:] = ["… %d more lines" % rest]
    return "\n".join(lines) + "\n"


def strip_site_packages(path: str) -> str:
    """The part of *path* after ``site-packages/``, which does not depend on the version of Python."""
    return path.rpartition("-packages/")[2]


def add_host_diffs(environments: List[Dict[str, Any]]) -> None:
    """Replace ``text`` of each modified file by ``diff`` where an original is found; otherwise ``diff`` is None."""
    holders = _find_holders(environments)
    for environment in environments:
        for entry in environment["modified"] or []:
            entry["diff"] = None
            if entry.get("text") is None:
                continue
            original = _find_original(entry, environment, holders[(entry["package"], entry["version"])])
            if original is not None:
                path = environment["path"] + "/" + entry["path"]
                entry["diff"] = make_unified_diff(original, entry.pop("text"), path)


def _find_holders(environments: List[Dict[str, Any]]) -> Dict[PackageVersion, List[Dict[str, Any]]]:
    """The environments that have each package, by name and version, of which one has a modified text."""
    holders: Dict[PackageVersion, List[Dict[str, Any]]] = {}
    for environment in environments:
        for entry in environment["modified"] or []:
            if entry.get("text") is not None:
                holders[(entry["package"], entry["version"])] = []
    for environment in environments if holders else []:
        for package in environment["packages"]:
            key = (package["name"], package["version"])
            if key in holders:
                holders[key].append(environment)
    return holders


def _find_original(entry: Dict[str, Any], environment: Dict[str, Any], holders: List[Dict[str, Any]]) -> Optional[str]:
    """The recorded text of the modified file *entry* of *environment*, from another one of *holders*."""
    algorithm = entry["recorded"].partition("=")[0]
    for holder in holders:
        if holder is environment:
            continue
        for site in holder["sites"]:
            path = entry["path"]
            if "-packages/" in path:
                path = site + "/" + strip_site_packages(path)
            try:
                data = read_without_symlinks(holder["path"] + "/" + path, TEXT_LIMIT + 1)
            except OSError:
                continue
            if compute_record_hash(data, algorithm) == entry["recorded"]:
                return decode_short_text(data)
    return None
