# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacks untrusted archives: no member may be written outside the target."""

import contextlib
import os
import posixpath
import shutil
import subprocess
import sys
import tarfile
from typing import IO, Iterator, List, Set

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory

MAXIMUM_BYTES = 8 << 30
MAXIMUM_MEMBERS = 500000
BLOCK_SIZE = 1 << 20
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class UnsafeArchiveError(CollectionError):
    """An archive with a member that must not be unpacked."""


def _split_member_name(name: str) -> List[str]:
    if name.startswith("/") or "\0" in name:
        raise UnsafeArchiveError("member %r has an absolute path" % name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeArchiveError("member %r leads outside with '..'" % name)
    return parts


def _check_link_target(text: str, member: tarfile.TarInfo) -> str:
    normal = posixpath.normpath(text)
    if posixpath.isabs(text) or normal == ".." or normal.startswith("../"):
        raise UnsafeArchiveError("member %r links to %r, outside the archive" % (member.name, member.linkname))
    return normal


def _write_file(source: IO[bytes], path: str, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as stream:
        for block in iter(lambda: source.read(BLOCK_SIZE), b""):
            stream.write(block)
        os.fchmod(stream.fileno(), mode)


class _Extraction:
    """The extraction of one archive to *target*; remembers its symlinks, because no path may pass through them."""

    def __init__(self, stream: tarfile.TarFile, target: str) -> None:
        self._stream = stream
        self._target = target
        self._links: Set[str] = set()
        self._directories: Set[str] = set()

    def unpack_member(self, member: tarfile.TarInfo) -> None:
        """Unpack *member*. Raises UnsafeArchiveError, OSError."""
        parts = _split_member_name(member.name)
        if not parts:
            return
        path = os.path.join(self._make_parent(parts), parts[-1])
        if "/".join(parts) in self._links:
            raise UnsafeArchiveError("member %r appears twice, once as a symlink" % member.name)
        if member.isdir():
            self._make_directory(path)
        elif member.isreg():
            self._unpack_file(member, path)
        elif member.issym():
            self._unpack_symlink(member, parts, path)
        elif member.islnk():
            self._unpack_hard_link(member, path)
        else:
            raise UnsafeArchiveError("member %r is neither file, directory nor link" % member.name)

    def _make_parent(self, parts: List[str]) -> str:
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in self._links:
                raise UnsafeArchiveError(
                    "member %r passes through the symlink %r" % ("/".join(parts), "/".join(parts[:depth]))
                )
        parent = os.path.join(self._target, *parts[:-1])
        self._make_directory(parent)
        return parent

    def _make_directory(self, path: str) -> None:
        if path not in self._directories:
            make_directory(path)
            self._directories.add(path)

    def _unpack_file(self, member: tarfile.TarInfo, path: str) -> None:
        source = self._stream.extractfile(member)
        if source is None:
            raise UnsafeArchiveError("member %r has no content" % member.name)
        _write_file(source, path, 0o755 if member.mode & 0o111 else 0o644)

    def _unpack_symlink(self, member: tarfile.TarInfo, parts: List[str], path: str) -> None:
        _check_link_target(posixpath.join("/".join(parts[:-1]), member.linkname), member)
        os.symlink(member.linkname, path)
        self._links.add("/".join(parts))

    def _unpack_hard_link(self, member: tarfile.TarInfo, path: str) -> None:
        linked = _split_member_name(_check_link_target(member.linkname, member))
        self._make_parent(linked)
        if "/".join(linked) in self._links:
            raise UnsafeArchiveError("member %r is a hard link to a symlink" % member.name)
        os.link(os.path.join(self._target, *linked), path)


@contextlib.contextmanager
def _open_archive(archive: str) -> Iterator[tarfile.TarFile]:
    with open(archive, "rb") as stream:
        compressed = stream.read(4) == ZSTD_MAGIC
    if not compressed or sys.version_info >= (3, 14):
        with tarfile.open(archive, "r:*") as tar:
            yield tar
        return
    program = shutil.which("zstd")
    if program is None:
        raise UnsafeArchiveError(
            "it is compressed with zstd, which this host cannot read; install zstd on it, or provide a tar.gz or tar.xz"
        )
    # The archive is read as it is decompressed; AnsibleModule.run_command would hold all of it in memory.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        [program, "-dcq", "--", archive],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as working:
        with tarfile.open(fileobj=working.stdout, mode="r|") as tar:
            yield tar
        # The end of a tar file comes before its last block.
        for _block in iter(lambda: working.stdout.read(BLOCK_SIZE) if working.stdout else b"", b""):
            continue
        if working.wait() != 0:
            raise UnsafeArchiveError("zstd cannot read it to its end")


def extract_archive(archive: str, target: str) -> None:
    """Unpack the tar file *archive* (gzip, bzip2, xz, zstd if installed, or none) to the empty directory *target*.

    This process's user owns the files, without setuid, setgid or group-writable bits.
    Raises UnsafeArchiveError for traversal, links that lead outside, devices and bombs; OSError, tarfile.TarError.
    """
    total = count = 0
    with _open_archive(archive) as stream:
        extraction = _Extraction(stream, target)
        for member in stream:
            count += 1
            total += member.size
            if total > MAXIMUM_BYTES or count > MAXIMUM_MEMBERS:
                raise UnsafeArchiveError(
                    "it unpacks to more than %d bytes or %d members" % (MAXIMUM_BYTES, MAXIMUM_MEMBERS)
                )
            extraction.unpack_member(member)
