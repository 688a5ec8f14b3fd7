# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of wheels from which a host builds generations."""

import os
import tarfile
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import (
    describe_foreign_control,
    make_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    compute_sha256,
    remove_quietly,
    sync_directory,
)

BLOCK_SIZE = 1 << 20
# Rules between the options of the module wheelhouse.
WHEELHOUSE_RULES: Dict[str, Any] = {
    "required_one_of": [("lock", "files")],
    "mutually_exclusive": [("lock", "files")],
    "required_by": {"lock": ["architecture", "plan_dir"], "bundle": ["files"]},
}


class WheelhouseError(CollectionError):
    """A damaged or unsafe bundle; the files in the directory are unchanged."""


def find_missing_files(files: List[Dict[str, Any]], directory: str) -> List[Dict[str, Any]]:
    """Those of *files* (``name``, ``size`` in bytes, ``sha256``) that are not in *directory* with that size.

    The installer compares every digest with the lock, so it notices a damaged file.
    """
    sizes = list_file_sizes(directory)
    return [entry for entry in files if sizes.get(entry["name"]) != entry["size"]]


def list_file_sizes(directory: str) -> Dict[str, int]:
    """Sizes in bytes of the complete files in *directory*, by name; empty if it does not exist."""
    sizes = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_file():
                    sizes[entry.name] = entry.stat().st_size
    except OSError:
        return {}
    return sizes


def store_files(
    files: List[Dict[str, Any]], bundle: Optional[str], directory: str, check_mode: bool, changes: Changes
) -> List[str]:
    """Store those of *files* that *directory* lacks, from the tar file *bundle*; returns their names.

    Without a bundle nothing is stored. Raises WheelhouseError, OSError.
    """
    missing = find_missing_files(files, directory)
    if bundle or check_mode:
        for entry in missing:
            changes.add("store %s" % entry["name"], entry["name"], None, entry["sha256"])
    if missing and bundle and not check_mode:
        unpack_bundle(bundle, missing, directory)
    return [entry["name"] for entry in missing]


def unpack_bundle(bundle: str, files: List[Dict[str, Any]], directory: str) -> None:
    """Extract *files* from the tar file *bundle* to *directory*. Raises WheelhouseError, OSError."""
    problem = describe_foreign_control(directory)
    if problem:
        raise WheelhouseError("no wheels are stored in %s: %s" % (directory, problem))
    make_directory(directory)
    try:
        with tarfile.open(bundle, "r:") as stream:
            for entry in files:
                _unpack_member(stream, entry, directory)
    except (tarfile.TarError, KeyError) as error:
        raise WheelhouseError("the bundle sent is damaged: %s" % error)
    sync_directory(directory)


def _unpack_member(stream: tarfile.TarFile, entry: Dict[str, Any], directory: str) -> None:
    name = entry["name"]
    if os.path.basename(name) != name or name.startswith("."):
        raise WheelhouseError("%r is not a plain file name" % name)
    source = stream.extractfile(stream.getmember(name))
    if source is None:
        raise WheelhouseError("%s is not a file" % name)
    temporary = os.path.join(directory, ".%s.%d" % (name, os.getpid()))
    try:
        with open(temporary, "wb") as target:
            for block in iter(lambda: source.read(BLOCK_SIZE), b""):
                target.write(block)
            os.fchmod(target.fileno(), 0o755 if entry.get("executable") else 0o644)
            target.flush()
            os.fsync(target.fileno())
        if compute_sha256(temporary) != entry["sha256"]:
            raise WheelhouseError("%s arrived damaged" % name)
        os.rename(temporary, os.path.join(directory, name))
    finally:
        remove_quietly(temporary)
