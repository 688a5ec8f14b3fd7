# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of a kept tree: its row in the manifest, and its header in a tar file. Data in, data out."""

import base64
import binascii
import os
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

BLOCK = 512
FILE, HARD_LINK, SYMLINK, DIRECTORY, FIFO = "file", "hard-link", "symlink", "directory", "fifo"
# POSIX.1-2017, pax, "ustar Interchange Format": typeflag.
TYPE_FLAGS = {FILE: b"0", HARD_LINK: b"1", SYMLINK: b"2", DIRECTORY: b"5", FIFO: b"6"}
NAME_LIMIT = 100
OWNER_LIMIT = 0o7777777
SIZE_LIMIT = 0o77777777777
NANOSECONDS = 10**9
# The end of a header: magic and version, no names of owners, no device, no prefix.
HEADER_REST = b"ustar\00000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
HEADER_REST_SUM = sum(HEADER_REST) + 8 * 32


class ManifestError(CollectionError):
    """A manifest that is damaged, or not one of this collection; the text names the entry and the problem."""


class ArchiveEntry(NamedTuple):
    """One entry.

    ``path`` is relative, as `os.fsdecode` gives it, and empty for the tree itself. Times are nanoseconds since 1970,
    sizes bytes. ``target`` is the text of a symlink, or the path of the file that a hard link is another name of.
    ``superseded``: the file changed while it was read, and follows once more.
    """

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int = 0
    sha256: Optional[str] = None
    target: Optional[str] = None
    xattrs: Tuple[Tuple[str, bytes], ...] = ()
    superseded: bool = False

    def to_row(self) -> Dict[str, Any]:
        """The entry as a row of the manifest, without empty values."""
        row: Dict[str, Any] = {
            "path": self.path,
            "type": self.kind,
            "mode": "%04o" % self.mode,
            "uid": self.uid,
            "gid": self.gid,
            "mtime": self.mtime,
        }
        if self.kind == FILE:
            row.update(size=self.size, sha256=self.sha256)
        if self.target is not None:
            row["target"] = self.target
        if self.xattrs:
            row["xattrs"] = {name: base64.b64encode(value).decode("ascii") for name, value in self.xattrs}
        if self.superseded:
            row["superseded"] = True
        return row


def _read_number(row: Dict[str, Any], key: str, least: int = 0) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ManifestError("%s: %r is not a valid %s" % (row.get("path"), value, key))
    return value


def _read_text(row: Dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or "\0" in value:
        raise ManifestError("%s: %r is not a valid %s" % (row.get("path"), value, key))
    return value


def _read_digest(row: Dict[str, Any]) -> str:
    value = _read_text(row, "sha256")
    if len(value) != 64 or value.strip("0123456789abcdef"):
        raise ManifestError("%s: %r is not a SHA-256" % (row.get("path"), value))
    return value


def _read_xattrs(row: Dict[str, Any]) -> Tuple[Tuple[str, bytes], ...]:
    given = row.get("xattrs", {})
    try:
        return tuple(sorted((str(name), base64.b64decode(value, validate=True)) for name, value in given.items()))
    except (AttributeError, TypeError, ValueError, binascii.Error):
        raise ManifestError("%s: the attributes cannot be read" % row.get("path"))


def parse_entry(row: Any) -> ArchiveEntry:
    """The entry of the manifest's *row*. Raises ManifestError for a row that `ArchiveEntry.to_row` does not write."""
    if not isinstance(row, dict):
        raise ManifestError("%r is not an entry" % (row,))
    kind = _read_text(row, "type")
    if kind not in TYPE_FLAGS:
        raise ManifestError("%s: entries of type %s are never kept" % (row.get("path"), kind))
    mode = _read_text(row, "mode")
    if len(mode) != 4 or mode.strip("01234567"):
        raise ManifestError("%s: %r is not a mode" % (row.get("path"), mode))
    entry = ArchiveEntry(
        _read_text(row, "path"),
        kind,
        int(mode, 8),
        _read_number(row, "uid"),
        _read_number(row, "gid"),
        _read_number(row, "mtime", -(1 << 62)),
        _read_number(row, "size") if kind == FILE else 0,
        _read_digest(row) if kind == FILE else None,
        _read_text(row, "target") if kind in (HARD_LINK, SYMLINK) else None,
        _read_xattrs(row),
        row.get("superseded") is True,
    )
    if entry.to_row() != row:
        unknown = ", ".join(sorted(set(row) - set(entry.to_row())))
        raise ManifestError("%s: unexpected keys or notation: %s" % (entry.path, unknown or "notation"))
    return entry


def check_entries(entries: List[ArchiveEntry]) -> List[ArchiveEntry]:
    """*entries*, if all of them lie in the tree: below directories that precede them, and never through a link.

    Raises ManifestError.
    """
    directories: Set[str] = set()
    files: Set[str] = set()
    seen: Set[str] = set()
    for number, entry in enumerate(entries):
        _check_place(entry, number == 0, directories)
        if entry.path in seen:
            raise ManifestError("%s is listed twice" % entry.path)
        if entry.kind == HARD_LINK and entry.target not in files:
            raise ManifestError("%s is a hard link to %r, which is not a file before it" % (entry.path, entry.target))
        if not entry.superseded:
            seen.add(entry.path)
        if entry.kind == DIRECTORY:
            directories.add(entry.path)
        elif entry.kind == FILE and not entry.superseded:
            files.add(entry.path)
    return entries


def find_setid_files(entries: List[ArchiveEntry]) -> List[str]:
    """The files among *entries* that would run as root, or as root's group, in a tree of another owner."""
    return [entry.path for entry in entries if entries[0].uid != 0 and _runs_as_root(entry)]


def _runs_as_root(entry: ArchiveEntry) -> bool:
    if entry.kind not in (FILE, HARD_LINK):
        return False
    by_user = entry.mode & stat.S_ISUID and entry.uid == 0
    return bool(by_user or (entry.mode & stat.S_ISGID and entry.gid == 0))


def _check_place(entry: ArchiveEntry, first: bool, directories: Set[str]) -> None:
    """Raise ManifestError unless *entry* is the tree itself, as the *first*, or lies in one of the *directories*."""
    parts = entry.path.split("/") if entry.path else []
    if any(part in ("", ".", "..") for part in parts):
        raise ManifestError("%r is not a path inside the tree" % entry.path)
    if first == bool(parts) or (first and entry.kind != DIRECTORY):
        raise ManifestError("%r is not the tree itself, a directory that must come first and once" % entry.path)
    if parts and "/".join(parts[:-1]) not in directories:
        raise ManifestError("%s: the directory of it does not precede it" % entry.path)


def _format_record(key: bytes, value: bytes) -> bytes:
    """A record of an extended header: its own length, in decimal, is part of it."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) != len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def _format_block(name: bytes, mode: int, uid: int, gid: int, size: int, mtime: int, flag: bytes, link: bytes) -> bytes:
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, mtime)
    # The sum counts its own field as blanks.
    total = sum(name) + sum(numbers) + sum(flag) + sum(link) + HEADER_REST_SUM
    return b"".join((name.ljust(100, b"\0"), numbers, b"%06o\0 " % total, flag, link.ljust(100, b"\0"), HEADER_REST))


def pad_blocks(data: bytes) -> bytes:
    """*data*, filled up to whole blocks of a tar file."""
    return data + bytes(-len(data) % BLOCK)


def make_tar_header(entry: ArchiveEntry) -> bytes:
    """The header of *entry* in a tar file; the same entry gives the same bytes.

    An extended header (POSIX.1-2017, pax) has what the old form cannot: long names, nanoseconds, and attributes in the
    form of GNU tar (``SCHILY.xattr.``). Owners are numbers only, because their names differ between hosts.
    """
    name = os.fsencode("./" + entry.path if entry.path else ".") + (b"/" if entry.kind == DIRECTORY else b"")
    link = os.fsencode(entry.target or "")
    if entry.kind == HARD_LINK:
        link = b"./" + link
    seconds, nanoseconds = divmod(entry.mtime, NANOSECONDS)
    records = []
    if nanoseconds or not 0 <= seconds <= SIZE_LIMIT:
        text = b"%d.%09d" % (seconds, nanoseconds) if seconds >= 0 else _format_negative_time(entry.mtime)
        records.append(_format_record(b"mtime", text))
    if len(name) > NAME_LIMIT:
        records.append(_format_record(b"path", name))
    if len(link) > NAME_LIMIT:
        records.append(_format_record(b"linkpath", link))
    numbers = ((b"size", entry.size, SIZE_LIMIT), (b"uid", entry.uid, OWNER_LIMIT), (b"gid", entry.gid, OWNER_LIMIT))
    for key, number, limit in numbers:
        if number > limit:
            records.append(_format_record(key, b"%d" % number))
    for attribute, value in entry.xattrs:
        records.append(_format_record(b"SCHILY.xattr." + attribute.encode("utf-8"), value))
    block = _format_block(
        name[:NAME_LIMIT],
        entry.mode,
        min(entry.uid, OWNER_LIMIT),
        min(entry.gid, OWNER_LIMIT),
        min(entry.size, SIZE_LIMIT),
        min(max(seconds, 0), SIZE_LIMIT),
        TYPE_FLAGS[entry.kind],
        link[:NAME_LIMIT],
    )
    if not records:
        return block
    extended = b"".join(records)
    return (
        _format_block(b"./PaxHeaders/" + name[-80:].replace(b"/", b"_"), 0o644, 0, 0, len(extended), 0, b"x", b"")
        + pad_blocks(extended)
        + block
    )


def _format_negative_time(mtime: int) -> bytes:
    """A time before 1970 in decimal; a fraction counts away from zero there."""
    seconds, nanoseconds = divmod(-mtime, NANOSECONDS)
    return b"-%d.%09d" % (seconds, nanoseconds)
