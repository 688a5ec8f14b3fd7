# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the inventory of one host, and stores it."""

import collections
import gzip
import json
import os
import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import (
    find_shared_environments,
    locate_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import (
    _applications,
    _cron,
    _dependents,
    _environments,
    _originals,
    _running,
    _supervisors,
    _system,
    _system_packages,
    _units,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._finder import PythonFinder
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._host_interpreters import find_interpreters
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._platform import describe_host, detect_libc
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._survey import survey_roots
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import (
    TIME_BUDGET_EXCEEDED,
    WalkLimits,
    read_mounts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader, make_printable

INVENTORY_SCHEMA = 2


class InventoryRequest(NamedTuple):
    """What to look at: roots, whether users' homes elsewhere as well, directories to leave out, and limits.

    ``time_budget`` is in seconds; ``verify`` compares content with RECORD, ``verify_applications`` that of the
    environments of declared applications.
    """

    roots: List[str]
    homes: bool
    exclude: List[str]
    time_budget: float
    verify: bool
    verify_applications: bool = False


def take_inventory(
    request: InventoryRequest, applications: List[Application], state_root: str, interpreter_directory: str
) -> Dict[str, Any]:
    """Everything found on this host; see the documentation of ``host_info`` for the keys."""
    began = time.monotonic()
    mounts = read_mounts()
    limits = WalkLimits(set(map(os.path.normpath, request.exclude)), mounts, began + request.time_budget)
    libraries = SharedLibraries()
    declared = _list_declared_environments(applications)
    verified = frozenset(map(os.path.realpath, declared)) if request.verify_applications else frozenset()
    options = _environments.EnvironmentOptions(request.verify, libraries, mounts, limits.deadline, verified)
    libc = detect_libc()
    roots = request.roots + [interpreter_directory] + declared
    if request.homes:
        roots += _system.list_user_homes()
    found = survey_roots(roots, limits, options)
    environments, not_seen = found.environments, found.not_seen
    reader = HostReader()
    references = _find_references(found.configurations, reader)
    processes = _running.find_python_processes(not_seen)
    interpreters = find_interpreters(environments, references, processes, libraries, libc)
    programs = found.scripts + _system.find_system_programs(reader)
    finder = PythonFinder(environments, interpreters, programs, libraries)
    not_seen += [entry for entry in reader.not_seen if entry not in not_seen]
    dependents = _dependents.find_dependents(references, programs, processes, finder)
    _system_packages.add_system_sites(interpreters, not_seen, limits.deadline)
    _system_packages.add_os_packages(interpreters, environments, dependents)
    dependents = [entry for entry in dependents if not _system_packages.is_distribution_owned(entry)]
    services = _dependents.group_by_environment(dependents)
    for environment in environments:
        environment["services"] = services.get(environment["path"], [])
    _originals.add_host_diffs(environments)
    described = _describe_applications(applications, environments, state_root, interpreter_directory)
    result: Dict[str, Any] = make_printable(
        {
            "schema": INVENTORY_SCHEMA,
            "taken": get_timestamp(),
            "seconds": round(time.monotonic() - began, 3),
            "verified": request.verify,
            "complete": not any(entry["reason"] == TIME_BUDGET_EXCEEDED for entry in not_seen),
            "host": describe_host(libc, libraries.list_library_names()),
            "interpreters": interpreters,
            "environments": environments,
            "dependents": dependents,
            "projects": found.projects,
            "applications": described,
            "unsettled": _applications.find_unsettled_applications(applications, state_root, not_seen),
            "not_seen": not_seen,
        }
    )
    return result


def _list_declared_environments(applications: List[Application]) -> List[str]:
    """The real paths of declared environments, which may lie outside the roots."""
    found = []
    for application in applications:
        path = os.path.realpath(application.environment)
        if os.path.isfile(path + "/pyvenv.cfg"):
            found.append(path)
    return found


def _find_references(configurations: List[Dict[str, str]], reader: HostReader) -> List[PythonReference]:
    """The references in units, cron jobs, supervisors and the system's own files, as far as *reader* can read them."""
    return (
        _units.find_unit_references(_system.list_account_homes(), reader)
        + _cron.find_cron_references(reader)
        + _supervisors.find_supervisor_references(configurations, reader)
        + _system.find_system_references(reader)
    )


def _describe_applications(
    applications: List[Application], environments: List[Dict[str, Any]], state_root: str, interpreter_directory: str
) -> List[Dict[str, Any]]:
    by_path = {environment["path"]: environment for environment in environments}
    places = [locate_environment(application.name, application.environment) for application in applications]
    shared = find_shared_environments(places)
    found = []
    for application in applications:
        path = os.path.realpath(application.environment)
        environment: Optional[Dict[str, Any]] = None
        if path in by_path:
            environment = dict(by_path[path], path=application.environment, resolved=path)
        found.append(
            _applications.describe_application(
                application, environment, state_root, interpreter_directory, shared.get(application.name, ())
            )
        )
    return found


def summarize_inventory(found: Dict[str, Any]) -> Dict[str, Any]:
    """Counts of what the inventory *found* has."""
    environments = found["environments"]
    return {
        "interpreters": len(found["interpreters"]),
        "environments": len(environments),
        "packages": sum(len(environment["packages"]) for environment in environments),
        "dependents": len(found["dependents"]),
        "projects": len(found["projects"]),
        "unmanaged": _sum_counts(environments, "unmanaged"),
        "missing": _sum_counts(environments, "missing"),
        "modified": _sum_counts(environments, "modified") if found["verified"] else None,
        "not_seen": dict(collections.Counter(entry["reason"] for entry in found["not_seen"])),
    }


def _sum_counts(environments: List[Dict[str, Any]], key: str) -> int:
    return sum(environment["counts"][key] for environment in environments)


def store_inventory(directory: str, found: Dict[str, Any]) -> str:
    """Write *found* to ``host.json.gz`` in *directory*, made with mode 0700; returns the path. Raises OSError."""
    make_directory(directory, 0o700)
    path = os.path.join(directory, "host.json.gz")
    write_atomically(path, gzip.compress(json.dumps(redact(found), sort_keys=True).encode("utf-8"), 6))
    return path
