# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of Python a process uses: its executable, the libpython and the files of an environment that it has mapped.

Directories are compared by device and inode, so that symlinks in their paths do not matter. A process that ends
meanwhile uses nothing.
"""

import os
import re
from typing import Dict, FrozenSet, List, Match, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_text_file

PYTHON_NAME = re.compile(r"^(?:python|pypy)[0-9.]*$")
LIBPYTHON_NAME = re.compile(r"^lib(?:python(\d\.\d+)[dmtu]*|pypy(\d(?:\.\d+)?)[\d.]*(?:-c)?)\.so[^/]*$")
VERSION_LINE = re.compile(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", re.MULTILINE)
DELETED_SUFFIX = " (deleted)"
TABLE_LIMIT = 8 << 20
WORDS_LIMIT = 1 << 16
NAMED_LIMIT = 50
Identity = Tuple[int, int]


class ProcessEntry(NamedTuple):
    """A process: its id, its parent's id, and the paths of its control groups (cgroups(7))."""

    pid: int
    parent: int
    groups: FrozenSet[str]


class PythonPlace(NamedTuple):
    """An interpreter, or an environment: how messages call it, and what processes are compared with.

    ``program`` is the executable, ``directories`` are those of an environment, and ``minor`` is as ``3.9``.
    """

    path: str
    program: Optional[Identity]
    directories: FrozenSet[Identity] = frozenset()
    minor: Optional[str] = None


class ProcessUse(NamedTuple):
    """What a process uses: its executable, the libpython it has mapped with its minor version, and all mapped files.

    ``named`` are the paths in its arguments, and the one in ``VIRTUAL_ENV``.
    """

    pid: int
    executable: str
    program: Optional[Identity]
    library: Optional[str]
    minor: Optional[str]
    files: Tuple[str, ...]
    named: Tuple[str, ...] = ()

    def is_interpreter(self) -> bool:
        """Whether its executable is called as interpreters are."""
        return bool(PYTHON_NAME.match(os.path.basename(self.executable)))

    def is_python(self) -> bool:
        """Whether it visibly runs Python."""
        return self.library is not None or self.is_interpreter()


def _identify(path: str) -> Optional[Identity]:
    """Device and inode of *path*; None if it cannot be reached."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino


def describe_interpreter(path: str) -> PythonPlace:
    """The interpreter whose executable is *path*."""
    return PythonPlace(os.path.realpath(path), _identify(path))


def describe_environment(path: str) -> PythonPlace:
    """The environment in the directory *path*."""
    minor = VERSION_LINE.search(read_text_file(os.path.join(path, "pyvenv.cfg")) or "")
    libraries = [os.path.join(path, "lib"), os.path.join(path, "lib64")]
    if minor:
        libraries.append(os.path.join(path, "lib", "python" + minor.group(1), "site-packages"))
    found = [_identify(place) for place in [path] + libraries]
    directories = frozenset(place for place in found if place is not None)
    program = _identify(os.path.join(path, "bin", "python"))
    return PythonPlace(path, program, directories, minor.group(1) if minor else None)


def list_process_entries() -> List[ProcessEntry]:
    """Every visible process."""
    entries = []
    for name in os.listdir("/proc"):
        entry = _read_entry(int(name)) if name.isdigit() else None
        if entry is not None:
            entries.append(entry)
    return entries


def _read_entry(pid: int) -> Optional[ProcessEntry]:
    try:
        with open("/proc/%d/stat" % pid, "rb") as stream:
            fields = stream.read().decode("utf-8", "replace").rpartition(")")[2].split()
        with open("/proc/%d/cgroup" % pid, "rb") as stream:
            lines = stream.read().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    groups = frozenset(line.split(":", 2)[2] for line in lines if line.count(":") >= 2)
    return ProcessEntry(pid, int(fields[1]), groups) if len(fields) > 1 else None


def select_members(entries: Sequence[ProcessEntry], groups: Sequence[str], pids: Sequence[int]) -> List[int]:
    """The ids of those of *entries* in one of the control *groups*, or below, and of *pids*; with all descendants."""
    chosen: Set[int] = set(pids) & {entry.pid for entry in entries}
    for entry in entries:
        if any(path == group or path.startswith(group + "/") for path in entry.groups for group in groups):
            chosen.add(entry.pid)
    children: Dict[int, List[int]] = {}
    for entry in entries:
        children.setdefault(entry.parent, []).append(entry.pid)
    waiting = list(chosen)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in chosen:
                chosen.add(child)
                waiting.append(child)
    return sorted(chosen)


def parse_mapped_files(text: str) -> List[str]:
    """The files in a process's ``maps`` (proc(5)), each once, in order; deleted ones with `DELETED_SUFFIX`."""
    rows = (line.split(None, 5) for line in text.splitlines())
    return list(dict.fromkeys(row[5] for row in rows if len(row) == 6 and row[5].startswith("/")))


def read_process_use(pid: int) -> Optional[ProcessUse]:
    """What process *pid* uses; None if it has ended, or may not be examined."""
    try:
        executable = os.readlink("/proc/%d/exe" % pid)
        with open("/proc/%d/maps" % pid, "rb") as stream:
            files = parse_mapped_files(stream.read(TABLE_LIMIT).decode("utf-8", "surrogateescape"))
        named = find_named_paths(_read_words(pid, "cmdline"), _read_words(pid, "environ"))
    except OSError:
        return None
    library = find_libpython(files)
    match = _match_libpython(library) if library else None
    minor = match.group(1) or match.group(2) if match else None
    return ProcessUse(pid, executable, _identify("/proc/%d/exe" % pid), library, minor, tuple(files), named)


def _read_words(pid: int, name: str) -> List[str]:
    """The arguments (``cmdline``) or variables (``environ``) of process *pid*. Raises OSError."""
    with open("/proc/%d/%s" % (pid, name), "rb") as stream:
        return stream.read(WORDS_LIMIT).decode("utf-8", "surrogateescape").split("\0")


def find_named_paths(arguments: Sequence[str], variables: Sequence[str]) -> Tuple[str, ...]:
    """The absolute paths in *arguments*, also those of ``option=path``, and in the variable ``VIRTUAL_ENV``."""
    words = [word.rpartition("=")[2] for word in arguments]
    words += [word.partition("=")[2] for word in variables if word.startswith("VIRTUAL_ENV=")]
    return tuple(dict.fromkeys(word for word in words if word.startswith("/")))[:NAMED_LIMIT]


def find_libpython(files: Sequence[str]) -> Optional[str]:
    """The first libpython among the mapped *files*."""
    return next((path for path in files if _match_libpython(path)), None)


def _match_libpython(path: str) -> Optional[Match[str]]:
    name = os.path.basename(path[: -len(DELETED_SUFFIX)] if path.endswith(DELETED_SUFFIX) else path)
    return LIBPYTHON_NAME.match(name)


def find_files_inside(use: ProcessUse, place: PythonPlace) -> List[str]:
    """The files below *place* that the process of *use* has mapped."""
    # As the process reaches them: it may have a mount namespace of its own.
    root = "/proc/%d/root" % use.pid
    known: Dict[str, bool] = {}
    return [path for path in use.files if _is_inside(os.path.dirname(path), root, place, known)]


def find_named_path(use: ProcessUse, place: PythonPlace) -> Optional[str]:
    """A path that the process of *use* was given and that is *place*, or below; None without one."""
    known: Dict[str, bool] = {}
    root = "/proc/%d/root" % use.pid
    return next((path for path in use.named if _is_inside(path.rstrip("/") or "/", root, place, known)), None)


def _is_inside(directory: str, root: str, place: PythonPlace, known: Dict[str, bool]) -> bool:
    """Whether *directory* is one of *place*, or below; *known* has earlier answers."""
    if directory not in known:
        text = directory + "/"
        inside = text.startswith((place.path.rstrip("/") + "/", os.path.realpath(place.path) + "/"))
        inside = inside or bool({_identify(root + directory), _identify(directory)} & place.directories)
        parent = os.path.dirname(directory)
        known[directory] = inside or (parent != directory and _is_inside(parent, root, place, known))
    return known[directory]
