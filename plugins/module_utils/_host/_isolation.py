# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a function as an account that owns nothing, without network, and with a file system of its own.

It is in namespaces of its own (namespaces(7)), and sees only the operating system's programs, read-only, and one
directory. Whatever it started ends with it.
"""

import contextlib
import ctypes
import fcntl
import grp
import os
import pwd
import signal
import socket
import struct
import tempfile
from typing import Any, Callable, Iterator, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._children import call_in_child

# linux/sched.h, sys/mount.h, sys/prctl.h, linux/if.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = (1 << bit for bit in (17, 26, 27, 29, 30))
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1 << 12, 1 << 14, 1 << 18, 1 << 21
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# The only directory that can be written to.
ISOLATED_DIRECTORY = "/tmp"
ISOLATED_NAME = "scratch"
# Above what distributions, containers and directory services (SSSD: up to 2000200000) assign, and below 2^31. Where a
# user namespace has no such numbers, those of systemd's DynamicUser= (systemd.exec(5)).
ACCOUNT_RANGES = (range(2000300000, 2000400000), range(65519, 61183, -1))
SYSTEM_DIRECTORIES = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# What programs of the operating system read besides /usr, and every account can read.
SHARED_PATHS = (
    "etc/alternatives",
    "etc/crypto-policies",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/localtime",
    "etc/pki/tls/openssl.cnf",
    "etc/ssl/openssl.cnf",
    "var/cache/postgresql/dicts",
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
ACCOUNT_FILES = {
    "passwd": "root:x:0:0::/:/bin/false\n{name}:x:{uid}:{gid}::{home}:/bin/sh\n",
    "group": "root:x:0:\n{name}:x:{gid}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
}


class IsolationError(CollectionError):
    """This host or this account cannot isolate processes; the text has the cause."""


def _call_libc(name: str, *arguments: Any) -> None:
    """Call the function *name* of the C library. Raises IsolationError."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        raise IsolationError(
            "a scratch server cannot be isolated here (%s: %s); drill on a host where root can create namespaces"
            % (name, os.strerror(ctypes.get_errno()))
        )


def _mount(source: Optional[str], target: str, kind: Optional[str], flags: int, options: str = "") -> None:
    """Call mount(2). Raises IsolationError."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    _call_libc("mount", words[0], words[1], words[2], ctypes.c_ulong(flags), os.fsencode(options) or None)


def _read_mapped_ids(path: str) -> Iterator[Tuple[int, int]]:
    """First and last number of each line of the id map *path* (user_namespaces(7))."""
    with open(path, encoding="ascii") as stream:
        for line in stream:
            first, _outside, count = (int(word) for word in line.split())
            yield first, first + count - 1


def _list_used_ids() -> Iterator[int]:
    """The user ids of all processes."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                yield os.stat("/proc/" + name).st_uid


def _is_unknown(lookup: Callable[[int], Any], number: int) -> bool:
    try:
        lookup(number)
    except KeyError:
        return True
    return False


def choose_unused_account() -> Identity:
    """An account that no database of accounts has and no process runs as, so that it owns nothing.

    Raises IsolationError, OSError.
    """
    used = set(_list_used_ids())
    maps = [list(_read_mapped_ids("/proc/self/%s_map" % kind)) for kind in ("uid", "gid")]
    for numbers in ACCOUNT_RANGES:
        start = os.getpid() % len(numbers)
        for index in range(len(numbers)):
            number = numbers[(start + index) % len(numbers)]
            if not all(any(first <= number <= last for first, last in mapped) for mapped in maps):
                break
            if number not in used and _is_unknown(pwd.getpwuid, number) and _is_unknown(grp.getgrgid, number):
                return Identity(ISOLATED_NAME, number, number, (number,), ISOLATED_DIRECTORY)
    raise IsolationError("a scratch server cannot be isolated here: no unused user id is available")


def _restrict(target: str, flags: int) -> None:
    """Add *flags* to those of the mount *target*. Raises IsolationError, OSError."""
    present = os.statvfs(target).f_flag
    # A user namespace cannot take away what its parent has set. The lowest four are equal in statvfs(3) and mount(2).
    flags |= present & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME)
    flags |= MS_RELATIME if present & os.ST_RELATIME else 0
    _mount(None, target, None, MS_REMOUNT | MS_BIND | flags)


def _bind(source: str, target: str, flags: int) -> None:
    """Mount *source*, a file or a directory, at *target*, which is created. Raises IsolationError, OSError."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))
    _mount(source, target, None, MS_BIND | MS_REC)
    _restrict(target, flags)


def _bind_programs(root: str, programs: Sequence[str]) -> None:
    """Mount what programs need read-only in *root*: the operating system, and the prefixes of the *programs*."""
    flags = MS_RDONLY | MS_NOSUID | MS_NODEV
    _bind("/usr", root + "/usr", flags)
    for name in SYSTEM_DIRECTORIES:
        if os.path.islink("/" + name):
            os.symlink(os.readlink("/" + name), os.path.join(root, name))
        elif os.path.isdir("/" + name):
            _bind("/" + name, os.path.join(root, name), flags)
    for name in SHARED_PATHS:
        if os.path.exists("/" + name):
            _bind(os.path.realpath("/" + name), os.path.join(root, name), flags)
    for directory in programs:
        prefix = os.path.dirname(os.path.realpath(directory))
        if not (prefix + "/").startswith("/usr/") and not os.path.isdir(root + prefix):
            _bind(prefix, root + prefix, flags)


def _make_devices(root: str) -> None:
    """Make the devices in *root*. Raises IsolationError, OSError."""
    for name in DEVICES:
        if os.path.exists("/dev/" + name):
            _bind("/dev/" + name, os.path.join(root, "dev", name), MS_NOSUID | MS_NOEXEC)
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, os.path.join(root, "dev", name))
    os.mkdir(root + "/dev/shm")
    _mount("tmpfs", root + "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=256m")


def _make_root(root: str, directory: str, who: Identity, programs: Sequence[str]) -> None:
    """Mount a root at *root*, in which *directory* is `ISOLATED_DIRECTORY`. Raises IsolationError, OSError."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m")
    _bind_programs(root, programs)
    os.makedirs(root + "/etc", exist_ok=True)
    for name, text in ACCOUNT_FILES.items():
        with open(os.path.join(root, "etc", name), "w", encoding="ascii") as stream:
            stream.write(text.format(name=who.name, uid=who.uid, gid=who.gid, home=who.home))
    _make_devices(root)
    for name in ("/proc", "/run", "/var"):
        os.makedirs(root + name, exist_ok=True)
    _mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.symlink(ISOLATED_DIRECTORY, root + "/var/tmp")
    _bind(directory, root + ISOLATED_DIRECTORY, MS_NOSUID | MS_NODEV)


def _change_root(root: str) -> None:
    """Make *root* the root directory, and leave nothing of the old one. Raises IsolationError, OSError."""
    os.chdir(root)
    _call_libc("pivot_root", b".", b".")
    _call_libc("umount2", b".", MNT_DETACH)
    os.chdir("/")
    _restrict("/", MS_RDONLY | MS_NOSUID | MS_NODEV)


def _start_loopback() -> None:
    """Start the loopback interface, which some servers talk to themselves over."""
    with contextlib.suppress(OSError), contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as endpoint:
        request = struct.pack("16sH14x", b"lo", 0)
        (present,) = struct.unpack("16xH14x", fcntl.ioctl(endpoint, SIOCGIFFLAGS, request))
        fcntl.ioctl(endpoint, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", present | IFF_UP))


def _end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _call_libc("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _run_first(who: Identity, root: str, directory: str, programs: Sequence[str], function: Callable[[], Any]) -> Any:
    """The result of *function*; run as the first process of a namespace, with which all others in it end."""
    _end_with_parent()
    os.umask(0o022)
    _make_root(root, directory, who, programs)
    _start_loopback()
    _change_root(root)
    tempfile.tempdir = ISOLATED_DIRECTORY
    os.umask(0o077)
    who.drop_privileges()
    _call_libc("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A change of the account takes it back.
    _end_with_parent()
    return function()


def call_isolated(who: Identity, directory: str, programs: Sequence[str], function: Callable[[], Any]) -> Any:
    """The result of *function*, which JSON must be able to hold, called as *who* by root.

    Of files, the function and what it starts see /usr and the prefixes of the directories *programs*, read-only, and
    *directory* of *who* as `ISOLATED_DIRECTORY`. They have neither a network nor sight of other processes, and what it
    started is killed at its end. Raises IsolationError or HelperError with the cause, OSError.
    """
    root = os.path.join(os.path.dirname(directory), "root")
    os.mkdir(root, 0o700)

    def lead() -> Any:
        _end_with_parent()
        _call_libc("unshare", CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)
        return call_in_child(lambda: _run_first(who, root, directory, programs, function))

    return call_in_child(lead)
