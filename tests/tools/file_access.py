# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses host code that could wait for a planted pipe, or follow a planted symlink.

What an application's user can write is read through `_host/_untrusted.py`; directories are created, given away and
removed through `_host/_directories.py`. Every other call is listed here with the reason that it is safe: whose file it
is. ``python -m tests.tools.file_access`` prints what is not listed, and what is listed without need.
"""

from __future__ import annotations

import ast
import pathlib
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("plugins/module_utils", "plugins/modules")
# Calls that open a path however it is made, or change what a symlink leads to.
REFUSED = {
    "open",
    "io.open",
    "os.open",
    "os.chown",
    "os.chmod",
    "os.lchown",
    "os.makedirs",
    "os.setxattr",
    "shutil.chown",
    "shutil.copy",
    "shutil.copy2",
    "shutil.copyfile",
    "shutil.copymode",
    "shutil.copytree",
    "shutil.move",
    "shutil.rmtree",
    "filecmp.cmp",
    "tarfile.open",
    "tokenize.open",
    "zipfile.ZipFile",
    "compute_sha256",
    "read_json",
    "read_text",
}
# The kernel and root alone write below these.
KERNEL = ("/proc/", "/sys/", "/etc/")
# With one of these flags os.open neither waits nor follows, or makes a new file.
SAFE_FLAGS = {"O_NONBLOCK", "O_DIRECTORY", "O_PATH", "O_EXCL", "FILE_FLAGS", "DIRECTORY_FLAGS", "PASSING_FLAGS"}
STATE = "root's state directory"
BACKUP = "backups, dumps and scratch directories of root"
OPENED = "an open file, or the name of one in proc(5)"
OWN = "a directory that only this process can enter"


class Allowance(NamedTuple):
    """Calls that are safe in the files whose path, without ``plugins/``, begins with *prefix*, and why."""

    prefix: str
    calls: frozenset[str]
    reason: str


def _allow(prefix: str, calls: str, reason: str) -> Allowance:
    return Allowance(
        f"module_utils/{prefix}" if not prefix.startswith("modules/") else prefix, frozenset(calls.split()), reason
    )


ALLOWED = (
    _allow("_application/_claims", "read_json", STATE),
    _allow("_application/_backups", "read_json", STATE),
    _allow("_application/_journal", "open", STATE),
    _allow("_application/_state", "os.open read_json read_text", STATE),
    _allow("_application/_status", "read_json", STATE),
    _allow("_source/_scan_memory", "read_json", STATE),
    _allow("_backup/", "open os.open compute_sha256 shutil.rmtree shutil.copy", BACKUP),
    _allow("_backup/_drill", "os.chmod", BACKUP),
    _allow("_backup/layers/_extract", "os.chown os.chmod os.setxattr", OPENED),
    _allow("_diagnosis/_profile_probe", "io.open", "run by the user who can change what it reads"),
    _allow("_discovery/_libraries", "open", "the cache of the dynamic linker"),
    _allow("_discovery/_metadata", "zipfile.ZipFile", OPENED),
    _allow("_discovery/_running", "open", "files of the kernel"),
    _allow(
        "_generation/_carry",
        "open shutil.copytree shutil.copymode",
        "done as the account that builds, of files it has seen",
    ),
    _allow("_generation/_import_probe", "os.open", "the null device"),
    _allow("_generation/_memory", "read_json", STATE),
    _allow("_generation/_source_probe", "open tokenize.open", "run as the application's user, of ordinary files"),
    _allow("_health/checks/_port", "open", "files of the kernel"),
    _allow("_host/_commands", "os.open", STATE),
    _allow("_host/_directories", "os.chmod os.chown os.setxattr", OPENED),
    _allow("_host/_files", "open read_text", "called for files of root"),
    _allow("_host/_isolation", "open os.open os.makedirs", "a new root directory that no other process sees"),
    _allow("_host/_scratch", "os.open os.chmod os.chown", OWN),
    _allow("_host/_untrusted", "os.open", "this is the reader"),
    _allow("_interpreter/_archive", "open tarfile.open", OWN),
    _allow("_interpreter/_install", "os.open compute_sha256", OWN),
    _allow("_host/_use", "open", "files of the kernel"),
    _allow("_packages/_copy", "zipfile.ZipFile", "made in memory"),
    _allow("_packages/_lockfile", "read_text", STATE),
    _allow("_packages/_wheel_build", "shutil.copyfile", OWN),
    _allow("_packages/_wheelhouse", "open tarfile.open compute_sha256", "root's directory of wheels"),
    _allow("_transaction/", "open os.open read_json read_text", STATE),
    _allow("modules/environment", "read_text", STATE),
    _allow("modules/plan_delivery", "read_text", STATE),
)


def _name_call(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def _is_kernel_path(node: ast.expr) -> bool:
    """Whether *node* is a path of the kernel, or a format of one."""
    if isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(KERNEL)


def _has_safe_flags(node: ast.Call) -> bool:
    names = set()
    for argument in node.args[1:2]:
        for part in ast.walk(argument):
            if isinstance(part, ast.Attribute):
                names.add(part.attr)
            elif isinstance(part, ast.Name):
                names.add(part.id)
    return bool(names & SAFE_FLAGS)


def _is_safe(node: ast.Call, name: str) -> bool:
    if not node.args:
        return True
    if name == "os.open" and _has_safe_flags(node):
        return True
    # The mode of a symlink does not exist, and its owner is its own with this argument.
    if any(keyword.arg == "follow_symlinks" for keyword in node.keywords):
        return True
    return _is_kernel_path(node.args[0])


def find_calls(text: str) -> list[tuple[str, int]]:
    """The refused calls in the source *text*: name and line."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = _name_call(node)
            if name in REFUSED and not _is_safe(node, name):
                found.append((name, node.lineno))
    return sorted(found, key=lambda call: call[1])


def check_folders() -> list[str]:
    """Calls that are not allowed, and allowances without a call, as lines of text."""
    problems = []
    used: set[tuple[str, str]] = set()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = str(path.relative_to(ROOT))
            for name, line in find_calls(path.read_text(encoding="utf-8")):
                prefixes = [entry.prefix for entry in ALLOWED if _is_allowed(entry, where, name)]
                used.update((prefix, name) for prefix in prefixes)
                if not prefixes:
                    problems.append(f"{where}:{line}: {name} may follow or wait for what was planted; see {__name__}")
    for entry in ALLOWED:
        for name in sorted(entry.calls):
            if (entry.prefix, name) not in used:
                problems.append(f"{__name__}: nothing in {entry.prefix} calls {name} any more")
    return problems


def _is_allowed(entry: Allowance, where: str, name: str) -> bool:
    return name in entry.calls and where.removeprefix("plugins/").startswith(entry.prefix)


def main() -> None:
    """Print the problems and end with 1, or end with 0."""
    problems = check_folders()
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
