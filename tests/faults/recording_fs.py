# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file system in memory, mounted by FUSE, that records every call which changes something or makes it durable.

The kernel does not tell a FUSE file system of sync(2), so whoever calls that creates the directory ``.sync`` at the
root, which is recorded as one and refused. A directory ``.mark-TEXT`` is recorded as a mark.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import mfusepy

from tests.faults.crash_states import (
    ATTRIBUTES,
    EXCHANGE,
    FSYNC,
    LINK,
    MAKE,
    MARK,
    REMOVE,
    RENAME,
    ROOT,
    SYNC,
    TRUNCATE,
    WRITE,
    Inode,
    Operation,
    Tree,
)

SYNC_NAME, MARK_PREFIX = ".sync", ".mark-"
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
BLOCK = 4096
START_SECONDS = 30.0
# What chown(2) takes for an owner that stays.
UNCHANGED = (-1, 2**32 - 1)


class _Binding(mfusepy.FUSE):
    """The binding, with the arguments of libfuse 3 that it leaves out: flags of a rename, and open files."""

    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        return int(self.operations.rename(os.fsdecode(old), os.fsdecode(new), flags))

    def chmod_fuse_3(self, path: bytes | None, mode: int, fip: Any) -> int:
        return int(self.operations.chmod(_decode(path), mode, _get_handle(fip)))

    def chown_fuse_3(self, path: bytes | None, uid: int, gid: int, fip: Any) -> int:
        return int(self.operations.chown(_decode(path), uid, gid, _get_handle(fip)))

    def truncate_fuse_3(self, path: bytes | None, length: int, fip: Any) -> int:
        return int(self.operations.truncate(_decode(path), length, _get_handle(fip)))

    def utimens_fuse_3(self, path: bytes | None, buf: Any, fip: Any) -> int:
        times = None
        if buf:
            modified = buf.contents.modtime
            times = None if modified.tv_nsec > 999999999 else modified.tv_sec * 10**9 + modified.tv_nsec
        return int(self.operations.utimens(_decode(path), times, _get_handle(fip)))


def _decode(path: bytes | None) -> str | None:
    return None if path is None else os.fsdecode(path)


def _get_handle(fip: Any) -> int | None:
    return int(fip.contents.fh) if fip else None


class RecordingFileSystem(mfusepy.Operations):
    """The file system. An open file's handle is the number of its inode, so that it outlives its names."""

    use_ns = True

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.operations: list[Operation] = []
        self._next = max(tree.inodes) + 1

    def _record(self, kind: str, **details: Any) -> None:
        done = Operation(kind, **details)
        self.tree.apply(done)
        self.operations.append(done)

    def _find(self, path: str | None, handle: int | None = None) -> tuple[int, Inode]:
        number = handle or (self.tree.find(path) if path is not None else None)
        if number is None or number not in self.tree.inodes:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return number, self.tree.inodes[number]

    def _find_parent(self, path: str) -> tuple[int, str]:
        above, name = path.rsplit("/", 1)
        return self._find(above or "/")[0], name

    def _make(self, path: str, mode: int, target: str = "") -> int:
        parent, name = self._find_parent(path)
        if name in self.tree.inodes[parent].names:
            raise mfusepy.FuseOSError(errno.EEXIST)
        uid, gid, _pid = mfusepy.fuse_get_context()
        above = self.tree.inodes[parent]
        if above.mode & stat.S_ISGID:
            gid = above.gid
            mode |= stat.S_ISGID if stat.S_ISDIR(mode) else 0
        number, self._next = self._next, self._next + 1
        self._record(
            MAKE,
            inode=number,
            parent=parent,
            name=name,
            mode=mode,
            uid=uid,
            gid=gid,
            mtime=time.time_ns(),
            target=target,
        )
        return number

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, int]:
        number, inode = self._find(path, fh)
        size = len(inode.target) if stat.S_ISLNK(inode.mode) else len(inode.data)
        return {
            "st_ino": number,
            "st_mode": inode.mode,
            "st_nlink": 2 if inode.is_directory() else self._count_names(number),
            "st_uid": inode.uid,
            "st_gid": inode.gid,
            "st_size": size,
            "st_blocks": -(-size // 512),
            "st_atime": inode.mtime,
            "st_mtime": inode.mtime,
            "st_ctime": inode.mtime,
        }

    def _count_names(self, number: int) -> int:
        count = 0
        for inode in self.tree.inodes.values():
            count += list(inode.names.values()).count(number)
        return count

    def readdir(self, path: str, fh: int) -> Iterator[tuple[str, dict[str, int], int]]:
        number, inode = self._find(path, fh)
        # The C library skips entries without a number.
        for name, below in {".": number, "..": ROOT, **inode.names}.items():
            yield name, {"st_mode": self.tree.inodes[below].mode, "st_ino": below}, 0

    def opendir(self, path: str) -> int:
        return self._find(path)[0]

    def readlink(self, path: str) -> str:
        return self._find(path)[1].target

    def statfs(self, path: str) -> dict[str, int]:
        return {
            "f_bsize": BLOCK,
            "f_frsize": BLOCK,
            "f_blocks": 1 << 22,
            "f_bfree": 1 << 21,
            "f_bavail": 1 << 21,
            "f_files": 1 << 20,
            "f_ffree": 1 << 19,
            "f_favail": 1 << 19,
            "f_namemax": 255,
        }

    def open(self, path: str, flags: int) -> int:
        number, inode = self._find(path)
        if flags & os.O_TRUNC and inode.data:
            self._record(TRUNCATE, inode=number, mtime=time.time_ns())
        return number

    def create(self, path: str, mode: int, flags: int = 0) -> int:
        return self._make(path, stat.S_IFREG | stat.S_IMODE(mode))

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        return self._find(path, fh)[1].data[offset : offset + size]

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        number, _inode = self._find(path, fh)
        self._record(WRITE, inode=number, offset=offset, data=data, mtime=time.time_ns())
        return len(data)

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> int:
        number, inode = self._find(path, fh)
        if length != len(inode.data):
            self._record(TRUNCATE, inode=number, offset=length, mtime=time.time_ns())
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        if path == "/" + SYNC_NAME:
            self._record(SYNC)
            raise mfusepy.FuseOSError(errno.EEXIST)
        if path.startswith("/" + MARK_PREFIX):
            self._record(MARK, name=path[1 + len(MARK_PREFIX) :])
            raise mfusepy.FuseOSError(errno.EEXIST)
        self._make(path, stat.S_IFDIR | stat.S_IMODE(mode))
        return 0

    def symlink(self, target: str, source: str) -> int:
        self._make(target, stat.S_IFLNK | 0o777, source)
        return 0

    def link(self, target: str, source: str) -> int:
        parent, name = self._find_parent(target)
        self._record(LINK, inode=self._find(source)[0], parent=parent, name=name)
        return 0

    def unlink(self, path: str) -> int:
        parent, name = self._find_parent(path)
        self._record(REMOVE, inode=self._find(path)[0], parent=parent, name=name)
        return 0

    def rmdir(self, path: str) -> int:
        if self._find(path)[1].names:
            raise mfusepy.FuseOSError(errno.ENOTEMPTY)
        return self.unlink(path)

    def rename(self, old: str, new: str, flags: int = 0) -> int:
        number, inode = self._find(old)
        old_parent, old_name = self._find_parent(old)
        parent, name = self._find_parent(new)
        there = self.tree.inodes[parent].names.get(name)
        if flags & RENAME_EXCHANGE:
            self._find(new)
        elif there is not None and flags & RENAME_NOREPLACE:
            raise mfusepy.FuseOSError(errno.EEXIST)
        elif there is not None and inode.is_directory() and self.tree.inodes[there].names:
            raise mfusepy.FuseOSError(errno.ENOTEMPTY)
        self._record(
            EXCHANGE if flags & RENAME_EXCHANGE else RENAME,
            inode=number,
            parent=parent,
            name=name,
            old_parent=old_parent,
            old_name=old_name,
        )
        return 0

    def chmod(self, path: str | None, mode: int, fh: int | None = None) -> int:
        self._record(ATTRIBUTES, inode=self._find(path, fh)[0], mode=stat.S_IMODE(mode))
        return 0

    def chown(self, path: str | None, uid: int, gid: int, fh: int | None = None) -> int:
        number, _inode = self._find(path, fh)
        given = {name: value for name, value in (("uid", uid), ("gid", gid)) if value not in UNCHANGED}
        self._record(ATTRIBUTES, inode=number, **given)
        return 0

    def utimens(self, path: str | None, times: int | None = None, fh: int | None = None) -> int:
        moment = time.time_ns() if times is None else times
        self._record(ATTRIBUTES, inode=self._find(path, fh)[0], mtime=moment)
        return 0

    def fsync(self, path: str | None, datasync: int, fh: int) -> int:
        self._record(FSYNC, inode=self._find(path, fh)[0])
        return 0

    def fsyncdir(self, path: str | None, datasync: int, fh: int) -> int:
        self._record(FSYNC, inode=self._find(path, fh)[0])
        return 0

    def flush(self, path: str | None, fh: int) -> int:
        return 0


def _serve(place: str, tree: Tree, answer: Connection) -> None:
    """Serve *tree* at *place* until it is unmounted, then send the operations to *answer*."""
    files = RecordingFileSystem(tree)
    _Binding(
        files,
        place,
        foreground=True,
        nothreads=True,
        allow_other=True,
        default_permissions=True,
        hard_remove=True,
        use_ino=True,
        fsname="oxzep7-recording",
    )
    answer.send(files.operations)
    answer.close()


class Recording:
    """A mounted file system; ``operations`` are complete when it is unmounted."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.operations: list[Operation] = []

    def mark(self, text: str) -> None:
        """Record a mark."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(f"{self._place}/{MARK_PREFIX}{text}")


def record_sync(place: str) -> None:
    """Record that the file system at *place* was synced as a whole."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(f"{place}/{SYNC_NAME}")


@contextlib.contextmanager
def mount_recording(place: str, tree: Tree) -> Iterator[Recording]:
    """Mount a file system with the content of *tree* at the directory *place* for the block. Raises RuntimeError."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    server = context.Process(target=_serve, args=(place, tree.copy(), sender), daemon=True)
    server.start()
    sender.close()
    recording = Recording(place)
    deadline = time.monotonic() + START_SECONDS
    while not os.path.ismount(place):
        if not server.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"no FUSE file system can be mounted at {place}; this needs root and libfuse3")
        time.sleep(0.02)
    try:
        yield recording
    finally:
        # Modules leave files open, because their process ends.
        subprocess.run(["umount", "--force", "--lazy", place], check=True)
        recording.operations = receiver.recv()
        server.join()
