# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proves an archive against its entries and restores a tree from it, in one pass and only through descriptors."""

import contextlib
import errno
import hashlib
import os
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

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
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import (
    StreamError,
    StreamReader,
    write_all,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS as AS_DIRECTORY

CHUNK = 1 << 20
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

ContentSink = Callable[[bytes], object]
EntryMaker = Callable[[ArchiveEntry], "contextlib.AbstractContextManager[Optional[ContentSink]]"]


class DamagedArchiveError(CollectionError):
    """An archive that differs from its manifest; the text names the first entry that differs."""


def _read_content(stream: StreamReader, entry: ArchiveEntry, take: Optional[ContentSink]) -> None:
    """Read the content of the file *entry*, pass it to *take*, and prove it.

    Raises DamagedArchiveError, StreamError, OSError.
    """
    digest = hashlib.sha256()
    left = entry.size
    while left:
        data = stream.read(min(CHUNK, left))
        digest.update(data)
        if take:
            take(data)
        left -= len(data)
    stream.read(-entry.size % BLOCK)
    if digest.hexdigest() != entry.sha256:
        raise DamagedArchiveError("the content of %s differs from the manifest" % entry.path)


def prove_entries(stream: StreamReader, entries: Sequence[ArchiveEntry], make: Optional[EntryMaker] = None) -> None:
    """Prove that *stream* is exactly *entries*; each is passed to *make* once its header is proven.

    *make* gives the sink of its content. What is restored comes from *entries*; the stream is compared, not parsed.
    Raises DamagedArchiveError, StreamError, OSError.
    """
    for entry in entries:
        expected = make_tar_header(entry)
        try:
            found = stream.read(len(expected))
        except StreamError as error:
            raise DamagedArchiveError("at %s %s" % (entry.path or "its beginning", error))
        if found != expected:
            raise DamagedArchiveError("%s differs from the manifest" % (entry.path or "its beginning"))
        try:
            if make is None or entry.superseded:
                if entry.kind == FILE:
                    _read_content(stream, entry, None)
                continue
            with make(entry) as take:
                if entry.kind == FILE:
                    _read_content(stream, entry, take)
        except StreamError as error:
            raise DamagedArchiveError("in %s %s" % (entry.path, error))
    try:
        if stream.read(2 * BLOCK) != bytes(2 * BLOCK):
            raise DamagedArchiveError("something follows its last entry")
        stream.check_end()
    except StreamError as error:
        raise DamagedArchiveError("at its end %s" % error)


class RestoredTree:
    """A tree that is being restored, in a directory that only this process's account can enter until the end."""

    def __init__(self, root: int, owners: bool) -> None:
        """*root* is the open, empty directory; *owners* (root only) restores owners and all attributes too."""
        self._root = root
        self._owners = owners
        self._opened: Tuple[str, int] = ("", root)
        self._late: List[ArchiveEntry] = []
        self.not_given: Dict[str, str] = {}

    def close(self) -> None:
        """Close the last directory."""
        if self._opened[0]:
            os.close(self._opened[1])
        self._opened = ("", self._root)

    def _open_parent(self, path: str) -> int:
        """The open directory that *path* lies in, reached through real directories only. Raises OSError."""
        above = path.rpartition("/")[0]
        if above != self._opened[0]:
            handle = os.dup(self._root)
            for name in above.split("/") if above else []:
                try:
                    below = os.open(name, AS_DIRECTORY, dir_fd=handle)
                finally:
                    os.close(handle)
                handle = below
            self.close()
            if above:
                self._opened = (above, handle)
            else:
                os.close(handle)
        return self._opened[1]

    @contextlib.contextmanager
    def make_entry(self, entry: ArchiveEntry) -> Iterator[Optional[ContentSink]]:
        """Make *entry*; yields the sink of its content. Raises OSError."""
        name = entry.path.rpartition("/")[2]
        if entry.kind == DIRECTORY:
            if entry.path:
                os.mkdir(name, 0o700, dir_fd=self._open_parent(entry.path))
            self._late.append(entry)
            yield None
        elif entry.kind == FILE:
            handle = os.open(name, NEW_FILE, 0o600, dir_fd=self._open_parent(entry.path))
            try:
                yield lambda data: write_all(handle, data)
                self._apply_metadata(handle, None, entry)
            finally:
                os.close(handle)
        else:
            self._make_special(entry, name)
            yield None

    def _make_special(self, entry: ArchiveEntry, name: str) -> None:
        if entry.kind == HARD_LINK:
            first = str(entry.target)
            source = self._open_parent(first)
            handle = os.open(first.rpartition("/")[2], os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source)
            try:
                os.link(
                    "/proc/self/fd/%d" % handle, name, dst_dir_fd=self._open_parent(entry.path), follow_symlinks=True
                )
            finally:
                os.close(handle)
            return
        directory = self._open_parent(entry.path)
        if entry.kind == SYMLINK:
            os.symlink(str(entry.target), name, dir_fd=directory)
        elif entry.kind == FIFO:
            os.mkfifo(name, 0o600, dir_fd=directory)
        self._apply_metadata(directory, name, entry)

    def finish_directories(self) -> None:
        """Restore the metadata of directories, the innermost first: new entries change times. Raises OSError."""
        for entry in reversed(self._late):
            if not entry.path:
                self.close()
                self._apply_metadata(self._root, None, entry)
                continue
            handle = os.open(entry.path.rpartition("/")[2], AS_DIRECTORY, dir_fd=self._open_parent(entry.path))
            try:
                self._apply_metadata(handle, None, entry)
            finally:
                os.close(handle)
        self.close()

    def _apply_metadata(self, handle: int, name: Optional[str], entry: ArchiveEntry) -> None:
        """Restore owner, mode, attributes and time, in this order: a new owner clears set-id bits and capabilities."""
        where = handle if name is None else "/proc/self/fd/%d/%s" % (handle, name)
        if self._owners:
            if name is None:
                os.chown(handle, entry.uid, entry.gid)
            else:
                os.chown(name, entry.uid, entry.gid, dir_fd=handle, follow_symlinks=False)
        if name is None:
            os.chmod(handle, entry.mode)
        elif entry.kind == FIFO:
            os.chmod(name, entry.mode, dir_fd=handle)
        for attribute, value in entry.xattrs:
            self._set_attribute(where, attribute, value, entry)
        if name is None:
            os.utime(handle, ns=(entry.mtime, entry.mtime))
        else:
            os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=handle, follow_symlinks=False)

    def _set_attribute(self, where: "int | str", attribute: str, value: bytes, entry: ArchiveEntry) -> None:
        try:
            if isinstance(where, str):
                os.setxattr(where, attribute, value, follow_symlinks=False)
            else:
                os.setxattr(where, attribute, value)
        except OSError as error:
            # Another file system or account may not support it; the caller decides.
            if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EACCES):
                raise
            self.not_given["%s of %s" % (attribute, entry.path or "the tree itself")] = error.strerror or str(error)
