# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the metadata of installed packages from files. Nothing is run."""

import email.parser
import os
import re
from typing import Dict, Iterator, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory, read_text_file
from ansible_collections.oxzep7.python.plugins.module_utils._packages._duplicates import (
    LEFTOVER_MARK,
    choose_metadata,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import RECORD_LIMIT
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

MODULE = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)(?:\.py|(?:\.[A-Za-z0-9_-]+)?\.so)$")


class InstalledPackage(NamedTuple):
    """An installed package: normalized name, version and its metadata directory's path."""

    name: str
    version: str
    metadata: str


def find_site_packages(environment: str) -> List[str]:
    """The ``site-packages`` directories of *environment* that exist, real ones only."""
    found = []
    for library in ("lib", "lib64"):
        base = os.path.join(environment, library)
        if os.path.islink(base) or not os.path.isdir(base):
            continue
        for entry in sorted(os.listdir(base)):
            path = os.path.join(base, entry, "site-packages")
            if re.match(r"^(python|pypy)\d", entry) and os.path.isdir(path):
                found.append(path)
    return found


def list_installed_packages(environment: str) -> List[InstalledPackage]:
    """The packages installed in *environment*, by their metadata, sorted by name."""
    found = []
    for directory in find_site_packages(environment):
        for entry in _list_metadata(directory):
            if entry.endswith(".dist-info"):
                text = read_text_file(os.path.join(directory, entry, "METADATA")) or ""
            elif entry.endswith(".egg-info"):
                path = os.path.join(directory, entry)
                text = read_text_file(os.path.join(path, "PKG-INFO") if os.path.isdir(path) else path) or ""
            else:
                continue
            headers = email.parser.Parser().parsestr(text, headersonly=True)
            if headers["Name"] and headers["Version"]:
                found.append(
                    InstalledPackage(
                        normalize_name(headers["Name"]), headers["Version"].strip(), os.path.join(directory, entry)
                    )
                )
    return sorted(found)


def _list_metadata(directory: str) -> List[str]:
    """The metadata entries of *directory*, sorted, without those that describe nothing which is installed."""
    names = [name for name in sorted(os.listdir(directory)) if not name.startswith(LEFTOVER_MARK)]
    handle = open_directory(os.path.realpath(directory))
    try:
        shadowed = choose_metadata(handle, names)
    finally:
        os.close(handle)
    return [name for name in names if name not in shadowed]


def get_module_name(path: str) -> Optional[str]:
    """The top-level name that imports the file at *path*, relative to ``site-packages``; None for other files."""
    first, _separator, rest = path.partition("/")
    match = MODULE.match(path)
    name = match.group(1) if match else first if first.isidentifier() and rest.endswith((".py", ".so")) else None
    return None if name == "__pycache__" else name


def list_recorded_files(package: InstalledPackage) -> Iterator[str]:
    """The paths of the files of *package* in its RECORD, relative to ``site-packages``."""
    text = read_text_file(os.path.join(package.metadata, "RECORD"), limit=RECORD_LIMIT) or ""
    for line in text.splitlines():
        yield line.rsplit(",", 2)[0].strip('"')


def map_module_owners(environment: str) -> Dict[str, str]:
    """The package of every module that can be imported by one name in *environment*, from the packages' RECORDs."""
    found: Dict[str, str] = {}
    for package in list_installed_packages(environment):
        for path in list_recorded_files(package):
            module = get_module_name(path)
            if module:
                found.setdefault(module, package.name)
    return found


def list_top_level_modules(environment: str) -> List[str]:
    """Every module that can be imported by one name in *environment*, sorted."""
    return sorted(map_module_owners(environment))
