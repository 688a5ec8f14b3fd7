# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists what uses a Python on this host, with the interpreter and environment that each dependent uses."""

import os
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._finder import (
    NO_PYTHON,
    PythonFinder,
    UsedPython,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._running import PythonProcess

# These are set for other programs, too, and alone make nothing a dependent.
GENERAL_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD")


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


def find_dependents(
    references: List[PythonReference],
    scripts: Iterable[Dict[str, Any]],
    processes: Iterable[PythonProcess],
    finder: PythonFinder,
) -> List[Dict[str, Any]]:
    """Everything that uses a Python, with what it uses; sorted by kind and name."""
    found = _find_referring_dependents(references, finder)
    for script in scripts:
        dependent = _describe_embedder(script, finder) if "library" in script else _describe_script(script, finder)
        if dependent:
            found.append(dependent)
    for process in processes:
        found.append(_describe_process(process, finder))
    return sorted(found, key=lambda entry: (entry["kind"], entry["name"], entry["line"] or 0))


def _find_referring_dependents(references: List[PythonReference], finder: PythonFinder) -> List[Dict[str, Any]]:
    found = []
    for reference in references:
        uses = finder.find_by_reference(reference)
        if reference.kind == "gunicorn":
            if uses == NO_PYTHON:
                uses = _find_gunicorn_python(reference, references, finder)
        elif uses == NO_PYTHON and not set(reference.variables).difference(GENERAL_VARIABLES):
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


def _find_gunicorn_python(
    configuration: PythonReference, references: List[PythonReference], finder: PythonFinder
) -> UsedPython:
    """What starts a server with the gunicorn *configuration*, or in its directory, uses."""
    directory = os.path.dirname(configuration.source)
    for reference in references:
        if reference.kind == "gunicorn":
            continue
        if reference.directory == directory or any(configuration.source in command for command in reference.commands):
            uses = finder.find_by_reference(reference)
            if uses != NO_PYTHON:
                return uses
    return NO_PYTHON


def _describe_embedder(program: Dict[str, Any], finder: PythonFinder) -> Dict[str, Any]:
    path, uses = program["path"], finder.find_by_embedder(program)
    return make_dependent("embedder", path, path, None, program["owner"], uses, {}, library=program["library"])


def _describe_script(script: Dict[str, Any], finder: PythonFinder) -> Optional[Dict[str, Any]]:
    """The dependent *script*; None for a program of the environment that it uses."""
    path, uses = script["path"], finder.find_by_script(script)
    if uses.environment and path.startswith(uses.environment + "/bin/"):
        return None
    kind = "wrapper" if script["calls"] else "script"
    return make_dependent(kind, path, path, None, script["owner"], uses, {}, shebang=script["interpreter"])


def _describe_process(process: PythonProcess, finder: PythonFinder) -> Dict[str, Any]:
    return make_dependent(
        "process",
        str(process.pid),
        "/proc/%d" % process.pid,
        None,
        process.user,
        finder.find_by_process(process),
        process.variables,
        program=process.program,
        unit=process.unit,
        deleted=process.deleted,
        library=process.library,
        contained=process.contained,
        listens=process.listens,
    )


def group_by_environment(
    dependents: Iterable[Dict[str, Any]], kinds: Tuple[str, ...] = ("service",)
) -> Dict[str, List[str]]:
    """Names of the dependents of *kinds* by the environment they use."""
    names: Dict[str, List[str]] = {}
    for entry in dependents:
        if entry["kind"] in kinds and entry["environment"]:
            names.setdefault(entry["environment"], []).append(entry["name"])
    return names
