# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes what the live path means. These functions run as the account that controls its directory."""

import ctypes
import errno
import os

from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory

AT_FDCWD = -100
RENAME_EXCHANGE = 2


def _exchange_paths(first: str, second: str) -> bool:
    """Swap two paths in one atomic step (renameat2(2)); False where kernel or file system cannot. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    if library.renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(code, os.strerror(code), first)


def adopt_environment(live: str, original: str, target: str) -> str:
    """Turn the directory *live* into a symlink to *target*, keeping the directory as *original*.

    Returns ``exchange`` when that was one atomic step and ``renames`` when it took two. Raises OSError, also where
    *original* exists.
    """
    os.symlink(target, original)
    how = "exchange"
    if not _exchange_paths(live, original):
        how = "renames"
        os.unlink(original)
        os.rename(live, original)
        os.symlink(target, live)
    sync_directory(os.path.dirname(original))
    sync_directory(os.path.dirname(live))
    return how


def repoint_symlink(live: str, target: str, transaction: str) -> str:
    """Make the symlink *live* point to *target*, atomically, for *transaction*. Returns ``rename``. Raises OSError."""
    temporary = "%s.next-%s" % (live, transaction)
    os.symlink(target, temporary)
    os.rename(temporary, live)
    sync_directory(os.path.dirname(live))
    return "rename"
