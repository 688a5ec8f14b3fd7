# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories for the time of a block, in one that only the account of this process can rearrange.

Each has a lock beside it, with which its process says that it lives; the kernel releases it with the process.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
import tempfile
from typing import Any, Callable, Iterator, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import (
    make_directory,
    remove_tree,
    set_mode,
)

# Not /tmp or /var/tmp: every account can create names there, and programs cannot always be executed.
ROOT_DIRECTORY = "/var/cache/oxzep7"
LOCK_SUFFIX = ".lock"
LOCK_NAME = re.compile(r"^[0-9a-f]{8}\.lock$")
FILES_NAME = "files"
REMOVE_TIMEOUT = 3600.0


def _find_root() -> Optional[str]:
    """The directory for all scratch directories of this account; None for an account without a home directory."""
    if os.geteuid() == 0:
        return ROOT_DIRECTORY
    home = get_current_identity().home
    try:
        usable = os.stat(home).st_uid == os.geteuid() and os.access(home, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    return os.path.join(home, ".cache", "oxzep7") if usable else None


def get_scratch_root() -> str:
    """The directory below which this process makes scratch directories."""
    return _find_root() or tempfile.gettempdir()


def _prepare_root(root: str) -> None:
    """Make sure that *root* exists, belongs to this account, and can be passed but not listed by others.

    Raises OSError.
    """
    make_directory(root, 0o711)
    state = os.lstat(root)
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "not a directory of this account; move it away, then run again", root)
    if stat.S_IMODE(state.st_mode) != 0o711:
        set_mode(root, 0o711)


def _is_still(handle: int, path: str) -> bool:
    """Whether *path* is the open file *handle*."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _create_lock(root: str) -> Tuple[str, int]:
    """Path and descriptor of a new lock, which is held. Raises OSError."""
    while True:
        path = os.path.join(root, secrets.token_hex(4) + LOCK_SUFFIX)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Another process may have taken it for one of a dead process before it was held.
        if _is_still(handle, path):
            return path, handle
        os.close(handle)


def _remove_tree(path: str) -> None:
    """Remove the tree *path*, if it exists, however deep it is. Raises OSError."""
    try:
        remove_tree(path)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        done = run_command(["rm", "-rf", "--", path], REMOVE_TIMEOUT)
        if done.rc != 0:
            raise OSError(errno.EIO, done.last_lines(1), path)


def _release_lock(path: str, handle: int) -> None:
    """Remove the directory of the held lock *path*, then the lock; it stays if the directory does. Raises OSError."""
    try:
        _remove_tree(path[: -len(LOCK_SUFFIX)])
        os.unlink(path)
    finally:
        os.close(handle)


def _remove_if_stale(path: str) -> None:
    """Remove the lock *path* and its directory, unless a process holds it. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = _is_still(handle, path)
    except OSError:
        os.close(handle)
        raise
    if held:
        _release_lock(path, handle)
    else:
        os.close(handle)


def remove_stale_scratch() -> None:
    """Remove what dead processes of this account left; what cannot be removed stays for the next run."""
    root = _find_root()
    if root is None:
        return
    try:
        if os.lstat(root).st_uid != os.geteuid():
            return
        names = os.listdir(root)
    except OSError:
        return
    for name in names:
        if LOCK_NAME.match(name):
            with contextlib.suppress(OSError):
                _remove_if_stale(os.path.join(root, name))


@contextlib.contextmanager
def _hold_place() -> Iterator[str]:
    """A new directory of this account, which others can pass, for the block. Raises OSError."""
    with contextlib.ExitStack() as held:
        root = _find_root()
        if root is None:
            root = held.enter_context(tempfile.TemporaryDirectory(prefix="oxzep7-"))
        else:
            _prepare_root(root)
        path, handle = _create_lock(root)
        try:
            place = path[: -len(LOCK_SUFFIX)]
            os.mkdir(place)
            os.chmod(place, 0o711)
            yield place
        finally:
            with contextlib.suppress(OSError):
                _release_lock(path, handle)


@contextlib.contextmanager
def create_scratch(who: Identity, fill: Optional[Callable[[str], Any]] = None) -> Iterator[str]:
    """A directory of the account *who* alone, for the block; *fill* puts files into it before it belongs to *who*.

    Its parent belongs to this process, so *who* cannot rename it. In it, *who* can put a link in the place of anything.
    Raises OSError.
    """
    with _hold_place() as place:
        files = os.path.join(place, FILES_NAME)
        os.mkdir(files)
        os.chmod(files, 0o700)
        if fill is not None:
            fill(files)
        if not who.is_current():
            for name in os.listdir(files):
                os.chown(os.path.join(files, name), who.uid, who.gid, follow_symlinks=False)
            os.chown(files, who.uid, who.gid)
        yield files
