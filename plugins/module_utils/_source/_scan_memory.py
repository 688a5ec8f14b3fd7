# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scan of installed packages found, so that the same files are not parsed again in the next run."""

import hashlib
import inspect
import json
import os
import sys
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json, write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS
from ansible_collections.oxzep7.python.plugins.module_utils._source import _tree

MEMORY_FILE = "scans.json"
# Files and directories; the packages of a larger environment are scanned each time.
MAX_ENTRIES = 100000
# Python writes these itself.
BYTECODE_DIRECTORY = "__pycache__"
SCANNER = _tree.__name__.rpartition(".")[0] + "."


class ScanMemory:
    """The file with the results of the last scan of each environment, in the *directory* of root's state."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, MEMORY_FILE)
        self._known = self._read()
        self._changed = False

    def _read(self) -> Dict[str, Any]:
        try:
            found = read_json(self._path)
        except (OSError, ValueError):
            # What cannot be read is scanned again, and the file is written anew.
            found = None
        return found if isinstance(found, dict) else {}

    def find(self, environment: str, key: Optional[str]) -> Optional[Dict[str, Any]]:
        """What was found in *environment* when it had *key*; None if that is not known."""
        entry = self._known.get(environment)
        if key is None or not isinstance(entry, dict) or entry.get("key") != key:
            return None
        found = entry.get("found")
        return found if isinstance(found, dict) else None

    def note(self, environment: str, key: Optional[str], found: Dict[str, Any]) -> None:
        """Remember what was *found* in *environment* with *key*; nothing without a key."""
        if key is not None:
            self._known[environment] = {"key": key, "found": found}
            self._changed = True

    def save(self) -> None:
        """Write the file if it has changed, without environments that are gone. Raises OSError."""
        if self._changed:
            known = {path: entry for path, entry in self._known.items() if os.path.isdir(path)}
            make_directory(os.path.dirname(self._path), 0o700)
            write_atomically(self._path, json.dumps(known, sort_keys=True).encode("utf-8"))


def build_scan_key(handles: List[int], names: List[str]) -> Optional[str]:
    """What stands for the files below the open directories *handles*, the *names* to look for, and the scanner.

    A change of a file's content changes the time of its inode, which its owner cannot set. None where there are too
    many files. Raises OSError.
    """
    digest = hashlib.sha256(json.dumps(sorted(names)).encode("utf-8"))
    for name in sorted(sys.modules):
        if name.startswith(SCANNER):
            digest.update(inspect.getsource(sys.modules[name]).encode("utf-8"))
    left = MAX_ENTRIES
    for handle in handles:
        left = _add_directory(digest, handle, left)
        if left < 0:
            return None
    return digest.hexdigest()


def _add_directory(digest: Any, handle: int, left: int) -> int:
    """Add the entries below the open directory *handle* to *digest*; returns *left* less their number."""
    directories, others = list_entries(handle)
    left -= len(directories) + len(others)
    for name in sorted(others):
        state = os.stat(name, dir_fd=handle, follow_symlinks=False)
        told = (name, state.st_mode, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        digest.update(repr(told).encode("utf-8", "surrogateescape"))
    for name in sorted(directories):
        if left < 0:
            break
        if name != BYTECODE_DIRECTORY:
            digest.update(repr(("into", name)).encode("utf-8", "surrogateescape"))
            below = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
            try:
                left = _add_directory(digest, below, left)
            finally:
                os.close(below)
            digest.update(b"out of it")
    return left
