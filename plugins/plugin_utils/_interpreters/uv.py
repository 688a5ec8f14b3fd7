# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source ``uv`` on the controller: the archives of uv's managed interpreters."""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import tempfile
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources.archive import ArchiveSource
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources.uv import ORIGIN_PREFIX
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    ControllerSource,
    HostActions,
    InterpreterSourceError,
    InterpreterWish,
    UnpackPlace,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv

COMMAND_TIMEOUT = 900
RELEASES_PATH = "/releases/download/"
FINAL_VERSION = re.compile(r"^\d+\.\d+\.\d+$")


def _run_uv_python(uv: str, words: Sequence[str], downloads: str | None, offline: bool, **settings: str) -> str:
    """Standard output of *uv* ``python`` *words*. Raises InterpreterSourceError."""
    command = [uv, "--no-config", *(["--offline"] if offline else []), "python", *words]
    # Everybody on the controller can read the words of a command.
    if downloads:
        settings["UV_PYTHON_DOWNLOADS_JSON_URL"] = downloads
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
            env={**os.environ, **settings},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InterpreterSourceError(f"uv: {error}") from None
    if done.returncode:
        raise InterpreterSourceError(
            f"uv python {words[0]} ended with {done.returncode}: {done.stderr.strip()[-1000:]}"
        )
    return done.stdout


def _is_usable(row: Mapping[str, str], architecture: str) -> bool:
    """Whether *row* of uv's list is a released CPython for Linux with glibc on *architecture*."""
    wanted = {"implementation": "cpython", "variant": "default", "os": "linux", "libc": "gnu", "arch": architecture}
    return wanted.items() <= row.items() and bool(FINAL_VERSION.match(row["version"]))


@functools.cache
def list_managed_interpreters(uv: str, architecture: str, downloads: str | None) -> tuple[Mapping[str, str], ...]:
    """The interpreters that *uv* can install on hosts of *architecture* with glibc, newest first.

    Each has ``version``, ``key`` and ``url``. *downloads* is the URL or path of a list in uv's own format; the list
    built into uv needs no network. Raises InterpreterSourceError.
    """
    rows = json.loads(
        _run_uv_python(
            uv,
            ["list", "--all-versions", "--only-downloads", "--all-platforms", "--output-format", "json"],
            downloads,
            downloads is None,
        )
    )
    found = []
    for row in rows:
        if _is_usable(row, architecture):
            found.append({key: row[key] for key in ("version", "key", "url")})
    return tuple(found)


def select_newest_interpreter(rows: Sequence[Mapping[str, str]], wanted: str) -> Mapping[str, str] | None:
    """The newest of *rows* whose version is *wanted* (``3.11`` or ``3.11.9``), or None."""
    fitting = [row for row in rows if row["version"] == wanted or row["version"].startswith(wanted + ".")]
    return max(fitting, key=lambda row: [int(part) for part in row["version"].split(".")], default=None)


def fetch_managed_archive(
    cache: pathlib.Path, uv: str, version: str, architecture: str, entry: Mapping[str, Any], offline: bool = False
) -> tuple[pathlib.Path, str]:
    """The archive of uv's managed Python *version* and its SHA-256, downloaded once and verified by uv.

    *entry* may have ``mirror`` and ``downloads``, as in oxzep7_interpreters. Raises InterpreterSourceError, OSError.
    """
    row = select_newest_interpreter(list_managed_interpreters(uv, architecture, entry.get("downloads")), version)
    if row is None:
        raise InterpreterSourceError(
            f"uv knows no Python {version} for {architecture}; update uv on the controller, or choose another source"
        )
    origin = json.dumps(redact([row["url"], entry.get("mirror"), entry.get("downloads")]))
    asked = hashlib.sha256(origin.encode()).hexdigest()[:16]
    folder = cache / "interpreters"
    note = folder / f"{row['key']}-{asked}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / f"{asked}.lock"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            known = json.loads(note.read_text(encoding="utf-8"))
            if compute_sha256(known["path"]) == known["sha256"]:
                return pathlib.Path(known["path"]), known["sha256"]
        path = _install_managed(folder, uv, row, entry, offline)
        digest = compute_sha256(str(path))
        write_private(note, json.dumps({"path": str(path), "sha256": digest}))
        return path, digest


def _install_managed(
    folder: pathlib.Path, uv: str, row: Mapping[str, str], entry: Mapping[str, Any], offline: bool
) -> pathlib.Path:
    """The archive of *row*, after uv installed it once, because that verifies the archive."""
    kept = folder / "archives"
    # A local file needs no network. uv keeps no copy of it, and does not read it offline with a cache.
    local = _find_local_archive(row["url"], entry.get("mirror"))
    settings = {} if local else {"UV_PYTHON_CACHE_DIR": str(kept)}
    with tempfile.TemporaryDirectory(prefix=".uv-", dir=folder) as scratch:
        if entry.get("mirror"):
            settings["UV_PYTHON_INSTALL_MIRROR"] = str(entry["mirror"])
        _run_uv_python(
            uv,
            ["install", "--no-bin", "--install-dir", scratch, row["key"]],
            entry.get("downloads"),
            offline and not local,
            **settings,
        )
    if local:
        return local
    name = urllib.parse.unquote(row["url"].rpartition("/")[2])
    found = sorted(kept.glob(f"*{glob.escape(name)}"))
    if not found:
        raise InterpreterSourceError(
            f"uv installed Python {row['version']}, but did not keep its archive {name} in {kept}; "
            "update uv on the controller"
        )
    return found[0]


def _find_local_archive(url: str, mirror: str | None) -> pathlib.Path | None:
    """The path of *url* at *mirror* if that is a local file; uv does not copy it."""
    if mirror and RELEASES_PATH in url:
        url = f"{mirror.rstrip('/')}/{url.partition(RELEASES_PATH)[2]}"
    parts = urllib.parse.urlsplit(url)
    return pathlib.Path(urllib.parse.unquote(parts.path)) if parts.scheme == "file" else None


def _get_archive_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Mirror and list of archives of *options*, a path made absolute."""
    settings = {key: options.get(key) for key in ("mirror", "downloads")}
    if settings["downloads"] and "://" not in str(settings["downloads"]):
        settings["downloads"] = str(expand_path(settings["downloads"]))
    return settings


class UvController(ControllerSource):
    """Fetches uv's archives on the controller and sends them as archives."""

    def choose_interpreter(self, entry: Mapping[str, Any], wish: InterpreterWish) -> dict[str, Any] | None:
        """As the base: the newest patch that uv knows, unless the entry or the target has an exact one."""
        version = str(entry.get("version") or "")
        if not version or wish.is_covered_by(version):
            wanted = wish.version
        elif wish.is_refined_by(version):
            wanted = version
        else:
            return None
        row = select_newest_interpreter(wish.list_managed(entry, wish.architecture), wanted)
        if row is None:
            return None
        settings = {key: entry[key] for key in ("mirror", "downloads") if entry.get(key)}
        return {"source": entry["source"], "version": row["version"], **settings}

    def provide_here(self, options: Mapping[str, Any], place: UnpackPlace) -> str | None:
        """As the base: uv's archive is unpacked here."""
        version = str(options["version"])
        path, digest = fetch_managed_archive(
            place.cache, find_uv(), version, platform.machine(), _get_archive_settings(options), place.offline
        )
        return place.unpack(version, digest, f"{ORIGIN_PREFIX}{version}", str(path))

    def provide_interpreter(self, options: Mapping[str, Any], host: HostActions) -> dict[str, Any]:
        """As the base: fetch and send the archive if the host lacks the interpreter."""
        answer = host.run_module(options)
        if answer.get("failed") or answer.get("installed"):
            return answer
        path, digest = fetch_managed_archive(
            expand_path(str(options["cache_dir"])),
            find_uv(),
            str(options["version"]),
            answer["architecture"],
            _get_archive_settings(options),
            bool(options["offline"]),
        )
        archive = {
            "source": ArchiveSource.name,
            "version": options["version"],
            "sha256": digest,
            "origin": f"{ORIGIN_PREFIX}{options['version']}",
        }
        # The module has a default, which a null would replace.
        if options.get("directory"):
            archive["directory"] = options["directory"]
        return host.send_archive(path, archive)


SOURCE = UvController()
