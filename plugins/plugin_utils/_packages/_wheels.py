# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the wheels of locks on the controller: downloaded once, by pip, with hashes required."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import PIN
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import (
    build_wheel_tags,
    list_platform_tags,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES, PackageSources

# Without it planning fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.utils import parse_wheel_filename
    from packaging.version import Version

PIP_TIMEOUT = 1800
HASH_PATTERN = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class DownloadError(CollectionError):
    """Wheels that could not be had; the text is pip's own explanation."""


def _get_list_path(cache: pathlib.Path, lock: str, architecture: str) -> pathlib.Path:
    return cache / "locks" / f"{lock}-{architecture}.json"


def read_known_files(cache: pathlib.Path, lock: str, architecture: str) -> list[dict[str, Any]] | None:
    """The wheels of *lock* as earlier downloaded (name, size in bytes, sha256), or None."""
    path = _get_list_path(cache, lock, architecture)
    if not path.exists():
        return None
    files: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return files if all((cache / "wheels" / entry["name"]).exists() for entry in files) else None


def describe_file(path: pathlib.Path) -> dict[str, Any]:
    """Name, size in bytes and SHA-256 of the file *path*."""
    found = path.stat()
    return {
        "name": path.name,
        "size": found.st_size,
        "sha256": _compute_digest(str(path), found.st_size, found.st_mtime_ns),
        "executable": False,
    }


def describe_program(cache: pathlib.Path, path: pathlib.Path, name: str) -> dict[str, Any]:
    """The same of the program *path*, named *name* and the start of its digest, which is stored in *cache*."""
    found = path.stat()
    seen = {"path": str(path), "size": found.st_size, "changed": found.st_mtime_ns}
    memo = cache / f"{name}.json"
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if {key: known.get(key) for key in seen} != seen:
        known = {**seen, "sha256": compute_sha256(str(path))}
        write_private(memo, format_json(known))
    return {
        "name": f"{name}-{known['sha256'][:12]}",
        "size": found.st_size,
        "sha256": known["sha256"],
        "executable": True,
    }


@functools.lru_cache(maxsize=16384)
def _compute_digest(path: str, _size: int, _changed: int) -> str:
    """The SHA-256 of a file; many locks of a rehearsal share most wheels."""
    return compute_sha256(path)


def download_wheels(
    cache: pathlib.Path,
    lock_path: pathlib.Path,
    lock: str,
    minor: str,
    architecture: str,
    libc_version: str,
    sources: PackageSources = DEFAULT_SOURCES,
) -> list[dict[str, Any]]:
    """Download all wheels of a lock to ``cache/wheels``; result as of `read_known_files`.

    Raises DownloadError, ValueError.
    """
    with lock_file(cache / "locks" / f"{lock}-{architecture}.lock"):
        files = read_known_files(cache, lock, architecture)
        if files is not None:
            return files
        incoming = cache / "wheels" / f".incoming-{lock}-{architecture}"
        incoming.mkdir(parents=True, exist_ok=True)
        tags = list_platform_tags(architecture, libc_version)
        files, missing = _find_known_wheels(
            cache / "wheels", lock_path.read_text(encoding="utf-8"), parse_version(minor)[0], tags
        )
        if missing:
            wanted = incoming / "missing.txt"
            wanted.write_text(missing, encoding="utf-8")
            _download_missing(wanted, incoming, minor, tags, sources, cache / "built")
            wanted.unlink()
        for path in sorted(incoming.glob("*.whl")):
            files.append(describe_file(path))
            os.replace(path, cache / "wheels" / path.name)
        incoming.rmdir()
        files.sort(key=lambda entry: str(entry["name"]))
        write_private(_get_list_path(cache, lock, architecture), format_json(files))
        return files


def _find_known_wheels(
    wheels: pathlib.Path, lock: str, minor: Minor, platforms: Sequence[str]
) -> tuple[list[dict[str, Any]], str]:
    """The wheels of *lock* that *wheels* has, of other locks, and the rest of the lock."""
    accepted = build_wheel_tags(minor, platforms)
    found, missing = [], []
    for block in re.split(r"\n(?=\S)", lock.strip()):
        pin = PIN.match(block)
        if not pin:
            continue
        hashes = set(HASH_PATTERN.findall(block))
        known = None
        for path in sorted(wheels.glob(f"{re.sub('[-_.]+', '*', pin[1])}-*.whl")):
            name, version, _build, tags = parse_wheel_filename(path.name)
            if name == normalize_name(pin[1]) and version == Version(pin[2]) and not accepted.isdisjoint(tags):
                described = describe_file(path)
                known = described if described["sha256"] in hashes else known
        if known:
            found.append(known)
        else:
            missing.append(block)
    return found, "\n".join(missing)


def run_pip_download(
    what: Iterable[str],
    target: pathlib.Path,
    minor: str,
    tags: Iterable[str],
    timeout: float = PIP_TIMEOUT,
    sources: PackageSources = DEFAULT_SOURCES,
) -> subprocess.CompletedProcess[str]:
    """Download wheels of *what*, without dependencies, to *target*, for CPython *minor* and platform *tags*.

    Raises DownloadError when pip does not end within *timeout* seconds.
    """
    words, settings = sources.build_pip_options()
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--disable-pip-version-check",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--implementation",
        "cp",
        "--python-version",
        minor,
        "--abi",
        "cp" + minor.replace(".", ""),
        "--abi",
        "abi3",
        "--abi",
        "none",
        "--dest",
        str(target),
        *(word for tag in tags for word in ("--platform", tag)),
        *words,
        *what,
    ]
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **settings},
        )
    except subprocess.TimeoutExpired:
        raise DownloadError(f"pip did not finish within {timeout} seconds") from None


def _download_missing(
    lock_path: pathlib.Path,
    target: pathlib.Path,
    minor: str,
    tags: Iterable[str],
    sources: PackageSources,
    built: pathlib.Path,
) -> None:
    # An upper bound that uv let pass was seen by the plan; hashes decide which file it is.
    what = [
        "--ignore-requires-python",
        "--require-hashes",
        *(["--find-links", str(built)] if built.is_dir() else []),
        "--requirement",
        str(lock_path),
    ]
    done = run_pip_download(what, target, minor, tags, sources=sources)
    if done.returncode != 0:
        raise DownloadError(
            " ".join(line for line in done.stderr.splitlines() if line.startswith("ERROR")) or done.stderr[-2000:]
        )


def write_bundle(target: pathlib.Path, files: Iterable[tuple[str, pathlib.Path]]) -> None:
    """Put *files* (name in the bundle, path) into the uncompressed tar file *target*; wheels are compressed already."""
    with tarfile.open(target, "w") as stream:
        for name, path in files:
            stream.add(path, arcname=name, recursive=False)
