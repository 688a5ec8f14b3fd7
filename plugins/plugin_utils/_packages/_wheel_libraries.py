# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared libraries that a wheel links to and that a host lacks."""

from __future__ import annotations

import functools
import pathlib
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterable

from ansible_collections.oxzep7.python.plugins.module_utils._host._elf import read_elf
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import DATA

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = DATA / "library-packages.toml"
ELF_MAGIC = b"\x7fELF"
MEMBER_LIMIT = 1 << 30
# The interpreter brings its own library; the others are those of the C library.
ALWAYS_THERE = re.compile(r"^(libpython\d|ld-linux|(libc|libm|libdl|librt|libpthread|libutil|libresolv|libnsl)\.so\.)")


def list_needed_libraries(wheel: pathlib.Path) -> list[str]:
    """The names of the libraries that compiled files in *wheel* link to and that it does not bring, sorted.

    Raises OSError, zipfile.BadZipFile.
    """
    needed: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        brought = {entry.filename.rpartition("/")[2] for entry in archive.infolist()}
        for entry in archive.infolist():
            if entry.is_dir() or entry.file_size > MEMBER_LIMIT:
                continue
            with archive.open(entry) as stream:
                head = stream.read(len(ELF_MAGIC))
                if head != ELF_MAGIC:
                    continue
                with tempfile.TemporaryFile() as copy:
                    copy.write(head)
                    shutil.copyfileobj(stream, copy)
                    copy.flush()
                    elf = read_elf(copy.fileno())
            needed.update(elf.needed if elf else ())
    return sorted(name for name in needed - brought if not ALWAYS_THERE.match(name))


def find_missing_libraries(needed: Iterable[str], present: Collection[str] | None) -> list[str]:
    """Those of *needed* that are not among the libraries *present* on a host; none where these are unknown."""
    return [] if present is None else sorted(set(needed) - set(present))


@functools.cache
def _load_packages() -> dict[str, list[str]]:
    with TABLE.open("rb") as stream:
        return dict(tomllib.load(stream)["libraries"])


def describe_library_package(name: str) -> str:
    """The packages that have the library *name*, as text; empty where they are not known."""
    stem = name.partition(".so")[0]
    known = _load_packages().get(stem) or _load_packages().get(re.sub(r"[-_.]?[\d.]+$", "", stem))
    return "Debian: {}, RPM: {}, SUSE: {}".format(*known) if known else ""
