# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes the declared applications of this host, with the findings that forbid to upgrade them."""

import os
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups, _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._interpreters import read_file_capabilities
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import describe_error
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError

# Key, detail and remediation of a finding.
Obstacle = Tuple[str, str, str]


def get_own_interpreter() -> str:
    """The interpreter that runs this module, by the name that Ansible started it with; symlinks are kept."""
    return os.path.normpath(os.path.join(os.getcwd(), sys.executable))


def _is_running_inside(*directories: str) -> bool:
    """Whether the interpreter that runs this module lies in one of *directories*, by its name or its real path."""
    own = get_own_interpreter()
    for directory in directories:
        for prefix in (directory + "/", os.path.realpath(directory) + "/"):
            for path in (own, sys.prefix, os.path.realpath(sys.prefix)):
                if (path + "/").startswith(prefix):
                    return True
    return False


def collect_application_findings(application: Application, interpreter_directory: str) -> List[Dict[str, Any]]:
    """The findings that forbid to upgrade *application* on this host."""
    found = []
    for key, detail, remediation in _find_obstacles(application, interpreter_directory):
        found.append(build_finding(key=key, where=application.name, detail=detail, remediation=remediation))
    return found


def _find_obstacles(application: Application, interpreter_directory: str) -> Iterator[Obstacle]:
    environment = application.environment
    if not os.path.isdir(environment):
        remediation = "correct `environment`, or remove the application from the declaration of this host"
        yield "environment-not-found", "%s does not exist" % environment, remediation
        return
    if not os.path.isfile(os.path.join(environment, "pyvenv.cfg")):
        yield "not-an-environment", "%s has no pyvenv.cfg" % environment, "name the directory that contains pyvenv.cfg"
        return
    own = get_own_interpreter()
    if _is_running_inside(environment, application.generations_directory()):
        yield (
            "ansible-interpreter-inside",
            "the Ansible interpreter %s lies inside %s" % (own, environment),
            "set ansible_python_interpreter to an interpreter outside, such as /usr/bin/python3",
        )
    if _is_running_inside(interpreter_directory):
        yield (
            "ansible-interpreter-upgraded",
            "the Ansible interpreter %s lies inside %s" % (own, interpreter_directory),
            "set ansible_python_interpreter to the operating system's, such as /usr/bin/python3",
        )
    try:
        application.resolve_account()
    except IdentityError as error:
        yield "user-not-found", str(error), "correct `user`"
    if application.source and not os.path.isdir(application.source):
        yield "source-not-found", "%s does not exist" % application.source, "correct `source`"
    try:
        absent = _services.find_missing_units(application.services)
    except _services.ServiceError as error:
        absent = [str(error)]
    if absent:
        yield "service-not-found", "this host has no %s" % ", ".join(absent), "correct `services`"
    python = os.path.realpath(os.path.join(environment, "bin", "python"))
    granted = read_file_capabilities(python)
    if granted:
        yield (
            "file-capabilities",
            "%s has %s, which a new interpreter would lack" % (python, ", ".join(granted)),
            "set AmbientCapabilities=%s in the units of its services, then take them from the file with setcap -r %s"
            % (" ".join(granted).upper(), python),
        )


def describe_application(
    application: Application, environment: Optional[Dict[str, Any]], state_root: str, interpreter_directory: str
) -> Dict[str, Any]:
    """The declared *application* with its findings, its recorded generations and its backups.

    *environment* is its live one as the inventory has it, or None if it was not found.
    """
    state = ApplicationState(state_root, application.name)
    findings = collect_application_findings(application, interpreter_directory)

    def add_finding(key: str, detail: str, remediation: str) -> None:
        findings.append(build_finding(key=key, where=application.name, detail=detail, remediation=remediation))

    if environment is None and not findings:
        detail = "%s cannot be read" % application.environment
        add_finding("environment-unreadable", detail, "run with become, or repair the environment")
    if environment is not None and environment["python"] is None:
        detail = "%s/pyvenv.cfg has no version of Python" % application.environment
        add_finding("environment-unreadable", detail, "repair the environment")
    record: Dict[str, Any] = {"current": None, "generations": [], "history": []}
    backups: Dict[str, Dict[str, Any]] = {}
    try:
        backups = _backups.read_known_backups(state)
        if state.is_open():
            remediation = "wait for it to end, or run oxzep7.python.upgrade, which closes it"
            add_finding("promotion-open", "%s exists" % state.next_path, remediation)
        record = state.read()
    except PermissionError as error:
        add_finding("state-unreadable", str(error), "run with become")
    current = find_generation(record, record["current"]) or {}
    return {
        "name": application.name,
        "environment": environment,
        "findings": findings,
        "current": record["current"],
        "deprecations": current.get("deprecations") or [],
        "generations": list(map(_summarize_generation, record["generations"])),
        "backups": _list_backups(backups),
        "last": record["history"][-1] if record["history"] else None,
    }


def _summarize_generation(entry: Dict[str, Any]) -> Dict[str, Any]:
    return {key: entry.get(key) for key in ("id", "python", "lock", "complete", "origin")}


def _list_backups(backups: Dict[str, Dict[str, Any]]) -> List[Dict[str, Any]]:
    found = []
    for name, entry in sorted(backups.items()):
        found.append(dict(entry, backup=name, verified=_backups.is_verified(entry)))
    return found


def find_unsettled_applications(state_root: str, not_seen: List[Dict[str, str]]) -> List[str]:
    """Names of the applications whose promotion is open, or was left so by a run that died.

    An unreadable directory is added to *not_seen*.
    """
    try:
        return [name for name in list_applications(state_root) if ApplicationState(state_root, name).is_unsettled()]
    except PermissionError as error:
        not_seen.append(describe_error(state_root, error))
        return []
