# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several metadata entries of one package: which of them describes the files that are installed.

An interrupted installer, or one that failed to uninstall, leaves the metadata of a version whose modules are gone. pip
and Python take the first that the directory lists, which is in no order; the files themselves tell it.
"""

import os
import re
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_subdirectory,
    read_bytes,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import (
    HASH_ALGORITHMS,
    RECORD_LIMIT,
    compute_record_hash,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

# pip renames what it replaces to names that begin with this, and removes them at its end.
LEFTOVER_MARK = "~"
INFO_DIRECTORY = re.compile(r"^(.+?)(?:-([^-]+))?(?:-py\d[^-]*)?\.(?:dist-info|egg-info)$")
SAMPLED_FILES = 40
SAMPLED_BYTES = 4 << 20


def choose_metadata(directory: int, names: Sequence[str]) -> Dict[str, str]:
    """Of the metadata *names* in the open *directory*, those that describe no installed files, with the one that does.

    Names that begin with a tilde are left out by callers. Directories without any metadata are not compared.
    """
    groups: Dict[str, List[str]] = {}
    for name in sorted(names):
        match = INFO_DIRECTORY.match(name)
        if match:
            groups.setdefault(normalize_name(match.group(1)), []).append(name)
    shadowed: Dict[str, str] = {}
    for own in groups.values():
        known = [name for name in own if _has_metadata(directory, name)] if len(own) > 1 else []
        if len(known) > 1:
            best = max(known, key=lambda name: _rank_metadata(directory, name))
            shadowed.update({name: best for name in known if name != best})
    return shadowed


def _has_metadata(directory: int, name: str) -> bool:
    """Whether the entry *name* has a description of its package; a file is one itself."""
    for last in ("METADATA", "PKG-INFO", ""):
        try:
            os.stat(os.path.join(name, last) if last else name, dir_fd=directory, follow_symlinks=False)
        except OSError:
            continue
        return bool(last) or not _is_directory(directory, name)
    return False


def _is_directory(directory: int, name: str) -> bool:
    try:
        os.close(os.open(name, DIRECTORY_FLAGS, dir_fd=directory))
    except OSError:
        return False
    return True


def _rank_metadata(directory: int, name: str) -> Tuple[float, float]:
    """How well the files fit the record of the entry *name*; between equals the newest entry counts."""
    try:
        changed = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime
    except OSError:
        changed = 0.0
    return _measure_match(directory, name), changed


def _measure_match(directory: int, name: str) -> float:
    """The share of sampled files that have the hash in the RECORD of *name*; 0 without one."""
    rows = []
    for line in _read_record(directory, name).splitlines():
        path, _comma, rest = line.rpartition(",")[0].rpartition(",")
        path = path.strip('"')
        if rest and path.endswith(".py") and not path.startswith(("../", "/")) and ".dist-info/" not in path:
            rows.append((path, rest))
    sample = sorted(rows)[:SAMPLED_FILES]
    matching = sum(1 for path, recorded in sample if _compute_hash(directory, path, recorded) == recorded)
    return matching / float(len(sample)) if sample else 0.0


def _read_record(directory: int, name: str) -> str:
    try:
        inside = os.open(name, DIRECTORY_FLAGS, dir_fd=directory)
    except OSError:
        return ""
    try:
        return read_bytes("RECORD", inside, RECORD_LIMIT).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
    finally:
        os.close(inside)


def _compute_hash(directory: int, path: str, recorded: str) -> Optional[str]:
    algorithm = recorded.partition("=")[0]
    if algorithm not in HASH_ALGORITHMS:
        return None
    try:
        inside = open_subdirectory(directory, os.path.dirname(path))
        try:
            data = read_bytes(os.path.basename(path), inside, SAMPLED_BYTES)
        finally:
            os.close(inside)
    except OSError:
        return None
    return compute_record_hash(data, algorithm)
