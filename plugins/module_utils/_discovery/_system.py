# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what the system itself points at a Python: programs in its directories, login shells, alternatives."""

import os
import pwd
from typing import Any, Dict, List, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import Reference, simple
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._survey import program
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import name_of
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    names_in,
    open_directory,
    resolved,
)

PROGRAMS = [
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/uwsgi/plugins",
    "/usr/lib64/uwsgi",
]
FIRST_PERSON, NOBODY = 1000, 65534
ALTERNATIVES = "/etc/alternatives"


def programs() -> List[Dict[str, Any]]:
    """Scripts that run Python, and programs linked to a libpython, in the system's own directories."""
    found: List[Dict[str, Any]] = []
    seen = set()
    for place in PROGRAMS:
        try:
            directory = resolved(place)
            handle = open_directory(directory)
        except OSError:
            continue
        try:
            for name in names_in(directory) if directory not in seen else []:
                try:
                    entry = program(handle, name)
                except OSError:
                    continue
                if entry:
                    owner = name_of(os.stat(name, dir_fd=handle, follow_symlinks=False).st_uid)
                    found.append(dict(entry, path=directory + "/" + name, owner=owner))
        finally:
            os.close(handle)
        seen.add(directory)
    return found


def homes() -> List[Tuple[str, str]]:
    """Name and home directory of every account that has one."""
    return [(entry.pw_name, entry.pw_dir) for entry in pwd.getpwall() if _is_home(entry.pw_dir)]


def _is_home(directory: str) -> bool:
    return directory.startswith("/") and directory != "/"


def homes_of_persons() -> List[str]:
    """The home directories of accounts for persons, wherever they lie (login.defs(5): from 1000 on, and not nobody)."""
    return [
        entry.pw_dir
        for entry in pwd.getpwall()
        if FIRST_PERSON <= entry.pw_uid < NOBODY and _is_home(entry.pw_dir) and os.path.isdir(entry.pw_dir)
    ]


def references() -> List[Reference]:
    """The login shells and alternatives of this host, whatever they point to."""
    found = [
        simple("login-shell", entry.pw_name, "/etc/passwd", entry.pw_name, entry.pw_shell)
        for entry in pwd.getpwall()
        if entry.pw_shell
    ]
    for name in names_in(ALTERNATIVES):
        try:
            target = os.readlink(os.path.join(ALTERNATIVES, name))
        except OSError:
            continue
        found.append(simple("alternative", name, os.path.join(ALTERNATIVES, name), "root", target))
    return found
