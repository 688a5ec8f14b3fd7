# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the inventory of one host together."""

import collections
import gzip
import json
import os
import platform
import time
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import (
    _applications,
    _cron,
    _dependents,
    _environments,
    _interpreters,
    _originals,
    _running,
    _supervisors,
    _system,
    _units,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._interpreters import InterpreterCandidate
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._ospackages import find_owning_packages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import PYTHON_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._survey import Survey, survey_roots
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import (
    TIME_BUDGET_EXCEEDED,
    WalkLimits,
    read_mounts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    make_printable,
    open_directory,
    read_trusted_text,
)

INVENTORY_SCHEMA = 2
SYSTEM_SITES = ["/usr/lib/python3/dist-packages", "/usr/lib/python3/site-packages"]


class InventoryRequest(NamedTuple):
    """What to look at: roots, persons' homes elsewhere, directories to leave out, seconds to spend, whether content is compared with RECORD."""

    roots: List[str]
    homes: bool
    exclude: List[str]
    time_budget: float
    verify: bool


def detect_libc() -> Dict[str, Optional[str]]:
    """The C library that this process runs with: ``{name, version}``, from confstr(3); musl has no such string."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        return {"name": name, "version": version}
    except (ValueError, OSError, AttributeError):
        return {
            "name": "musl" if any(entry.startswith("ld-musl-") for entry in os.listdir("/lib")) else None,
            "version": None,
        }


def detect_operating_system() -> Dict[str, Optional[str]]:
    """``{id, version, name}`` of the distribution (os-release(5))."""
    text = read_trusted_text("/etc/os-release") or read_trusted_text("/usr/lib/os-release") or ""
    values = {
        key: value.strip("\"'")
        for key, separator, value in (line.partition("=") for line in text.splitlines())
        if separator
    }
    return {"id": values.get("ID"), "version": values.get("VERSION_ID"), "name": values.get("PRETTY_NAME")}


def take_inventory(
    request: InventoryRequest, applications: List[Application], state_root: str, interpreter_directory: str
) -> Dict[str, Any]:
    """Everything found on this host; see the documentation of ``host_info`` for its keys."""
    began = time.monotonic()
    mounted = read_mounts()
    limits = WalkLimits({os.path.normpath(path) for path in request.exclude}, mounted, began + request.time_budget)
    libraries = SharedLibraries()
    options = _environments.EnvironmentOptions(request.verify, libraries, mounted, limits.deadline)
    declared = [os.path.realpath(application.environment) for application in applications]
    c_library = detect_libc()
    beyond = _system.list_user_homes() if request.homes else []
    found = survey_roots(
        request.roots
        + beyond
        + [interpreter_directory]
        + [path for path in declared if os.path.isfile(path + "/pyvenv.cfg")],
        limits,
        options,
    )
    references = (
        _units.find_unit_references(_system.list_account_homes())
        + _cron.find_cron_references()
        + _supervisors.find_supervisor_references(found.configurations)
        + _system.find_system_references()
    )
    processes = _running.find_python_processes(found.not_seen)
    interpreters = _describe_interpreters(found, references, processes, libraries, c_library)
    programs = found.scripts + _system.find_system_programs()
    known = _dependents.PythonFinder(found.environments, interpreters, programs, libraries)
    dependents = _dependents.find_dependents(references, programs, processes, known)
    _add_system_sites(interpreters, found.not_seen, limits.deadline)
    _add_os_packages(interpreters, found.environments, dependents)
    dependents = [entry for entry in dependents if not _is_distribution_owned(entry)]
    uses = _dependents.group_by_environment(dependents)
    for environment in found.environments:
        environment["services"] = uses.get(environment["path"], [])
    if request.verify:
        _originals.add_host_diffs(found.environments)
    by_path = {environment["path"]: environment for environment in found.environments}
    live = [
        dict(by_path[real], path=application.environment, resolved=real) if real in by_path else None
        for application, real in zip(applications, declared)
    ]
    result: Dict[str, Any] = make_printable(
        {
            "schema": INVENTORY_SCHEMA,
            "taken": get_timestamp(),
            "seconds": round(time.monotonic() - began, 3),
            "verified": request.verify,
            "complete": not any(entry["reason"] == TIME_BUDGET_EXCEEDED for entry in found.not_seen),
            "host": {
                "hostname": platform.node(),
                "architecture": platform.machine(),
                "libc": c_library,
                "os": detect_operating_system(),
                "python": _applications.get_own_interpreter(),
                "privileged": os.geteuid() == 0,
            },
            "interpreters": interpreters,
            "environments": found.environments,
            "dependents": dependents,
            "projects": found.projects,
            "applications": [
                _applications.describe_application(application, environment, state_root, interpreter_directory)
                for application, environment in zip(applications, live)
            ],
            "unsettled": _applications.find_unsettled_applications(state_root, found.not_seen),
            "not_seen": found.not_seen,
        }
    )
    return result


def _describe_interpreters(
    found: Survey,
    references: Iterable[PythonReference],
    processes: Iterable[_running.PythonProcess],
    libraries: SharedLibraries,
    c_library: Dict[str, Optional[str]],
) -> List[Dict[str, Any]]:
    prefixes = {
        environment["path"]: environment
        for environment in found.environments
        if environment["kind"] in ("prefix", "conda")
    }
    candidates = [
        InterpreterCandidate(path, "walk")
        for prefix in sorted(set(prefixes) | {"/usr", "/usr/local"})
        for path in _interpreters.find_prefix_interpreters(prefix)
    ]
    described = {
        entry["resolved"]: entry
        for entry in (_interpreters.describe_interpreter(candidate, libraries) for candidate in candidates)
        if entry
    }
    inside = tuple(
        environment["path"] + "/"
        for environment in found.environments
        if environment["kind"] not in ("prefix", "conda", "user")
    )
    others = [InterpreterCandidate(path, "unit") for path in _dependents.find_named_pythons(references)]
    others += [
        InterpreterCandidate(process.executable.replace(_running.DELETED_SUFFIX, ""), "process", process.pid)
        for process in processes
        if not process.contained
    ]
    for candidate in others:
        real = os.path.realpath(candidate.path)
        if (
            not PYTHON_NAME.match(os.path.basename(real))
            or real in described
            or real.startswith(inside)
            or candidate.path.startswith(inside)
        ):
            continue
        entry = _interpreters.describe_interpreter(candidate._replace(path=real), libraries)
        if entry and entry["resolved"] not in described:
            described[entry["resolved"]] = entry
    for entry in described.values():
        entry["libc"]["version"] = c_library["version"] if entry["libc"]["name"] == c_library["name"] else None
        prefix = prefixes.get(entry["prefix"])
        if prefix:
            entry.update(packages=prefix["packages"], unmanaged=prefix["unmanaged"])
            if (prefix["python"] or "").count(".") < 2:
                prefix["python"] = entry["version"] or prefix["python"]
            prefix["interpreter"] = prefix["interpreter"] or entry["path"]
    return sorted(described.values(), key=lambda entry: str(entry["path"]))


def _read_system_site(path: str, not_seen: List[Dict[str, str]], deadline: float) -> Optional[SitePackages]:
    site = SitePackages(path, os.path.basename(path), False, deadline)
    try:
        handle = open_directory(os.path.realpath(path))
    except OSError:
        return None
    try:
        site.read(handle)
    except OSError as error:
        not_seen.append({"path": path, "reason": error.strerror or str(error)})
    finally:
        os.close(handle)
    not_seen.extend(site.problems)
    for package in site.packages:
        package["metadata"] = "%s/%s" % (path, package["metadata"])
    for entry in site.unmanaged:
        entry["path"] = os.path.dirname(path) + "/" + entry["path"]
    return site


def _add_system_sites(interpreters: List[Dict[str, Any]], not_seen: List[Dict[str, str]], deadline: float) -> None:
    """Give the distribution's own interpreters the packages in their directories."""
    sites: Dict[str, Optional[SitePackages]] = {}
    for entry in interpreters:
        if entry["prefix"] != "/usr":
            continue
        minor = ".".join((entry["version"] or "").split(".")[:2])
        for path in SYSTEM_SITES * entry["default"] + [
            "/usr/lib/python%s/site-packages" % minor,
            "/usr/lib64/python%s/site-packages" % minor,
        ]:
            site = sites[path] if path in sites else sites.setdefault(path, _read_system_site(path, not_seen, deadline))
            if site:
                entry["packages"] = entry["packages"] + site.packages
                entry["unmanaged"] = entry["unmanaged"] + site.unmanaged


def _add_os_packages(
    interpreters: List[Dict[str, Any]], environments: List[Dict[str, Any]], dependents: List[Dict[str, Any]]
) -> None:
    """Ask once which packages own the interpreters and their packages, the libraries of extensions, and the files of dependents."""
    libraries = [library for environment in environments for library in environment["libraries"]]
    system = [entry for entry in interpreters if entry["prefix"] == "/usr"]
    asked = [entry["resolved"] for entry in interpreters] + [library["path"] for library in libraries]
    asked += [package["metadata"] for entry in system for package in entry["packages"]]
    asked += [loose["path"].rstrip("/") for entry in system for loose in entry["unmanaged"]]
    asked += [_get_dependent_file(entry) for entry in dependents if entry["kind"] not in ("process", "login-shell")]
    answers = find_owning_packages(asked)
    for entry in interpreters:
        entry["os_package"] = answers.get(entry["resolved"])
    for entry in system:
        for package in entry["packages"]:
            package["os_package"] = answers.get(package["metadata"])
        entry["unmanaged"] = [loose for loose in entry["unmanaged"] if loose["path"].rstrip("/") not in answers]
    for library in libraries:
        library["os_package"] = answers.get(library["path"])
    for entry in dependents:
        entry["os_package"] = answers.get(_get_dependent_file(entry))


def _is_distribution_owned(dependent: Dict[str, Any]) -> bool:
    """Whether it is the distribution's affair: a program of one of its packages. Which Python is called ``python`` is the operator's."""
    if dependent["kind"] == "alternative" and PYTHON_NAME.match(dependent["name"]):
        return False
    return dependent["kind"] in ("script", "wrapper", "embedder", "alternative") and bool(dependent["os_package"])


def _get_dependent_file(dependent: Dict[str, Any]) -> str:
    return os.path.realpath(dependent["source"]) if dependent["kind"] == "alternative" else str(dependent["source"])


def summarize_inventory(found: Dict[str, Any]) -> Dict[str, Any]:
    """Counts of what the inventory *found* has."""
    counts = [environment["counts"] for environment in found["environments"]]
    return {
        "interpreters": len(found["interpreters"]),
        "environments": len(found["environments"]),
        "packages": sum(len(environment["packages"]) for environment in found["environments"]),
        "dependents": len(found["dependents"]),
        "projects": len(found["projects"]),
        "unmanaged": sum(count["unmanaged"] for count in counts),
        "missing": sum(count["missing"] for count in counts),
        "modified": sum(count["modified"] for count in counts) if found["verified"] else None,
        "not_seen": dict(collections.Counter(entry["reason"] for entry in found["not_seen"])),
    }


def store_inventory(directory: str, found: Dict[str, Any]) -> str:
    """Write *found* to ``host.json.gz`` in *directory*, which is made for its owner only; returns the path. Raises OSError."""
    if not os.path.isdir(directory):
        os.makedirs(directory, mode=0o700)
    path = os.path.join(directory, "host.json.gz")
    write_atomically(path, gzip.compress(json.dumps(found, sort_keys=True).encode("utf-8"), 6))
    return path
