# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds what the operating system's packages own: the packages beside its interpreters, and the owner of each file."""

import os
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._ospackages import find_owning_packages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import PYTHON_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import describe_error
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory

DEFAULT_SITES = ["/usr/lib/python3/dist-packages", "/usr/lib/python3/site-packages"]
VERSIONED_SITES = ["/usr/lib/python%s/site-packages", "/usr/lib64/python%s/site-packages"]
UNOWNED_KINDS = ("process", "login-shell")
PROGRAM_KINDS = ("script", "wrapper", "embedder", "alternative")


def add_system_sites(interpreters: List[Dict[str, Any]], not_seen: List[Dict[str, str]], deadline: float) -> None:
    """Give the operating system's interpreters the packages in its directories."""
    sites: Dict[str, Optional[SitePackages]] = {}
    for entry in interpreters:
        if entry["prefix"] != "/usr":
            continue
        for path in _list_system_sites(entry):
            if path not in sites:
                sites[path] = _read_system_site(path, not_seen, deadline)
            site = sites[path]
            if site:
                entry["packages"] = entry["packages"] + site.packages
                entry["unmanaged"] = entry["unmanaged"] + site.unmanaged


def _list_system_sites(interpreter: Dict[str, Any]) -> List[str]:
    minor = ".".join((interpreter["version"] or "").split(".")[:2])
    versioned = [path % minor for path in VERSIONED_SITES]
    return DEFAULT_SITES + versioned if interpreter["default"] else versioned


def _read_system_site(path: str, not_seen: List[Dict[str, str]], deadline: float) -> Optional[SitePackages]:
    site = SitePackages(path, os.path.basename(path), False, deadline)
    try:
        handle = open_directory(os.path.realpath(path))
    except OSError:
        return None
    try:
        site.read(handle)
    except OSError as error:
        not_seen.append(describe_error(path, error))
    finally:
        os.close(handle)
    not_seen.extend(site.problems)
    for package in site.packages:
        package["metadata"] = "%s/%s" % (path, package["metadata"])
    for entry in site.unmanaged:
        entry["path"] = os.path.dirname(path) + "/" + entry["path"]
    return site


def add_os_packages(
    interpreters: List[Dict[str, Any]], environments: List[Dict[str, Any]], dependents: List[Dict[str, Any]]
) -> None:
    """Add the owning package of interpreters, their packages, libraries of extensions, and files of dependents.

    All files are in one query. Unmanaged files that a package owns are removed.
    """
    libraries = [library for environment in environments for library in environment["libraries"]]
    system = [entry for entry in interpreters if entry["prefix"] == "/usr"]
    paths = [entry["resolved"] for entry in interpreters]
    paths += [library["path"] for library in libraries]
    for entry in system:
        paths += [package["metadata"] for package in entry["packages"]]
        paths += map(_get_unmanaged_path, entry["unmanaged"])
    for entry in dependents:
        if entry["kind"] not in UNOWNED_KINDS:
            paths.append(_get_dependent_file(entry))
    owners = find_owning_packages(paths)
    for entry in interpreters:
        entry["os_package"] = owners.get(entry["resolved"])
    for entry in system:
        for package in entry["packages"]:
            package["os_package"] = owners.get(package["metadata"])
        entry["unmanaged"] = [loose for loose in entry["unmanaged"] if _get_unmanaged_path(loose) not in owners]
    for library in libraries:
        library["os_package"] = owners.get(library["path"])
    for entry in dependents:
        entry["os_package"] = owners.get(_get_dependent_file(entry))


def is_distribution_owned(dependent: Dict[str, Any]) -> bool:
    """Whether *dependent* is a program of the operating system's packages.

    The alternatives called ``python`` are left out, since operators choose them.
    """
    if dependent["kind"] == "alternative" and PYTHON_NAME.match(dependent["name"]):
        return False
    return dependent["kind"] in PROGRAM_KINDS and bool(dependent["os_package"])


def _get_unmanaged_path(entry: Dict[str, Any]) -> str:
    return str(entry["path"]).rstrip("/")


def _get_dependent_file(dependent: Dict[str, Any]) -> str:
    source = str(dependent["source"])
    return os.path.realpath(source) if dependent["kind"] == "alternative" else source
