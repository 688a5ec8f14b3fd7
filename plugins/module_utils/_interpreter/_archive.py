# Copyright: (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacks an archive that nobody vouches for yet: nothing it names may land outside the target."""

import os
import posixpath
import tarfile
from typing import IO, List, Set

MAXIMUM_BYTES = 8 << 30
MAXIMUM_MEMBERS = 500000
BLOCK = 1 << 20


class UnsafeArchive(Exception):
    """The archive has a member that must not be unpacked; the text names it and says why."""


def _parts(name: str) -> List[str]:
    if name.startswith("/") or "\0" in name:
        raise UnsafeArchive("member %r has an absolute path" % name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeArchive("member %r leads outside with '..'" % name)
    return parts


def _inside(text: str, member: tarfile.TarInfo) -> str:
    normal = posixpath.normpath(text)
    if posixpath.isabs(text) or normal == ".." or normal.startswith("../"):
        raise UnsafeArchive("member %r links to %r, outside the archive" % (member.name, member.linkname))
    return normal


def _write(source: IO[bytes], path: str, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as stream:
        for block in iter(lambda: source.read(BLOCK), b""):
            stream.write(block)
        os.fchmod(stream.fileno(), mode)


def _parent(target: str, parts: List[str], links: Set[str]) -> str:
    for depth in range(1, len(parts)):
        if "/".join(parts[:depth]) in links:
            raise UnsafeArchive("member %r passes through the symlink %r" % ("/".join(parts), "/".join(parts[:depth])))
    parent = os.path.join(target, *parts[:-1])
    os.makedirs(parent, mode=0o755, exist_ok=True)
    return parent


def extract(archive: str, target: str) -> None:
    """Unpack the tar file *archive* (gzip, bzip2, xz or none) into the empty directory *target*.

    Files become the property of this process's user, without setuid, setgid or group-writable bits.
    Raises UnsafeArchive for traversal, links that lead outside, devices and bombs; OSError, tarfile.TarError.
    """
    links = set()  # type: Set[str]
    total = count = 0
    with tarfile.open(archive, "r:*") as stream:
        for member in stream:
            count += 1
            total += member.size
            if total > MAXIMUM_BYTES or count > MAXIMUM_MEMBERS:
                raise UnsafeArchive("it unpacks to more than %d bytes or %d members" % (MAXIMUM_BYTES, MAXIMUM_MEMBERS))
            parts = _parts(member.name)
            if not parts:
                continue
            path = os.path.join(_parent(target, parts, links), parts[-1])
            if "/".join(parts) in links:
                raise UnsafeArchive("member %r appears twice, once as a symlink" % member.name)
            if member.isdir():
                os.makedirs(path, mode=0o755, exist_ok=True)
            elif member.isreg():
                source = stream.extractfile(member)
                if source is None:
                    raise UnsafeArchive("member %r has no content" % member.name)
                _write(source, path, 0o755 if member.mode & 0o111 else 0o644)
            elif member.issym():
                _inside(posixpath.join(posixpath.dirname("/".join(parts)), member.linkname)
                        if not member.linkname.startswith("/") else member.linkname, member)
                os.symlink(member.linkname, path)
                links.add("/".join(parts))
            elif member.islnk():
                linked = _parts(_inside(member.linkname, member))
                _parent(target, linked, links)
                if "/".join(linked) in links:
                    raise UnsafeArchive("member %r is a hard link to a symlink" % member.name)
                os.link(os.path.join(target, *linked), path)
            else:
                raise UnsafeArchive("member %r is neither file, directory nor link" % member.name)
