# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries and proves interpreters: isolated, with a timeout, as the least privileged account that can change them."""

import glob
import json
import os
import stat
from typing import Any, Dict, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host import _elf
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    can_become,
    get_current_identity,
    list_controls,
    resolve_uid,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_text_file

# Marks a prefix that this collection installed.
MARKER_NAME = ".oxzep7.json"
PROBE_TIMEOUT = 60.0
PROBE_PROGRAM = (
    "import json, platform, sys, sysconfig;"
    "print(json.dumps([platform.python_version(), platform.python_implementation(), sys.prefix,"
    " sysconfig.get_platform()]))"
)
REQUIRED_MODULES = ("ctypes", "lzma", "sqlite3", "ssl")
# Part of the standard library from this minor on.
ZONEINFO_VERSION = (3, 9)
NOBODY_UID = 65534


# Bytes of a marker; this collection writes a few hundred.
MARKER_LIMIT = 1 << 16


class InterpreterError(CollectionError):
    """An interpreter that cannot be obtained or does not work; nothing was changed."""


def read_marker(prefix: str) -> Dict[str, Any]:
    """The marker in *prefix*: ``version``, ``sha256`` and ``source``; empty if this collection did not install it.

    Raises InterpreterError for a damaged one.
    """
    path = os.path.join(prefix, MARKER_NAME)
    text = read_text_file(path, limit=MARKER_LIMIT)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InterpreterError("%s is not valid JSON (%s); install the interpreter again" % (path, error))
    return found if isinstance(found, dict) else {}


def is_matching_version(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(wanted + ".")


def find_least_trusted_owner(path: str) -> Any:
    """The account to run *path*: root only if root alone can write it and every directory above it."""
    real = os.path.realpath(path)
    controls = list_controls(os.path.dirname(os.path.abspath(path))) + list_controls(os.path.dirname(real))
    program = os.stat(real)
    for uid in [control.owner for control in controls] + [program.st_uid]:
        if uid != 0:
            return resolve_uid(uid)
    open_to_others = any(control.writers or control.everybody for control in controls)
    open_to_others |= bool(program.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    return resolve_uid(NOBODY_UID) if open_to_others else resolve_uid(0)


def _run_isolated(path: str, program: str) -> CommandResult:
    owner = find_least_trusted_owner(path)
    account = owner if can_become(owner) else get_current_identity()
    return run_command([path, "-I", "-S", "-c", program], PROBE_TIMEOUT, account)


def query_interpreter(path: str) -> Tuple[str, str, str, str]:
    """Version, implementation, prefix and platform that the interpreter *path* reports.

    It is run isolated (``-I -S``), with a timeout, as its least trusted owner. Raises InterpreterError.
    """
    answer = _run_isolated(path, PROBE_PROGRAM)
    try:
        version, implementation, prefix, platform = json.loads(answer.stdout)
    except ValueError:
        raise InterpreterError(
            "%s does not run on this host: %s" % (path, answer.last_lines() or "status %d" % answer.rc)
        )
    return version, implementation, prefix, platform


def prove_interpreter(path: str, wanted: str) -> Tuple[str, str]:
    """Run the interpreter *path* and import modules that applications need; returns its full version and prefix.

    Raises InterpreterError.
    """
    version, _implementation, prefix, _platform = query_interpreter(path)
    if not is_matching_version(version, wanted):
        raise InterpreterError("%s is Python %s, not %s" % (path, version, wanted))
    major, minor = version.split(".")[:2]
    needed = REQUIRED_MODULES + (("zoneinfo",) if (int(major), int(minor)) >= ZONEINFO_VERSION else ())
    imported = _run_isolated(path, "import " + ", ".join(needed))
    if imported.rc != 0:
        raise InterpreterError("%s lacks a part of the standard library: %s" % (path, imported.last_lines(2)))
    libraries = glob.glob(os.path.join(glob.escape(prefix), "lib", "libpython%s.%s*.so*" % (major, minor)))
    for program in [os.path.realpath(path)] + sorted(libraries):
        check_program(program)
    return version, prefix


def check_program(path: str) -> None:
    """Raise InterpreterError for a program or library of another architecture or with an executable stack."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise InterpreterError("%s cannot be read: %s" % (path, error.strerror))
    try:
        elf = _elf.read_elf(handle)
    finally:
        os.close(handle)
    if elf is None:
        return
    if elf.machine != os.uname().machine:
        raise InterpreterError("%s is for %s, and this host is %s" % (path, elf.machine, os.uname().machine))
    if elf.executable_stack:
        raise InterpreterError(
            "%s asks for an executable stack, which newer C libraries and hardened kernels refuse; "
            "have it built without (ld -z noexecstack)" % path
        )
