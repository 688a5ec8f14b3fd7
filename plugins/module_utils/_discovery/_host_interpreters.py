# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the interpreters of a host: in prefixes, in commands, and as processes."""

import os
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _interpreters, _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._interpreters import InterpreterCandidate
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._running import PythonProcess
from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import DELETED_SUFFIX

SYSTEM_PREFIXES = ("/usr", "/usr/local")
# Environments that have an interpreter of their own.
PREFIX_KINDS = ("prefix", "conda")


def find_interpreters(
    environments: List[Dict[str, Any]],
    references: Iterable[PythonReference],
    processes: Iterable[PythonProcess],
    libraries: SharedLibraries,
    libc: Dict[str, Optional[str]],
) -> List[Dict[str, Any]]:
    """Each interpreter of the host, sorted by path; *environments* that are prefixes get their interpreter."""
    prefixes = {entry["path"]: entry for entry in environments if entry["kind"] in PREFIX_KINDS}
    found: Dict[str, Dict[str, Any]] = {}
    for prefix in sorted(set(prefixes).union(SYSTEM_PREFIXES)):
        for path in _interpreters.find_prefix_interpreters(prefix):
            _add_interpreter(found, InterpreterCandidate(path, "walk"), libraries)
    inside = _list_environment_prefixes(environments)
    for candidate in _list_named_candidates(references) + _list_running_candidates(processes):
        real = os.path.realpath(candidate.path)
        if not _scripts.PYTHON_NAME.match(os.path.basename(real)) or real in found:
            continue
        if not real.startswith(inside) and not candidate.path.startswith(inside):
            _add_interpreter(found, candidate._replace(path=real), libraries, replace=False)
    for entry in found.values():
        entry["libc"]["version"] = libc["version"] if entry["libc"]["name"] == libc["name"] else None
        if entry["prefix"] in prefixes:
            _join_prefix(entry, prefixes[entry["prefix"]])
    return sorted(found.values(), key=lambda entry: str(entry["path"]))


def _add_interpreter(
    found: Dict[str, Dict[str, Any]],
    candidate: InterpreterCandidate,
    libraries: SharedLibraries,
    replace: bool = True,
) -> None:
    entry = _interpreters.describe_interpreter(candidate, libraries)
    if entry and (replace or entry["resolved"] not in found):
        found[entry["resolved"]] = entry


def _list_environment_prefixes(environments: Iterable[Dict[str, Any]]) -> Tuple[str, ...]:
    """The beginnings of paths inside environments that use another interpreter."""
    found = []
    for entry in environments:
        if entry["kind"] not in PREFIX_KINDS + ("user",):
            found.append(entry["path"] + "/")
    return tuple(found)


def _list_named_candidates(references: Iterable[PythonReference]) -> List[InterpreterCandidate]:
    return [InterpreterCandidate(path, "unit") for path in find_named_pythons(references)]


def _list_running_candidates(processes: Iterable[PythonProcess]) -> List[InterpreterCandidate]:
    found = []
    for process in processes:
        # The paths of a container's process are not those of this host.
        if not process.contained:
            path = process.executable.replace(DELETED_SUFFIX, "")
            found.append(InterpreterCandidate(path, "process", process.pid))
    return found


def find_named_pythons(references: Iterable[PythonReference]) -> List[str]:
    """Each absolute path in the commands of *references* that is called like a Python."""
    found = []
    for reference in references:
        for command in reference.commands:
            for word in _scripts.split_command_line(command):
                if word.startswith("/") and _scripts.PYTHON_NAME.match(os.path.basename(word)):
                    found.append(word)
    return list(dict.fromkeys(found))


def _join_prefix(interpreter: Dict[str, Any], prefix: Dict[str, Any]) -> None:
    """Give *interpreter* the packages of its *prefix*, and the prefix the version and path of its interpreter."""
    interpreter.update(packages=prefix["packages"], unmanaged=prefix["unmanaged"])
    if (prefix["python"] or "").count(".") < 2:
        prefix["python"] = interpreter["version"] or prefix["python"]
    prefix["interpreter"] = prefix["interpreter"] or interpreter["path"]
