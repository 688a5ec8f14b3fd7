# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates directories, changes what is in them and removes trees, without following a symlink that was planted.

Every step opens an entry of an open directory with ``O_NOFOLLOW`` and changes what it opened. As root, symlinks in the
path of the first directory are followed only if they belong to root. Modes do not depend on the umask.
"""

import contextlib
import errno
import os
import stat
from typing import Callable, Iterator, Mapping, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    call_as_identity,
    find_controller,
    resolve_user_name,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._file_flags import describe_file_flags
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    PASSING_FLAGS,
    UnsafePathError,
    open_directory,
    resolve_trusted_path,
)

PUBLIC_MODE = 0o755
WRONG_KIND = "a directory is needed here, and another kind of file is in its place"


@contextlib.contextmanager
def open_parent(path: str) -> Iterator[Tuple[int, str]]:
    """The open directory that *path* lies in, and the name of *path* in it, for the block. Raises OSError."""
    absolute = os.path.abspath(path)
    handle = open_directory(resolve_trusted_path(os.path.dirname(absolute)), PASSING_FLAGS)
    try:
        yield handle, os.path.basename(absolute)
    finally:
        os.close(handle)


def _name_descriptor(handle: int) -> str:
    """A path of exactly the file that *handle* was opened on, for calls that refuse descriptors of ``O_PATH``."""
    return "/proc/self/fd/%d" % handle


def _create_below(parent: int, name: str, mode: int, path: str) -> int:
    """A descriptor of the directory *name* in the open directory *parent*, which is created unless it exists."""
    created = True
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        created = False
    try:
        handle = os.open(name, PASSING_FLAGS, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise UnsafePathError(error.errno, WRONG_KIND, path)
    if created:
        state = os.fstat(handle)
        if state.st_uid != os.geteuid():
            os.close(handle)
            raise UnsafePathError(errno.EPERM, "another account replaced the new directory", path)
        # The group and its bit are inherited from the directory above, where that has the bit.
        os.chmod(_name_descriptor(handle), mode | (state.st_mode & stat.S_ISGID))
    return handle


def make_directory(path: str, mode: int = PUBLIC_MODE, owner: Optional[Tuple[int, int]] = None) -> None:
    """Create directory *path* and its missing parents with *mode*; give *path* to *owner*, a user and a group id.

    An existing directory keeps its mode, and is given to *owner* only by root and from root. Raises UnsafePathError for
    one of another account and for another kind of file, OSError.
    """
    absolute = os.path.abspath(path)
    if os.path.islink(absolute):
        _require_own_symlink(absolute, os.geteuid())
        absolute = resolve_trusted_path(absolute)
    missing, here = [os.path.basename(absolute)], os.path.dirname(absolute)
    while not os.path.lexists(here):
        missing.append(os.path.basename(here))
        here = os.path.dirname(here)
    handle = open_directory(resolve_trusted_path(here), PASSING_FLAGS)
    try:
        for name in reversed(missing):
            here = os.path.join(here, name)
            below = _create_below(handle, name, mode, here)
            os.close(handle)
            handle = below
        if owner is not None:
            _give_directory(handle, owner, absolute)
    finally:
        os.close(handle)


def describe_foreign_control(path: str) -> Optional[str]:
    """Who could replace what root keeps in the directory *path*, which may be missing, and what to do; None without.

    Raises OSError.
    """
    if os.geteuid() != 0:
        return None
    existing = os.path.abspath(path)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    try:
        controller = find_controller(existing)
    except IdentityError as error:
        return str(error)
    if controller.uid == 0:
        return None
    return "%s can replace what is in it; give the directory to root, or choose another" % controller.name


def check_directory(path: str, owner: int) -> None:
    """Raise UnsafePathError if *path* exists and is not a directory of the user id *owner* or of root, or such a link.

    Raises OSError.
    """
    real = os.path.abspath(path)
    if not os.path.lexists(real):
        return
    if os.path.islink(real):
        _require_own_symlink(real, owner)
        real = os.path.realpath(real)
    state = os.lstat(real)
    if not stat.S_ISDIR(state.st_mode):
        raise UnsafePathError(errno.ENOTDIR, WRONG_KIND, real)
    if state.st_uid not in (0, owner):
        raise UnsafePathError(errno.EPERM, _describe_owners(state.st_uid, owner), real)


def _describe_owners(present: int, wanted: int) -> str:
    names = resolve_user_name(present), resolve_user_name(wanted)
    return "it belongs to %s, not to %s; remove it, or change its owner" % names


def _require_own_symlink(path: str, owner: int) -> None:
    """Raise UnsafePathError unless root, this account or *owner* made the symlink *path*, to another disk perhaps."""
    uid = os.lstat(path).st_uid
    if uid not in (0, os.geteuid(), owner):
        raise UnsafePathError(
            errno.ELOOP, "it is a symlink of %s, which is not followed; remove it" % resolve_user_name(uid), path
        )


def _give_directory(handle: int, owner: Tuple[int, int], path: str) -> None:
    uid = os.fstat(handle).st_uid
    if uid == owner[0]:
        return
    if uid != os.geteuid():
        raise UnsafePathError(errno.EPERM, _describe_owners(uid, owner[0]), path)
    os.chown(_name_descriptor(handle), owner[0], owner[1])


def set_mode(path: str, mode: int) -> None:
    """Set the mode of *path* itself; of a symlink nothing is changed. Raises OSError."""
    with open_parent(path) as (parent, name):
        change_entry(parent, name, mode, None, {})


def remove_tree(path: str) -> None:
    """Remove the file, symlink or tree *path* if it exists. What is on another file system stays.

    Raises OSError that names the entry, and says if the attributes of a file forbid it.
    """
    try:
        with open_parent(path) as (parent, name):
            _remove_entry(parent, name, os.path.abspath(path))
    except FileNotFoundError:
        return
    except RecursionError:
        raise OSError(errno.ENAMETOOLONG, "its directories are nested too deeply to be removed", path)


def remove_tree_as(identity: Identity, path: str, remove: Callable[[str], None] = remove_tree) -> None:
    """Have *remove* remove *path* as *identity*; as root what that account may not remove.

    Root's own runs of an environment leave compiled modules in it. Raises OSError.
    """
    try:
        call_as_identity(identity, remove, path)
    except PermissionError:
        if os.geteuid() != 0 or identity.is_current():
            raise
        remove(path)


def remove_entry(parent: int, name: str, path: str) -> None:
    """Remove the tree or file *name* of the open directory *parent*, if it exists; *path* names it in errors.

    Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        _remove_entry(parent, name, path)


def _remove_entry(parent: int, name: str, path: str) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        _empty_directory(parent, name, path)
        with _name_obstacle(path):
            os.rmdir(name, dir_fd=parent)
    else:
        with _name_obstacle(path):
            os.unlink(name, dir_fd=parent)


def _empty_directory(parent: int, name: str, path: str) -> None:
    with _name_obstacle(path):
        handle = os.open(name, DIRECTORY_FLAGS, dir_fd=parent)
    try:
        if os.fstat(handle).st_dev != os.fstat(parent).st_dev:
            raise UnsafePathError(errno.EXDEV, "another file system is mounted here; unmount it first", path)
        for below in os.listdir(handle):
            with contextlib.suppress(FileNotFoundError):
                _remove_entry(handle, below, os.path.join(path, below))
    finally:
        os.close(handle)


@contextlib.contextmanager
def _name_obstacle(path: str) -> Iterator[None]:
    """Name *path* in an OSError of the block, and the attributes of the file that forbid what it does."""
    try:
        yield
    except PermissionError as error:
        raise PermissionError(error.errno, describe_file_flags(path) or error.strerror, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path)


def change_entry(
    parent: int, name: str, mode: Optional[int], group: Optional[int], attributes: Mapping[str, bytes]
) -> None:
    """Change group, extended attributes and mode of the entry *name* of the open directory *parent*.

    Of a symlink only the group is changed; what it leads to is left alone. Raises OSError.
    """
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        place = _name_descriptor(handle)
        if group is not None:
            os.chown(place, -1, group)
        if stat.S_ISLNK(os.fstat(handle).st_mode):
            return
        for attribute, value in sorted(attributes.items()):
            os.setxattr(place, attribute, value)
        if mode is not None:
            os.chmod(place, mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, name)
    finally:
        os.close(handle)
