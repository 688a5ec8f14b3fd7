# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes and their mapped files, from proc(5).

A process that ends meanwhile is left out.
"""

import os
from typing import List, NamedTuple, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text


class ServiceProcess(NamedTuple):
    """A running process: id, resolved executable, its control group's path parts, and parent id."""

    pid: int
    executable: str
    groups: Set[str]
    parent: int


def _read_process(pid: int) -> Optional[ServiceProcess]:
    try:
        executable = os.readlink("/proc/%d/exe" % pid)
    except OSError:
        executable = ""
    try:
        groups = read_text("/proc/%d/cgroup" % pid) or ""
        stat = read_text("/proc/%d/stat" % pid) or ""
    except OSError:
        return None
    fields = stat[stat.rfind(")") + 2 :].split()
    if len(fields) < 2:
        return None
    parts: Set[str] = set()
    for line in groups.splitlines():
        parts.update(line.split("/")[1:])
    return ServiceProcess(pid, executable, parts, int(fields[1]))


def list_processes() -> List[ServiceProcess]:
    """Every visible process."""
    processes = []
    for entry in os.listdir("/proc"):
        process = _read_process(int(entry)) if entry.isdigit() else None
        if process is not None:
            processes.append(process)
    return processes


def find_mapped_file(pid: int, directory: str) -> Optional[str]:
    """A file below *directory* that process *pid* has mapped, or None. Raises OSError."""
    prefix = directory.rstrip("/") + "/"
    for line in (read_text("/proc/%d/maps" % pid) or "").splitlines():
        path = line.split(None, 5)[-1]
        if path.startswith(prefix):
            return path
    return None
