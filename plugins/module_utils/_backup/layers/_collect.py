# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a tree once, and gives its entries and its content to a sink.

Only through descriptors, so that no other process can redirect it.
"""

import hashlib
import itertools
import os
import stat
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    BLOCK,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    ArchiveEntry,
    make_tar_header,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS as AS_DIRECTORY
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import FILE_FLAGS as AS_FILE
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory

CHUNK = 1 << 20
# How often a file is read that changes meanwhile.
READ_TRIES = 3

# Where the bytes of the archive go.
Sink = Callable[[bytes], object]
State = os.stat_result


class TreeProblems(NamedTuple):
    """Paths that are not kept, each with the reason, and files that changed whenever they were read."""

    skipped: Dict[str, str]
    unstable: List[str]


def _read_xattrs(path: "int | str") -> Tuple[Tuple[str, bytes], ...]:
    try:
        names = os.listxattr(path, follow_symlinks=not isinstance(path, str))
    except OSError:
        return ()
    found = []
    for name in sorted(names):
        try:
            value = os.getxattr(path, name, follow_symlinks=not isinstance(path, str))
        except OSError:
            continue
        found.append((name, value))
    return tuple(found)


def _is_unmodified(one: State, other: State) -> bool:
    return (one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino) == (
        other.st_size,
        other.st_mtime_ns,
        other.st_ctime_ns,
        other.st_ino,
    )


def is_unchanged(path: str, paths: Optional[Sequence[str]], entries: Sequence[ArchiveEntry]) -> bool:
    """Whether `Collector.collect_entries` finds exactly *entries*; files are read up to the first difference.

    Raises OSError.
    """
    found = Collector(None).collect_entries(path, paths)
    return all(one == other for one, other in itertools.zip_longest(found, entries))


class Collector:
    """One pass over one tree; ``problems`` has the paths that could not be kept unchanged."""

    def __init__(self, sink: Optional[Sink]) -> None:
        """*sink* gets the bytes of the tar file in order; without one, entries are only listed."""
        self._sink = sink
        self._links: Dict[Tuple[int, int], str] = {}
        self._waiting: List[bytes] = []
        self._length = 0
        self.problems = TreeProblems({}, [])

    def collect_entries(self, path: str, paths: Optional[Sequence[str]]) -> Iterator[ArchiveEntry]:
        """All entries of the tree *path*, which is absolute and without symlinks; or only those of `collect_paths`.

        Raises OSError.
        """
        if paths is not None:
            yield from self.collect_paths(paths)
            return
        root = open_directory(path)
        try:
            yield from self.collect_tree(root)
        finally:
            os.close(root)

    def collect_tree(self, root: int) -> Iterator[ArchiveEntry]:
        """The entries of the open directory *root*, each when its content was passed on. Raises OSError."""
        state = os.fstat(root)
        yield self._write_header(self._make_entry("", DIRECTORY, state, attributes=_read_xattrs(root)))
        yield from self._collect_children(root, "", state.st_dev)
        self._write_data(bytes(2 * BLOCK))
        self._flush()

    def collect_paths(self, paths: Sequence[str]) -> Iterator[ArchiveEntry]:
        """The entries of *paths*, with everything below them and the directories that lead to them.

        Each path is absolute, and its directories are no symlinks. Raises OSError.
        """
        root = os.open("/", AS_DIRECTORY)
        try:
            yield self._write_header(self._make_entry("", DIRECTORY, os.fstat(root), attributes=_read_xattrs(root)))
            seen, trees = {""}, []  # type: Set[str], List[str]
            for path in sorted({path.strip("/") for path in paths} - {""}):
                if path in seen or any(path.startswith(above) for above in trees):
                    continue
                yield from self._collect_path(root, path, seen)
                trees.append(path + "/")
        finally:
            os.close(root)
        self._write_data(bytes(2 * BLOCK))
        self._flush()

    def _collect_path(self, root: int, path: str, seen: Set[str]) -> Iterator[ArchiveEntry]:
        here, above = os.dup(root), ""
        try:
            for name in path.split("/")[:-1]:
                below = os.open(name, AS_DIRECTORY, dir_fd=here)
                os.close(here)
                here, above = below, above + name
                if above not in seen:
                    seen.add(above)
                    yield self._write_header(
                        self._make_entry(above, DIRECTORY, os.fstat(here), attributes=_read_xattrs(here))
                    )
                above += "/"
            name = path.rpartition("/")[2]
            yield from self._collect_entry(here, name, path, os.stat(name, dir_fd=here, follow_symlinks=False).st_dev)
        except FileNotFoundError:
            self.problems.skipped[path] = "it does not exist"
        finally:
            os.close(here)

    def _collect_children(self, directory: int, prefix: str, device: int) -> Iterator[ArchiveEntry]:
        for name in sorted(os.listdir(directory), key=os.fsencode):
            path = prefix + name
            try:
                yield from self._collect_entry(directory, name, path, device)
            except FileNotFoundError:
                self.problems.skipped[path] = "it was removed while the tree was read"

    def _collect_entry(self, directory: int, name: str, path: str, device: int) -> Iterator[ArchiveEntry]:
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode):
            handle = os.open(name, AS_DIRECTORY, dir_fd=directory)
            try:
                yield self._write_header(
                    self._make_entry(path, DIRECTORY, os.fstat(handle), attributes=_read_xattrs(handle))
                )
                if state.st_dev != device:
                    self.problems.skipped[path + "/"] = "another file system is mounted there"
                    return
                yield from self._collect_children(handle, path + "/", device)
            finally:
                os.close(handle)
        elif stat.S_ISREG(state.st_mode):
            known = self._links.get((state.st_dev, state.st_ino)) if state.st_nlink > 1 else None
            if known is not None:
                yield self._write_header(
                    self._make_entry(
                        path, HARD_LINK, state, known, _read_xattrs(self._make_descriptor_path(directory, name))
                    )
                )
                return
            yield from self._collect_file(directory, name, path)
            if state.st_nlink > 1:
                self._links[(state.st_dev, state.st_ino)] = path
        elif stat.S_ISLNK(state.st_mode):
            yield self._write_header(
                self._make_entry(
                    path,
                    SYMLINK,
                    state,
                    os.readlink(name, dir_fd=directory),
                    _read_xattrs(self._make_descriptor_path(directory, name)),
                )
            )
        elif stat.S_ISFIFO(state.st_mode):
            yield self._write_header(
                self._make_entry(
                    path, FIFO, state, attributes=_read_xattrs(self._make_descriptor_path(directory, name))
                )
            )
        else:
            self.problems.skipped[path] = "a socket" if stat.S_ISSOCK(state.st_mode) else "a device"

    @staticmethod
    def _make_descriptor_path(directory: int, name: str) -> str:
        return "/proc/self/fd/%d/%s" % (directory, name)

    @staticmethod
    def _make_entry(
        path: str, kind: str, state: State, target: Optional[str] = None, attributes: Sequence[Tuple[str, bytes]] = ()
    ) -> ArchiveEntry:
        return ArchiveEntry(
            path,
            kind,
            stat.S_IMODE(state.st_mode),
            state.st_uid,
            state.st_gid,
            state.st_mtime_ns,
            target=target,
            xattrs=tuple(attributes),
        )

    def _collect_file(self, directory: int, name: str, path: str) -> Iterator[ArchiveEntry]:
        for attempt in range(1, READ_TRIES + 1):
            handle = os.open(name, AS_FILE, dir_fd=directory)
            try:
                before = os.fstat(handle)
                about = (
                    path,
                    FILE,
                    stat.S_IMODE(before.st_mode),
                    before.st_uid,
                    before.st_gid,
                    before.st_mtime_ns,
                    before.st_size,
                )
                attributes = _read_xattrs(handle)
                digest = self._copy_content(handle, ArchiveEntry(*about, None, None, attributes))
                entry = ArchiveEntry(*about, digest, None, attributes)
                steady = _is_unmodified(before, os.fstat(handle))
            finally:
                os.close(handle)
            if steady or attempt == READ_TRIES:
                if not steady:
                    self.problems.unstable.append(path)
                yield entry
                return
            yield entry._replace(superseded=True)

    def _copy_content(self, handle: int, entry: ArchiveEntry) -> str:
        """Pass on the header and exactly the size of *entry*; returns the SHA-256 of the content."""
        self._write_header(entry)
        if entry.size <= CHUNK:
            data = os.read(handle, entry.size) if entry.size else b""
            if len(data) == entry.size:
                self._write_data(data)
                self._write_data(bytes(-len(data) % BLOCK))
                return hashlib.sha256(data).hexdigest()
            os.lseek(handle, 0, os.SEEK_SET)
        digest = hashlib.sha256()
        left = entry.size
        while left:
            # A file that shrank meanwhile is filled up; it is read again, because it changed.
            data = os.read(handle, min(CHUNK, left)) or bytes(min(CHUNK, left))
            digest.update(data)
            self._write_data(data)
            left -= len(data)
        self._write_data(bytes(-entry.size % BLOCK))
        return digest.hexdigest()

    def _write_header(self, entry: ArchiveEntry) -> ArchiveEntry:
        if self._sink:
            self._write_data(make_tar_header(entry))
        return entry

    def _write_data(self, data: bytes) -> None:
        if not data or not self._sink:
            return
        self._waiting.append(data)
        self._length += len(data)
        if self._length >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        if self._waiting and self._sink:
            self._sink(b"".join(self._waiting))
            self._waiting, self._length = [], 0
