# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What forbids even root to rename and remove: attributes of chattr(1), and file systems that are mounted read-only."""

import array
import fcntl
import os
import shlex
import stat
import struct
from typing import Optional, Sequence

IMMUTABLE, APPEND_ONLY = 0x10, 0x20
FIXED_FLAGS = ((IMMUTABLE, "immutable", "i"), (APPEND_ONLY, "append-only", "a"))


def _get_request() -> int:
    """The number of ioctl FS_IOC_GETFLAGS, which has the direction and the size of a long in it (ioctl.h)."""
    other = os.uname().machine.startswith(("ppc", "mips", "sparc", "alpha", "parisc"))
    return ((1 << 30) if other else (2 << 30)) | (struct.calcsize("l") << 16) | (ord("f") << 8) | 1


def read_file_flags(path: str) -> int:
    """The attributes of the file or directory *path*; 0 for other kinds, and where they are unknown."""
    flags = array.array("l", [0])
    try:
        mode = os.lstat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return 0
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return 0
    try:
        # The kernel writes an int, whatever the number says.
        fcntl.ioctl(handle, _get_request(), flags, True)
        return int(struct.unpack("i", flags.tobytes()[: struct.calcsize("i")])[0])
    except OSError:
        return 0
    finally:
        os.close(handle)


def _is_read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def find_fixed_path(paths: Sequence[str]) -> Optional[str]:
    """What forbids to change the first of *paths* that even root cannot change, and the next step; None without."""
    for path in paths:
        if _is_read_only(path):
            return "%s is on a file system that is mounted read-only; mount it for writing" % path
        flags = read_file_flags(path)
        for flag, word, letter in FIXED_FLAGS:
            if flags & flag:
                return "%s is %s; run chattr -%s %s" % (path, word, letter, shlex.quote(path))
    return None


def describe_file_flags(path: str) -> Optional[str]:
    """Why *path* can be neither renamed nor removed, if it is for the attributes of it or of its directory."""
    return find_fixed_path([path, os.path.dirname(path) or "."])
