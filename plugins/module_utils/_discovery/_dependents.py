# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells which interpreter and which environment each dependent uses. Names and first lines are read; nothing is run."""

import os
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import Libraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import Reference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._running import DELETED, Process
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_below, resolved

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OPERATORS = re.compile(r"(&&|\|\||[;|&\n])")
STARTERS = {
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
DEPTH = 3


class Uses(NamedTuple):
    """Paths of the environment and of the interpreter that something uses; each may be unknown."""

    environment: Optional[str]
    interpreter: Optional[str]


NOTHING = Uses(None, None)


class Attribution:
    """Knows every environment, interpreter and script of the host, and finds them in commands."""

    def __init__(
        self,
        environments: Iterable[Dict[str, Any]],
        interpreters: Iterable[Dict[str, Any]],
        scripts: Iterable[Dict[str, Any]],
        libraries: Libraries,
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

    def _environment_of(self, path: str) -> Optional[str]:
        while path not in self._environments:
            above = os.path.dirname(path)
            if above == path:
                return None
            path = above
        return path

    def of_path(self, path: str, depth: int = 0) -> Uses:
        """What the absolute *path* is or leads to: part of an environment, an interpreter, or a script of one."""
        path = os.path.normpath(path)
        environment = self._environment_of(path) or self._environment_of(self._realpath(path))
        if environment:
            return Uses(environment, self._environments[environment]["interpreter"])
        real = os.path.realpath(path)
        for candidate in (path, real):
            if candidate in self._interpreters:
                return Uses(None, self._interpreters[candidate])
        if real in self._environments:
            return Uses(real, self._environments[real]["interpreter"])
        if real in self._prefixes:
            return Uses(None, self._prefixes[real])
        return self._of_script(path, depth) if depth < DEPTH else NOTHING

    def _of_script(self, path: str, depth: int) -> Uses:
        entry = self._scripts.get(path) or self._scripts.get(self._realpath(path))
        if entry is None:
            try:
                script = _scripts.read(read_below(resolved(path), _scripts.HEAD))
            except OSError:
                return NOTHING
            entry = (
                {"interpreter": script.interpreter, "calls": script.calls}
                if script
                else {"interpreter": None, "calls": []}
            )
        return self.of_script(entry, depth + 1)

    def of_script(self, entry: Dict[str, Any], depth: int = 0) -> Uses:
        """What a script uses, by its first line or by what it calls."""
        best = NOTHING
        for called in entry["calls"] or ([entry["interpreter"]] if entry["interpreter"] else []):
            best = _better(
                best, self.of_path(called, depth) if called.startswith("/") else self._of_name(called, PATH, depth)
            )
        return best

    def _of_name(self, name: str, path: str, depth: int = 0) -> Uses:
        if "/" in name or name in STARTERS:
            return NOTHING
        for directory in path.split(":"):
            candidate = os.path.join(directory, name)
            if directory.startswith("/") and os.path.exists(candidate):
                return self.of_path(candidate, depth)
        return NOTHING

    def of_command(self, command: str, directory: Optional[str], path: str) -> Uses:
        """What the shell *command* uses when it starts in *directory* with the search *path*."""
        best, here = NOTHING, directory or "/"
        for part in OPERATORS.split(command):
            listed = [word.lstrip("(") for word in _scripts.words(part)]
            if listed[:1] == ["cd"] and len(listed) > 1:
                here = os.path.join(here, listed[1])
                continue
            leading = True
            for word in listed:
                if leading and re.match(r"^[A-Za-z_]\w*=", word):
                    continue
                if "/" in word:
                    place = word.partition("=")[2] if "=/" in word and not word.startswith("/") else word
                    best = _better(best, self.of_path(os.path.join(here, place)))
                elif leading or _scripts.PYTHON_NAME.match(word):
                    best = _better(best, self._of_name(word, path))
                leading = leading and word in STARTERS
        return best

    def of_reference(self, reference: Reference) -> Uses:
        """What a reference uses: by its commands, or else by its variables."""
        best = NOTHING
        path = reference.variables.get("PATH") or PATH
        for command in reference.commands:
            best = _better(best, self.of_command(command, reference.directory, path))
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH"):
            for place in reference.variables.get(name, "").split(":") if best.environment is None else []:
                if place.startswith("/"):
                    best = _better(best, self.of_path(place))
        return best

    def of_process(self, process: Process) -> Uses:
        """What a running process uses: the program it was called as tells the environment."""
        if process.contained:
            return NOTHING
        best = NOTHING
        for path in (process.first, process.variables.get("VIRTUAL_ENV")):
            if path and "/" in path:
                best = _better(best, self.of_path(os.path.join(process.directory or "/", path)))
        executable = process.executable.replace(DELETED, "")
        return _better(best, Uses(None, self._interpreters.get(executable) or executable))

    def of_embedder(self, entry: Dict[str, Any]) -> Uses:
        """What a program with an embedded Python uses: the interpreter beside its libpython."""
        library = self._libraries.find(entry["library"], entry["search"], os.path.dirname(entry["path"]))
        if library is None:
            return NOTHING
        directory = os.path.dirname(library)
        while directory != "/" and directory not in self._prefixes:
            directory = os.path.dirname(directory)
        return Uses(None, self._prefixes.get(directory))


def _better(one: Uses, other: Uses) -> Uses:
    if one.environment or not (other.environment or other.interpreter):
        return one
    return other if other.environment or not one.interpreter else one


def pythons_named(references: Iterable[Reference]) -> List[str]:
    """Each absolute path in *references* that is called like a Python."""
    found = []
    for reference in references:
        for command in reference.commands:
            found += [
                word
                for word in _scripts.words(command)
                if word.startswith("/") and _scripts.PYTHON_NAME.match(os.path.basename(word))
            ]
    return list(dict.fromkeys(found))


def entry(
    kind: str,
    name: str,
    source: str,
    line: Optional[int],
    user: Optional[str],
    uses: Uses,
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


def _of_references(references: List[Reference], known: Attribution) -> List[Dict[str, Any]]:
    found = []
    for reference in references:
        uses = known.of_reference(reference)
        if uses == NOTHING and reference.kind == "gunicorn":
            # The server that is started with this file, or in its directory, says which Python it is.
            starters = (
                known.of_reference(other)
                for other in references
                if other.kind != "gunicorn"
                and (
                    other.directory == os.path.dirname(reference.source)
                    or any(reference.source in command for command in other.commands)
                )
            )
            uses = next((one for one in starters if one != NOTHING), NOTHING)
        special = {
            name: value
            for name, value in reference.variables.items()
            if name not in ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD")
        }
        if uses == NOTHING and not special and reference.kind != "gunicorn":
            continue
        found.append(
            entry(
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


def dependents(
    references: List[Reference], scripts: Iterable[Dict[str, Any]], processes: Iterable[Process], known: Attribution
) -> List[Dict[str, Any]]:
    """Everything that uses a Python, with what it uses; sorted by kind and name."""
    found = _of_references(references, known)
    for script in scripts:
        if "library" in script:
            found.append(
                entry(
                    "embedder",
                    script["path"],
                    script["path"],
                    None,
                    script["owner"],
                    known.of_embedder(script),
                    {},
                    library=script["library"],
                )
            )
            continue
        uses = known.of_script(script)
        if uses.environment and script["path"].startswith(uses.environment + "/bin/"):
            continue
        found.append(
            entry(
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
            entry(
                "process",
                str(process.pid),
                "/proc/%d" % process.pid,
                None,
                process.user,
                known.of_process(process),
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


def by_environment(found: Iterable[Dict[str, Any]], kinds: Tuple[str, ...] = ("service",)) -> Dict[str, List[str]]:
    """Names of the dependents of *kinds* by the environment they use."""
    names: Dict[str, List[str]] = {}
    for one in found:
        if one["kind"] in kinds and one["environment"]:
            names.setdefault(one["environment"], []).append(one["name"])
    return names
