# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the processes that run or have mapped a Python, and the deleted files that they still use (proc(5))."""

import contextlib
import os
import re
import socket
import sys
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PYTHON_VARIABLE
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import PYTHON_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import (
    DELETED_SUFFIX,
    find_libpython,
    parse_mapped_files,
)


class PythonProcess(NamedTuple):
    """A process that uses Python.

    *library* is the libpython it has mapped, *deleted* are files it uses that were deleted, *first* is the path it was
    started by. The paths of a *contained* process, which has another root directory, are not those of this host.
    *listens* are TCP addresses.
    """

    pid: int
    user: str
    executable: str
    library: Optional[str]
    deleted: List[str]
    program: Optional[str]
    first: Optional[str]
    directory: Optional[str]
    variables: Dict[str, str]
    unit: Optional[str]
    contained: bool
    listens: List[str]


def _read_proc_file(path: str, limit: int = 1 << 20) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(limit)


def _read_variables(pid: int) -> Dict[str, str]:
    found: Dict[str, str] = {}
    with contextlib.suppress(OSError):
        for entry in _read_proc_file("/proc/%d/environ" % pid).decode("utf-8", "surrogateescape").split("\0"):
            name, separator, value = entry.partition("=")
            if separator and PYTHON_VARIABLE.match(name):
                found[name] = value
    return found


def _find_unit(pid: int) -> Optional[str]:
    text = _read_proc_file("/proc/%d/cgroup" % pid).decode("utf-8", "replace")
    units = re.findall(r"/([^/\n]+\.service)(?=/|$)", text, re.MULTILINE)
    return units[-1] if units else None


def parse_listening_sockets(text: str, wide: bool) -> Dict[str, str]:
    """Address and port by socket inode of each listening socket in ``/proc/net/tcp`` or, *wide*, ``tcp6``."""
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == "0A":
            address, _separator, port = fields[1].partition(":")
            shown = socket.inet_ntop(socket.AF_INET6 if wide else socket.AF_INET, _decode_address(address))
            found[fields[9]] = "%s:%d" % ("[%s]" % shown if wide else shown, int(port, 16))
    return found


def _decode_address(text: str) -> bytes:
    """The bytes of an address that is printed as hexadecimal words of 32 bits in the host's byte order."""
    words = b""
    for start in range(0, len(text), 8):
        word = bytes.fromhex(text[start : start + 8])
        words += word[::-1] if sys.byteorder == "little" else word
    return words


def _read_listening_sockets() -> Dict[str, str]:
    found: Dict[str, str] = {}
    for table, wide in (("tcp", False), ("tcp6", True)):
        with contextlib.suppress(OSError):
            text = _read_proc_file("/proc/net/" + table, 8 << 20).decode("ascii", "replace")
            found.update(parse_listening_sockets(text, wide))
    return found


def _find_listen_addresses(pid: int, sockets: Dict[str, str]) -> List[str]:
    found = set()
    try:
        for name in os.listdir("/proc/%d/fd" % pid):
            target = os.readlink("/proc/%d/fd/%s" % (pid, name))
            if target.startswith("socket:[") and target[8:-1] in sockets:
                found.add(sockets[target[8:-1]])
    except OSError:
        pass
    return sorted(found)


def _examine_process(pid: int, sockets: Dict[str, str]) -> Optional[PythonProcess]:
    executable = os.readlink("/proc/%d/exe" % pid)
    files = parse_mapped_files(_read_proc_file("/proc/%d/maps" % pid, 8 << 20).decode("utf-8", "surrogateescape"))
    library = find_libpython(files)
    if library is None and not PYTHON_NAME.match(os.path.basename(executable.replace(DELETED_SUFFIX, ""))):
        return None
    words = _read_proc_file("/proc/%d/cmdline" % pid, 1 << 16).decode("utf-8", "surrogateescape").split("\0")
    directory: Optional[str] = None
    with contextlib.suppress(OSError):
        directory = os.readlink("/proc/%d/cwd" % pid)
    deleted = []
    for path in files + [executable]:
        # Shared memory has no file.
        if path.endswith(DELETED_SUFFIX) and not path.startswith(("/memfd:", "/dev/", "/SYSV")):
            deleted.append(path[: -len(DELETED_SUFFIX)])
    return PythonProcess(
        pid,
        resolve_user_name(os.stat("/proc/%d" % pid).st_uid),
        executable,
        library,
        list(dict.fromkeys(deleted)),
        _find_program(words[1:]),
        words[0] if words else None,
        directory,
        _read_variables(pid),
        _find_unit(pid),
        _is_contained(pid),
        _find_listen_addresses(pid, sockets),
    )


def _find_program(words: List[str]) -> Optional[str]:
    """The script, ``-m module`` or ``-c`` among the arguments *words* of an interpreter."""
    arguments = [word for word in words if word]
    if "-m" in arguments:
        return "-m " + "".join(arguments[arguments.index("-m") + 1 :][:1])
    if "-c" in arguments:
        return "-c"
    return next((word for word in arguments if not word.startswith("-")), None)


def _is_contained(pid: int) -> bool:
    own, other = os.stat("/"), os.stat("/proc/%d/root" % pid)
    return (own.st_dev, own.st_ino) != (other.st_dev, other.st_ino)


def find_python_processes(not_seen: List[Dict[str, Any]]) -> List[PythonProcess]:
    """Every process that uses a Python, except this one and its ancestors.

    *not_seen* gets an entry with the number of processes that may not be examined.
    """
    found, refused = [], 0
    ancestors = _list_ancestors()
    sockets = _read_listening_sockets()
    for entry in sorted(os.listdir("/proc")):
        if not entry.isdigit() or int(entry) in ancestors:
            continue
        try:
            process = _examine_process(int(entry), sockets)
        except PermissionError:
            refused += 1
            continue
        except OSError:
            continue
        if process:
            found.append(process)
    if refused:
        not_seen.append({"path": "/proc", "reason": "Permission denied for %d processes of other users" % refused})
    return found


def _list_ancestors() -> "set[int]":
    chain = set()
    pid = os.getpid()
    while pid > 1 and pid not in chain:
        chain.add(pid)
        try:
            text = _read_proc_file("/proc/%d/stat" % pid).decode("utf-8", "replace")
        except OSError:
            break
        pid = int(text[text.rfind(")") + 2 :].split()[1])
    return chain
