# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The uv that hosts get: the controller's own, or that of their architecture from its wheel, in the same version."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import subprocess
import tempfile
import zipfile

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import LockedPackage
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import lock_file
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import rank_wheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import parse_file_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    GLIBC_MINORS,
    UvMissingError,
    find_uv,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import DownloadError, WheelStore

# Any that uv's wheels for ``py3`` are for.
ANY_MINOR = (3, 12)
VERSION_TIMEOUT = 30
# A member of a wheel that is installed as a program (the binary distribution format, section "The .data directory").
PROGRAM = re.compile(r"^uv-[^/]+\.data/scripts/uv$")


def obtain_uv(architecture: str, sources: PackageSources, cache: pathlib.Path) -> pathlib.Path:
    """A uv that Linux hosts of *architecture* with glibc 2.17 or later run.

    Raises UvMissingError, DownloadError, IndexUnavailableError, ValueError, OSError.
    """
    own = pathlib.Path(find_uv())
    if platform.system() == "Linux" and platform.machine() == architecture:
        return own
    version = read_uv_version(own)
    place = cache / "uv" / f"{version}-{architecture}"
    program = place / "uv"
    with lock_file(cache / "uv" / ".lock"):
        if not program.exists():
            entry = choose_wheel(PackageIndex(sources, cache).list_files("uv"), version, architecture)
            extract_program(_find_file(entry, version, sources, cache), program)
    return program


def _find_file(entry: PackageFile, version: str, sources: PackageSources, cache: pathlib.Path) -> pathlib.Path:
    """The file of *entry*: in a folder of the operator, or fetched and proven by its hash."""
    if entry.sha256 is None:
        return pathlib.Path(entry.location)
    return WheelStore(cache, sources).fetch(LockedPackage("uv", version, (entry.sha256,), entry.location))[0]


def read_uv_version(program: pathlib.Path) -> str:
    """The version of the uv at *program*. Raises UvMissingError for one that does not tell."""
    done = subprocess.run(
        [str(program), "--version"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=VERSION_TIMEOUT,
    )
    match = re.match(r"^uv (\S+)", done.stdout)
    if not match:
        raise UvMissingError(f"{program} --version ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    return match[1]


def choose_wheel(files: list[PackageFile], version: str, architecture: str) -> PackageFile:
    """Of *files* the wheel of uv *version* that runs on the oldest supported glibc. Raises UvMissingError."""
    oldest = f"{architecture}-manylinux_2_{GLIBC_MINORS[0]}"
    ranked = []
    for entry in files:
        known, rank = parse_file_name(entry.name), rank_wheel(entry.name, ANY_MINOR, oldest)
        if known and str(known[0]) == version and rank is not None and (entry.sha256 or "://" not in entry.location):
            ranked.append((rank, entry.name, entry))
    if not ranked:
        raise UvMissingError(
            f"no source has a wheel of uv {version} for {architecture}, which hosts of that architecture install with; "
            "put it into a folder of oxzep7_find_links, or set oxzep7_ship_uv to false, so that they use pip"
        )
    return min(ranked)[2]


def extract_program(wheel: pathlib.Path, target: pathlib.Path) -> None:
    """Write the program in the *wheel* of uv to *target*, whole or not at all. Raises DownloadError, OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".uv.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if PROGRAM.match(name)]
            if len(names) != 1:
                raise DownloadError(f"{wheel.name} has no program of uv in it")
            stream.write(archive.read(names[0]))
            stream.flush()
            os.fchmod(stream.fileno(), 0o755)
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{wheel.name} cannot be read: {error}") from None
    finally:
        pathlib.Path(temporary).unlink(missing_ok=True)
