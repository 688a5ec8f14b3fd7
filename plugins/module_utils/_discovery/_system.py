# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the operating system's own users of a Python: programs in its directories, login shells, alternatives."""

import contextlib
import os
import pwd
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import (
    PythonReference,
    make_reference,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._survey import recognize_program
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    HostReader,
    open_directory,
    resolve_trusted_path,
)

SYSTEM_PROGRAM_DIRECTORIES = [
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/uwsgi/plugins",
    "/usr/lib64/uwsgi",
]
FIRST_USER_ID, NOBODY_ID = 1000, 65534
ALTERNATIVES_DIRECTORY = "/etc/alternatives"


def find_system_programs(reader: HostReader) -> List[Dict[str, Any]]:
    """Scripts that run Python, and programs linked to a libpython, in the directories of the operating system."""
    found: List[Dict[str, Any]] = []
    for directory in _list_program_directories():
        try:
            handle = open_directory(directory)
        except OSError:
            continue
        try:
            for name in reader.list_names(directory):
                entry = _recognize_readable_program(handle, name)
                if entry:
                    owner = resolve_user_name(os.stat(name, dir_fd=handle, follow_symlinks=False).st_uid)
                    found.append(dict(entry, path=directory + "/" + name, owner=owner))
        finally:
            os.close(handle)
    return found


def _list_program_directories() -> List[str]:
    """The real directories, each once; /bin may be a link to /usr/bin."""
    found = []
    for path in SYSTEM_PROGRAM_DIRECTORIES:
        with contextlib.suppress(OSError):
            found.append(resolve_trusted_path(path))
    return list(dict.fromkeys(found))


def _recognize_readable_program(handle: int, name: str) -> Optional[Dict[str, Any]]:
    try:
        return recognize_program(handle, name)
    except OSError:
        return None


def list_account_homes() -> List[Tuple[str, str]]:
    """Name and home directory of every account that has one."""
    return [(entry.pw_name, entry.pw_dir) for entry in pwd.getpwall() if _is_home(entry.pw_dir)]


def _is_home(directory: str) -> bool:
    return directory.startswith("/") and directory != "/"


def list_user_homes() -> List[str]:
    """The home directories of users' accounts: those with ids from 1000 to 65533 (login.defs(5))."""
    found = []
    for entry in pwd.getpwall():
        if FIRST_USER_ID <= entry.pw_uid < NOBODY_ID and _is_home(entry.pw_dir) and os.path.isdir(entry.pw_dir):
            found.append(entry.pw_dir)
    return found


def find_system_references(reader: HostReader) -> List[PythonReference]:
    """The login shells and alternatives of this host, of Pythons and of other programs."""
    found = []
    for entry in pwd.getpwall():
        if entry.pw_shell:
            found.append(make_reference("login-shell", entry.pw_name, "/etc/passwd", entry.pw_name, entry.pw_shell))
    for name in reader.list_names(ALTERNATIVES_DIRECTORY):
        try:
            target = os.readlink(os.path.join(ALTERNATIVES_DIRECTORY, name))
        except OSError:
            continue
        found.append(make_reference("alternative", name, os.path.join(ALTERNATIVES_DIRECTORY, name), "root", target))
    return found
