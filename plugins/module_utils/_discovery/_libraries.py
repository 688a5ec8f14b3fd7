# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the shared libraries that an ELF file needs as ld.so(8) does, which is not run."""

import os
import struct
from typing import Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import list_names, read_trusted_text

CACHE_PATH = "/etc/ld.so.cache"
CACHE_MAGIC = b"glibc-ld.so.cache1.1"
CACHE_HEADER_SIZE, CACHE_ENTRY_SIZE = 48, 24
INCLUDE_DEPTH_LIMIT = 4
DEFAULT_DIRECTORIES = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]


def parse_linker_cache(data: bytes) -> Dict[str, List[str]]:
    """Paths by library name in the linker cache *data*, in its order."""
    start = data.find(CACHE_MAGIC)
    if start < 0:
        return {}
    found: Dict[str, List[str]] = {}
    (count,) = struct.unpack_from("=I", data, start + len(CACHE_MAGIC))
    for index in range(min(count, (len(data) - start - CACHE_HEADER_SIZE) // CACHE_ENTRY_SIZE)):
        _flags, key, value = struct.unpack_from("=iII", data, start + CACHE_HEADER_SIZE + index * CACHE_ENTRY_SIZE)
        name = data[start + key : data.find(b"\0", start + key)].decode("utf-8", "replace")
        found.setdefault(name, []).append(
            data[start + value : data.find(b"\0", start + value)].decode("utf-8", "replace")
        )
    return found


def _read_linker_configuration(path: str = "/etc/ld.so.conf", depth: int = 0) -> List[str]:
    found: List[str] = []
    for line in (read_trusted_text(path) or "").splitlines():
        text = line.split("#", 1)[0].strip()
        if text.startswith("include ") and depth < INCLUDE_DEPTH_LIMIT:
            directory = os.path.dirname(text[8:].strip())
            for name in list_names(directory):
                if name.endswith(".conf"):
                    found += _read_linker_configuration(os.path.join(directory, name), depth + 1)
        elif text.startswith("/"):
            found.append(text)
    return found


# Beyond, the names of a host's libraries are not listed; common hosts have some hundreds.
NAMES_LIMIT = 5000


class SharedLibraries:
    """The shared libraries of the host; results are cached."""

    def __init__(self) -> None:
        try:
            with open(CACHE_PATH, "rb") as stream:
                self._cache = parse_linker_cache(stream.read(64 << 20))
        except (OSError, struct.error):
            self._cache = {}
        self._directories = _read_linker_configuration() + DEFAULT_DIRECTORIES
        self._found: Dict[Tuple[str, Tuple[str, ...]], Optional[str]] = {}

    def list_library_names(self) -> Optional[List[str]]:
        """The names in the linker cache, sorted; None where there is no cache, or too many names."""
        return sorted(self._cache) if 0 < len(self._cache) <= NAMES_LIMIT else None

    def find(self, name: str, search: List[str], origin: str) -> Optional[str]:
        """The path of the library *name* for a file in directory *origin* with these *search* paths, or None."""
        places = []
        for entry in search:
            places.append(os.path.normpath(entry.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin)))
        key = (name, tuple(places))
        if key not in self._found:
            self._found[key] = self._search(name, places)
        return self._found[key]

    def _search(self, name: str, places: List[str]) -> Optional[str]:
        if "/" in name:
            return name if os.path.exists(name) else None
        cached = self._cache.get(name, [])
        candidates = [os.path.join(place, name) for place in places] + cached
        if not cached:
            candidates += [os.path.join(place, name) for place in self._directories]
        return next((os.path.realpath(path) for path in candidates if os.path.exists(path)), None)
