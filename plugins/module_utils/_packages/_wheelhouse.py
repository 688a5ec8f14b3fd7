# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of wheels that a host builds generations from."""

import os
import tarfile
from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    compute_sha256,
    remove_quietly,
    sync_directory,
)

BLOCK_SIZE = 1 << 20


class WheelhouseError(CollectionError):
    """A bundle that does not contain what it should; the folder keeps what it had."""


def find_missing_files(files: List[Dict[str, Any]], directory: str) -> List[Dict[str, Any]]:
    """Those of *files* (``name``, ``size`` in bytes, ``sha256``) that *directory* has not in that size.

    The installer compares every digest with the lock, so a damaged file is noticed there.
    """

    def present(entry: Dict[str, Any]) -> bool:
        try:
            return bool(os.path.getsize(os.path.join(directory, entry["name"])) == entry["size"])
        except OSError:
            return False

    return [entry for entry in files if not present(entry)]


def list_file_sizes(directory: str) -> Dict[str, int]:
    """Bytes by name of the files that are complete in *directory*; none where it is not there."""
    try:
        with os.scandir(directory) as entries:
            return {
                entry.name: entry.stat().st_size
                for entry in entries
                if not entry.name.startswith(".") and entry.is_file()
            }
    except OSError:
        return {}


def unpack_bundle(bundle: str, files: List[Dict[str, Any]], directory: str) -> None:
    """Take *files* out of the tar file *bundle* into *directory*. Raises WheelhouseError, OSError."""
    os.makedirs(directory, mode=0o755, exist_ok=True)
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
