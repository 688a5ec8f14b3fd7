# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows changes in modified files whose original is on no host: from the package's wheel, proven by its hash."""

from __future__ import annotations

import pathlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._originals import (
    make_unified_diff,
    strip_site_packages,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import compute_record_hash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import lock_file
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import rank_wheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import parse_file_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import (
    IndexUnavailableError,
    Transport,
)

ORIGINALS_TIMEOUT = 10.0
MEMBER_LIMIT = 1 << 20


def _find_wheels(directory: pathlib.Path, name: str, version: str) -> list[pathlib.Path]:
    """The wheels of *name* *version* in *directory* (PEP 427 names)."""
    found = []
    for path in sorted(directory.glob("*.whl")):
        parts = path.name.split("-")
        if normalize_name(parts[0]) == name and parts[1] == version:
            found.append(path)
    return found


def _fetch_wheel(directory: pathlib.Path, name: str, version: str, minor: Minor, host: Mapping[str, Any]) -> None:
    """Fetch the wheel that fits *host* best, if the package index has one; a failure is not remembered."""
    transport = Transport(DEFAULT_SOURCES, attempts=1, timeout=ORIGINALS_TIMEOUT)
    try:
        index = PackageIndex(DEFAULT_SOURCES, directory.parent, transport=transport)
        platform = f"{host['architecture']}-manylinux_{str(host['libc']['version'] or '').replace('.', '_')}"
        ranked = []
        for entry in index.list_files(name):
            known, rank = parse_file_name(entry.name), rank_wheel(entry.name, minor, platform)
            if known and rank is not None and str(known[0]) == version:
                ranked.append((rank, entry.name, entry))
        if ranked:
            entry = min(ranked)[2]
            transport.download(entry.location, directory / pathlib.PurePath(entry.name).name)
    except (IndexUnavailableError, OSError, ValueError):
        return


def _read_member(wheel: pathlib.Path, path: str, recorded: str) -> str | None:
    """The text of the file that *wheel* installs as *path* and whose hash is *recorded*."""
    algorithm = recorded.partition("=")[0]
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if (
                    not (entry.filename == path or entry.filename.endswith("/" + path))
                    or entry.file_size > MEMBER_LIMIT
                ):
                    continue
                data = archive.read(entry)
                if compute_record_hash(data, algorithm) == recorded:
                    return data.decode("utf-8")
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError):
        return None
    return None


def add_wheel_diffs(inventory: Mapping[str, Any], directory: pathlib.Path | None, download: bool) -> None:
    """Replace ``text`` by ``diff`` in modified files whose wheel is in *directory* or downloadable, else drop it."""
    for environment in inventory["environments"]:
        for entry in environment["modified"] or []:
            text = entry.pop("text", None)
            if text is None or entry.get("diff") is not None or directory is None:
                continue
            original = _find_original(entry, environment, inventory["host"], directory, download)
            if original is not None:
                entry["diff"] = make_unified_diff(original, text, f"{environment['path']}/{entry['path']}")


def _find_original(
    entry: Mapping[str, Any],
    environment: Mapping[str, Any],
    host: Mapping[str, Any],
    directory: pathlib.Path,
    download: bool,
) -> str | None:
    name, version = entry["package"], entry["version"]
    if not version:
        return None
    with lock_file(directory / ".lock"):
        wheels = _find_wheels(directory, name, version)
        if not wheels and download and environment["python"]:
            _fetch_wheel(directory, name, version, parse_version(environment["python"])[0], host)
            wheels = _find_wheels(directory, name, version)
    return _find_first(_read_member(wheel, strip_site_packages(entry["path"]), entry["recorded"]) for wheel in wheels)


def _find_first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)
