# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens and reads what other users may have planted: no symlink is followed, nothing but regular files is opened, no read is unbounded."""

import errno
import os
import stat
from typing import Any, List, Optional, Tuple

FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
READ_LIMIT = 1 << 20
LINK_LIMIT = 40


class UnsafePathError(OSError):
    """A path that is not read: no regular file, or reached through a symlink that its owner may not point there."""


def open_file(name: str, directory: Optional[int] = None) -> int:
    """A descriptor of the regular file *name* in the open *directory*. Raises OSError, `Refused` for anything but a regular file.

    Opening a device may do something, so what it is is looked at before, too.
    """
    return _open_regular_file(name, directory)[0]


def _open_regular_file(name: str, directory: Optional[int]) -> Tuple[int, int]:
    """Descriptor and size in bytes."""
    if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        raise UnsafePathError(errno.EINVAL, "not a regular file", name)
    handle = os.open(name, FILE_FLAGS, dir_fd=directory)
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise UnsafePathError(errno.EINVAL, "not a regular file", name)
    return handle, state.st_size


def read_bytes(name: str, directory: Optional[int] = None, limit: int = READ_LIMIT) -> bytes:
    """The first *limit* bytes of the regular file *name*. Raises OSError."""
    handle, size = _open_regular_file(name, directory)
    try:
        # A buffer as large as any limit would cost more than the reading.
        wanted = min(limit, size)
        data = os.read(handle, wanted)
        while len(data) < wanted:
            more = os.read(handle, wanted - len(data))
            if not more:
                break
            data += more
        return data
    finally:
        os.close(handle)


def read_text_file(name: str, directory: Optional[int] = None, limit: int = READ_LIMIT) -> Optional[str]:
    """The first *limit* bytes of the regular file *name* as text, or None where there is none that may be read."""
    try:
        return read_bytes(name, directory, limit).decode("utf-8", "replace")
    except OSError:
        return None


def open_subdirectory(directory: int, path: str) -> int:
    """A descriptor of the directory at the relative *path* below the open *directory*, each component a real directory. Raises OSError."""
    handle = os.dup(directory)
    for name in [part for part in path.split("/") if part]:
        try:
            below = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
    return handle


def open_directory(path: str) -> int:
    """A descriptor of the absolute directory *path*, each component of which is a real directory. Raises OSError."""
    root = os.open("/", DIRECTORY_FLAGS)
    try:
        return open_subdirectory(root, path)
    finally:
        os.close(root)


def read_without_symlinks(path: str, limit: int = READ_LIMIT) -> bytes:
    """The first *limit* bytes of the regular file at the absolute *path*, reached without any symlink. Raises OSError."""
    directory = open_directory(os.path.dirname(path))
    try:
        return read_bytes(os.path.basename(path), directory, limit)
    finally:
        os.close(directory)


def resolve_trusted_path(path: str) -> str:
    """The absolute *path* without symlinks; only links that belong to root are followed, or any when this is not root.

    Raises `Refused` for a link of another user, OSError for what does not exist.
    """
    waiting: List[str] = [part for part in path.split("/") if part][::-1]
    done, links = "", 0
    while waiting:
        name = waiting.pop()
        if name in (".", ""):
            continue
        if name == "..":
            done = os.path.dirname(done) if done else ""
            continue
        here = done + "/" + name
        state = os.lstat(here)
        if not stat.S_ISLNK(state.st_mode):
            done = "" if here == "/" else here
            continue
        links += 1
        if links > LINK_LIMIT or (os.geteuid() == 0 and state.st_uid != 0):
            raise UnsafePathError(errno.ELOOP, "symlink that is not followed", here)
        target = os.readlink(here)
        if target.startswith("/"):
            done = ""
        waiting.extend([part for part in target.split("/") if part][::-1])
    return done or "/"


def _read_direct(path: str, limit: int) -> bytes:
    """Like `read_below` for the absolute *path*, in fewer steps: what was opened says by which path it was reached."""
    handle, size = _open_regular_file(path, None)
    try:
        if os.readlink("/proc/self/fd/%d" % handle) != path:
            raise UnsafePathError(errno.ELOOP, "reached through a symlink", path)
        return os.read(handle, min(limit, size))
    finally:
        os.close(handle)


def read_trusted_text(path: str, limit: int = READ_LIMIT) -> Optional[str]:
    """The text of *path*, which a file of the operating system names; None when it is absent or may not be read."""
    try:
        return _read_direct(path, limit).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        pass
    try:
        return read_without_symlinks(resolve_trusted_path(path), limit).decode("utf-8", "replace")
    except OSError:
        return None


def list_names(path: str) -> List[str]:
    """The names in the directory *path*, sorted; none when it is absent or may not be read."""
    try:
        os.lstat(path)
        return sorted(os.listdir(resolve_trusted_path(path)))
    except OSError:
        return []


def make_printable(value: Any) -> Any:
    """*value* with every text that is not valid Unicode written so that it can be printed and stored as JSON."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
            return value
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {make_printable(key): make_printable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_printable(entry) for entry in value]
    return value
