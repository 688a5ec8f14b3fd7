# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes the declared applications of this host and says what forbids to upgrade them."""

import os
import sys
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups as _history
from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._interpreters import read_file_capabilities
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError


def get_own_interpreter() -> str:
    """The interpreter that runs this module, as the operator named it and not resolved."""
    return os.path.normpath(os.path.join(os.getcwd(), sys.executable))


def _is_running_inside(directory: str) -> bool:
    prefixes = [os.path.realpath(directory) + "/", directory + "/"]
    return any(
        (path + "/").startswith(prefix)
        for prefix in prefixes
        for path in (get_own_interpreter(), sys.prefix, os.path.realpath(sys.prefix))
    )


def collect_application_findings(application: Application, interpreter_directory: str) -> List[Dict[str, Any]]:
    """What forbids to upgrade *application* on this host."""
    found = []
    name = application.name
    if not os.path.isdir(application.environment):
        found.append(
            build_finding(
                key="environment-not-found",
                where=name,
                detail="%s does not exist" % application.environment,
                remediation="correct `environment`, or remove the application here",
            )
        )
        return found
    if not os.path.isfile(os.path.join(application.environment, "pyvenv.cfg")):
        found.append(
            build_finding(
                key="not-an-environment",
                where=name,
                detail="%s has no pyvenv.cfg" % application.environment,
                remediation="name the directory that contains pyvenv.cfg",
            )
        )
        return found
    if _is_running_inside(application.environment) or _is_running_inside(application.generations_directory()):
        found.append(
            build_finding(
                key="ansible-interpreter-inside",
                where=name,
                detail="the Ansible interpreter %s lies inside %s" % (get_own_interpreter(), application.environment),
                remediation="set ansible_python_interpreter to an interpreter outside, such as /usr/bin/python3",
            )
        )
    if _is_running_inside(interpreter_directory):
        found.append(
            build_finding(
                key="ansible-interpreter-upgraded",
                where=name,
                detail="the Ansible interpreter %s lies inside %s" % (get_own_interpreter(), interpreter_directory),
                remediation="set ansible_python_interpreter to the operating system's, such as /usr/bin/python3",
            )
        )
    try:
        application.resolve_account()
    except IdentityError as error:
        found.append(
            build_finding(
                key="user-not-found",
                where=name,
                detail=str(error),
                remediation="correct `user`",
            )
        )
    for path in [application.source] if application.source else []:
        if not os.path.isdir(path):
            found.append(
                build_finding(
                    key="source-not-found",
                    where=name,
                    detail="%s does not exist" % path,
                    remediation="correct `source`",
                )
            )
    try:
        absent = _services.find_missing_units(application.services)
    except _services.ServiceError as error:
        absent = [str(error)]
    if absent:
        found.append(
            build_finding(
                key="service-not-found",
                where=name,
                detail="this host has no %s" % ", ".join(absent),
                remediation="correct `services`",
            )
        )
    return found + _collect_capability_findings(application)


def _collect_capability_findings(application: Application) -> List[Dict[str, Any]]:
    """What the live interpreter may do that a new one will not be allowed to."""
    base = os.path.realpath(os.path.join(application.environment, "bin", "python"))
    granted = read_file_capabilities(base)
    if not granted:
        return []
    wanted = " ".join(name.upper() for name in granted)
    return [
        build_finding(
            key="file-capabilities",
            where=application.name,
            detail="%s has %s, which no other interpreter has" % (base, ", ".join(granted)),
            remediation="set AmbientCapabilities=%s in the units of its services, then take them from the file with setcap -r %s"
            % (wanted, base),
        )
    ]


def describe_application(
    application: Application, environment: Optional[Dict[str, Any]], state_root: str, interpreter_directory: str
) -> Dict[str, Any]:
    """The declared *application* with the *environment* that was found for it, its recorded generations and its findings."""
    state = ApplicationState(state_root, application.name)
    found = collect_application_findings(application, interpreter_directory)
    if environment is None and not found:
        found.append(
            build_finding(
                key="environment-unreadable",
                where=application.name,
                detail="%s cannot be read" % application.environment,
                remediation="run with become, or mend the environment",
            )
        )
    if environment is not None and environment["python"] is None:
        found.append(
            build_finding(
                key="environment-unreadable",
                where=application.name,
                detail="%s/pyvenv.cfg does not say which Python made it" % application.environment,
                remediation="mend the environment",
            )
        )
    record: Dict[str, Any] = {"current": None, "generations": [], "history": []}
    backups: Dict[str, Dict[str, Any]] = {}
    try:
        backups = _history.read_known_backups(state)
        if state.is_open():
            found.append(
                build_finding(
                    key="promotion-open",
                    where=application.name,
                    detail="%s exists" % state.next_path,
                    remediation="let it end, or run oxzep7.python.upgrade, which closes it",
                )
            )
        record = state.read()
    except PermissionError as error:
        found.append(
            build_finding(
                key="state-unreadable",
                where=application.name,
                detail=str(error),
                remediation="run with become",
            )
        )
    current = find_generation(record, record["current"]) or {}
    return {
        "name": application.name,
        "environment": environment,
        "findings": found,
        "current": record["current"],
        "deprecations": current.get("deprecations") or [],
        "generations": [
            {key: entry.get(key) for key in ("id", "python", "lock", "complete", "origin")}
            for entry in record["generations"]
        ],
        "backups": [
            dict(entry, backup=name, verified=_history.is_verified(entry)) for name, entry in sorted(backups.items())
        ],
        "last": record["history"][-1] if record["history"] else None,
    }


def find_unsettled_applications(state_root: str, not_seen: List[Dict[str, str]]) -> List[str]:
    """Names of the applications with a promotion that a dead run left, or that is open now; *not_seen* gets what cannot be read."""
    try:
        return [name for name in list_applications(state_root) if ApplicationState(state_root, name).is_unsettled()]
    except PermissionError as error:
        not_seen.append({"path": state_root, "reason": error.strerror or str(error)})
        return []
