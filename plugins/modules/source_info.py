#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what applications' sources use of given names of the standard library."""

DOCUMENTATION = r"""
module: source_info
short_description: Tell what applications' sources use of what leaves Python
version_added: 0.1.0
description:
  - Parses every Python file below an application's C(source), on the host, in one call for all applications; runs nothing of it.
  - Aliases are resolved. A use that the program is prepared to miss, by C(try)/C(except), a test of the version or C(hasattr), is left out or
    bound to the versions that reach it. What an import runs is told from what a call runs.
  - Imports whose module only running tells, and files that cannot be read or do not parse, are returned as what they are. Unknown.
  - Compiled files are searched for symbols of the C API by what they need and do not define.
  - The action plugin of this name gives the names, from the table of changes for O(current) and O(target).
author: oxzep7.python contributors (@oxzep7)
options:
  applications:
    description: The applications, as declared in C(oxzep7_applications).
    type: list
    elements: dict
    required: true
  current:
    description: The Python to look from, such as V(3.8). Read by the action plugin.
    type: str
    default: "3.6"
  target:
    description: The Python to look to. Read by the action plugin.
    type: str
    required: true
  names:
    description: The dotted names to look for; given by the action plugin.
    type: list
    elements: str
    default: []
  symbols:
    description: The symbols of the C API to look for; given by the action plugin.
    type: list
    elements: str
    default: []
  time_budget:
    description: Seconds that one application's scan may take; what was not looked at by then is a problem that is named.
    type: float
    default: 120.0
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
"""

EXAMPLES = r"""
- name: What does the source use that Python 3.12 lacks?
  oxzep7.python.source_info:
    applications: "{{ oxzep7_applications }}"
    current: "3.8"
    target: "3.12"
  register: sources
"""

RETURN = r"""
applications:
  description:
    - For each application its C(name), C(uses) (path, name, line, versions, whether on import, whether certain), C(imports) (a path by module),
      C(required) (packages that its requirement files name), C(dynamic), C(problems), C(files) and C(lines).
  returned: success
  type: list
  elements: dict
python:
  description: The Python that parsed, which is the one that Ansible runs on.
  returned: success
  type: str
"""

import sys

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._parse import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import (
    TIME_BUDGET,
    build_scan_request,
    scan_application,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "current": {"type": "str", "default": "3.6"},
            "target": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "symbols": {"type": "list", "elements": "str", "default": []},
            "time_budget": {"type": "float", "default": TIME_BUDGET},
        },
        supports_check_mode=True,
    )
    given = module.params
    found = []
    try:
        for parameters in given["applications"]:
            order = build_scan_request(parse_application(validate_declaration(parameters)))
            found.append(scan_application(order, given["names"], given["symbols"], given["time_budget"]))
    except ApplicationError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, applications=found, python="%d.%d.%d" % sys.version_info[:3])


if __name__ == "__main__":
    main()
