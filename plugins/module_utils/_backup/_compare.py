# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the layers of a backup with the trees that they are of."""

from typing import Dict, Iterator, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    DIRECTORY,
    FILE,
    ArchiveEntry,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Layer

SHOWN_DIFFERENCES = 50
IS_GONE, IS_NEW = "is gone", "is new"
# The fields of an entry that are compared with a tree, and their names in messages.
COMPARED_FIELDS = (
    ("kind", "type"),
    ("mode", "mode"),
    ("uid", "owner"),
    ("gid", "group"),
    ("target", "target"),
    ("xattrs", "attributes"),
)


def read_tree_entries(path: str, paths: Optional[Sequence[str]] = None) -> List[ArchiveEntry]:
    """The present entries of the tree *path*, or only of *paths* in it; every file is read. Raises OSError."""
    return [entry for entry in Collector(None).collect_entries(path, paths) if not entry.superseded]


def _list_differences(entry: ArchiveEntry, other: ArchiveEntry) -> Iterator[str]:
    for field, name in COMPARED_FIELDS:
        if getattr(entry, field) != getattr(other, field):
            yield name
    if entry.kind == other.kind == FILE and entry.sha256 != other.sha256:
        yield "content"
    if entry.kind == FILE and entry.mtime != other.mtime:
        yield "time"


def compare_layer(layer: Layer, path: str) -> Dict[str, str]:
    """How the tree *path* differs from *layer*, by path; `IS_GONE` for a tree that does not exist. Raises OSError.

    Times of directories and links are not compared, because using a tree changes them.
    """
    chosen = layer.about.get("paths") if path == layer.path else None
    try:
        now = {entry.path: entry for entry in read_tree_entries(path, chosen)}
    except FileNotFoundError:
        return {"": IS_GONE}
    kept = {entry.path: entry for entry in layer.entries if not entry.superseded}
    found = {}
    for name in sorted(set(kept) | set(now)):
        if name not in now:
            found[name] = IS_GONE
        elif name not in kept:
            found[name] = IS_NEW
        elif chosen is None or kept[name].kind != DIRECTORY:
            changed = ", ".join(_list_differences(kept[name], now[name]))
            if changed:
                found[name] = "has another " + changed
    return found
