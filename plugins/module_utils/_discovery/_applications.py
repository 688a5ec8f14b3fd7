# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes the declared applications of this host, with the findings that forbid to upgrade them."""

import datetime
import os
import sys
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups, _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._adoption import is_adoption_due
from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import (
    build_shared_finding,
    check_claims,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    UndeclaredAccountError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._stay import check_stay
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._interpreters import read_file_capabilities
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import describe_error
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding, place_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import ServiceError


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
    return list(_find_obstacles(application, interpreter_directory))


def _check_account(application: Application) -> Iterator[Dict[str, Any]]:
    try:
        application.resolve_account()
    except UndeclaredAccountError as error:
        yield build_finding(
            key="account-undeclared", where=application.name, detail=error.detail, remediation=error.remediation
        )
    except IdentityError as error:
        yield build_finding(
            key="user-not-found", where=application.name, detail=str(error), remediation="correct `user`"
        )


def _find_obstacles(application: Application, interpreter_directory: str) -> Iterator[Dict[str, Any]]:
    name, environment = application.name, application.environment
    if not os.path.isdir(environment):
        yield build_finding(
            key="environment-not-found",
            where=name,
            detail="%s does not exist" % environment,
            remediation="correct `environment`, or remove the application from the declaration of this host",
        )
        return
    if not os.path.isfile(os.path.join(environment, "pyvenv.cfg")):
        yield build_finding(
            key="not-an-environment",
            where=name,
            detail="%s has no pyvenv.cfg" % environment,
            remediation="name the directory that contains pyvenv.cfg",
        )
        return
    own = get_own_interpreter()
    if _is_running_inside(environment, application.generations_directory()):
        yield build_finding(
            key="ansible-interpreter-inside",
            where=name,
            detail="the Ansible interpreter %s lies inside %s" % (own, environment),
            remediation="set ansible_python_interpreter to an interpreter outside, such as /usr/bin/python3",
        )
    if _is_running_inside(interpreter_directory):
        yield build_finding(
            key="ansible-interpreter-upgraded",
            where=name,
            detail="the Ansible interpreter %s lies inside %s" % (own, interpreter_directory),
            remediation="set ansible_python_interpreter to the operating system's, such as /usr/bin/python3",
        )
    yield from _check_account(application)
    if application.source and not os.path.isdir(application.source):
        detail = "%s does not exist" % application.source
        yield build_finding(key="source-not-found", where=name, detail=detail, remediation="correct `source`")
    yield from _find_service_obstacles(application)
    python = os.path.realpath(os.path.join(environment, "bin", "python"))
    granted = read_file_capabilities(python)
    if granted:
        yield build_finding(
            key="file-capabilities",
            where=name,
            detail="%s has %s, which a new interpreter would lack" % (python, ", ".join(granted)),
            remediation="set AmbientCapabilities=%s in the units of its services, "
            "then take them from the file with setcap -r %s" % (" ".join(granted).upper(), python),
        )


def _find_service_obstacles(application: Application) -> Iterator[Dict[str, Any]]:
    try:
        problems = _services.find_service_problems(application.services)
    except ServiceError as error:
        problems = [build_finding(key="service-not-found", detail=str(error), remediation="correct `services`")]
    for problem in problems:
        # A changed unit file may be loaded long before an upgrade; preflight examines it.
        if problem["blocking"] and problem["key"] != "unit-file-changed":
            yield place_finding(problem, application.name)


def describe_application(
    application: Application,
    environment: Optional[Dict[str, Any]],
    state_root: str,
    interpreter_directory: str,
    shared: Sequence[Tuple[str, str]] = (),
) -> Dict[str, Any]:
    """The declared *application* with its findings, its recorded generations and its backups.

    *environment* is its live one as the inventory has it, or None if it was not found. *shared* are the names of other
    declared applications with which it shares something, and what.
    """
    state = ApplicationState(state_root, application.name)
    findings = collect_application_findings(application, interpreter_directory)
    if shared:
        findings.append(build_shared_finding(application.name, shared))
    elif not is_adoption_due(application, state_root):
        # A renamed application takes the record over at the beginning of the next run.
        findings += check_claims(application, state)
    if (environment is None and not findings) or (environment is not None and environment["python"] is None):
        problem = "cannot be read" if environment is None else "has no version of Python in pyvenv.cfg"
        findings.append(
            build_finding(
                key="environment-unreadable",
                where=application.name,
                detail="%s %s" % (application.environment, problem),
                remediation="run with become, or repair the environment",
            )
        )
    findings += check_stay(application.name, application.stay, datetime.datetime.now(datetime.timezone.utc).date())
    record: Dict[str, Any] = {"current": None, "generations": [], "history": []}
    backups: Dict[str, Dict[str, Any]] = {}
    try:
        backups = _backups.read_known_backups(state)
        if state.is_open():
            findings.append(
                build_finding(
                    key="promotion-open",
                    where=application.name,
                    detail="%s exists" % state.next_path,
                    remediation="wait for it to end, or run oxzep7.python.upgrade, which closes it",
                )
            )
        record = state.read()
    except PermissionError as error:
        findings.append(
            build_finding(
                key="state-unreadable", where=application.name, detail=str(error), remediation="run with become"
            )
        )
    current = find_generation(record, record["current"]) or {}
    return {
        "name": application.name,
        "environment": environment,
        "findings": findings,
        "services": [service.get_managed_name() for service in application.services],
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


def find_unsettled_applications(
    applications: List[Application], state_root: str, not_seen: List[Dict[str, str]]
) -> List[str]:
    """Names of the applications whose promotion is open, or was left so by a run that died, or which were renamed.

    An unreadable directory is added to *not_seen*.
    """
    try:
        found = [application.name for application in applications if is_adoption_due(application, state_root)]
        found += [name for name in list_applications(state_root) if ApplicationState(state_root, name).is_unsettled()]
        return found
    except PermissionError as error:
        not_seen.append(describe_error(state_root, error))
        return []
