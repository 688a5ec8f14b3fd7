# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a backup: everything that is in it, with digests.

It is written last, so a directory without it is no backup.
"""

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
IDENTIFIER = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}\Z")
LAYER_NAME = re.compile(r"^[a-z][a-z-]*\Z")


class Layer(NamedTuple):
    """One layer: the absolute ``path`` of its tree, its archive with size in bytes and SHA-256, and its entries.

    ``path`` is empty for the output of programs, and ``archive`` where there is none, as in a repository of restic.
    ``encryption`` is empty, ``age`` or ``gpg``. ``unstable`` are files that changed at every reading; ``skipped``
    are paths that were not kept, with the reason. ``about`` is particular to the layer: chosen ``paths``, ``databases``
    with their rows, a ``reference``, or a ``snapshot``.
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
    """One backup of a manifest: ``about`` is everything but the layers."""

    directory: str
    identifier: str
    about: Dict[str, Any]
    layers: Dict[str, Layer]


def format_manifest(about: Dict[str, Any], layers: Dict[str, Layer], runbook: str) -> bytes:
    """The bytes of the manifest, of *about*, *layers*, and the SHA-256 of the *runbook*."""
    rows = {}
    for name, layer in layers.items():
        rows[name] = dict(layer._asdict(), entries=[entry.to_row() for entry in layer.entries])
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
        raise ManifestError("layer %s is not valid" % name)
    if (
        not isinstance(row["archive"], str)
        or os.path.basename(row["archive"]) != row["archive"]
        or not (str(row["path"]) or "/").startswith("/")
    ):
        raise ManifestError(
            "layer %s: %r is not a file of the backup, or %r is not a path" % (name, row["archive"], row["path"])
        )
    if row["encryption"] not in ENCRYPTIONS:
        raise ManifestError("layer %s: %r is not an encryption" % (name, row["encryption"]))
    return Layer(**dict(row, entries=check_entries([parse_entry(entry) for entry in row["entries"]])))


def load_backup(directory: str) -> Backup:
    """The backup in *directory*. Raises ManifestError for one that is damaged or not a backup, OSError."""
    path = os.path.join(directory, MANIFEST_NAME)
    if not os.path.exists(path):
        raise ManifestError("%s is not a backup: it has no %s" % (directory, MANIFEST_NAME))
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
    """Files of *backup* that differ from its manifest; with *deep* every byte of them is read. Raises OSError."""
    archived = {layer.archive: layer for layer in backup.layers.values() if layer.archive}
    digests: Dict[str, Optional[str]] = {MANIFEST_NAME: None, SEAL_NAME: None}
    digests[RUNBOOK_NAME] = str(backup.about.get("runbook"))
    digests.update({name: layer.sha256 for name, layer in archived.items()})
    present = set(os.listdir(backup.directory))
    found = ["%s is missing" % name for name in sorted(set(digests) - present)]
    found += ["%s does not belong to it" % name for name in sorted(present - set(digests))]
    for name in sorted(set(digests) & present):
        path = os.path.join(backup.directory, name)
        if os.path.islink(path) or not os.path.isfile(path):
            found.append("%s is not a file" % name)
        elif name in archived and os.stat(path).st_size != archived[name].size:
            found.append("%s has %d bytes, not %d" % (name, os.stat(path).st_size, archived[name].size))
        elif digests[name] and (deep or name == RUNBOOK_NAME) and compute_sha256(path) != digests[name]:
            found.append("%s is not as it was written: its SHA-256 differs" % name)
    return found
