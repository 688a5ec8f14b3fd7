# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup says of itself. It is written last, so a directory without it is no backup; it names everything that is there, with its digest."""

import hashlib
import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._backup._entry import Entry, Unusable, checked, from_row
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sha256_of, write_atomically

SCHEMA = 1
NAME = "manifest.json"
SEAL = "manifest.sha256"
RUNBOOK = "RESTORE.md"
ENCRYPTIONS = ("", "age", "gpg")
IDENTIFIER = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")
LAYER = re.compile(r"^[a-z][a-z-]*$")


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
    entries: List[Entry]
    unstable: List[str]
    skipped: Dict[str, str]
    about: Dict[str, Any]


class Backup(NamedTuple):
    """One backup as its manifest says: ``about`` is everything but the layers' entries."""

    directory: str
    identifier: str
    about: Dict[str, Any]
    layers: Dict[str, Layer]


def document(about: Dict[str, Any], layers: Dict[str, Layer], runbook: str) -> bytes:
    """The manifest's bytes. *about* is identifier, application, host and the like; *runbook* is the SHA-256 of RESTORE.md."""
    rows = {
        name: dict(layer._asdict(), entries=[entry.row() for entry in layer.entries]) for name, layer in layers.items()
    }
    return json.dumps(dict(about, schema=SCHEMA, runbook=runbook, layers=rows), sort_keys=True).encode("ascii") + b"\n"


def seal(directory: str, data: bytes) -> None:
    """Write the manifest *data*, and before it the digest that it must have, into *directory*. Raises OSError."""
    write_atomically(
        os.path.join(directory, SEAL), (hashlib.sha256(data).hexdigest() + "  " + NAME + "\n").encode("ascii")
    )
    write_atomically(os.path.join(directory, NAME), data)


def _layer(name: str, row: Any) -> Layer:
    if (
        not LAYER.match(name)
        or not isinstance(row, dict)
        or set(row) != set(Layer._fields)
        or not isinstance(row["entries"], list)
    ):
        raise Unusable("layer %s is not one" % name)
    if (
        not isinstance(row["archive"], str)
        or os.path.basename(row["archive"]) != row["archive"]
        or not (str(row["path"]) or "/").startswith("/")
    ):
        raise Unusable("layer %s: %r is no file in the backup, or %r no path" % (name, row["archive"], row["path"]))
    if row["encryption"] not in ENCRYPTIONS:
        raise Unusable("layer %s: %r is no encryption" % (name, row["encryption"]))
    return Layer(**dict(row, entries=checked([from_row(entry) for entry in row["entries"]])))


def load(directory: str) -> Backup:
    """The backup in *directory*, as its manifest says. Raises Unusable for one that is damaged or no backup, OSError."""
    path = os.path.join(directory, NAME)
    if not os.path.exists(path):
        raise Unusable("%s is no backup: it has no %s" % (directory, NAME))
    try:
        with open(os.path.join(directory, SEAL), encoding="ascii") as stream:
            sealed = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable("%s cannot be read: %s" % (SEAL, error))
    digest = sha256_of(path)
    if sealed != digest + "  " + NAME + "\n":
        raise Unusable("%s is not as it was written: its SHA-256 is %s" % (NAME, digest))
    try:
        with open(path, encoding="ascii") as stream:
            read = json.load(stream)
        if read["schema"] != SCHEMA:
            raise Unusable("%s is of schema %r, and this collection reads %d" % (NAME, read["schema"], SCHEMA))
        layers = {name: _layer(name, row) for name, row in read.pop("layers").items()}
        return Backup(directory, read["identifier"], read, layers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unusable("%s cannot be read: %s: %s" % (NAME, type(error).__name__, error))


def differences(backup: Backup, deep: bool = True) -> List[str]:
    """What is not as *backup*'s manifest says among its files; with *deep* every byte of them is read. Raises OSError."""
    found = []
    expected: Dict[str, Optional[str]] = {NAME: None, SEAL: None, RUNBOOK: str(backup.about.get("runbook"))}
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
        elif expected[name] and (deep or name == RUNBOOK) and sha256_of(path) != expected[name]:
            found.append("%s is not as it was written: its SHA-256 is another" % name)
    return found
