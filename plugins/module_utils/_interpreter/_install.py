# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts interpreters side by side under one directory, each complete or absent."""

import errno
import fcntl
import os
import re
import shutil
import tarfile
import tempfile
import urllib.error
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    compute_sha256,
    read_json,
    sync_directory,
    write_json,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._archive import (
    UnsafeArchiveError,
    extract_archive,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import (
    MARKER_NAME,
    InterpreterError,
    is_matching_version,
    prove_interpreter,
)

INCOMING_PREFIX = ".incoming-"
# How the origin of uv's archives begins.
UV_SOURCE_PREFIX = "uv: "
BLOCK_SIZE = 1 << 20
SHA256_PATTERN = re.compile(r"^[0-9A-Fa-f]{64}$")
DETACHED_LIMIT = 1 << 20
DOWNLOAD_TIMEOUT = 60.0
LABEL_TIMEOUT = 300.0


class InterpreterRequest(NamedTuple):
    """An interpreter as asked for: source, version (``3.9`` or ``3.9.18``) and where it comes from."""

    source: str
    version: str
    url: Optional[str]
    archive: Optional[str]
    sha256: Optional[str]
    path: Optional[str]
    origin: Optional[str]


def list_installed_interpreters(directory: str) -> List[Dict[str, Any]]:
    """The interpreters complete under *directory*: their markers, with ``prefix`` and ``path`` added."""
    found = []
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        return []
    for entry in entries:
        prefix = os.path.join(directory, entry)
        marker = None if entry.startswith(".") else read_json(os.path.join(prefix, MARKER_NAME))
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


def _download_archive(url: str, target: str) -> None:
    try:
        with open_url(url, timeout=DOWNLOAD_TIMEOUT) as source, open(target, "wb") as stream:
            for block in iter(lambda: source.read(BLOCK_SIZE), b""):
                stream.write(block)
    except urllib.error.HTTPError as error:
        raise InterpreterError("%s cannot be fetched: the server answered %d %s" % (url, error.code, error.reason))
    except (urllib.error.URLError, ValueError) as error:
        raise InterpreterError("%s cannot be fetched: %s" % (url, getattr(error, "reason", error)))


def resolve_digest(given: str, name: str) -> str:
    """The SHA-256 that *given* is; or that it has, as the text of a detached file or as its URL, for the file *name*. Raises InterpreterError."""
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
    """The SHA-256 that *text*, from *origin*, has for the file *name*: its only one, or that of the line with the name. Raises InterpreterError."""
    rows = [line.split() for line in text.splitlines() if line.split() and SHA256_PATTERN.match(line.split()[0])]
    named = [row[0] for row in rows if len(row) > 1 and row[-1].lstrip("*").rpartition("/")[2] == name]
    found = named or [row[0] for row in rows if len(rows) == len(row) == 1]
    if len(set(found)) != 1:
        raise InterpreterError("%s has no SHA-256 for %s" % (origin, name))
    return found[0].lower()


def _find_prefix(directory: str, origin: str) -> str:
    below = sorted(os.path.join(directory, entry) for entry in os.listdir(directory))
    # python-build-standalone's full archives have the tree in python/install, beside what it was built from.
    for candidate in [directory] + below + [os.path.join(path, "install") for path in below]:
        if find_executable(candidate):
            return candidate
    raise InterpreterError(
        "%s holds no bin/python3.* at its top, one directory below, or in an install directory there" % origin
    )


@contextmanager
def _lock_directory(directory: str) -> Iterator[None]:
    """Keep other installations out of *directory* for the block, and clear what a dead one left."""
    handle = os.open(os.path.join(directory, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for entry in os.listdir(directory):
            if entry.startswith(INCOMING_PREFIX):
                shutil.rmtree(os.path.join(directory, entry), ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _install_archive(wanted: InterpreterRequest, directory: str) -> Dict[str, Any]:
    origin = wanted.origin or ""
    incoming = tempfile.mkdtemp(prefix=INCOMING_PREFIX, dir=directory)
    try:
        archive = wanted.archive or os.path.join(incoming, "archive")
        if wanted.url:
            _download_archive(wanted.url, archive)
        digest = compute_sha256(archive)
        if digest != (wanted.sha256 or "").lower():
            raise InterpreterError(
                "%s has sha256 %s, but %s was expected; it was not unpacked" % (origin, digest, wanted.sha256)
            )
        tree = os.path.join(incoming, "tree")
        os.mkdir(tree, 0o755)
        extract_archive(archive, tree)
        os.chmod(incoming, 0o755)
        prefix = _find_prefix(tree, origin)
        version = prove_interpreter(find_executable(prefix) or "", wanted.version)[0]
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
        hint = "; free space or choose another oxzep7_interpreter_dir" if error.errno == errno.ENOSPC else ""
        raise InterpreterError("%s could not be installed under %s: %s%s" % (origin, directory, error, hint))
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _restore_labels(prefix: str) -> None:
    """Give *prefix* the SELinux labels of its place, where SELinux is on. Raises InterpreterError."""
    if os.path.exists("/sys/fs/selinux/enforce") and shutil.which("restorecon"):
        done = run_command(["restorecon", "-RF", prefix], LABEL_TIMEOUT)
        if done.rc != 0:
            raise InterpreterError("the SELinux labels of %s cannot be restored: %s" % (prefix, done.last_lines(3)))


def find_archive_interpreter(wanted: InterpreterRequest, directory: str) -> Optional[Dict[str, Any]]:
    """The interpreter under *directory* that came from the archive *wanted*, or None."""
    return next(
        (
            entry
            for entry in list_installed_interpreters(directory)
            if entry["sha256"] == (wanted.sha256 or "").lower()
            and is_matching_version(entry["version"], wanted.version)
        ),
        None,
    )


def find_uv_interpreter(wanted: InterpreterRequest, directory: str) -> Optional[Dict[str, Any]]:
    """The newest interpreter under *directory* that is one of uv's and of the version *wanted*, or None."""
    found = [
        entry
        for entry in list_installed_interpreters(directory)
        if str(entry["source"]).startswith(UV_SOURCE_PREFIX) and is_matching_version(entry["version"], wanted.version)
    ]
    return max(found, key=lambda entry: [int(part) for part in re.findall(r"\d+", entry["version"])]) if found else None


def ensure_interpreter(
    wanted: InterpreterRequest, directory: str, check_mode: bool, changes: Changes
) -> Dict[str, Any]:
    """Have the interpreter *wanted*; returns its ``version``, ``prefix`` and ``path``.

    In check mode the version of an archive not installed yet is what was asked for. Raises InterpreterError.
    """
    if wanted.source in ("existing", "package"):
        path = wanted.path or ""
        if not os.access(path, os.X_OK) or not os.path.isfile(path):
            raise InterpreterError("%s is not an executable file; correct the path of this interpreter" % path)
        version, prefix = prove_interpreter(path, wanted.version)
        return {"version": version, "path": path, "prefix": prefix}
    present = (
        find_uv_interpreter(wanted, directory) if wanted.source == "uv" else find_archive_interpreter(wanted, directory)
    )
    if present:
        return present
    origin = wanted.origin or "an archive"
    changes.add(
        "install Python %s from %s" % (wanted.version, origin), os.path.join(directory, wanted.version), None, origin
    )
    if check_mode:
        return {
            "version": wanted.version,
            "prefix": os.path.join(directory, wanted.version),
            "path": os.path.join(directory, wanted.version, "bin", "python" + ".".join(wanted.version.split(".")[:2])),
        }
    os.makedirs(directory, mode=0o755, exist_ok=True)
    with _lock_directory(directory):
        return _install_archive(wanted, directory)
