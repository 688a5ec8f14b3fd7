# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the interpreter and environment that a path, script, command or process uses, without running anything."""

import os
import re
from typing import Any, Dict, Iterable, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._running import PythonProcess
from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import DELETED_SUFFIX
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    read_without_symlinks,
    resolve_trusted_path,
)

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL_OPERATORS = re.compile(r"(&&|\|\||[;|&\n])")
SHELL_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
# Commands whose arguments are a command.
COMMAND_WRAPPERS = {
    "exec",
    "nice",
    "ionice",
    "nohup",
    "time",
    "env",
    "sudo",
    "command",
    "timeout",
    "flock",
    "chpst",
    "setuidgid",
    "setpriv",
    "runuser",
    "chronic",
    ".",
    "source",
    "test",
    "[",
}
PYTHON_PATH_VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH")
SCRIPT_DEPTH_LIMIT = 3


class UsedPython(NamedTuple):
    """Paths of the environment and of the interpreter that something uses; None where unknown."""

    environment: Optional[str]
    interpreter: Optional[str]


NO_PYTHON = UsedPython(None, None)


class PythonFinder:
    """Maps paths and commands to the environments and interpreters of the inventory."""

    def __init__(
        self,
        environments: Iterable[Dict[str, Any]],
        interpreters: Iterable[Dict[str, Any]],
        scripts: Iterable[Dict[str, Any]],
        libraries: SharedLibraries,
    ) -> None:
        """*environments*, *interpreters* and *scripts* are as the inventory has them."""
        self._environments: Dict[str, Dict[str, Any]] = {}
        self._interpreters: Dict[str, str] = {}
        self._prefixes: Dict[str, str] = {}
        self._scripts: Dict[str, Dict[str, Any]] = {}
        self._libraries = libraries
        self._real_directories: Dict[str, str] = {}
        for entry in environments:
            if entry["kind"] not in ("prefix", "user"):
                self._environments[entry["path"]] = entry
        for entry in interpreters:
            self._interpreters[entry["resolved"]] = self._interpreters[entry["path"]] = entry["path"]
            self._prefixes.setdefault(entry["prefix"], entry["path"])
        for entry in scripts:
            if "calls" in entry:
                self._scripts[entry["path"]] = entry

    def _resolve_directory(self, path: str) -> str:
        """*path* with its directory resolved and its last name as it is."""
        directory = os.path.dirname(path)
        if directory not in self._real_directories:
            self._real_directories[directory] = os.path.realpath(directory)
        return os.path.join(self._real_directories[directory], os.path.basename(path))

    def _find_environment(self, path: str) -> Optional[str]:
        while path not in self._environments:
            above = os.path.dirname(path)
            if above == path:
                return None
            path = above
        return path

    def find_by_path(self, path: str, depth: int = 0) -> UsedPython:
        """What the absolute *path* is or leads to: part of an environment, an interpreter, or a script of one."""
        path = os.path.normpath(path)
        environment = self._find_environment(path) or self._find_environment(self._resolve_directory(path))
        if environment:
            return UsedPython(environment, self._environments[environment]["interpreter"])
        real = os.path.realpath(path)
        for candidate in (path, real):
            if candidate in self._interpreters:
                return UsedPython(None, self._interpreters[candidate])
        if real in self._environments:
            return UsedPython(real, self._environments[real]["interpreter"])
        if real in self._prefixes:
            return UsedPython(None, self._prefixes[real])
        return self._find_by_script_path(path, depth) if depth < SCRIPT_DEPTH_LIMIT else NO_PYTHON

    def _find_by_script_path(self, path: str, depth: int) -> UsedPython:
        entry = self._scripts.get(path) or self._scripts.get(self._resolve_directory(path))
        if entry is not None:
            return self.find_by_script(entry, depth + 1)
        try:
            script = _scripts.parse_script(read_without_symlinks(resolve_trusted_path(path), _scripts.HEAD_SIZE))
        except OSError:
            return NO_PYTHON
        if script is None:
            return NO_PYTHON
        return self.find_by_script({"interpreter": script.interpreter, "calls": script.calls}, depth + 1)

    def find_by_script(self, entry: Dict[str, Any], depth: int = 0) -> UsedPython:
        """What a script uses: by the commands it calls, or else by its first line."""
        best = NO_PYTHON
        for called in entry["calls"] or ([entry["interpreter"]] if entry["interpreter"] else []):
            if called.startswith("/"):
                found = self.find_by_path(called, depth)
            else:
                found = self._find_by_name(called, DEFAULT_PATH, depth)
            best = _choose_better(best, found)
        return best

    def _find_by_name(self, name: str, path: str, depth: int = 0) -> UsedPython:
        if "/" in name or name in COMMAND_WRAPPERS:
            return NO_PYTHON
        for directory in path.split(":"):
            candidate = os.path.join(directory, name)
            if directory.startswith("/") and os.path.exists(candidate):
                return self.find_by_path(candidate, depth)
        return NO_PYTHON

    def find_by_command(self, command: str, directory: Optional[str], path: str) -> UsedPython:
        """What the shell *command* uses when it starts in *directory* with the search *path*."""
        best, current = NO_PYTHON, directory or "/"
        for part in SHELL_OPERATORS.split(command):
            words = [word.lstrip("(") for word in _scripts.split_command_line(part)]
            if words[:1] == ["cd"] and len(words) > 1:
                current = os.path.join(current, words[1])
                continue
            leading = True
            for word in words:
                if leading and SHELL_ASSIGNMENT.match(word):
                    continue
                if "/" in word:
                    # An option such as --config=/etc/app.ini names a path, too.
                    place = word.partition("=")[2] if "=/" in word and not word.startswith("/") else word
                    best = _choose_better(best, self.find_by_path(os.path.join(current, place)))
                elif leading or _scripts.PYTHON_NAME.match(word):
                    best = _choose_better(best, self._find_by_name(word, path))
                leading = leading and word in COMMAND_WRAPPERS
        return best

    def find_by_reference(self, reference: PythonReference) -> UsedPython:
        """What a reference uses: by its commands, or else by its variables."""
        best = NO_PYTHON
        path = reference.variables.get("PATH") or DEFAULT_PATH
        for command in reference.commands:
            best = _choose_better(best, self.find_by_command(command, reference.directory, path))
        for name in PYTHON_PATH_VARIABLES:
            for place in reference.variables.get(name, "").split(":") if best.environment is None else []:
                if place.startswith("/"):
                    best = _choose_better(best, self.find_by_path(place))
        return best

    def find_by_process(self, process: PythonProcess) -> UsedPython:
        """What a running process uses. The path it was started by names the environment."""
        if process.contained:
            return NO_PYTHON
        best = NO_PYTHON
        for path in (process.first, process.variables.get("VIRTUAL_ENV")):
            if path and "/" in path:
                best = _choose_better(best, self.find_by_path(os.path.join(process.directory or "/", path)))
        executable = process.executable.replace(DELETED_SUFFIX, "")
        return _choose_better(best, UsedPython(None, self._interpreters.get(executable) or executable))

    def find_by_embedder(self, entry: Dict[str, Any]) -> UsedPython:
        """What a program with an embedded Python uses: the interpreter in the prefix of its libpython."""
        library = self._libraries.find(entry["library"], entry["search"], os.path.dirname(entry["path"]))
        if library is None:
            return NO_PYTHON
        directory = os.path.dirname(library)
        while directory != "/" and directory not in self._prefixes:
            directory = os.path.dirname(directory)
        return UsedPython(None, self._prefixes.get(directory))


def _choose_better(one: UsedPython, other: UsedPython) -> UsedPython:
    """*one*, unless *other* says more: an environment is more than an interpreter, and that is more than nothing."""
    if one.environment or not (other.environment or other.interpreter):
        return one
    return other if other.environment or not one.interpreter else one
