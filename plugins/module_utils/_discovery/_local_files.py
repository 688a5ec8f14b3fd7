# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the files of an environment with what its packages recorded: unmanaged, modified and missing files.

The inventory, and the build of a generation, which reads the environment again, see the same files by this.
"""

import os
import re
import stat
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import DIRECTORY_RECORD_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._comparison import (
    compare_with_records,
    is_generated_program,
    is_rewritten_script,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._environment_kinds import (
    SHARED_KINDS,
    detect_environment_kind,
    find_library_directories,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import describe_error, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_directory,
    open_subdirectory,
    read_bytes,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import RecordedFile

# Entries that venv, virtualenv, uv, conda and this collection make.
STANDARD_NAMES = {
    DIRECTORY_RECORD_NAME,
    "bin",
    "include",
    "lib",
    "lib64",
    "pyvenv.cfg",
    ".gitignore",
    "CACHEDIR.TAG",
    ".lock",
    "pip-selfcheck.json",
    "uv-receipt.toml",
    "pipx_metadata.json",
    "share",
    "man",
    "local",
}
STANDARD_PROGRAM = re.compile(
    r"^(?:(?:python|pypy)[0-9.]*[dmtu]?|[Aa]ctivate(?:[._].*)?|deactivate(?:\..*)?|pip[0-9.]*|easy_install[0-9.-]*"
    r"|wheel[0-9.-]*|pydoc\.bat|python-config)$"
)
READ_TIMEOUT = 300.0
ProgramReader = Callable[[str, bytes], None]


class LocalFiles:
    """Reads the files of one environment; ``not_seen`` has an entry ``{path, reason}`` for each part not read."""

    def __init__(self, handle: int, path: str, kind: str, verify: bool, deadline: float) -> None:
        """The open directory *handle* at *path* is an environment of *kind*.

        *verify* compares content with RECORD. After *deadline*, in monotonic seconds, no further directory is entered.
        """
        self._handle = handle
        self._path = path
        self._kind = kind
        self._verify = verify
        self._deadline = deadline
        self._elsewhere: Dict[str, List[RecordedFile]] = {}
        self.sites: List[SitePackages] = []
        self.libraries: List[Tuple[str, str]] = []
        self.unmanaged: List[Dict[str, Any]] = []
        self.modified: List[Dict[str, Any]] = []
        self.missing: List[Dict[str, Any]] = []
        self.not_seen: List[Dict[str, str]] = []

    def read(self, directories: List[str], others: List[str], on_program: Optional[ProgramReader] = None) -> None:
        """Read the environment, in which *directories* and *others* are the names; each list is sorted by path.

        *on_program* gets the name and the first bytes of each program. Raises OSError.
        """
        self.libraries = find_library_directories(self._handle, directories)
        for library, name in self.libraries:
            for last in ("site-packages", "dist-packages"):
                self._read_site("%s/%s/%s" % (library, name, last))
        if "site-packages" in directories:
            self._read_site("site-packages")
        for site in self.sites:
            for path, recorded in site.elsewhere.items():
                self._elsewhere.setdefault(path, []).extend(recorded)
        if "bin" in directories:
            self._read_programs(on_program)
        outside = self._compare_files_elsewhere()
        if self._kind not in SHARED_KINDS:
            self._add_unmanaged_entries(directories, others)
        for site in self.sites:
            self.missing += site.list_missing_files()
            self.modified += site.modified
            self.unmanaged += site.unmanaged
        self.missing += outside
        self.modified.sort(key=_get_path)
        self.unmanaged.sort(key=_get_path)

    def describe(self) -> Dict[str, Any]:
        """The files by what they are, as an inventory has them; ``modified`` is None unless content was compared."""
        return {
            "unmanaged": self.unmanaged,
            "missing": self.missing,
            "modified": self.modified if self._verify else None,
        }

    def _read_site(self, relative: str) -> None:
        path = self._path + "/" + relative
        try:
            handle = open_subdirectory(self._handle, relative)
        except OSError as error:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self.not_seen.append(describe_error(path, error))
            return
        try:
            site = SitePackages(path, relative, self._verify, self._deadline)
            site.read(handle)
            self.sites.append(site)
            self.not_seen += site.problems
        except OSError as error:
            self.not_seen.append(describe_error(path, error))
        finally:
            os.close(handle)

    def _read_programs(self, on_program: Optional[ProgramReader]) -> None:
        try:
            inside = os.open("bin", DIRECTORY_FLAGS, dir_fd=self._handle)
        except OSError as error:
            self.not_seen.append(describe_error(self._path + "/bin", error))
            return
        try:
            for name in sorted(list_entries(inside)[1]):
                head = self._read_head(inside, name)
                if head is None:
                    continue
                if on_program:
                    on_program(name, head)
                if self._kind in SHARED_KINDS or "bin/" + name in self._elsewhere or STANDARD_PROGRAM.match(name):
                    continue
                size = _get_file_size(inside, name)
                self.unmanaged.append({"path": "bin/" + name, "kind": "script", "files": 1, "size": size})
        finally:
            os.close(inside)

    def _read_head(self, inside: int, name: str) -> Optional[bytes]:
        try:
            return read_bytes(name, inside, 1024)
        except OSError as error:
            if not os.path.islink("/proc/self/fd/%d/%s" % (inside, name)):
                self.not_seen.append(describe_error("%s/bin/%s" % (self._path, name), error))
            return None

    def _compare_files_elsewhere(self) -> List[Dict[str, Any]]:
        """Compare the recorded files outside ``site-packages``; returns those that do not exist."""
        missing = []
        for path in sorted(self._elsewhere):
            if not self._is_present(path, self._elsewhere[path]):
                missing.append({"path": path, "package": self._elsewhere[path][-1][1]})
        return missing

    def _is_present(self, path: str, expected: List[RecordedFile]) -> bool:
        """Whether the recorded file *path* exists; its content is compared as well if that is asked for."""
        directory, _separator, name = path.rpartition("/")
        try:
            handle = open_subdirectory(self._handle, directory)
        except OSError:
            return False
        try:
            os.stat(name, dir_fd=handle, follow_symlinks=False)
            difference = compare_with_records(handle, name, expected) if self._verify else None
            if difference and not (directory == "bin" and _is_installed_program(difference)):
                self.modified.append(dict(difference, path=path))
            return True
        except OSError:
            return False
        finally:
            os.close(handle)

    def _add_unmanaged_entries(self, directories: List[str], others: List[str]) -> None:
        recorded = {path.split("/", 1)[0] for path in self._elsewhere}
        for name in sorted(directories + others):
            if name in STANDARD_NAMES or name in recorded:
                continue
            is_directory = name in directories
            size = 0 if is_directory else _get_file_size(self._handle, name)
            path = name + "/" if is_directory else name
            self.unmanaged.append({"path": path, "kind": "data", "files": 1, "size": size})


def read_local_files(path: str) -> Tuple[Dict[str, Any], List[Dict[str, str]]]:
    """The packages, unmanaged, modified and missing files of the environment *path*, and what of it was not read.

    A symlink in its place is followed. Raises OSError.
    """
    real = os.path.realpath(path)
    handle = open_directory(real)
    try:
        directories, others = list_entries(handle)
        kind = detect_environment_kind(directories, others, handle, real) or "venv"
        found = LocalFiles(handle, real, kind, True, time.monotonic() + READ_TIMEOUT)
        found.read(directories, others)
    finally:
        os.close(handle)
    packages = [package for site in found.sites for package in site.packages]
    return dict(found.describe(), packages=packages), found.not_seen


def _is_installed_program(difference: Dict[str, Any]) -> bool:
    """Whether a program with *difference* from its record is what an installer made of that."""
    text = difference.get("text")
    return is_generated_program(text) or is_rewritten_script(text, difference.get("recorded") or "")


def _get_path(entry: Dict[str, Any]) -> str:
    return str(entry["path"])


def _get_file_size(directory: int, name: str) -> int:
    try:
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return state.st_size if stat.S_ISREG(state.st_mode) else 0
    except OSError:
        return 0
