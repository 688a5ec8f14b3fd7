# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install interpreters from archives side by side under one directory, each complete or absent."""

import fcntl
import os
import re
import shutil
import tarfile
import tempfile
import urllib.error
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, NamedTuple, Optional
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import (
    PUBLIC_MODE,
    describe_foreign_control,
    make_directory,
    remove_tree,
    set_mode,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    compute_sha256,
    describe_lack_of_space,
    sync_directory,
    write_json,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_regular_file
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._archive import (
    UnsafeArchiveError,
    extract_archive,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import (
    MARKER_NAME,
    InterpreterError,
    prove_interpreter,
    read_marker,
)

INCOMING_PREFIX = ".incoming-"
BLOCK_SIZE = 1 << 20
SHA256_PATTERN = re.compile(r"^[0-9A-Fa-f]{64}$")
DETACHED_LIMIT = 1 << 20
DOWNLOAD_TIMEOUT = 60.0
LABEL_TIMEOUT = 300.0


class ArchiveOrder(NamedTuple):
    """An archive to install: the version it must have, its URL or path here, its SHA-256 and its name in messages."""

    version: str
    url: Optional[str]
    path: Optional[str]
    sha256: str
    origin: str


def list_installed_interpreters(directory: str) -> List[Dict[str, Any]]:
    """The complete interpreters under *directory*: their markers, with ``prefix`` and ``path`` added."""
    found = []
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        return []
    for entry in entries:
        prefix = os.path.join(directory, entry)
        marker = None if entry.startswith(".") else read_marker(prefix)
        if marker:
            found.append(dict(marker, prefix=prefix, path=find_executable(prefix)))
    return found


def find_executable(prefix: str) -> Optional[str]:
    """The ``bin/pythonX.Y`` of *prefix*, or None."""
    try:
        names = [name for name in os.listdir(os.path.join(prefix, "bin")) if re.match(r"^python3\.\d+$", name)]
    except OSError:
        return None
    return os.path.join(prefix, "bin", sorted(names)[0]) if names else None


def _write_blocks(source: Any, target: str) -> None:
    """Write the open stream *source* to the new file *target*. Raises OSError."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        for block in iter(lambda: source.read(BLOCK_SIZE), b""):
            stream.write(block)


def _copy_archive(path: str, target: str) -> None:
    """Copy the archive *path*, whose owner could exchange it between the comparison of its digest and its unpacking."""
    with open_regular_file(path) as source:
        _write_blocks(source, target)


def _download_archive(url: str, target: str) -> None:
    try:
        with open_url(url, timeout=DOWNLOAD_TIMEOUT) as source:
            _write_blocks(source, target)
    except urllib.error.HTTPError as error:
        raise InterpreterError("%s cannot be fetched: the server answered %d %s" % (url, error.code, error.reason))
    except (urllib.error.URLError, ValueError) as error:
        raise InterpreterError("%s cannot be fetched: %s" % (url, getattr(error, "reason", error)))


def get_file_name(origin: str) -> str:
    """The name of the file at *origin*, a URL or a path."""
    return (urlsplit(origin).path if "://" in origin else origin).rpartition("/")[2]


def resolve_digest(given: str, name: str) -> str:
    """The SHA-256 of the file *name*: *given* itself, or found in it as text or URL of a file with checksums.

    Raises InterpreterError.
    """
    if SHA256_PATTERN.match(given.strip()):
        return given.strip().lower()
    if "://" not in given:
        return parse_checksum_file(given, name, "the file with checksums")
    try:
        with open_url(given, timeout=DOWNLOAD_TIMEOUT) as source:
            text = source.read(DETACHED_LIMIT).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        raise InterpreterError("the checksum %s cannot be fetched: %s" % (given, getattr(error, "reason", error)))
    return parse_checksum_file(text, name, given)


def parse_checksum_file(text: str, name: str, origin: str) -> str:
    """The SHA-256 of the file *name* in *text* from *origin*: the only one, or that in the line with the name.

    Raises InterpreterError.
    """
    lines = [line.split() for line in text.splitlines()]
    rows = [fields for fields in lines if fields and SHA256_PATTERN.match(fields[0])]
    named = [row[0] for row in rows if len(row) > 1 and row[-1].lstrip("*").rpartition("/")[2] == name]
    found = named or [row[0] for row in rows if len(rows) == len(row) == 1]
    if len(set(found)) != 1:
        raise InterpreterError("%s has no SHA-256 for %s" % (origin, name))
    return found[0].lower()


def _find_prefix(directory: str, origin: str) -> str:
    below = sorted(os.path.join(directory, entry) for entry in os.listdir(directory))
    # python-build-standalone's full archives have the tree in python/install, beside the files of its build.
    for candidate in [directory] + below + [os.path.join(path, "install") for path in below]:
        if find_executable(candidate):
            return candidate
    raise InterpreterError(
        "%s holds no bin/python3.* at its top, one directory below, or in an install directory there" % origin
    )


@contextmanager
def _lock_directory(directory: str) -> Iterator[None]:
    """Hold the lock of *directory* for the block, and remove files of installations that died."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(os.path.join(directory, ".lock"), flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for entry in os.listdir(directory):
            if entry.startswith(INCOMING_PREFIX):
                with suppress(OSError):
                    remove_tree(os.path.join(directory, entry))
        yield
    finally:
        os.close(handle)


def install_archive(order: ArchiveOrder, directory: str) -> Dict[str, Any]:
    """Install the interpreter in *order* under *directory*; returns its marker, ``prefix`` and ``path``.

    It gets its final name only after it ran on this host. Raises InterpreterError, OSError.
    """
    problem = describe_foreign_control(directory)
    if problem:
        raise InterpreterError("nothing is installed under %s: %s" % (directory, problem))
    make_directory(directory)
    with _lock_directory(directory):
        return _install_locked(order, directory)


def _install_locked(order: ArchiveOrder, directory: str) -> Dict[str, Any]:
    origin = order.origin
    incoming = tempfile.mkdtemp(prefix=INCOMING_PREFIX, dir=directory)
    try:
        archive = os.path.join(incoming, "archive")
        if order.url:
            _download_archive(order.url, archive)
        else:
            _copy_archive(order.path or "", archive)
        digest = compute_sha256(archive)
        if digest != order.sha256.lower():
            raise InterpreterError(
                "%s has sha256 %s, but %s was expected; it was not unpacked" % (origin, digest, order.sha256)
            )
        tree = os.path.join(incoming, "tree")
        make_directory(tree)
        extract_archive(archive, tree)
        set_mode(incoming, PUBLIC_MODE)
        prefix = _find_prefix(tree, origin)
        version = prove_interpreter(find_executable(prefix) or "", order.version)[0]
        final = os.path.join(directory, version)
        if os.path.lexists(final):
            raise InterpreterError(
                "%s exists already and did not come from this archive; remove it, if nothing uses it, "
                "or name it with source: existing" % final
            )
        marker = {"version": version, "sha256": digest, "source": origin}
        write_json(os.path.join(prefix, MARKER_NAME), marker, 0o644)
        os.sync()
        os.rename(prefix, final)
        sync_directory(directory)
        _restore_labels(final)
        return dict(marker, prefix=final, path=find_executable(final))
    except (UnsafeArchiveError, tarfile.TarError, EOFError) as error:
        raise InterpreterError("%s was refused: %s" % (origin, error))
    except OSError as error:
        hint = describe_lack_of_space(error, "oxzep7_interpreter_dir")
        raise InterpreterError("%s could not be installed under %s: %s%s" % (origin, directory, error, hint))
    finally:
        with suppress(OSError):
            remove_tree(incoming)


def _restore_labels(prefix: str) -> None:
    """Restore the SELinux labels of *prefix* if SELinux is on. Raises InterpreterError."""
    if os.path.exists("/sys/fs/selinux/enforce") and shutil.which("restorecon"):
        done = run_command(["restorecon", "-RF", prefix], LABEL_TIMEOUT)
        if done.rc != 0:
            raise InterpreterError("the SELinux labels of %s cannot be restored: %s" % (prefix, done.last_lines(3)))
