# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens and reads files of untrusted users: only regular files, without following symlinks, and up to a limit."""

import errno
import os
import stat
from typing import Any, BinaryIO, Dict, List, Optional, Tuple

FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
# Of a directory on the way, which may be one that can be entered and not read.
PASSING_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ_LIMIT = 1 << 20
LINK_LIMIT = 40


class UnsafePathError(OSError):
    """A path that is not read: not a regular file, or reached through a symlink of an untrusted owner."""


def open_file(name: str, directory: Optional[int] = None) -> int:
    """A descriptor of the regular file *name* in the open *directory*.

    Raises UnsafePathError for another type of file, OSError.
    """
    return _open_regular_file(name, directory)[0]


def _open_regular_file(name: str, directory: Optional[int], follow: bool = False) -> Tuple[int, int]:
    """Descriptor and size in bytes; with *follow* of the file that symlinks lead to."""
    # Opening a device can have effects, so the type is examined before, too.
    if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=follow).st_mode):
        raise UnsafePathError(errno.EINVAL, "not a regular file", name)
    handle = os.open(name, FILE_FLAGS & ~os.O_NOFOLLOW if follow else FILE_FLAGS, dir_fd=directory)
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        raise UnsafePathError(errno.EINVAL, "not a regular file", name)
    return handle, state.st_size


def open_regular_file(path: str) -> BinaryIO:
    """The regular file that *path* leads to, for reading; for a process that acts as the account that can change it.

    Raises UnsafePathError for a pipe, a device or a directory, OSError.
    """
    return os.fdopen(_open_regular_file(path, None, follow=True)[0], "rb")


def read_whole_file(path: str, limit: int) -> bytes:
    """The content of the regular file that *path* leads to, as `open_regular_file` opens it.

    Raises UnsafePathError if it has more than *limit* bytes, OSError.
    """
    with open_regular_file(path) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnsafePathError(errno.EFBIG, "larger than %d bytes" % limit, path)
    return data


def read_bytes(name: str, directory: Optional[int] = None, limit: int = READ_LIMIT) -> bytes:
    """The first *limit* bytes of the regular file *name*. Raises OSError."""
    handle, size = _open_regular_file(name, directory)
    try:
        # Allocating a buffer of the limit would take longer than reading a small file.
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
    """The first *limit* bytes of the regular file *name* as text, or None if it cannot be read."""
    try:
        return read_bytes(name, directory, limit).decode("utf-8", "replace")
    except OSError:
        return None


def _split_path(path: str) -> List[str]:
    return [part for part in path.split("/") if part]


def open_subdirectory(directory: int, path: str, flags: int = DIRECTORY_FLAGS) -> int:
    """A descriptor with *flags* of the directory at the relative *path* below the open *directory*, without symlinks.

    Raises OSError.
    """
    names = _split_path(path)
    if not names:
        return os.open(".", flags, dir_fd=directory)
    handle = os.dup(directory)
    for number, name in enumerate(names, 1):
        try:
            below = os.open(name, flags if number == len(names) else PASSING_FLAGS, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
    return handle


def open_directory(path: str, flags: int = DIRECTORY_FLAGS) -> int:
    """A descriptor with *flags* of the absolute directory *path*, reached without symlinks. Raises OSError."""
    root = os.open("/", PASSING_FLAGS)
    try:
        return open_subdirectory(root, path, flags)
    finally:
        os.close(root)


def read_without_symlinks(path: str, limit: int = READ_LIMIT) -> bytes:
    """The first *limit* bytes of the regular file at the absolute *path*, reached without symlinks. Raises OSError."""
    directory = open_directory(os.path.dirname(path))
    try:
        return read_bytes(os.path.basename(path), directory, limit)
    finally:
        os.close(directory)


def resolve_trusted_path(path: str) -> str:
    """The absolute *path* with symlinks resolved; as root, only symlinks that belong to root are followed.

    Raises UnsafePathError for a symlink of another user, OSError for a missing path.
    """
    waiting = _split_path(path)[::-1]
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
        waiting.extend(_split_path(target)[::-1])
    return done or "/"


def _read_direct(path: str, limit: int) -> bytes:
    """The first *limit* bytes of the absolute *path*, if the kernel opened it without following symlinks."""
    handle, size = _open_regular_file(path, None)
    try:
        if os.readlink("/proc/self/fd/%d" % handle) != path:
            raise UnsafePathError(errno.ELOOP, "reached through a symlink", path)
        return os.read(handle, min(limit, size))
    finally:
        os.close(handle)


class HostReader:
    """Reads files and directories in which symlinks of root are followed.

    ``not_seen`` has an entry ``{path, reason}`` for each that exists, or may exist, and could not be read.
    """

    def __init__(self) -> None:
        self.not_seen: List[Dict[str, str]] = []

    def read_text(self, path: str, limit: int = READ_LIMIT) -> Optional[str]:
        """The first *limit* bytes of *path* as text; None if it is missing or could not be read."""
        try:
            return _read_direct(path, limit).decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            # Perhaps only because of a symlink.
            pass
        try:
            return read_without_symlinks(resolve_trusted_path(path), limit).decode("utf-8", "replace")
        except OSError as error:
            self._note(path, error)
            return None

    def list_names(self, path: str) -> List[str]:
        """The names in the directory *path*, sorted; none if it is missing or could not be read."""
        try:
            os.lstat(path)
            return sorted(os.listdir(resolve_trusted_path(path)))
        except OSError as error:
            self._note(path, error)
            return []

    def _note(self, path: str, error: OSError) -> None:
        entry = {"path": path, "reason": error.strerror or str(error)}
        # What is no directory, or no regular file, such as a masked unit, is not what was looked for.
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL) and entry not in self.not_seen:
            self.not_seen.append(entry)


def read_trusted_text(path: str, limit: int = READ_LIMIT) -> Optional[str]:
    """As `HostReader`, where it does not matter whether *path* is missing or could not be read."""
    return HostReader().read_text(path, limit)


def list_names(path: str) -> List[str]:
    """As `HostReader`, where it does not matter whether *path* is missing or could not be read."""
    return HostReader().list_names(path)


def make_printable(value: Any) -> Any:
    """*value* with every string that is not valid Unicode escaped, so that it can be printed and stored as JSON."""
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
