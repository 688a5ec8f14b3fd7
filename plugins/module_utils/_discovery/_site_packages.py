# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one ``site-packages`` directory: its packages, and how its files differ from what the packages recorded."""

import os
import stat
import time
from typing import Any, Dict, List, Set

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._comparison import compare_with_records
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._extensions import (
    CompiledExtension,
    is_extension,
    read_extension,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._loose import group_loose_files
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._metadata import PackageMetadata
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import TIME_BUDGET_EXCEEDED, describe_error
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS, open_subdirectory
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import RecordedFile


class SitePackages:
    """The content of one such directory; filled by `read`."""

    def __init__(self, path: str, relative: str, verify: bool, deadline: float) -> None:
        """*path* of the directory; *relative*: the same from its environment; *verify*: compare content with RECORD.

        After *deadline*, in monotonic seconds, no further directory is entered.
        """
        self.path = path
        self.relative = relative
        self.verify = verify
        self.unmanaged: List[Dict[str, Any]] = []
        self.modified: List[Dict[str, Any]] = []
        self.extensions: List[CompiledExtension] = []
        self.bundled: Set[str] = set()
        self.size = 0
        self._metadata = PackageMetadata(path, relative)
        self.packages = self._metadata.packages
        self.elsewhere = self._metadata.elsewhere
        self.stale = self._metadata.stale
        self.problems = self._metadata.problems
        self._deadline = deadline
        self._complete = True
        self._seen: Set[str] = set()
        self._loose: List[str] = []

    def read(self, handle: int) -> None:
        """Read the open directory *handle*. Raises OSError."""
        self._metadata.read(handle)
        self._compare_files(handle, "")
        self._read_recorded_extensions(handle)
        self.size += self._metadata.size
        for entry in group_loose_files(handle, self._loose, self._metadata, self.verify):
            self.size += entry["size"]
            self.unmanaged.append(dict(entry, path=self.relative + "/" + entry["path"]))

    def list_missing_files(self) -> List[Dict[str, Any]]:
        """The recorded files that this directory lacks, without bytecode; none if the time budget ended the reading."""
        found: List[Dict[str, Any]] = []
        if not self._complete:
            return found
        recorded = self._metadata.recorded
        for path in sorted(set(recorded) - self._seen):
            # virtualenv records directories of bytecode, too.
            if "__pycache__" not in path.split("/") and not path.endswith((".pyc", ".pyo", "/")):
                found.append(self._make_entry(path, recorded[path]))
        return found

    def _make_entry(self, path: str, expected: RecordedFile) -> Dict[str, Any]:
        return {"path": self.relative + "/" + path, "package": expected[1]}

    def _add_problem(self, name: str, error: OSError) -> None:
        self.problems.append(describe_error(self.path + "/" + name, error))

    def _compare_files(self, handle: int, prefix: str) -> None:
        """Compare the entries of the open directory with the record; only an entry in no record costs a system call."""
        if time.monotonic() > self._deadline:
            self._complete = False
            self.problems.append({"path": (self.path + "/" + prefix).rstrip("/"), "reason": TIME_BUDGET_EXCEEDED})
            return
        recorded = self._metadata.recorded
        below: List[str] = []
        paths = set(map(prefix.__add__, os.listdir(handle)))
        unknown = paths.difference(recorded)
        self._seen |= paths
        for path in sorted(unknown):
            name = path[len(prefix) :]
            if name == "__pycache__":
                continue
            if _is_directory(handle, name):
                below.append(name)
            else:
                self._add_loose_file(handle, path, name)
        if self.verify:
            for path in paths - unknown:
                self._compare_file(handle, path[len(prefix) :], path, recorded[path])
        for name in below:
            self._compare_directory(handle, prefix, name)

    def _compare_directory(self, handle: int, prefix: str, name: str) -> None:
        try:
            inside = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
        except FileNotFoundError:
            return
        except OSError as error:
            self._add_problem(prefix + name, error)
            return
        try:
            self._compare_files(inside, prefix + name + "/")
        except OSError as error:
            self._add_problem(prefix + name, error)
        finally:
            os.close(inside)

    def _add_loose_file(self, handle: int, path: str, name: str) -> None:
        self._loose.append(path)
        if is_extension(name):
            self._read_extension(handle, path, "")

    def _compare_file(self, handle: int, name: str, path: str, expected: RecordedFile) -> None:
        difference = compare_with_records(handle, name, [*self._metadata.recorded_twice.get(path, ()), expected])
        if difference:
            self.modified.append(dict(difference, path=self.relative + "/" + path))

    def _read_recorded_extensions(self, handle: int) -> None:
        recorded = self._metadata.recorded
        for record in self._metadata.records:
            for path in record.extensions:
                if path not in self._seen or path not in recorded:
                    continue
                try:
                    inside = open_subdirectory(handle, os.path.dirname(path))
                except OSError as error:
                    self._add_problem(path, error)
                    continue
                try:
                    self._read_extension(inside, path, recorded[path][0])
                finally:
                    os.close(inside)

    def _read_extension(self, handle: int, path: str, recorded: str) -> None:
        name = os.path.basename(path)
        self.bundled.add(name)
        try:
            extension = read_extension(handle, name, self.relative + "/" + path, recorded)
        except OSError as error:
            self._add_problem(path, error)
            return
        if extension is not None:
            self.extensions.append(extension)


def _is_directory(handle: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
    except OSError:
        return False
