# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes of services, their interpreters and mapped files, from proc(5).

A process that ends meanwhile is left out.
"""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_text_file

# Bytes of a file with the number of a process, which the application's user writes.
PIDFILE_LIMIT = 64
PYTHON_NAME = re.compile(r"^(?:python|pypy)[0-9.]*$")


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


def select_unit_processes(
    units: List[str], pidfiles: List[str], processes: List[ServiceProcess]
) -> List[ServiceProcess]:
    """Those of *processes* in the control groups of *units*, and the processes in *pidfiles* with their descendants."""
    wanted = set(units)
    chosen = {process.pid for process in processes if process.groups & wanted}
    for path in pidfiles:
        text = (read_text_file(path, limit=PIDFILE_LIMIT) or "").strip()
        if text.isdigit():
            chosen.add(int(text))
    children: Dict[int, List[int]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process.pid)
    waiting = list(chosen)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in chosen:
                chosen.add(child)
                waiting.append(child)
    return [process for process in processes if process.pid in chosen]


def find_mapped_file(pid: int, directory: str) -> Optional[str]:
    """A file below *directory* that process *pid* has mapped, or None. Raises OSError."""
    prefix = directory.rstrip("/") + "/"
    for line in (read_text("/proc/%d/maps" % pid) or "").splitlines():
        path = line.split(None, 5)[-1]
        if path.startswith(prefix):
            return path
    return None


def examine_processes(
    units: List[str], pidfiles: List[str], interpreter: Optional[str], old: Optional[str]
) -> Tuple[bool, str]:
    """Whether the services' Python processes run *interpreter*, and no process maps a file below *old*; with evidence.

    Both conditions are optional. The evidence names the first process that differs, or the number of processes.
    """
    members = select_unit_processes(units, pidfiles, list_processes())
    names = ", ".join(units + pidfiles)
    if not members:
        return False, "no process of %s is running" % names
    pythons = [process for process in members if PYTHON_NAME.match(os.path.basename(process.executable))]
    wanted = os.path.realpath(interpreter) if interpreter else None
    # An environment may have copies of its interpreter, one for each name.
    beside = os.path.realpath(os.path.dirname(interpreter)) if interpreter else None
    for process in pythons:
        if wanted and process.executable != wanted and os.path.dirname(process.executable) != beside:
            return False, "process %d of %s runs %s, not %s" % (process.pid, names, process.executable, wanted)
    for process in members:
        mapped = find_mapped_file(process.pid, old) if old else None
        if mapped:
            return False, "process %d of %s still maps %s" % (process.pid, names, mapped)
    if not pythons:
        return False, "none of the %d processes of %s is visibly a Python process" % (len(members), names)
    return True, "%d Python processes of %s run %s" % (len(pythons), names, wanted or pythons[0].executable)
