# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which shared libraries a compiled extension needs."""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._elf import read_elf
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_file

# By recorded hash: one wheel in thirty environments is read once.
_KNOWN_EXTENSIONS: Dict[str, Tuple[List[str], List[str]]] = {}


class CompiledExtension(NamedTuple):
    """A compiled extension: its path below the environment, the libraries it needs and its search paths for them."""

    path: str
    needed: List[str]
    search: List[str]


def is_extension(name: str) -> bool:
    """Whether a file called *name* is a shared library."""
    return name.endswith(".so") or ".so." in name


def read_extension(directory: int, name: str, path: str, recorded: str) -> Optional[CompiledExtension]:
    """The extension *name* in the open *directory*, which the environment has as *path*; None for no ELF file.

    *recorded* is its hash in RECORD, or empty. Raises OSError.
    """
    libraries = _KNOWN_EXTENSIONS.get(recorded) if recorded else None
    if libraries is None:
        handle = open_file(name, directory)
        try:
            elf = read_elf(handle)
        finally:
            os.close(handle)
        if elf is None:
            return None
        libraries = (elf.needed, elf.search)
        if recorded:
            _KNOWN_EXTENSIONS[recorded] = libraries
    return CompiledExtension(path, *libraries)
