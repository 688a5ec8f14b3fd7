# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and writes small files, so that a crash leaves either the old or the new content.

A write consists of a temporary file in the same directory, fsync, rename, and fsync of the directory.
"""

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from typing import Any, Iterator, Optional

BLOCK_SIZE = 1 << 20


def sync_directory(path: str) -> None:
    """Make the entries of directory *path* durable. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def attach_error_path(path: str) -> Iterator[None]:
    """Add *path* to an OSError of the block that names no file, as those of writes do not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


# What a full file system and an exhausted quota need.
LACKING_SPACE = {
    errno.ENOSPC: "free space, or choose another %s",
    errno.EDQUOT: "a quota is used up, which quota -s shows: raise it, remove files, or choose another %s",
}


def describe_lack_of_space(error: Exception, place: str) -> str:
    """The next step, as the end of a message, if *error* says that a file system is full or a quota is used up.

    *place* is the option or directory that can be another one. The error of a program has its text in its output.
    """
    for code, advice in LACKING_SPACE.items():
        if getattr(error, "errno", None) == code or os.strerror(code) in str(error):
            return "; " + advice % place
    return ""


def write_atomically(path: str, data: bytes, mode: int = 0o600) -> None:
    """Replace the content of *path* by *data* atomically. Raises OSError."""
    directory = os.path.dirname(path) or "."
    handle, temporary = tempfile.mkstemp(prefix=".%s." % os.path.basename(path), dir=directory)
    try:
        with attach_error_path(path), os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        remove_quietly(temporary)
        raise
    sync_directory(directory)


def remove_quietly(path: str) -> bool:
    """Remove *path*; return whether it existed. Raises OSError for other failures than its absence."""
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


def write_json(path: str, value: Any, mode: int = 0o600) -> None:
    """Write *value* as indented JSON with sorted keys, atomically. Raises OSError."""
    write_atomically(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode("utf-8"), mode)


def read_text(path: str) -> Optional[str]:
    """The text of *path*, or None if it does not exist. Raises OSError for other failures."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        # proc(5): a process may end between the opening of one of its files and the reading.
        return None


def read_json(path: str) -> Optional[Any]:
    """The JSON value in *path*, or None if it does not exist. Raises ValueError that names a damaged file, OSError."""
    text = read_text(path)
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("%s is not valid JSON (%s)" % (path, error))


def compute_sha256(path: str) -> str:
    """Hexadecimal SHA-256 of the bytes of *path*. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(BLOCK_SIZE), b""):
            digest.update(block)
    return digest.hexdigest()
