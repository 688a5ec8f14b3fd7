# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells which interpreter and which environment each dependent uses. Names and first lines are read; nothing is run."""

import os
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._running import DELETED_SUFFIX, PythonProcess
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    read_without_symlinks,
    resolve_trusted_path,
)

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL_OPERATORS = re.compile(r"(&&|\|\||[;|&\n])")
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
SCRIPT_DEPTH_LIMIT = 3


class UsedPython(NamedTuple):
    """Paths of the environment and of the interpreter that something uses; each may be unknown."""

    environment: Optional[str]
    interpreter: Optional[str]


NO_PYTHON = UsedPython(None, None)


class PythonFinder:
    """Knows every environment, interpreter and script of the host, and finds them in commands."""

    def __init__(
        self,
        environments: Iterable[Dict[str, Any]],
        interpreters: Iterable[Dict[str, Any]],
        scripts: Iterable[Dict[str, Any]],
        libraries: SharedLibraries,
    ) -> None:
        """What the inventory found so far."""
        self._environments = {entry["path"]: entry for entry in environments if entry["kind"] not in ("prefix", "user")}
        self._interpreters: Dict[str, str] = {}
        self._prefixes: Dict[str, str] = {}
        for entry in interpreters:
            self._interpreters[entry["resolved"]] = self._interpreters[entry["path"]] = entry["path"]
            self._prefixes.setdefault(entry["prefix"], entry["path"])
        self._scripts = {entry["path"]: entry for entry in scripts if "calls" in entry}
        self._libraries = libraries
        self._real: Dict[str, str] = {}

    def _realpath(self, path: str) -> str:
        directory = os.path.dirname(path)
        if directory not in self._real:
            self._real[directory] = os.path.realpath(directory)
        return os.path.join(self._real[directory], os.path.basename(path))

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
        environment = self._find_environment(path) or self._find_environment(self._realpath(path))
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
        entry = self._scripts.get(path) or self._scripts.get(self._realpath(path))
        if entry is None:
            try:
                script = _scripts.parse_script(read_without_symlinks(resolve_trusted_path(path), _scripts.HEAD_SIZE))
            except OSError:
                return NO_PYTHON
            entry = (
                {"interpreter": script.interpreter, "calls": script.calls}
                if script
                else {"interpreter": None, "calls": []}
            )
        return self.find_by_script(entry, depth + 1)

    def find_by_script(self, entry: Dict[str, Any], depth: int = 0) -> UsedPython:
        """What a script uses, by its first line or by what it calls."""
        best = NO_PYTHON
        for called in entry["calls"] or ([entry["interpreter"]] if entry["interpreter"] else []):
            best = _choose_better(
                best,
                self.find_by_path(called, depth)
                if called.startswith("/")
                else self._find_by_name(called, DEFAULT_PATH, depth),
            )
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
        best, here = NO_PYTHON, directory or "/"
        for part in SHELL_OPERATORS.split(command):
            listed = [word.lstrip("(") for word in _scripts.split_command_line(part)]
            if listed[:1] == ["cd"] and len(listed) > 1:
                here = os.path.join(here, listed[1])
                continue
            leading = True
            for word in listed:
                if leading and re.match(r"^[A-Za-z_]\w*=", word):
                    continue
                if "/" in word:
                    place = word.partition("=")[2] if "=/" in word and not word.startswith("/") else word
                    best = _choose_better(best, self.find_by_path(os.path.join(here, place)))
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
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH"):
            for place in reference.variables.get(name, "").split(":") if best.environment is None else []:
                if place.startswith("/"):
                    best = _choose_better(best, self.find_by_path(place))
        return best

    def find_by_process(self, process: PythonProcess) -> UsedPython:
        """What a running process uses: the program it was called as tells the environment."""
        if process.contained:
            return NO_PYTHON
        best = NO_PYTHON
        for path in (process.first, process.variables.get("VIRTUAL_ENV")):
            if path and "/" in path:
                best = _choose_better(best, self.find_by_path(os.path.join(process.directory or "/", path)))
        executable = process.executable.replace(DELETED_SUFFIX, "")
        return _choose_better(best, UsedPython(None, self._interpreters.get(executable) or executable))

    def find_by_embedder(self, entry: Dict[str, Any]) -> UsedPython:
        """What a program with an embedded Python uses: the interpreter beside its libpython."""
        library = self._libraries.find(entry["library"], entry["search"], os.path.dirname(entry["path"]))
        if library is None:
            return NO_PYTHON
        directory = os.path.dirname(library)
        while directory != "/" and directory not in self._prefixes:
            directory = os.path.dirname(directory)
        return UsedPython(None, self._prefixes.get(directory))


def _choose_better(one: UsedPython, other: UsedPython) -> UsedPython:
    if one.environment or not (other.environment or other.interpreter):
        return one
    return other if other.environment or not one.interpreter else one


def find_named_pythons(references: Iterable[PythonReference]) -> List[str]:
    """Each absolute path in *references* that is called like a Python."""
    found = []
    for reference in references:
        for command in reference.commands:
            found += [
                word
                for word in _scripts.split_command_line(command)
                if word.startswith("/") and _scripts.PYTHON_NAME.match(os.path.basename(word))
            ]
    return list(dict.fromkeys(found))


def make_dependent(
    kind: str,
    name: str,
    source: str,
    line: Optional[int],
    user: Optional[str],
    uses: UsedPython,
    variables: Dict[str, str],
    **more: Any,
) -> Dict[str, Any]:
    """A dependent as the inventory has it."""
    return dict(
        {
            "kind": kind,
            "name": name,
            "source": source,
            "line": line,
            "user": user,
            "environment": uses.environment,
            "interpreter": uses.interpreter,
            "variables": variables,
            "os_package": None,
        },
        **more,
    )


def _find_referring_dependents(references: List[PythonReference], known: PythonFinder) -> List[Dict[str, Any]]:
    found = []
    for reference in references:
        uses = known.find_by_reference(reference)
        if uses == NO_PYTHON and reference.kind == "gunicorn":
            # The server that is started with this file, or in its directory, says which Python it is.
            starters = (
                known.find_by_reference(other)
                for other in references
                if other.kind != "gunicorn"
                and (
                    other.directory == os.path.dirname(reference.source)
                    or any(reference.source in command for command in other.commands)
                )
            )
            uses = next((one for one in starters if one != NO_PYTHON), NO_PYTHON)
        special = {
            name: value
            for name, value in reference.variables.items()
            if name not in ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD")
        }
        if uses == NO_PYTHON and not special and reference.kind != "gunicorn":
            continue
        found.append(
            make_dependent(
                reference.kind,
                reference.name,
                reference.source,
                reference.line,
                reference.user,
                uses,
                reference.variables,
                files=reference.files,
                directory=reference.directory,
            )
        )
    return found


def find_dependents(
    references: List[PythonReference],
    scripts: Iterable[Dict[str, Any]],
    processes: Iterable[PythonProcess],
    known: PythonFinder,
) -> List[Dict[str, Any]]:
    """Everything that uses a Python, with what it uses; sorted by kind and name."""
    found = _find_referring_dependents(references, known)
    for script in scripts:
        if "library" in script:
            found.append(
                make_dependent(
                    "embedder",
                    script["path"],
                    script["path"],
                    None,
                    script["owner"],
                    known.find_by_embedder(script),
                    {},
                    library=script["library"],
                )
            )
            continue
        uses = known.find_by_script(script)
        if uses.environment and script["path"].startswith(uses.environment + "/bin/"):
            continue
        found.append(
            make_dependent(
                "wrapper" if script["calls"] else "script",
                script["path"],
                script["path"],
                None,
                script["owner"],
                uses,
                {},
                shebang=script["interpreter"],
            )
        )
    for process in processes:
        found.append(
            make_dependent(
                "process",
                str(process.pid),
                "/proc/%d" % process.pid,
                None,
                process.user,
                known.find_by_process(process),
                process.variables,
                program=process.program,
                unit=process.unit,
                deleted=process.deleted,
                library=process.library,
                contained=process.contained,
                listens=process.listens,
            )
        )
    return sorted(found, key=lambda one: (one["kind"], one["name"], one["line"] or 0))


def group_by_environment(
    found: Iterable[Dict[str, Any]], kinds: Tuple[str, ...] = ("service",)
) -> Dict[str, List[str]]:
    """Names of the dependents of *kinds* by the environment they use."""
    names: Dict[str, List[str]] = {}
    for one in found:
        if one["kind"] in kinds and one["environment"]:
            names.setdefault(one["environment"], []).append(one["name"])
    return names
