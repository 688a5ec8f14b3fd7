#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find uses of names of the standard library in the sources of applications."""

DOCUMENTATION = r"""
module: source_info
short_description: Find uses of removed names of the standard library in the sources of applications
version_added: 0.1.0
description:
  - Parses each Python file below the C(source) of the applications, on the host, and runs none of them.
  - Aliases are resolved. A use that the program guards by C(try)/C(except), C(hasattr) or a test of the version is
    left out, or limited to the versions that reach it. A use that an import runs is marked.
  - Imports whose module is computed, and files that cannot be read or parsed, are listed as unknown.
  - The packages in the environments of the applications are scanned as well, without their tests.
  - Compiled files are searched for symbols of the C API that they need and do not define.
  - The action plugin sets the names and symbols from the collection's table of changes between O(current) and
    O(target).
author: oxzep7.python contributors (@oxzep7)
options:
  applications:
    description: Applications, as declared in C(oxzep7_applications).
    type: list
    elements: dict
    required: true
  current:
    description: Python version that the applications run on, such as V(3.8).
    type: str
    default: "3.6"
  target:
    description: Python version to which the applications are to be upgraded, such as V(3.12).
    type: str
    required: true
  names:
    description: Dotted names to search for. Set by the action plugin.
    type: list
    elements: str
    default: []
  symbols:
    description: Symbols of the C API to search for. Set by the action plugin.
    type: list
    elements: str
    default: []
  time_budget:
    description: Seconds for the scan of one application. Directories not scanned in time are listed as problems.
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
- name: Find uses of what Python 3.12 lacks
  oxzep7.python.source_info:
    applications: "{{ oxzep7_applications }}"
    current: "3.8"
    target: "3.12"
  register: sources
"""

RETURN = r"""
applications:
  description:
    - For each application its C(name) and C(source), C(uses) (path, name, line, versions, whether on import, whether
      certain), C(imports) (a path by module), C(required) (packages in its requirements files), C(extras) (those that
      these name, by package), C(dynamic) (path and line of imports whose module is computed), C(problems), and the
      number of C(files) and C(lines).
    - C(installed) has the C(uses) (package, version, path, name, line, versions, whether on import, whether certain),
      C(problems) and number of C(files) of the packages in its environment, without their tests.
  returned: success
  type: list
  elements: dict
python:
  description: Version of the Python that parsed the files, which is the Ansible interpreter of the host.
  returned: success
  type: str
"""

import sys

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._source._installed import scan_declared
from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import TIME_BUDGET


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
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
            application = parse_core_declaration(parameters)
            found.append(scan_declared(application, given["names"], given["symbols"], given["time_budget"]))
    except CollectionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, applications=found, python="%d.%d.%d" % sys.version_info[:3])


if __name__ == "__main__":
    main()
