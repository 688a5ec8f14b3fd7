# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the wheels of locks on the controller: fetched once, from where a lock says, and proven by their hashes."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import shutil
import tarfile
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import LockedPackage, parse_lock
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import expect, track
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._metadata import (
    WheelMetadata,
    parse_metadata,
    read_wheel_metadata,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import (
    IndexUnavailableError,
    Transport,
)

# Files that are fetched at the same time.
WORKERS = 8


class DownloadError(CollectionError):
    """Wheels that could not be had; the text names them, and the cause."""


def get_file_name(source: str) -> str:
    """The name of the file at *source*, a URL or a name; empty for one that is no plain name."""
    path = urllib.parse.unquote(urllib.parse.urlsplit(source).path) if "://" in source else source
    name = path.rpartition("/")[2]
    return "" if name.startswith(".") else name


def describe_file(path: pathlib.Path, digest: str) -> dict[str, Any]:
    """Name, size in bytes and SHA-256, which is *digest*, of the file *path*."""
    return {"name": path.name, "size": path.stat().st_size, "sha256": digest, "executable": False}


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


def read_known_files(cache: pathlib.Path, lock: str) -> list[dict[str, Any]] | None:
    """The wheels of *lock* as earlier fetched (name, size in bytes, sha256), or None."""
    path = cache / "locks" / f"{lock}.json"
    if not path.exists():
        return None
    files: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return files if all(_has_size(cache / "wheels" / entry["name"], entry["size"]) for entry in files) else None


def _has_size(path: pathlib.Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


class WheelStore:
    """The wheels in the cache directory; safe to use from several threads."""

    def __init__(
        self,
        cache: pathlib.Path,
        sources: PackageSources,
        index: PackageIndex | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Wheels are kept in ``cache/wheels``, those that were built or copied in ``cache/built``."""
        self._cache = cache
        self._sources = sources
        self._transport = transport or Transport(sources)
        self._index = index or PackageIndex(sources, cache, transport=self._transport)

    def fetch_lock(self, path: pathlib.Path, lock: str) -> list[dict[str, Any]]:
        """Have all wheels of the lock at *path*, called *lock*; result as of `read_known_files`.

        Raises DownloadError, OSError.
        """
        with lock_file(self._cache / "locks" / f"{lock}.lock"):
            files = read_known_files(self._cache, lock)
            if files is None:
                packages = parse_lock(path.read_text(encoding="utf-8")).values()
                files = [describe_file(*found) for found in self.fetch_all(packages)]
                files.sort(key=lambda entry: str(entry["name"]))
                write_private(self._cache / "locks" / f"{lock}.json", format_json(files))
            return files

    def fetch_all(self, packages: Iterable[LockedPackage]) -> list[tuple[pathlib.Path, str]]:
        """The wheels of *packages* in ``cache/wheels``, with their SHA-256. Raises DownloadError with all that lack."""
        found, problems = [], []
        packages = list(packages)
        expect("wheels fetched", len(packages))
        with concurrent.futures.ThreadPoolExecutor(max_workers=WORKERS) as pool:
            for work in [pool.submit(self._fetch_tracked, package) for package in packages]:
                try:
                    found.append(work.result())
                except (DownloadError, IndexUnavailableError) as error:
                    problems.append(str(error))
        if problems:
            raise DownloadError("; ".join(problems))
        return found

    def _fetch_tracked(self, package: LockedPackage) -> tuple[pathlib.Path, str]:
        with track("wheels fetched", package.name):
            return self.fetch(package)

    def fetch(self, package: LockedPackage) -> tuple[pathlib.Path, str]:
        """The wheel of *package* in ``cache/wheels``, and its SHA-256.

        Raises DownloadError, IndexUnavailableError, OSError.
        """
        name = get_file_name(package.source)
        with lock_file(self._cache / "wheels" / f".{package.name}.lock"):
            for path in self._list_local_files(name):
                digest = compute_sha256(str(path))
                if digest in package.hashes:
                    return self._keep(path), digest
            problem = ""
            for url in self._list_urls(package):
                try:
                    digest, path = self._download(url)
                except IndexUnavailableError as error:
                    problem = problem or str(error)
                    continue
                if digest in package.hashes:
                    target = path.with_name(get_file_name(url))
                    os.replace(path, target)
                    return target, digest
                path.unlink()
                problem = f"{redact_url(url)} has the SHA-256 {digest}, which the lock does not have"
        raise DownloadError(
            f"no source has the wheel of {package.name} {package.version} that the lock names "
            f"({name or 'SHA-256 ' + ', '.join(package.hashes)}){': ' + problem if problem else ''}; put it into a "
            "folder of oxzep7_find_links, or plan again"
        )

    def _list_local_files(self, name: str) -> Iterator[pathlib.Path]:
        folders = [self._cache / "wheels", self._cache / "built", *map(pathlib.Path, self._sources.folders)]
        for path in [folder / name for folder in folders] if name else []:
            if path.is_file():
                yield path

    def _download(self, url: str) -> tuple[str, pathlib.Path]:
        """The SHA-256 of the file at *url*, and where it is, under a name of its own. Raises IndexUnavailableError."""
        path = self._cache / "wheels" / f".{get_file_name(url)}"
        self._transport.download(url, path)
        return compute_sha256(str(path)), path

    def _keep(self, path: pathlib.Path) -> pathlib.Path:
        target = self._cache / "wheels" / path.name
        if path != target:
            copy = target.with_name(f".{target.name}")
            shutil.copyfile(path, copy)
            os.replace(copy, target)
        return target

    def _list_urls(self, package: LockedPackage) -> Iterator[str]:
        """Where the wheel of *package* may be had: what the lock says, then what the indexes list with that hash."""
        if self._sources.offline:
            return
        if "://" in package.source and get_file_name(package.source):
            yield package.source
        for entry in self._index.list_files(package.name):
            if entry.sha256 in package.hashes and "://" in entry.location and entry.location != package.source:
                yield entry.location

    def read_metadata(self, package: LockedPackage) -> WheelMetadata:
        """The metadata of the wheel of *package*. Raises DownloadError, IndexUnavailableError, OSError."""
        memo = self._cache / "metadata" / f"{package.hashes[0]}.json"
        try:
            known = json.loads(memo.read_text(encoding="utf-8"))
            return WheelMetadata(tuple(known["requires"]), known["requires_python"])
        except (OSError, ValueError, KeyError, TypeError):
            found = self._find_metadata(package)
        write_private(memo, format_json({"requires": found.requires, "requires_python": found.requires_python}))
        return found

    def _find_metadata(self, package: LockedPackage) -> WheelMetadata:
        """As `read_metadata`: from the index by itself where it serves that, else from the wheel."""
        local = next(self._list_local_files(get_file_name(package.source)), None)
        if local is None and "://" in package.source:
            try:
                text = self._transport.read(f"{package.source}.metadata").text
                if text.startswith("Metadata-Version:"):
                    return parse_metadata(text)
            except IndexUnavailableError as error:
                if error.status is None:
                    raise
        path = self.fetch(package)[0]
        try:
            return read_wheel_metadata(path)
        except ValueError as error:
            raise DownloadError(f"the wheel of {package.name} {package.version} cannot be read: {error}") from None


def write_bundle(target: pathlib.Path, files: Iterable[tuple[str, pathlib.Path]]) -> None:
    """Put *files* (name in the bundle, path) into the uncompressed tar file *target*; wheels are compressed already."""
    with tarfile.open(target, "w") as stream:
        for name, path in files:
            stream.add(path, arcname=name, recursive=False)
