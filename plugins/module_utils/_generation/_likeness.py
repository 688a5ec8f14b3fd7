# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives a new environment the group, modes, POSIX ACLs and SELinux labels of the old one.

Directories follow the directory of the old environment, files its ``pyvenv.cfg``. Everything is done as the account
that owns both.
"""

import errno
import os
import stat
from typing import Dict, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import change_entry, open_parent

ACCESS, INHERITED, LABEL = "system.posix_acl_access", "system.posix_acl_default", "security.selinux"
SELINUX = "/sys/fs/selinux/enforce"
EXECUTABLE = 0o111
PERMISSIONS = 0o7777
SET_ID = stat.S_ISUID | stat.S_ISGID
WRITERS = stat.S_IWGRP | stat.S_IWOTH


class EnvironmentAccess(NamedTuple):
    """Group, and modes and ACLs of directories and files, of an environment; files keep whether they are executable."""

    group: int
    directories: int
    files: int
    attributes: Dict[bool, Dict[str, bytes]]

    def without_writers(self) -> "EnvironmentAccess":
        """This access while the environment is built: only the owner may write there, so that nothing is planted."""
        # A mode set after an ACL limits what that grants.
        kept = {name: value for name, value in self.attributes[True].items() if name != INHERITED}
        return self._replace(
            directories=self.directories & ~WRITERS,
            files=self.files & ~WRITERS,
            attributes={True: kept, False: self.attributes[False]},
        )


class AccessError(CollectionError):
    """The account that builds cannot give the new environment the access of the old one."""


def _read_attribute(path: str, name: str) -> Optional[bytes]:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise


def _read_attributes(path: str, *names: str) -> Dict[str, bytes]:
    found = {name: _read_attribute(path, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def read_environment_access(environment: str) -> EnvironmentAccess:
    """The access to *environment*. Raises OSError."""
    real = os.path.realpath(environment)
    configuration = os.path.join(real, "pyvenv.cfg")
    directory, file = os.lstat(real), os.stat(configuration)
    return EnvironmentAccess(
        directory.st_gid,
        stat.S_IMODE(directory.st_mode) & ~stat.S_ISUID,
        stat.S_IMODE(file.st_mode) & ~SET_ID,
        {True: _read_attributes(real, ACCESS, INHERITED), False: _read_attributes(configuration, ACCESS)},
    )


def create_with_access(like: EnvironmentAccess, path: str) -> None:
    """Create the directory *path* for an environment with access *like* another. Raises AccessError, OSError."""
    with open_parent(path) as (parent, name):
        os.mkdir(name, 0o700, dir_fd=parent)
        if os.stat(name, dir_fd=parent, follow_symlinks=False).st_gid != like.group:
            try:
                change_entry(parent, name, None, like.group, {})
            except PermissionError:
                # A directory that all may read needs no group.
                if not like.directories & stat.S_IROTH:
                    raise AccessError(
                        "its group %d can only be set by a member or by root; add the account that owns the "
                        "environment to that group" % like.group
                    )
        change_entry(parent, name, like.directories, None, like.attributes[True])


def is_access_inherited(like: EnvironmentAccess, group: int) -> bool:
    """Whether files that an account of *group* writes have the access of the old environment already."""
    mask = os.umask(0o022)
    os.umask(mask)
    return (
        mask == 0o022
        and like.group == group
        and like.directories == 0o755
        and like.files == 0o644
        and not any(like.attributes.values())
        and not os.path.exists(SELINUX)
    )


def apply_access(like: EnvironmentAccess, environment: str, path: str) -> None:
    """Give *path* and everything in it the access of *environment*. Raises OSError."""
    group = os.lstat(path).st_gid
    labels = _LabelCopier(os.path.realpath(environment), LABEL) if os.path.exists(SELINUX) else None
    # Open directories are faster than paths of many parts. A directory, which others may then write in, comes after its
    # content.
    for folder, below, names, handle in os.fwalk(path, topdown=False):
        for name in below + names:
            _apply_to_entry(name, handle, like, group)
        if labels:
            for name in below + names:
                labels.apply_label(path, os.path.relpath(os.path.join(folder, name), path))
    with open_parent(path) as (parent, name):
        _apply_to_entry(name, parent, like, group)


def _apply_to_entry(name: str, handle: int, like: EnvironmentAccess, group: int) -> None:
    state = os.stat(name, dir_fd=handle, follow_symlinks=False)
    is_directory, is_link = stat.S_ISDIR(state.st_mode), stat.S_ISLNK(state.st_mode)
    mode = like.directories if is_directory else like.files & ~EXECUTABLE
    if not is_directory and state.st_mode & stat.S_IXUSR:
        mode |= (mode & 0o444) >> 2
    attributes = like.attributes[is_directory]
    new_group = group if state.st_gid != group else None
    if new_group is None and (is_link or (stat.S_IMODE(state.st_mode) == mode and not attributes)):
        return
    change_entry(handle, name, mode, new_group, attributes)


def _find_library_name(directory: str) -> str:
    """The first name of a ``pythonX.Y`` in *directory*, or ``python``."""
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
        if name.startswith("python"):
            return name
    return "python"


class _LabelCopier:
    """Copies the SELinux labels of an environment to another."""

    def __init__(self, environment: str, attribute: str) -> None:
        self._environment = environment
        self._attribute = attribute
        self._library = _find_library_name(os.path.join(environment, "lib"))

    def apply_label(self, path: str, name: str) -> None:
        """Label *name* in *path* as the file of that name, or the nearest directory above it. Raises OSError."""
        parts = name.split("/")
        if len(parts) > 1 and parts[0] == "lib" and parts[1].startswith("python"):
            parts[1] = self._library
        for length in range(len(parts), -1, -1):
            there = os.path.join(self._environment, *parts[:length])
            value = _read_attribute(there, self._attribute) if os.path.lexists(there) else None
            if value is not None:
                if value != _read_attribute(os.path.join(path, name), self._attribute):
                    os.setxattr(os.path.join(path, name), self._attribute, value, follow_symlinks=False)
                return
