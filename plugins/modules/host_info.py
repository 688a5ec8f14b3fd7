#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the inventory of one host."""

DOCUMENTATION = r"""
module: host_info
short_description: Take the inventory of a host's interpreters, environments, dependents, projects and applications
version_added: 0.1.0
description:
  - Finds every interpreter and environment below given directories, the packages in them, what was changed in them by hand,
    what uses them (services, timers, cron jobs, processes, scripts and more), and the projects beside them.
  - Everything is read from files. Only an interpreter whose version no file tells is run, isolated and as its least trusted owner.
  - The full inventory is written to C(host.json.gz) in O(state_dir) and to a file on the controller; the result is a summary
    unless O(detail) is set.
author: oxzep7.python contributors (@oxzep7)
options:
  roots:
    description:
      - Directories to search. Symlinks are not followed; network and pseudo file systems are not entered.
      - C(/usr) is looked at whatever is given here, but only where the operating system keeps its Python.
    type: list
    elements: path
    default: [/opt, /srv, /home, /root, /var/www, /var/lib, /usr/local]
  homes:
    description: Whether the home directories of persons (user ids from 1000 on) are searched, too, wherever they are.
    type: bool
    default: true
  exclude:
    description: Directories not to enter. The default ones hold the file systems of containers.
    type: list
    elements: path
    default: [/var/lib/containers, /var/lib/docker, /var/lib/containerd, /var/lib/lxc, /var/lib/machines]
  verify:
    description:
      - Whether the content of every file that a package recorded is compared with its recorded hash.
      - This reads every byte of every environment. Without it, files that were modified are unknown; missing and unmanaged ones are known.
    type: bool
    default: false
  time_budget:
    description: Seconds after which the search ends; RV(inventory.not_seen) lists what was not seen then.
    type: float
    default: 300
  applications:
    description: Declared applications; each is described even when it lies outside O(roots). See M(oxzep7.python.promotion) for the keys.
    type: list
    elements: dict
    default: []
  state_dir:
    description: Directory on the host with the records of its applications.
    type: path
    default: /var/lib/oxzep7
  interpreter_dir:
    description: Directory under which M(oxzep7.python.interpreter) installs.
    type: path
    default: /opt/oxzep7/interpreters
  target:
    description:
      - The Python to which the applications are to go. With it their sources are read, too, as by M(oxzep7.python.source_info).
      - Read by the action plugin.
    type: str
  names:
    description: The dotted names to look for in sources; given by the action plugin.
    type: list
    elements: str
    default: []
  symbols:
    description: The symbols of the C API to look for in sources; given by the action plugin.
    type: list
    elements: str
    default: []
  store:
    description:
      - Whether C(host.json.gz) is written in O(state_dir), readable by its owner only. Nothing is written in check mode.
      - The state directory's records of an inventory are no change of the host, so this is not reported as one.
    type: bool
    default: false
  report_dir:
    description: Directory on the controller to write the full inventory to, as C(hosts/<name>.json). Nothing is written in check mode.
    type: path
  originals_dir:
    description:
      - Directory on the controller that keeps wheels of packages with modified files, so that a diff can be shown.
      - Wheels that are not there are downloaded when O(download) is set.
    type: path
  download:
    description: Whether the controller may ask the package index for the wheels of packages with modified files.
    type: bool
    default: false
  detail:
    description: Whether the result contains the full inventory.
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
  - An unprivileged run sees less; RV(inventory.not_seen) says what.
  - Bytecode (C(__pycache__)), C(node_modules), C(.git) and directories marked as caches (C(CACHEDIR.TAG)) are not entered.
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
  description: Counts of what was found.
  returned: success
  type: dict
  contains:
    interpreters: {description: Number of interpreters., type: int, returned: success}
    environments: {description: Number of environments., type: int, returned: success}
    packages: {description: Number of packages in environments., type: int, returned: success}
    dependents: {description: Number of dependents., type: int, returned: success}
    projects: {description: Number of projects., type: int, returned: success}
    unmanaged: {description: Number of files and directories in environments that no package accounts for., type: int, returned: success}
    modified: {description: Number of files that differ from their package's; null when O(verify) is off., type: int, returned: success}
    missing: {description: Number of files that packages recorded and that are gone., type: int, returned: success}
    not_seen: {description: "Number of places that were not looked into, by reason.", type: dict, returned: success}
host:
  description: Host name, architecture, C library, distribution and the interpreter that ran the module.
  returned: success
  type: dict
applications:
  description: Each declared application with its environment, packages, recorded generations and findings.
  returned: success
  type: list
  elements: dict
unsettled:
  description: Applications with a promotion that a dead run left open or undone, or that is open now.
  returned: success
  type: list
  elements: str
interpreters:
  description: Each interpreter's path, prefix, version, origin, implementation and what else a plan needs of it.
  returned: success
  type: list
  elements: dict
sources:
  description: What M(oxzep7.python.source_info) returns as RV(oxzep7.python.source_info#module:applications).
  returned: when O(target) is set
  type: list
  elements: dict
delivered:
  description: The SHA-256 of the C(plan) that O(state_dir) has, and the identifiers of the C(locks) there that are whole.
  returned: success
  type: dict
inventory:
  description: The full inventory.
  returned: when O(detail) is set
  type: dict
  contains:
    interpreters:
      description: >-
        Each interpreter: path, resolved path, prefix, version and what tells it, implementation, architecture, C library, libpython,
        origin, owning package, owner, file capabilities, SELinux label, whether its stack is executable, whether it is marked as
        externally managed (PEP 668), its own packages and unmanaged files.
      type: list
      elements: dict
      returned: always
    environments:
      description: >-
        Each environment: path, kind, state (live, dangling, moved, generation), Python, base interpreter, packages, fingerprint, size in
        bytes without bytecode, unmanaged, missing and modified files, libraries of compiled extensions, long shebangs.
      type: list
      elements: dict
      returned: always
    dependents:
      description: What uses an interpreter or environment, with its kind, source file and line, user, and what it uses.
      type: list
      elements: dict
      returned: always
    projects:
      description: Directories with requirement inputs, locks, version pins, pipelines or a git repository.
      type: list
      elements: dict
      returned: always
    not_seen:
      description: Paths that were not looked into, each with the reason.
      type: list
      elements: dict
      returned: always
    complete:
      description: Whether the time budget sufficed.
      type: bool
      returned: always
    taken:
      description: When the inventory was taken, in UTC.
      type: str
      returned: always
stored:
  description: Where the host has the full inventory.
  returned: when O(store) is set, check mode is off and the state directory can be written
  type: str
report:
  description: Where the controller has the full inventory.
  returned: when O(report_dir) is set and check mode is off
  type: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._parse import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._inventory import (
    InventoryRequest,
    store_inventory,
    summarize_inventory,
    take_inventory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import read_delivery
from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import build_scan_request, scan_application

FOR_PLANNING = (
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


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
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
        applications = [parse_application(validate_declaration(entry)) for entry in given["applications"]]
        request = InventoryRequest(
            given["roots"], given["homes"], given["exclude"], given["time_budget"], given["verify"]
        )
        found = take_inventory(request, applications, given["state_dir"], given["interpreter_dir"])
    except (ApplicationError, ValueError) as error:
        module.fail_json(msg=str(error))
    result: Dict[str, Any] = {}
    if given["target"]:
        result["sources"] = [
            scan_application(build_scan_request(application), given["names"], given["symbols"])
            for application in applications
        ]
    if given["store"] and not module.check_mode:
        try:
            result["stored"] = store_inventory(given["state_dir"], found)
        except OSError as error:
            module.warn("the inventory is not kept on this host: %s" % error)
    module.exit_json(
        changed=False,
        summary=summarize_inventory(found),
        host=found["host"],
        applications=found["applications"],
        interpreters=[{key: entry[key] for key in FOR_PLANNING} for entry in found["interpreters"]],
        unsettled=found["unsettled"],
        delivered=read_delivery(given["state_dir"]),
        inventory=found,
        **result,
    )


if __name__ == "__main__":
    main()
