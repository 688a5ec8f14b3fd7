# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognizes environments and their kinds by the names in a directory."""

import contextlib
import os
import re
from typing import List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import PYTHON_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    read_bytes,
    read_text_file,
)

LIBRARY_DIRECTORY = re.compile(r"^(python|pypy)(\d+(?:\.\d+)?)t?$")
VIRTUALENV_SETTING = re.compile(r"^virtualenv\s*=", re.MULTILINE)
LIBRARY_NAMES = {"lib", "lib64", "lib-python"}
# Kinds with an interpreter or the files of other programs in them.
SHARED_KINDS = ("prefix", "conda", "user")


def detect_environment_kind(directories: List[str], others: List[str], handle: int, path: str) -> Optional[str]:
    """The kind of environment that the open directory is, by the names in it; None for no environment."""
    if "pyvenv.cfg" in others:
        return _detect_venv_kind(others, handle, path)
    if "conda-meta" in directories:
        return "conda"
    if path == "/usr/local" or path.endswith("/.local"):
        kind = "prefix" if path == "/usr/local" else "user"
        return kind if find_library_directories(handle, directories) else None
    if "bin" not in directories or not LIBRARY_NAMES.intersection(directories):
        return None
    try:
        names = list_subdirectory(handle, "bin")[1]
    except OSError:
        return None
    pythons = list(filter(PYTHON_NAME.match, names))
    if pythons and ("activate_this.py" in names or _has_original_prefix(handle, directories)):
        return "virtualenv"
    return "prefix" if any(_is_elf_program(handle, name) for name in pythons) else None


def _detect_venv_kind(others: List[str], handle: int, path: str) -> str:
    if "pipx_metadata.json" in others:
        return "pipx"
    if "uv-receipt.toml" in others:
        return "uv-tool"
    if "/pypoetry/virtualenvs/" in path:
        return "poetry"
    return "virtualenv" if VIRTUALENV_SETTING.search(read_text_file("pyvenv.cfg", handle) or "") else "venv"


def _has_original_prefix(handle: int, directories: List[str]) -> bool:
    """Whether a virtualenv before version 20 recorded the prefix of its interpreter."""
    for library, name in find_library_directories(handle, directories):
        if read_text_file("%s/%s/orig-prefix.txt" % (library, name), handle) is not None:
            return True
    return False


def _is_elf_program(handle: int, name: str) -> bool:
    try:
        return read_bytes("bin/" + name, handle, 4) == b"\x7fELF"
    except OSError:
        return False


def list_subdirectory(handle: int, name: str) -> Tuple[List[str], List[str]]:
    """Names of the directories and of everything else in the directory *name* of the open directory. Raises OSError."""
    below = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
    try:
        return list_entries(below)
    finally:
        os.close(below)


def find_library_directories(handle: int, directories: List[str]) -> List[Tuple[str, str]]:
    """``(lib, pythonX.Y)`` for each directory of a standard library."""
    found: List[Tuple[str, str]] = []
    for library in ("lib", "lib64"):
        if library in directories:
            with contextlib.suppress(OSError):
                for name in sorted(list_subdirectory(handle, library)[0]):
                    if LIBRARY_DIRECTORY.match(name):
                        found.append((library, name))
    return found
