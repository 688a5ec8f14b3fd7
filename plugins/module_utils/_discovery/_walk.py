# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks directories for what matters to discovery: environments, and prefixes of interpreters."""

import os
import re
from typing import Dict, List, NamedTuple, Tuple

INTERPRETER = re.compile(r"^(?:python3\.\d+|pypy3\.\d+)$")
PSEUDO = {"proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "autofs",
          "9p", "ceph", "glusterfs", "securityfs", "debugfs", "tracefs", "bpf", "mqueue", "pstore"}


class Found(NamedTuple):
    """What a walk met: environments, interpreter executables, and what it did not look into, with reasons."""

    environments: List[str]
    interpreters: List[str]
    not_seen: List[Dict[str, str]]


def skipped_mounts() -> Dict[str, str]:
    """Mount points of network and pseudo file systems, each with its type (proc(5), ``mounts``)."""
    try:
        with open("/proc/mounts", encoding="utf-8", errors="surrogateescape") as stream:
            rows = [line.split() for line in stream]
    except OSError:
        return {}
    return {row[1].replace("\\040", " "): row[2] for row in rows if len(row) > 2 and row[2] in PSEUDO}


def interpreters_in(directory: str) -> List[str]:
    """Executables in *directory* that are called like an interpreter with its minor version, real files only."""
    try:
        names = sorted(name for name in os.listdir(directory) if INTERPRETER.match(name))
    except OSError:
        return []
    return [path for path in (os.path.join(directory, name) for name in names)
            if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.X_OK)]


def walk(roots: List[str], exclude: List[str]) -> Found:
    """Search *roots*, never following a symlink and never entering *exclude* or a network or pseudo file system."""
    found = Found([], [], [])
    mounts = skipped_mounts()
    left_out = {os.path.normpath(path) for path in exclude}
    waiting = [os.path.realpath(root) for root in roots if os.path.isdir(root)]
    seen = set()
    while waiting:
        directory = waiting.pop()
        if directory in seen or directory in left_out:
            continue
        seen.add(directory)
        if directory in mounts:
            found.not_seen.append({"path": directory, "reason": "file system of type %s" % mounts[directory]})
            continue
        try:
            is_environment, below = _look(directory)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                found.not_seen.append({"path": directory, "reason": error.strerror or str(error)})
            continue
        if is_environment:
            found.environments.append(directory)
            continue
        if os.path.basename(directory) == "bin":
            found.interpreters.extend(interpreters_in(directory))
        waiting.extend(below)
    return Found(sorted(found.environments), sorted(found.interpreters), found.not_seen)


def _look(directory: str) -> Tuple[bool, List[str]]:
    below = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name == "pyvenv.cfg":
                return True, []
            if entry.is_dir(follow_symlinks=False) and entry.name not in ("site-packages", "__pycache__", ".git", "node_modules"):
                below.append(entry.path)
    return False, below
