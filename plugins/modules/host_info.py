#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the inventory of one host."""

DOCUMENTATION = r"""
module: host_info
short_description: Take the inventory of a host's interpreters, environments and applications
version_added: 0.1.0
description:
  - Finds interpreters and environments below given directories, the packages in them and the services that use them.
  - Everything is read from files. Only an interpreter whose version no file tells is run, isolated and as its least trusted owner.
  - The full inventory is written to a file on the controller; the result is a summary unless O(detail) is set.
author: oxzep7.python contributors (@oxzep7)
options:
  roots:
    description: Directories to search. Symlinks are not followed; network and pseudo file systems are not entered.
    type: list
    elements: path
    default: [/opt, /srv, /home, /root, /var/www, /var/lib, /usr/local]
  exclude:
    description: Directories not to enter.
    type: list
    elements: path
    default: []
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
  report_dir:
    description: Directory on the controller to write the full inventory to, as C(hosts/<name>.json). Nothing is written in check mode.
    type: path
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
  - An unprivileged run sees less; RV(summary.not_seen) counts what could not be entered.
"""

EXAMPLES = r"""
- name: Take the inventory
  oxzep7.python.host_info:
    roots: [/srv, /opt]
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
    not_seen: {description: Number of places that were not looked into., type: int, returned: success}
host:
  description: Host name, architecture, C library and the interpreter that ran the module.
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
  description: Each interpreter's path, prefix, version, origin and implementation.
  returned: success
  type: list
  elements: dict
inventory:
  description: The full inventory.
  returned: when O(detail) is set
  type: dict
report:
  description: Where the controller has the full inventory.
  returned: when O(report_dir) is set and check mode is off
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application import ApplicationError, from_parameters, validated
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._host import inventory


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "roots": {"type": "list", "elements": "path",
                      "default": ["/opt", "/srv", "/home", "/root", "/var/www", "/var/lib", "/usr/local"]},
            "exclude": {"type": "list", "elements": "path", "default": []},
            "applications": {"type": "list", "elements": "dict", "default": []},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "interpreter_dir": {"type": "path", "default": "/opt/oxzep7/interpreters"},
            "report_dir": {"type": "path"},
            "detail": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        applications = [from_parameters(validated(entry)) for entry in given["applications"]]
        found = inventory(given["roots"], given["exclude"], applications, given["state_dir"], given["interpreter_dir"])
    except (ApplicationError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        summary={"interpreters": len(found["interpreters"]), "environments": len(found["environments"]),
                 "not_seen": len(found["not_seen"])},
        host=found["host"],
        applications=found["applications"],
        interpreters=found["interpreters"],
        unsettled=found["unsettled"],
        inventory=found,
    )


if __name__ == "__main__":
    main()
