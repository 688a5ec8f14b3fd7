# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks directories, bounded in time and depth. Network and pseudo file systems are not entered, nor symlinks followed.

Each directory is opened relative to its open parent, so that one that is replaced by a symlink meanwhile is not
entered.
"""

import errno
import os
import sys
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple, Union

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS, open_directory

NETWORK_FILESYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "fuse.sshfs",
    "autofs",
    "9p",
    "ceph",
    "glusterfs",
    "fuse.glusterfs",
    "lustre",
    "beegfs",
    "afs",
    "fuse.s3fs",
    "fuse.rclone",
    "virtiofs",
    "gpfs",
    "ocfs2",
    "gfs2",
}
PSEUDO_FILESYSTEMS = {
    "proc",
    "sysfs",
    "devtmpfs",
    "devpts",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "bpf",
    "mqueue",
    "pstore",
    "configfs",
    "fusectl",
    "binfmt_misc",
    "hugetlbfs",
    "rpc_pipefs",
    "efivarfs",
    "selinuxfs",
    "nsfs",
}
TIME_BUDGET_EXCEEDED = "time budget used up"
# Each level holds one descriptor open; 1,024 is the usual limit of a process.
DEPTH_LIMIT = 200
VANISHED_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
DirectoryHandler = Callable[[int, str, List[str], List[str]], List[str]]


class WalkLimits(NamedTuple):
    """Limits of a walk: directories to leave out, file systems by mount point, and the end in monotonic seconds."""

    exclude: Set[str]
    mounts: Dict[str, str]
    deadline: float


def read_mounts() -> Dict[str, str]:
    """The type of each mounted file system by its mount point (proc(5), ``mounts``)."""
    try:
        with open("/proc/mounts", encoding="utf-8", errors="surrogateescape") as stream:
            rows = [line.split() for line in stream]
    except OSError:
        return {}
    found = {}
    for row in rows:
        if len(row) > 2:
            point = row[1].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
            found[point] = row[2]
    return found


def find_mount_point(path: str, mounts: Dict[str, str]) -> str:
    """The mount point of the file system that has *path*."""
    while path not in mounts and path != "/":
        path = os.path.dirname(path)
    return path


def get_scandir_argument(handle: int) -> Union[int, str]:
    """The argument of os.scandir for the open directory *handle*; Python 3.6 takes no descriptor."""
    return handle if sys.version_info >= (3, 7) else "/proc/self/fd/%d" % handle


def list_entries(handle: int) -> Tuple[List[str], List[str]]:
    """Names of the directories and of everything else in the open directory *handle*."""
    directories: List[str] = []
    others: List[str] = []
    with os.scandir(get_scandir_argument(handle)) as entries:
        for entry in entries:
            (directories if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
    return directories, others


def describe_error(path: str, error: OSError) -> Dict[str, str]:
    """The entry ``{path, reason}`` of something that was not read."""
    return {"path": path, "reason": error.strerror or str(error)}


class DirectoryWalker:
    """Visits directories; ``not_seen`` has an entry ``{path, reason}`` for each that was left out."""

    def __init__(self, limits: WalkLimits, handler: DirectoryHandler) -> None:
        """*handler* gets descriptor, path, directory names and other names; it returns the directories to enter."""
        self._limits = limits
        self._handler = handler
        self.not_seen: List[Dict[str, str]] = []

    def record_skipped(self, path: str, reason: str) -> None:
        """Add an entry for *path* to ``not_seen``."""
        self.not_seen.append({"path": path, "reason": reason})

    def walk(self, path: str) -> None:
        """Visit the directory *path* and those below."""
        self._enter_directory(path, None, os.path.basename(path), 0)

    def _find_skip_reason(self, path: str) -> Optional[str]:
        if path in self._limits.exclude:
            return "excluded"
        kind = self._limits.mounts.get(path)
        if kind in NETWORK_FILESYSTEMS:
            return "network file system (%s)" % kind
        if kind in PSEUDO_FILESYSTEMS:
            return "pseudo file system (%s)" % kind
        if time.monotonic() > self._limits.deadline:
            return TIME_BUDGET_EXCEEDED
        return None

    def _enter_directory(self, path: str, parent: Optional[int], name: str, depth: int) -> None:
        reason = "more than %d directories deep" % DEPTH_LIMIT if depth > DEPTH_LIMIT else self._find_skip_reason(path)
        if reason:
            self.record_skipped(path, reason)
            return
        try:
            handle = open_directory(path) if parent is None else os.open(name, DIRECTORY_FLAGS, dir_fd=parent)
        except OSError as error:
            if error.errno not in VANISHED_ERRORS:
                self.not_seen.append(describe_error(path, error))
            return
        try:
            directories, others = list_entries(handle)
            for below in self._handler(handle, path, directories, others):
                self._enter_directory(path.rstrip("/") + "/" + below, handle, below, depth + 1)
        except OSError as error:
            if error.errno not in VANISHED_ERRORS:
                self.not_seen.append(describe_error(path, error))
        finally:
            os.close(handle)
