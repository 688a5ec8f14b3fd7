# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that a directory below ``*.generations`` has in itself: who made it, for what, and whether it is complete.

It is a file, written before anything else in the directory, and replaced when the directory is complete. The account
that builds generations can write it, so it is read like any file of such an account, and what it says never leads to
more than that account may do.
"""

import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory, write_json
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_without_symlinks

DIRECTORY_RECORD_NAME = ".oxzep7-generation.json"
DIRECTORY_RECORD_SCHEMA = 1
DIRECTORY_RECORD_MODE = 0o644
# Kinds of directories. A scratch directory and a trial are never complete.
GENERATION, SCRATCH, TRIAL = "generation", "scratch", "trial"
KINDS = (GENERATION, SCRATCH, TRIAL)
GENERATION_NAME = re.compile(r"^([0-9]{1,9})-py[0-9]+\.[0-9]+$")
ORIGINAL_NAME = re.compile(r"^0-py[0-9]+\.[0-9]+$")
TEXT_FIELDS = ("kind", "id", "application", "live", "place", "run", "created")


class DirectoryRecord(NamedTuple):
    """The record of a directory.

    ``live`` is the live path as declared, ``place`` the same without symlinks in its parents. ``about`` is the
    generation as the record of its application has it, once it is ``complete``.
    """

    kind: str
    identifier: str
    application: str
    live: str
    place: str
    run: str
    created: str
    complete: bool = False
    about: Optional[Dict[str, Any]] = None


def locate_live_path(environment: str) -> str:
    """The live path *environment* without symlinks in its parents; it may itself be a symlink."""
    return os.path.join(os.path.realpath(os.path.dirname(environment)), os.path.basename(environment))


def parse_directory_record(text: str) -> Optional[DirectoryRecord]:
    """The record with the JSON *text*; None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("schema") != DIRECTORY_RECORD_SCHEMA:
        return None
    if not all(isinstance(found.get(field), str) for field in TEXT_FIELDS) or found["kind"] not in KINDS:
        return None
    about = found.get("generation")
    return DirectoryRecord(
        found["kind"],
        found["id"],
        found["application"],
        found["live"],
        found["place"],
        found["run"],
        found["created"],
        found.get("complete") is True,
        about if isinstance(about, dict) else None,
    )


def format_directory_record(record: DirectoryRecord) -> Dict[str, Any]:
    """The JSON value of *record*."""
    return {
        "schema": DIRECTORY_RECORD_SCHEMA,
        "kind": record.kind,
        "id": record.identifier,
        "application": record.application,
        "live": record.live,
        "place": record.place,
        "run": record.run,
        "created": record.created,
        "complete": record.complete,
        "generation": record.about,
    }


def read_directory_record(path: str) -> Optional[DirectoryRecord]:
    """The record of the directory *path*; None without one that can be read."""
    try:
        data = read_without_symlinks(os.path.join(os.path.realpath(path), DIRECTORY_RECORD_NAME))
    except OSError:
        return None
    return parse_directory_record(data.decode("utf-8", "replace"))


def write_directory_record(path: str, record: Dict[str, Any]) -> None:
    """Write *record*, a value of `format_directory_record`, durably into the directory *path*. Raises OSError."""
    write_json(os.path.join(path, DIRECTORY_RECORD_NAME), record, DIRECTORY_RECORD_MODE)
    sync_directory(os.path.dirname(path))


def list_directories(generations: str) -> List[str]:
    """The names of everything in the directory *generations*, sorted; none if it does not exist. Raises OSError."""
    try:
        return sorted(os.listdir(generations))
    except FileNotFoundError:
        return []


def read_number(name: str) -> Optional[int]:
    """The number in the name of a generation; None for another name."""
    found = GENERATION_NAME.match(name)
    return int(found.group(1)) if found else None
