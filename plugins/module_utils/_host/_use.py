# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a process uses a directory, from proc(5).

Files and directories are compared by device and inode, so that symlinks, bind mounts and mount namespaces hide nothing.
A process uses a tree if its program, its working or root directory, a mapped or an open file lies in it, or if it names
something in it: in a word of its command line, or in a variable from which Python derives ``sys.path``. The interpreter
of an environment is often a symlink, so that its command line alone says that the environment is used.
"""

import contextlib
import errno
import os
import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

# Variables of a process that name directories from which Python imports.
PYTHON_VARIABLES = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "CONDA_PREFIX", "__PYVENV_LAUNCHER__")
# Variables that name the directory in which a program was started by a relative path.
START_VARIABLES = ("PWD", "OLDPWD")
DELETED = " (deleted)"
PROC_LIMIT = 16 << 20
# proc_pid_namespace(7): the inode of the namespace of the kernel itself.
INITIAL_PID_NAMESPACE = 4026531836
CAP_SYS_PTRACE = 19
NameId = Tuple[int, int]


class TreeContent(NamedTuple):
    """A tree: its path, and device and inode of it and of everything in it."""

    path: str
    members: Set[NameId]


class _UnknownError(Exception):
    """A process whose use of files cannot be known; the text says why."""


def describe_use(path: str, accounts: Optional[Sequence[int]] = None) -> Optional[str]:
    """The process that uses the tree *path*, or why that cannot be known; None if none does.

    With *accounts* (user ids), processes of others that cannot be examined are left out.
    """
    hidden = _find_hiding(path) if accounts is None else None
    if hidden:
        return hidden
    try:
        tree = scan_tree(path)
    except OSError as error:
        return "its files cannot be listed: %s" % error
    for pid in _list_process_ids():
        if pid == os.getpid():
            continue
        try:
            use = find_process_use(pid, tree)
        except (ProcessLookupError, FileNotFoundError):
            # It ended meanwhile.
            continue
        except (_UnknownError, OSError) as error:
            use = _explain_unknown(pid, error, accounts)
        if use:
            return use
    return None


def scan_tree(path: str) -> TreeContent:
    """The content of the tree *path*; symlinks in it are not followed. Raises OSError."""
    members = {_identify(os.stat(path))}
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    continue
                members.add(_identify(entry.stat(follow_symlinks=False)))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return TreeContent(path, members)


def find_process_use(pid: int, tree: TreeContent) -> Optional[str]:
    """How process *pid* uses *tree*, or None.

    Raises ProcessLookupError or FileNotFoundError if it has ended, OSError if it cannot be examined.
    """
    view = _ProcessView(pid, tree)
    for find in (view.find_mapped_file, view.find_program, view.find_directory, view.find_named, view.find_open_file):
        use = find()
        if use:
            return "process %d %s" % (pid, use)
    return None


def _identify(state: os.stat_result) -> NameId:
    return state.st_dev, state.st_ino


def _list_process_ids() -> List[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _explain_unknown(pid: int, error: Exception, accounts: Optional[Sequence[int]]) -> Optional[str]:
    # Root of a container may not read the init that its host made, which is not an application.
    if pid == 1:
        return None
    if accounts is not None:
        try:
            if os.stat("/proc/%d" % pid).st_uid not in accounts:
                return None
        except OSError:
            return None
    return "process %d cannot be examined (%s)" % (pid, error)


def _find_hiding(path: str) -> Optional[str]:
    """Why this process may not see every process that can use *path*; None if it sees them all."""
    if re.search(r"\bhidepid=(?!0|off\b)", _read_proc_mounts()) and not _may_trace():
        return "processes of other accounts are hidden (hidepid)"
    own = os.stat("/proc/self/ns/pid").st_ino
    if own != INITIAL_PID_NAMESPACE and os.stat(path).st_dev != os.stat("/").st_dev:
        return "it is on a volume of this container, and processes outside cannot be seen"
    return None


def _read_proc_mounts() -> str:
    """The options of the mounts of proc(5)."""
    lines = _read_proc("/proc/self/mounts").decode("utf-8", "replace").splitlines()
    return "\n".join(line.split()[3] for line in lines if line.split()[1:3] == ["/proc", "proc"])


def _may_trace() -> bool:
    """Whether this process may examine every process (CAP_SYS_PTRACE)."""
    found = re.search(rb"^CapEff:\s*([0-9a-f]+)$", _read_proc("/proc/self/status"), re.MULTILINE)
    return found is not None and bool(int(found.group(1), 16) >> CAP_SYS_PTRACE & 1)


def _read_proc(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(PROC_LIMIT)


class _ProcessView:
    """The files of process *pid*, as it sees them, compared with *tree*."""

    def __init__(self, pid: int, tree: TreeContent) -> None:
        self._base = "/proc/%d" % pid
        self._tree = tree
        self._known: Dict[str, bool] = {}

    def find_mapped_file(self) -> Optional[str]:
        """A mapped file in the tree."""
        seen: Set[str] = set()
        for line in _read_proc(self._base + "/maps").decode("utf-8", "surrogateescape").splitlines():
            fields = line.split(None, 5)
            if len(fields) < 6 or not fields[5].startswith("/") or fields[5] in seen:
                continue
            seen.add(fields[5])
            path = fields[5][: -len(DELETED)] if fields[5].endswith(DELETED) else fields[5]
            if self._is_inside(path) or self._is_member("%s/map_files/%s" % (self._base, _format_range(fields[0]))):
                return "still maps %s" % path
        return None

    def find_program(self) -> Optional[str]:
        """The program in the tree."""
        return self._look_at_link("exe", "runs")

    def find_directory(self) -> Optional[str]:
        """The working or the root directory in the tree."""
        return self._look_at_link("cwd", "works in") or self._look_at_link("root", "has the root directory")

    def find_open_file(self) -> Optional[str]:
        """An open file in the tree."""
        for name in os.listdir(self._base + "/fd"):
            use = self._look_at_link("fd/" + name, "has opened")
            if use:
                return use
        return None

    def find_named(self) -> Optional[str]:
        """A word of the command line, or a value of a variable for Python, that names something in the tree."""
        words = [os.fsdecode(word) for word in _read_proc(self._base + "/cmdline").split(b"\0") if word]
        variables = dict(self._list_variables())
        starts = [self._base + "/cwd"] + [variables[name] for name in START_VARIABLES if name in variables]
        for word in words:
            # An option may have its value in the same word.
            for path in (word, word.rpartition("=")[2]):
                if "/" in path and any(self._is_inside(place) for place in _place_path(path, starts)):
                    return "was started with %s" % path
        for name in PYTHON_VARIABLES:
            for path in variables.get(name, "").split(":"):
                if path and any(self._is_inside(place) for place in _place_path(path, starts)):
                    return "has %s=%s" % (name, path)
        self._require_known_start(words, starts)
        return None

    def _require_known_start(self, words: Sequence[str], starts: Sequence[str]) -> None:
        """Raise _UnknownError for the interpreter of the tree, started by a relative path which leads nowhere now."""
        if not words or "/" not in words[0] or words[0].startswith("/"):
            return
        if any(self._exists(place) for place in _place_path(words[0], starts)):
            return
        with contextlib.suppress(FileNotFoundError):
            own = os.stat(os.path.join(self._tree.path, "bin", os.path.basename(words[0])))
            if os.path.samestat(own, os.stat(self._base + "/exe")):
                raise _UnknownError("it was started as %s, from a directory that is not known" % words[0])

    def _list_variables(self) -> Iterator[Tuple[str, str]]:
        for entry in _read_proc(self._base + "/environ").split(b"\0"):
            name, separator, value = entry.partition(b"=")
            if separator:
                yield os.fsdecode(name), os.fsdecode(value)

    def _look_at_link(self, name: str, verb: str) -> Optional[str]:
        """What *verb* says about the target of the link *name*, if that is in the tree. Raises PermissionError."""
        link = "%s/%s" % (self._base, name)
        try:
            target = os.readlink(link)
        except (FileNotFoundError, ProcessLookupError):
            # A kernel thread has no program; a file was closed.
            return None
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            # The kernel cannot write paths down that are longer than a page, but what they lead to can be compared.
            target = ""
        path = target[: -len(DELETED)] if target.endswith(DELETED) else target
        if self._is_member(link) or (path.startswith("/") and self._is_inside(path)):
            return "%s %s" % (verb, path or "a file with a very long path")
        return None

    def _is_member(self, path: str) -> bool:
        """Whether what *path* leads to is in the tree."""
        try:
            return _identify(os.stat(path)) in self._tree.members
        except OSError:
            return False

    def _exists(self, path: str) -> bool:
        try:
            os.stat(self._reach(path))
        except OSError:
            return False
        return True

    def _reach(self, path: str) -> str:
        """The *path* of the process, for this process."""
        return path if path.startswith(self._base) else self._base + "/root" + path

    def _is_inside(self, path: str) -> bool:
        """Whether *path*, or a directory that it goes through, is in the tree."""
        if path not in self._known:
            self._known[path] = self._walk(path)
        return self._known[path]

    def _walk(self, path: str) -> bool:
        here = self._reach(path)
        base = self._base if here.startswith(self._base + "/cwd") else self._base + "/root"
        while here != base:
            try:
                found = os.stat(here)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG):
                    raise
            else:
                if _identify(found) in self._tree.members:
                    return True
            above = os.path.dirname(here)
            if above == here:
                return False
            here = above
        return False


def _format_range(field: str) -> str:
    """The name in ``map_files`` of the address range *field* of ``maps``, which has no leading zeros."""
    return "-".join("%x" % int(end, 16) for end in field.split("-"))


def _place_path(path: str, starts: Sequence[str]) -> List[str]:
    """The absolute paths that *path* may mean for a process that was started in one of *starts*."""
    return [path] if path.startswith("/") else [os.path.join(start, path) for start in starts]
