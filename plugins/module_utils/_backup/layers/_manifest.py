# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup says of itself. It is written last, so a directory without it is no backup; it names everything that is there, with its digest."""

import hashlib
import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    ArchiveEntry,
    ManifestError,
    check_entries,
    parse_entry,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256, write_atomically

SCHEMA = 1
MANIFEST_NAME = "manifest.json"
SEAL_NAME = "manifest.sha256"
RUNBOOK_NAME = "RESTORE.md"
ENCRYPTIONS = ("", "age", "gpg")
IDENTIFIER = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")
LAYER_NAME = re.compile(r"^[a-z][a-z-]*$")


class Layer(NamedTuple):
    """One archive: the absolute ``path`` of the tree that it is of, its file, size in bytes and SHA-256, and what is in it.

    ``path`` is empty where the archive has what programs said, and ``archive`` where it needs none, or where a repository of restic has it. ``encryption`` is
    empty, ``age`` or ``gpg``. ``unstable`` are files that changed however often they were read; ``skipped`` what was not kept, and why;
    ``about`` is what only this layer has, such as the ``paths`` that were chosen, ``databases`` with their rows, a ``reference``, or a ``snapshot``.
    """

    path: str
    archive: str
    compression: str
    encryption: str
    size: int
    sha256: str
    entries: List[ArchiveEntry]
    unstable: List[str]
    skipped: Dict[str, str]
    about: Dict[str, Any]


class Backup(NamedTuple):
    """One backup as its manifest says: ``about`` is everything but the layers' entries."""

    directory: str
    identifier: str
    about: Dict[str, Any]
    layers: Dict[str, Layer]


def format_manifest(about: Dict[str, Any], layers: Dict[str, Layer], runbook: str) -> bytes:
    """The manifest's bytes. *about* is identifier, application, host and the like; *runbook* is the SHA-256 of RESTORE.md."""
    rows = {
        name: dict(layer._asdict(), entries=[entry.to_row() for entry in layer.entries])
        for name, layer in layers.items()
    }
    return json.dumps(dict(about, schema=SCHEMA, runbook=runbook, layers=rows), sort_keys=True).encode("ascii") + b"\n"


def write_manifest(directory: str, data: bytes) -> None:
    """Write the manifest *data*, and before it the digest that it must have, into *directory*. Raises OSError."""
    write_atomically(
        os.path.join(directory, SEAL_NAME),
        (hashlib.sha256(data).hexdigest() + "  " + MANIFEST_NAME + "\n").encode("ascii"),
    )
    write_atomically(os.path.join(directory, MANIFEST_NAME), data)


def _parse_layer(name: str, row: Any) -> Layer:
    if (
        not LAYER_NAME.match(name)
        or not isinstance(row, dict)
        or set(row) != set(Layer._fields)
        or not isinstance(row["entries"], list)
    ):
        raise ManifestError("layer %s is not one" % name)
    if (
        not isinstance(row["archive"], str)
        or os.path.basename(row["archive"]) != row["archive"]
        or not (str(row["path"]) or "/").startswith("/")
    ):
        raise ManifestError(
            "layer %s: %r is no file in the backup, or %r no path" % (name, row["archive"], row["path"])
        )
    if row["encryption"] not in ENCRYPTIONS:
        raise ManifestError("layer %s: %r is no encryption" % (name, row["encryption"]))
    return Layer(**dict(row, entries=check_entries([parse_entry(entry) for entry in row["entries"]])))


def load_backup(directory: str) -> Backup:
    """The backup in *directory*, as its manifest says. Raises Unusable for one that is damaged or no backup, OSError."""
    path = os.path.join(directory, MANIFEST_NAME)
    if not os.path.exists(path):
        raise ManifestError("%s is no backup: it has no %s" % (directory, MANIFEST_NAME))
    try:
        with open(os.path.join(directory, SEAL_NAME), encoding="ascii") as stream:
            sealed = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError("%s cannot be read: %s" % (SEAL_NAME, error))
    digest = compute_sha256(path)
    if sealed != digest + "  " + MANIFEST_NAME + "\n":
        raise ManifestError("%s is not as it was written: its SHA-256 is %s" % (MANIFEST_NAME, digest))
    try:
        with open(path, encoding="ascii") as stream:
            read = json.load(stream)
        if read["schema"] != SCHEMA:
            raise ManifestError(
                "%s is of schema %r, and this collection reads %d" % (MANIFEST_NAME, read["schema"], SCHEMA)
            )
        layers = {name: _parse_layer(name, row) for name, row in read.pop("layers").items()}
        return Backup(directory, read["identifier"], read, layers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ManifestError("%s cannot be read: %s: %s" % (MANIFEST_NAME, type(error).__name__, error))


def find_file_damage(backup: Backup, deep: bool = True) -> List[str]:
    """What is not as *backup*'s manifest says among its files; with *deep* every byte of them is read. Raises OSError."""
    found = []
    expected: Dict[str, Optional[str]] = {
        MANIFEST_NAME: None,
        SEAL_NAME: None,
        RUNBOOK_NAME: str(backup.about.get("runbook")),
    }
    archived = [layer for layer in backup.layers.values() if layer.archive]
    expected.update({layer.archive: layer.sha256 for layer in archived})
    there = set(os.listdir(backup.directory))
    found += ["%s is missing" % name for name in sorted(set(expected) - there)]
    found += ["%s does not belong to it" % name for name in sorted(there - set(expected))]
    sizes = {layer.archive: layer.size for layer in archived}
    for name in sorted(set(expected) & there):
        path = os.path.join(backup.directory, name)
        if os.path.islink(path) or not os.path.isfile(path):
            found.append("%s is no file" % name)
        elif name in sizes and os.stat(path).st_size != sizes[name]:
            found.append("%s has %d bytes, not %d" % (name, os.stat(path).st_size, sizes[name]))
        elif expected[name] and (deep or name == RUNBOOK_NAME) and compute_sha256(path) != expected[name]:
            found.append("%s is not as it was written: its SHA-256 is another" % name)
    return found
