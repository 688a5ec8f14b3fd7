# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file system may have kept of a list of operations when the power failed.

The model, which is stricter than ext4, XFS and btrfs with their usual options:

- fsync of a file makes its content, mode and owner durable, not its name.
- fsync of a directory makes the names in it durable, not its own name in its parent.
- sync makes everything durable.
- What is not durable may be kept or lost. In one directory, names change in the order of the calls, so a kept change
  implies all earlier ones of its directory. Nothing orders the changes of different directories, and nothing orders
  names and contents: a renamed file may be there without its content. Of a file's last write half may be kept.
- A rename is kept or lost as a whole, also between two directories; so is an exchange.

It does not model: disks that lose what was synced, sectors that are damaged while they are written, file systems
without a journal, whose renames between two directories may be kept by halves, and times, which are those of the calls.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence

ROOT = 1
MAKE, LINK, REMOVE, RENAME, EXCHANGE = "make", "link", "remove", "rename", "exchange"
WRITE, TRUNCATE, ATTRIBUTES = "write", "truncate", "attributes"
FSYNC, SYNC, MARK = "fsync", "sync", "mark"
NAME_CHANGES = (MAKE, LINK, REMOVE, RENAME, EXCHANGE)
CONTENT_CHANGES = (WRITE, TRUNCATE, ATTRIBUTES)


@dataclasses.dataclass
class Inode:
    """A file, directory or symlink: its mode with the type, owner, times in nanoseconds, and its content by type."""

    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    data: bytes = b""
    target: str = ""
    names: dict[str, int] = dataclasses.field(default_factory=dict)

    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


@dataclasses.dataclass(frozen=True)
class Operation:
    """One call that changed something or made it durable.

    ``inode`` is what it is about, ``parent`` and ``name`` where that is; a rename also has ``old_parent`` and
    ``old_name``. A write has ``offset`` and ``data``, a truncation the new length as ``offset``; attributes are those
    that are not None.
    """

    kind: str
    inode: int = 0
    parent: int = 0
    name: str = ""
    old_parent: int = 0
    old_name: str = ""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None
    target: str = ""
    offset: int = 0
    data: bytes = b""

    def list_directories(self) -> set[int]:
        """The directories whose names it changes."""
        return {number for number in (self.parent, self.old_parent) if number} if self.kind in NAME_CHANGES else set()


class Tree:
    """A file system in memory."""

    def __init__(self) -> None:
        self.inodes: dict[int, Inode] = {ROOT: Inode(stat.S_IFDIR | 0o755)}

    def copy(self) -> Tree:
        """An independent copy."""
        found = Tree()
        for number, inode in self.inodes.items():
            found.inodes[number] = copy.copy(inode)
            found.inodes[number].names = dict(inode.names)
        return found

    def find(self, path: str) -> int | None:
        """The number of the inode at *path*, without following a symlink at its end."""
        number = ROOT
        for name in path.strip("/").split("/") if path.strip("/") else []:
            below = self.inodes[number].names.get(name)
            if below is None:
                return None
            number = below
        return number

    def apply(self, operation: Operation) -> None:
        """Do *operation*; what does not exist here is left out."""
        done = operation
        if done.kind == MAKE:
            self.inodes[done.inode] = Inode(
                done.mode or 0, done.uid or 0, done.gid or 0, done.mtime or 0, target=done.target
            )
        if done.kind in (MAKE, LINK):
            self.inodes[done.parent].names[done.name] = done.inode
        elif done.kind == REMOVE:
            self.inodes[done.parent].names.pop(done.name, None)
        elif done.kind == RENAME:
            self.inodes[done.parent].names[done.name] = self.inodes[done.old_parent].names.pop(done.old_name)
        elif done.kind == EXCHANGE:
            old, new = self.inodes[done.old_parent].names, self.inodes[done.parent].names
            old[done.old_name], new[done.name] = new[done.name], old[done.old_name]
        elif done.kind in CONTENT_CHANGES and done.inode in self.inodes:
            self._change_content(self.inodes[done.inode], done)

    @staticmethod
    def _change_content(inode: Inode, done: Operation) -> None:
        if done.kind == WRITE:
            padded = inode.data.ljust(done.offset, b"\0")
            inode.data = padded[: done.offset] + done.data + padded[done.offset + len(done.data) :]
        elif done.kind == TRUNCATE:
            inode.data = inode.data[: done.offset].ljust(done.offset, b"\0")
        if done.mode is not None:
            inode.mode = stat.S_IFMT(inode.mode) | done.mode
        inode.uid = inode.uid if done.uid is None else done.uid
        inode.gid = inode.gid if done.gid is None else done.gid
        inode.mtime = inode.mtime if done.mtime is None else done.mtime

    def walk(self, number: int = ROOT, path: str = "") -> Iterator[tuple[str, int, Inode]]:
        """Path, number and inode of everything below the directory *number*, sorted, a directory before its content."""
        for name, below in sorted(self.inodes[number].names.items()):
            inode = self.inodes[below]
            yield f"{path}/{name}", below, inode
            if inode.is_directory():
                yield from self.walk(below, f"{path}/{name}")

    def digest(self) -> str:
        """A digest of everything that can be reached, without times."""
        found = hashlib.sha256()
        for path, number, inode in self.walk():
            row = (path, number, inode.mode, inode.uid, inode.gid, inode.target, inode.data)
            found.update(repr(row).encode("utf-8", "surrogateescape"))
        return found.hexdigest()

    def write_to(self, place: str) -> None:
        """Write everything into the existing directory *place*. Raises OSError."""
        first: dict[int, str] = {}
        directories = []
        for path, number, inode in self.walk():
            where = place + path
            if number in first:
                os.link(first[number], where, follow_symlinks=False)
                continue
            first[number] = where
            if inode.is_directory():
                os.mkdir(where)
                directories.append((where, inode))
            elif stat.S_ISLNK(inode.mode):
                os.symlink(inode.target, where)
            else:
                with open(where, "xb") as stream:
                    stream.write(inode.data)
            os.chown(where, inode.uid, inode.gid, follow_symlinks=False)
            if not stat.S_ISLNK(inode.mode):
                os.chmod(where, stat.S_IMODE(inode.mode))
            os.utime(where, ns=(inode.mtime, inode.mtime), follow_symlinks=False)
        for where, inode in reversed(directories):
            os.utime(where, ns=(inode.mtime, inode.mtime))


@dataclasses.dataclass(frozen=True)
class CrashState:
    """A file system after a power failure behind operation number ``point`` (0: before all); ``kept`` says how.

    ``ended`` tells whether that was the last operation.
    """

    point: int
    kept: str
    tree: Tree
    ended: bool


class _Durability:
    """Which of a growing list of operations are durable."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self.durable: set[int] = set()

    def add(self, index: int) -> None:
        """Take operation number *index* into account."""
        done = self._operations[index]
        if done.kind == SYNC:
            self.durable.update(range(index + 1))
        elif done.kind == FSYNC:
            for number in range(index):
                other = self._operations[number]
                if other.kind in CONTENT_CHANGES and other.inode == done.inode:
                    self.durable.add(number)
            self.durable |= self.find_implied(index, {done.inode})

    def find_implied(self, index: int, directories: set[int]) -> set[int]:
        """The changes of names before *index* that must be kept when all of *directories* are."""
        wanted, found = set(directories), set()
        for number in range(index - 1, -1, -1):
            touched = self._operations[number].list_directories()
            if touched & wanted and number not in self.durable:
                found.add(number)
                wanted |= touched
        return found


def list_crash_states(
    before: Tree, operations: Sequence[Operation], points: Sequence[int] | None = None
) -> Iterator[CrashState]:
    """Every different state in which a crash behind one of *points* (None: each operation) may leave *before*.

    *before* is durable.
    """
    durability = _Durability(operations)
    chosen = set(range(len(operations) + 1) if points is None else points)
    seen: set[tuple[bool, str]] = set()
    for point in range(len(operations) + 1):
        if point:
            durability.add(point - 1)
        if point not in chosen or (point and operations[point - 1].kind == MARK):
            continue
        for kept, numbers, torn in _list_selections(operations, durability, point):
            tree = _build_tree(before, operations, numbers, torn)
            ended = point == len(operations)
            digest = (ended, tree.digest())
            if digest not in seen:
                seen.add(digest)
                yield CrashState(point, kept, tree, ended)


def _list_selections(
    operations: Sequence[Operation], durability: _Durability, point: int
) -> Iterator[tuple[str, set[int], set[int]]]:
    """What is kept, in words; the numbers of the kept operations; and those of writes of which half is kept."""
    names, contents = set(), set()
    for number in range(point):
        if number not in durability.durable:
            names |= {number} if operations[number].kind in NAME_CHANGES else set()
            contents |= {number} if operations[number].kind in CONTENT_CHANGES else set()
    base = {number for number in durability.durable if number < point}
    yield "everything", base | names | contents, set()
    yield "only what was synced", base, set()
    yield "names without contents", base | names, set()
    yield "contents without names", base | contents, set()
    last = {operations[number].inode: number for number in sorted(contents) if operations[number].kind == WRITE}
    yield "half of each last write", base | names | contents, set(last.values())
    directories = sorted({number for index in names for number in operations[index].list_directories()})
    for directory in directories if len(directories) > 1 else []:
        own = durability.find_implied(point, {directory})
        yield f"names of directory {directory} alone", base | own, set()
        yield (
            f"all but names of directory {directory}",
            base | contents | _leave_out(operations, names, directory),
            set(),
        )


def _leave_out(operations: Sequence[Operation], names: set[int], directory: int) -> set[int]:
    """Those of the changes *names* that may be kept when those of *directory* are lost."""
    lost, found = {directory}, set()
    for number in sorted(names):
        touched = operations[number].list_directories()
        if touched & lost:
            lost |= touched
        else:
            found.add(number)
    return found


def _build_tree(before: Tree, operations: Sequence[Operation], numbers: set[int], torn: set[int]) -> Tree:
    tree = before.copy()
    # A file whose name is lost may have another one that is kept.
    for number, done in enumerate(operations):
        if done.kind == MAKE and number not in numbers:
            tree.inodes.setdefault(
                done.inode, Inode(done.mode or 0, done.uid or 0, done.gid or 0, done.mtime or 0, target=done.target)
            )
    for number in sorted(numbers):
        done = operations[number]
        if number in torn:
            half = len(done.data) // 2
            done = dataclasses.replace(done, data=done.data[:half] + bytes(len(done.data) - half))
        tree.apply(done)
    return tree
