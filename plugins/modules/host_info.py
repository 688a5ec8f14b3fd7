#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take the inventory of one host."""

DOCUMENTATION = r"""
module: host_info
short_description: Take the inventory of interpreters, environments and what uses them on a host
version_added: 0.1.0
description:
  - Finds interpreters and environments below the given directories, their packages, the files in them that were
    changed by hand, their dependents (services, timers, cron jobs, processes, scripts and more), and projects.
  - The data are read from files. An interpreter is run only if no file has its version, isolated and as its least
    trusted owner.
  - The full inventory is written to C(host.json.gz) in O(state_dir) and to a file on the controller. The result is a
    summary unless O(detail) is set.
author: oxzep7.python contributors (@oxzep7)
options:
  roots:
    description:
      - Directories to search. Symlinks are not followed; network and pseudo file systems are not entered.
      - The directories of the operating system's Python below C(/usr) are always searched.
    type: list
    elements: path
    default: [/opt, /srv, /home, /root, /var/www, /var/lib, /usr/local]
  homes:
    description: Search the home directories of all accounts with user ids from 1000 to 65533 as well.
    type: bool
    default: true
  exclude:
    description: Directories not to enter. By default those with the file systems of containers.
    type: list
    elements: path
    default: [/var/lib/containers, /var/lib/docker, /var/lib/containerd, /var/lib/lxc, /var/lib/machines]
  verify:
    description:
      - Compare the content of each recorded file with its recorded hash.
      - This reads all files of all environments. Without it, modified files are unknown; missing and unmanaged files
        are found in any case.
    type: bool
    default: false
  verify_applications:
    description: As O(verify), for the environments of O(applications) only.
    type: bool
    default: false
  time_budget:
    description: Seconds after which the search ends. RV(inventory.not_seen) lists directories that were not entered.
    type: float
    default: 300
  applications:
    description:
      - Declared applications, which may lie outside O(roots). For the keys see M(oxzep7.python.promotion).
    type: list
    elements: dict
    default: []
  state_dir:
    description: Directory on the host with the records of applications.
    type: path
    default: /var/lib/oxzep7
  interpreter_dir:
    description: Directory on the host in which M(oxzep7.python.interpreter) installs interpreters.
    type: path
    default: /opt/oxzep7/interpreters
  target:
    description:
      - Python version to which the applications are to be upgraded, such as V(3.12).
      - If set, their sources are scanned as well, as by M(oxzep7.python.source_info).
    type: str
  names:
    description: Dotted names to search sources for. Set by the action plugin from O(target).
    type: list
    elements: str
    default: []
  symbols:
    description: Symbols of the C API to search compiled files of sources for. Set by the action plugin from O(target).
    type: list
    elements: str
    default: []
  store:
    description:
      - Write C(host.json.gz) in O(state_dir), readable by its owner only. Nothing is written in check mode.
      - The stored inventory does not count as a change of the host.
    type: bool
    default: false
  report_dir:
    description:
      - Directory on the controller in which the full inventory is written to C(hosts/<name>.json). Nothing is written
        in check mode.
    type: path
  originals_dir:
    description:
      - Directory on the controller with wheels of packages. A file modified by hand gets a diff against its wheel.
      - Missing wheels are downloaded if O(download) is set.
    type: path
  download:
    description: Download the wheels of packages with modified files from the package index, on the controller.
    type: bool
    default: false
  detail:
    description: Return the full inventory.
    type: bool
    default: false
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Without root the inventory is incomplete; RV(inventory.not_seen) lists the files that were not readable.
  - C(__pycache__), C(node_modules), C(.git) and directories marked as caches (C(CACHEDIR.TAG)) are not entered.
"""

EXAMPLES = r"""
- name: Take the inventory
  oxzep7.python.host_info:
    roots: [/srv, /opt]
    verify: true
    detail: true
  register: result
"""

RETURN = r"""
summary:
  description: Counts.
  returned: success
  type: dict
  contains:
    interpreters: {description: Number of interpreters., type: int, returned: success}
    environments: {description: Number of environments., type: int, returned: success}
    packages: {description: Number of packages in environments., type: int, returned: success}
    dependents: {description: Number of dependents., type: int, returned: success}
    projects: {description: Number of projects., type: int, returned: success}
    unmanaged:
      description: Number of files and directories in environments that belong to no package.
      type: int
      returned: success
    modified:
      description: Number of files that differ from their recorded hash; null unless O(verify) is set.
      type: int
      returned: success
    missing:
      description: Number of recorded files that do not exist.
      type: int
      returned: success
    not_seen:
      description: Number of places that were not read, by reason.
      type: dict
      returned: success
host:
  description:
    - Host name, architecture, C library, names of the shared libraries that the linker knows, operating system, and the
      interpreter that ran the module.
  returned: success
  type: dict
applications:
  description: Each declared application with its environment, packages, recorded generations and findings.
  returned: success
  type: list
  elements: dict
unsettled:
  description: Names of applications whose promotion is open, or was left so by a run that died.
  returned: success
  type: list
  elements: str
interpreters:
  description: Values of each interpreter that a plan needs, such as path, prefix, version, origin, implementation.
  returned: success
  type: list
  elements: dict
dependents:
  description: Values that a plan needs of services, jobs and configurations with variables that choose a Python.
  returned: success
  type: list
  elements: dict
sources:
  description: The same as RV(oxzep7.python.source_info#module:applications).
  returned: when O(target) is set
  type: list
  elements: dict
delivered:
  description: The SHA-256 of the C(plan) in O(state_dir), and the identifiers of the complete C(locks) there.
  returned: success
  type: dict
inventory:
  description: The full inventory.
  returned: when O(detail) is set
  type: dict
  contains:
    interpreters:
      description: >-
        Each interpreter: path, resolved path, prefix, version and its evidence, implementation, architecture, C
        library, libpython, origin, owning package, owner, file capabilities, SELinux label, whether its stack is
        executable, whether it is marked as externally managed (PEP 668), its packages and unmanaged files.
      type: list
      elements: dict
      returned: always
    environments:
      description: >-
        Each environment: path, kind, state (live, dangling, moved, generation), Python, base interpreter, packages,
        extras that pipx or uv recorded, fingerprint, size in bytes without bytecode, unmanaged, missing and modified
        files, libraries of compiled extensions, long shebangs.
      type: list
      elements: dict
      returned: always
    dependents:
      description: Each dependent, with kind, file and line, user, and the interpreter or environment that it uses.
      type: list
      elements: dict
      returned: always
    projects:
      description: Each directory with requirements, locks, version pins, pipelines or a git repository.
      type: list
      elements: dict
      returned: always
    not_seen:
      description: Paths that were not read, each with the reason.
      type: list
      elements: dict
      returned: always
    complete:
      description: Whether the time budget sufficed.
      type: bool
      returned: always
    taken:
      description: Time of the inventory, in UTC.
      type: str
      returned: always
stored:
  description: Path of the full inventory on the host.
  returned: when O(store) is set, check mode is off and the state directory can be written
  type: str
report:
  description: Path of the full inventory on the controller.
  returned: when O(report_dir) is set and check mode is off
  type: str
"""

from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._order import check_order
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._inventory import (
    InventoryRequest,
    store_inventory,
    summarize_inventory,
    take_inventory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import read_delivery
from ansible_collections.oxzep7.python.plugins.module_utils._source._installed import scan_declared
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan_memory import ScanMemory

PLANNING_KEYS = (
    "path",
    "prefix",
    "version",
    "origin",
    "implementation",
    "evidence",
    "os_package",
    "architecture",
    "unmanaged",
)


def select_planning_values(interpreter: Dict[str, Any]) -> Dict[str, Any]:
    """The values of *interpreter* that a plan needs."""
    return {key: interpreter[key] for key in PLANNING_KEYS}


DEPENDENT_KEYS = ("kind", "name", "source", "line", "environment", "interpreter", "variables")


def select_planning_dependents(dependents: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Of the *dependents* that set what chooses a Python, the values that a plan needs."""
    found = []
    for entry in dependents:
        if entry["kind"] == "mod_wsgi" or (entry["variables"] and entry["kind"] != "process"):
            found.append({key: entry[key] for key in DEPENDENT_KEYS})
    return found


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "roots": {
                "type": "list",
                "elements": "path",
                "default": ["/opt", "/srv", "/home", "/root", "/var/www", "/var/lib", "/usr/local"],
            },
            "homes": {"type": "bool", "default": True},
            "exclude": {
                "type": "list",
                "elements": "path",
                "default": [
                    "/var/lib/containers",
                    "/var/lib/docker",
                    "/var/lib/containerd",
                    "/var/lib/lxc",
                    "/var/lib/machines",
                ],
            },
            "verify": {"type": "bool", "default": False},
            "verify_applications": {"type": "bool", "default": False},
            "time_budget": {"type": "float", "default": 300},
            "applications": {"type": "list", "elements": "dict", "default": []},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "interpreter_dir": {"type": "path", "default": "/opt/oxzep7/interpreters"},
            "target": {"type": "str"},
            "names": {"type": "list", "elements": "str", "default": []},
            "symbols": {"type": "list", "elements": "str", "default": []},
            "store": {"type": "bool", "default": False},
            "report_dir": {"type": "path"},
            "originals_dir": {"type": "path"},
            "download": {"type": "bool", "default": False},
            "detail": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        applications = [parse_core_declaration(entry) for entry in given["applications"]]
        check_order(given["applications"])
        request = InventoryRequest(
            given["roots"],
            given["homes"],
            given["exclude"],
            given["time_budget"],
            given["verify"],
            given["verify_applications"],
        )
        found = take_inventory(request, applications, given["state_dir"], given["interpreter_dir"])
    except (CollectionError, ValueError) as error:
        module.fail_json(msg=str(error))
    result: Dict[str, Any] = {}
    if given["target"]:
        memory = ScanMemory(given["state_dir"])
        result["sources"] = []
        for application in applications:
            result["sources"].append(scan_declared(application, given["names"], given["symbols"], memory=memory))
        if not module.check_mode:
            try:
                memory.save()
            except OSError as error:
                module.warn("what was scanned could not be kept on the host: %s" % error)
    if given["store"] and not module.check_mode:
        try:
            result["stored"] = store_inventory(given["state_dir"], found)
        except OSError as error:
            module.warn("the inventory could not be stored on the host: %s" % error)
    module.exit_json(
        changed=False,
        summary=summarize_inventory(found),
        host=found["host"],
        applications=found["applications"],
        interpreters=list(map(select_planning_values, found["interpreters"])),
        dependents=select_planning_dependents(found["dependents"]),
        unsettled=found["unsettled"],
        delivered=read_delivery(given["state_dir"]),
        inventory=found,
        **result,
    )


if __name__ == "__main__":
    main()
