# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the inventory of one host together."""

import os
import platform
import sys
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application import Application
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _environments, _interpreters, _units
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import interpreters_in, walk
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._identity import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._state import ApplicationState, applications_in, now

SCHEMA = 1
SYSTEM_BINARIES = ["/usr/bin", "/usr/local/bin"]


def libc() -> Dict[str, Optional[str]]:
    """The C library that this process runs with: ``{name, version}``, from confstr(3); musl has no such string."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        return {"name": name, "version": version}
    except (ValueError, OSError, AttributeError):
        return {"name": "musl" if any(entry.startswith("ld-musl-") for entry in os.listdir("/lib")) else None, "version": None}


def finding(key: str, title: str, detail: str, remediation: str, severity: str = "error", blocking: bool = True) -> Dict[str, Any]:
    """A finding; *key* is stable across releases."""
    return {"key": key, "severity": severity, "title": title, "detail": detail, "blocking": blocking,
            "remediation": remediation}


def own_interpreter() -> str:
    """The interpreter that runs this module, as the operator named it and not resolved."""
    return os.path.normpath(os.path.join(os.getcwd(), sys.executable))


def _runs_inside(directory: str) -> bool:
    prefixes = [os.path.realpath(directory) + "/", directory + "/"]
    return any((path + "/").startswith(prefix) for prefix in prefixes
               for path in (own_interpreter(), sys.prefix, os.path.realpath(sys.prefix)))


def application_findings(application: Application, interpreter_directory: str) -> List[Dict[str, Any]]:
    """What forbids to upgrade *application* on this host."""
    found = []
    name = application.name
    if not os.path.isdir(application.environment):
        found.append(finding("environment-not-found", "%s: environment not found" % name,
                             "%s does not exist" % application.environment, "correct `environment`, or remove the application here"))
        return found
    if not os.path.isfile(os.path.join(application.environment, "pyvenv.cfg")):
        found.append(finding("not-an-environment", "%s: not an environment" % name,
                             "%s has no pyvenv.cfg" % application.environment, "name the directory that contains pyvenv.cfg"))
        return found
    if _runs_inside(application.environment) or _runs_inside(application.generations_directory()):
        found.append(finding("ansible-interpreter-inside", "%s: Ansible runs inside it" % name,
                             "the Ansible interpreter %s lies inside %s" % (own_interpreter(), application.environment),
                             "set ansible_python_interpreter to an interpreter outside, such as /usr/bin/python3"))
    if _runs_inside(interpreter_directory):
        found.append(finding("ansible-interpreter-upgraded", "%s: Ansible runs on an upgraded interpreter" % name,
                             "the Ansible interpreter %s lies inside %s" % (own_interpreter(), interpreter_directory),
                             "set ansible_python_interpreter to the operating system's, such as /usr/bin/python3"))
    try:
        application.account()
    except IdentityError as error:
        found.append(finding("user-not-found", "%s: user not found" % name, str(error), "correct `user`"))
    for path in [application.source] if application.source else []:
        if not os.path.isdir(path):
            found.append(finding("source-not-found", "%s: source not found" % name, "%s does not exist" % path, "correct `source`"))
    try:
        absent = _services.missing(application.services)
    except _services.ServiceError as error:
        absent = [str(error)]
    if absent:
        found.append(finding("service-not-found", "%s: service not found" % name,
                             "this host has no %s" % ", ".join(absent), "correct `services`"))
    return found


def _application(application: Application, state_root: str, interpreter_directory: str) -> Dict[str, Any]:
    state = ApplicationState(state_root, application.name)
    found = application_findings(application, interpreter_directory)
    described = None
    if os.path.isfile(os.path.join(application.environment, "pyvenv.cfg")):
        try:
            described = _environments.describe(application.environment)
        except (BuildError, OSError) as error:
            found.append(finding("environment-unreadable", "%s: environment cannot be read" % application.name, str(error),
                                 "run with become, or mend the environment"))
    if state.is_open():
        found.append(finding("promotion-open", "%s: a promotion is open" % application.name,
                             "%s exists" % state.next_path, "let it end, or run oxzep7.python.upgrade, which closes it", "warning", False))
    record = state.read()
    return {"name": application.name, "environment": described, "findings": found, "current": record["current"],
            "generations": [{key: entry.get(key) for key in ("id", "python", "lock", "complete", "origin")}
                            for entry in record["generations"]],
            "last": record["history"][-1] if record["history"] else None}


def inventory(roots: List[str], exclude: List[str], applications: List[Application], state_root: str,
              interpreter_directory: str) -> Dict[str, Any]:
    """Everything found on this host; see the documentation of ``host_info`` for its keys."""
    found = walk(roots + [interpreter_directory], exclude)
    executables = sorted(set(found.interpreters) | {path for directory in SYSTEM_BINARIES for path in interpreters_in(directory)})
    environments, not_seen = [], list(found.not_seen)
    for path in found.environments:
        try:
            environments.append(_environments.describe(path))
        except (BuildError, OSError) as error:
            not_seen.append({"path": path, "reason": str(error)})
    units = _units.services()
    uses = _units.by_environment(units, [entry["path"] for entry in environments])
    for entry in environments:
        entry["services"] = uses[entry["path"]]
    declared = [_application(application, state_root, interpreter_directory) for application in applications]
    live = {entry["environment"]["path"]: entry["environment"] for entry in declared if entry["environment"]}
    for path, names in _units.by_environment(units, list(live)).items():
        live[path]["services"] = names
    return {
        "schema": SCHEMA,
        "taken": now(),
        "host": {"hostname": platform.node(), "architecture": platform.machine(), "libc": libc(),
                 "python": own_interpreter(), "privileged": os.geteuid() == 0},
        "interpreters": [_interpreters.describe(path) for path in executables],
        "environments": environments,
        "dependents": [{"kind": "service", "name": name, "environment": path,
                        "user": next((unit.user for unit in units if unit.name == name), None)}
                       for path, names in sorted(uses.items()) for name in names],
        "applications": declared,
        "unsettled": [name for name in applications_in(state_root) if ApplicationState(state_root, name).is_unsettled()],
        "not_seen": not_seen,
    }
