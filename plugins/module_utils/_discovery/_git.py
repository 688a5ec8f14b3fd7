# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the state of a git repository. Git is not run: it would run commands that the repository configures."""

import contextlib
import hashlib
import os
import re
import stat
import struct
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_file,
    read_bytes,
    read_text_file,
)

REVISION_PATTERN = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
INDEX_LIMIT = 64 << 20
BLOB_LIMIT = 16 << 20
MODIFIED_LIMIT = 20


class GitIndexEntry(NamedTuple):
    """A tracked file (gitformat-index(5)); size in bytes modulo 2**32, ``mtime`` in ns, ``name`` of the object."""

    path: str
    mode: int
    size: int
    mtime: int
    name: bytes


def parse_git_index(data: bytes) -> List[GitIndexEntry]:
    """The tracked files in the index *data*, versions 2 to 4. Raises ValueError."""
    try:
        signature, version, count = struct.unpack_from(">4sII", data, 0)
        if signature != b"DIRC" or version not in (2, 3, 4):
            raise ValueError("not an index")
        found, at, before = [], 12, b""
        for _number in range(count):
            seconds, nanoseconds = struct.unpack_from(">II", data, at + 8)
            mode, _uid, _gid, size = struct.unpack_from(">IIII", data, at + 24)
            name = data[at + 40 : at + 60]
            (flags,) = struct.unpack_from(">H", data, at + 60)
            start = at + (64 if flags & 0x4000 else 62)
            if version == 4:
                strip, start = _read_varint(data, start)
                end = data.index(b"\0", start)
                path = before[: len(before) - strip] + data[start:end]
                at = end + 1
            else:
                end = data.index(b"\0", start)
                path = data[start:end]
                at += (end - at + 8) & ~7
            before = path
            if not flags & 0x3000:
                found.append(GitIndexEntry(os.fsdecode(path), mode, size, seconds * 10**9 + nanoseconds, name))
        return found
    except struct.error as error:
        raise ValueError(str(error))


def _read_varint(data: bytes, at: int) -> Tuple[int, int]:
    byte = data[at]
    value, at = byte & 0x7F, at + 1
    while byte & 0x80:
        byte = data[at]
        value, at = ((value + 1) << 7) | (byte & 0x7F), at + 1
    return value, at


def _is_changed(directory: int, entry: GitIndexEntry, written: int) -> bool:
    """Whether the tracked file *entry* differs from the index, which was *written* at that time in ns.

    The content is compared only where size and times leave it open, as for a file that is as new as the index.
    """
    if ".." in entry.path.split("/") or entry.path.startswith("/"):
        return False
    try:
        state = os.stat(entry.path, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return True
    if stat.S_ISDIR(entry.mode) or entry.mode & 0o170000 == 0o160000:
        return False
    if stat.S_IFMT(state.st_mode) != entry.mode & 0o170000 or (state.st_size & 0xFFFFFFFF) != entry.size:
        return True
    same_time = state.st_mtime_ns % (2**32 * 10**9) == entry.mtime and entry.mtime < written
    if same_time or not stat.S_ISREG(state.st_mode) or state.st_size > BLOB_LIMIT:
        return False
    return _hash_blob(directory, entry.path, state.st_size) not in (None, entry.name)


def _hash_blob(directory: int, path: str, size: int) -> Optional[bytes]:
    """The object name of the file at *path*, or None for an unreadable one. No symlink is followed on the way."""
    parts, here = path.split("/"), os.dup(directory)
    try:
        for part in parts[:-1]:
            below = os.open(part, DIRECTORY_FLAGS, dir_fd=here)
            os.close(here)
            here = below
        # Git names objects by SHA-1; here it is no protection.
        digest = hashlib.sha1(b"blob %d\0" % size)
        handle = open_file(parts[-1], here)
        with os.fdopen(handle, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
        return digest.digest()
    except OSError:
        return None
    finally:
        os.close(here)


def _read_revision(git: int) -> Optional[str]:
    head = (read_text_file("HEAD", git, 4096) or "").strip()
    if not head.startswith("ref: "):
        return head if REVISION_PATTERN.match(head) else None
    reference = head[5:].strip()
    if not re.match(r"^refs/[A-Za-z0-9._/+-]+$", reference) or ".." in reference:
        return None
    loose = (read_text_file(reference, git, 4096) or "").strip()
    if REVISION_PATTERN.match(loose):
        return loose
    for line in (read_text_file("packed-refs", git) or "").splitlines():
        if line.endswith(" " + reference) and REVISION_PATTERN.match(line.split(" ", 1)[0]):
            return line.split(" ", 1)[0]
    return None


def _list_modified(directory: int, git: int) -> List[str]:
    """The tracked files that differ from the index. Raises OSError, ValueError and IndexError."""
    written = os.stat("index", dir_fd=git, follow_symlinks=False).st_mtime_ns
    entries = parse_git_index(read_bytes("index", git, INDEX_LIMIT))
    return [entry.path for entry in entries if _is_changed(directory, entry, written)]


def describe_repository(directory: int) -> Optional[Dict[str, Any]]:
    """Branch, revision and changed tracked files of the repository with the open work tree *directory*, or None.

    ``modified`` are tracked files that differ from the index. Staged and untracked files are not determined.
    """
    try:
        git = os.open(".git", DIRECTORY_FLAGS, dir_fd=directory)
    except OSError:
        return None
    try:
        head = (read_text_file("HEAD", git, 4096) or "").strip()
        modified: Optional[List[str]] = None
        with contextlib.suppress(OSError, ValueError, IndexError):
            modified = _list_modified(directory, git)
        return {
            "revision": _read_revision(git),
            "branch": head[16:] if head.startswith("ref: refs/heads/") else None,
            "dirty": None if modified is None else bool(modified),
            "modified": (modified or [])[:MODIFIED_LIMIT],
        }
    finally:
        os.close(git)
