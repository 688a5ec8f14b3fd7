# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes one interpreter from its files; it is run only if no file has its version."""

import mmap
import os
import re
import stat
import struct
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import PYTHON_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._host import _elf
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    list_names,
    open_file,
    read_trusted_text,
    resolve_trusted_path,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import (
    MARKER_NAME,
    InterpreterError,
    query_interpreter,
)

PATCHLEVEL_VERSION = re.compile(r'^#define PY_VERSION\s+"([^"+]+)', re.MULTILINE)
# The beginning of Py_GetVersion(3) in CPython's read-only data.
CPYTHON_COMPILED_VERSION = re.compile(rb"\0([23]\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d+)?)\+?\0")
# PyPy's sys.version: the version of the language, and in parentheses PyPy's own.
PYPY_COMPILED_VERSION = re.compile(rb"([23]\.\d{1,2}\.\d{1,2}) \(\d+\.\d+\.\d+")
ORIGIN_PATHS = [
    ("/.pyenv/versions/", "pyenv"),
    ("/uv/python/", "uv"),
    ("/.asdf/installs/", "asdf"),
    ("/mise/installs/", "mise"),
    ("/.mise/installs/", "mise"),
    ("/.rye/py/", "rye"),
]
CAPABILITY_NAMES = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
]
SCAN_LIMIT = 256 << 20


class InterpreterCandidate(NamedTuple):
    """A file that may be an interpreter, and how it was found: ``walk``, ``process`` or ``unit``.

    *process* is the id of a process that runs it, which keeps the file even when it was deleted.
    """

    path: str
    found_by: str
    process: Optional[int] = None


def find_prefix_interpreters(prefix: str) -> List[str]:
    """Paths of the interpreters in ``bin`` and ``libexec`` of *prefix*; of hard links the one with the longest name."""
    found: Dict[Tuple[int, int], str] = {}
    places = []
    for directory in ("bin", "libexec"):
        for name in list_names("%s/%s" % (prefix, directory)):
            if PYTHON_NAME.match(name):
                places.append((directory, name))
    for directory, name in sorted(places, key=lambda place: (-len(place[1]), place)):
        path = "%s/%s/%s" % (prefix.rstrip("/"), directory, name)
        try:
            state = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISREG(state.st_mode) and state.st_mode & 0o111:
            found.setdefault((state.st_dev, state.st_ino), path)
    return sorted(found.values())


def decode_capabilities(data: bytes) -> List[str]:
    """Names of the permitted capabilities in the attribute *data* (capabilities(7), ``vfs_cap_data``)."""
    try:
        _magic, low, _inherited = struct.unpack_from("<III", data, 0)
        high = struct.unpack_from("<I", data, 12)[0] if len(data) >= 20 else 0
    except struct.error:
        return []
    mask = low | high << 32
    return ["cap_" + name for number, name in enumerate(CAPABILITY_NAMES) if mask >> number & 1]


def read_file_capabilities(path: str) -> List[str]:
    """Names of the file capabilities of the program at the real *path*."""
    return decode_capabilities(_read_attribute(path, "security.capability") or b"")


def _read_attribute(path: str, name: str) -> Optional[bytes]:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return None


def _find_compiled_version(path: str, minor: Optional[str]) -> Optional[str]:
    """The version in the data of the program or library *path*, if exactly one fits *minor*."""
    try:
        handle = open_file(resolve_trusted_path(path))
    except OSError:
        return None
    try:
        if not 0 < os.fstat(handle).st_size <= SCAN_LIMIT:
            return None
        with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as data:
            pattern = PYPY_COMPILED_VERSION if "pypy" in os.path.basename(path) else CPYTHON_COMPILED_VERSION
            found = {match.decode("ascii") for match in pattern.findall(data)}
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)
    fitting = {version for version in found if minor is None or version.startswith(minor + ".")}
    return fitting.pop() if len(fitting) == 1 else None


def _detect_version(
    path: str, prefix: str, minor: Optional[str], library: Optional[str], may_run: bool
) -> Tuple[Optional[str], str]:
    """Full version and its evidence: ``patchlevel.h``, the program, its library or, as a last resort, running it."""
    header = None
    for name in list_names(prefix + "/include"):
        if minor and re.match(r"^(?:python|pypy)%s[dmu]*t?$" % re.escape(minor), name):
            header = read_trusted_text("%s/include/%s/patchlevel.h" % (prefix, name))
            match = PATCHLEVEL_VERSION.search(header) if header else None
            if match:
                return match.group(1), "patchlevel.h"
    for candidate, evidence in ((path, "program"), (library, "libpython")):
        version = _find_compiled_version(candidate, minor) if candidate else None
        if version:
            return version, evidence
    if not may_run:
        return minor, "name" if minor else "nothing"
    try:
        return query_interpreter(path)[0], "ran it"
    except (InterpreterError, OSError) as error:
        return None, str(error)


def _detect_minor(path: str, prefix: str) -> Optional[str]:
    """``X.Y``, from the program's name or from the one library directory of its prefix."""
    match = PYTHON_NAME.match(os.path.basename(path))
    if match and match.group(2) and "." in match.group(2):
        return match.group(2)
    wanted = match.group(2) + "." if match and match.group(2) else ""
    found = set()
    for name in list_names(prefix + "/lib"):
        library = re.match(r"^(?:python|pypy)(\d\.\d+)$", name)
        if library and library.group(1).startswith(wanted):
            found.add(library.group(1))
    return found.pop() if len(found) == 1 else None


def _detect_origin(path: str, prefix: str) -> str:
    if os.path.exists(os.path.join(prefix, MARKER_NAME)) or os.path.basename(prefix).lower().startswith("oxzep7"):
        return "oxzep7"
    if os.path.isdir(os.path.join(prefix, "conda-meta")):
        return "conda"
    if prefix == "/usr":
        return "system"
    for part, origin in ORIGIN_PATHS:
        if part in path:
            return origin
    if prefix == "/usr/local":
        return "local"
    return "built" if _has_makefile(prefix) else "other"


def _has_makefile(prefix: str) -> bool:
    """Whether ``make install`` left its Makefile in *prefix*."""
    for library in list_names(prefix + "/lib"):
        if library.startswith("python"):
            for name in list_names("%s/lib/%s" % (prefix, library)):
                if name.startswith("config-") and os.path.exists("%s/lib/%s/%s/Makefile" % (prefix, library, name)):
                    return True
    return False


def is_externally_managed(prefix: str, minor: Optional[str]) -> bool:
    """Whether the standard library is marked as the operating system's (PEP 668)."""
    if not minor:
        return False
    pattern = "%s/%s/python%s/EXTERNALLY-MANAGED"
    return any(os.path.exists(pattern % (prefix, library, minor)) for library in ("lib", "lib64"))


def describe_interpreter(candidate: InterpreterCandidate, libraries: SharedLibraries) -> Optional[Dict[str, Any]]:
    """The interpreter *candidate* as the inventory has it; None for no ELF program, or behind a symlink of a user."""
    path = candidate.path
    try:
        real, handle = _open_candidate(candidate)
    except OSError:
        return None
    try:
        elf = _elf.read_elf(handle, versions=True)
        state = os.fstat(handle)
    finally:
        os.close(handle)
    if elf is None:
        return None
    prefix = os.path.dirname(os.path.dirname(real))
    pypy = os.path.basename(real).startswith("pypy") or any("libpypy" in name for name in elf.needed)
    minor = _detect_minor(real, prefix)
    needed = next((name for name in elf.needed if name.startswith(("libpython", "libpypy"))), None)
    library = libraries.find(needed, elf.search + [prefix + "/lib"], os.path.dirname(real)) if needed else None
    deleted = not os.path.exists(real)
    foreign = elf.machine != os.uname().machine and (elf.machine, os.uname().machine) != ("i386", "x86_64")
    version, evidence = _detect_version(real, prefix, minor, library, not foreign and not deleted)
    labels = _read_attribute(real, "security.selinux")
    return {
        "path": path,
        "resolved": real,
        "prefix": prefix,
        "version": version,
        "evidence": evidence,
        "implementation": "PyPy" if pypy else "CPython",
        "architecture": elf.machine,
        "libc": {
            "name": "musl" if "musl" in (elf.interpreter or "") else "glibc" if elf.interpreter else None,
            "needs": elf.glibc,
        },
        "libpython": library or ("unresolved: " + needed if needed else None),
        "linked": "shared" if needed else "static",
        "origin": _detect_origin(real, prefix),
        "os_package": None,
        "owner": resolve_user_name(state.st_uid),
        "found_by": candidate.found_by,
        "capabilities": read_file_capabilities(real),
        "selinux": labels.rstrip(b"\0").decode("utf-8", "replace") if labels else None,
        "executable_stack": elf.executable_stack,
        "externally_managed": is_externally_managed(prefix, minor),
        "default": real == _find_default_python(),
        "deleted": deleted,
        "packages": [],
        "unmanaged": [],
    }


def _open_candidate(candidate: InterpreterCandidate) -> Tuple[str, int]:
    """The path without symlinks and a descriptor; a deleted file is opened through its process. Raises OSError."""
    try:
        real = resolve_trusted_path(candidate.path)
        return real, open_file(real)
    except FileNotFoundError:
        if candidate.process is None:
            raise
        return candidate.path, os.open("/proc/%d/exe" % candidate.process, os.O_RDONLY | os.O_CLOEXEC)


def _find_default_python() -> Optional[str]:
    """The real path of the operating system's own Python."""
    for name in ("/usr/libexec/platform-python", "/usr/bin/python3"):
        try:
            return resolve_trusted_path(name)
        except OSError:
            continue
    return None
