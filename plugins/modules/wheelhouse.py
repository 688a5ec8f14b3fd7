#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store the wheels of a lock on the host."""

DOCUMENTATION = r"""
module: wheelhouse
short_description: Send the wheels of a lock to a host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Fetches the wheels that O(lock) names once to the controller, and sends each host, in one transfer, only those it
    lacks.
  - Can also send the C(uv) of the controller, so that hosts build with it.
author: oxzep7.python contributors (@oxzep7)
options:
  lock:
    description: Identifier of a lock in O(plan_dir). Required unless O(files) is set.
    type: str
  architecture:
    description: Machine type of the host, such as V(x86_64). Required with O(lock).
    type: str
  plan_dir:
    description: Directory on the controller with the plan. Required with O(lock).
    type: path
  cache_dir:
    description: Directory on the controller for downloaded wheels.
    type: path
    default: ~/.cache/oxzep7
  ship_uv:
    description:
      - Whether to send C(uv), of which hosts with another architecture than the controller get the wheel for theirs.
      - Hosts without it install with pip, whose later versions refuse packages with old metadata.
    type: bool
    default: true
  known:
    description:
      - Files in O(directory), as RV(oxzep7.python.preflight#module:wheels) of M(oxzep7.python.preflight) lists them.
        If it has all of them, the module is not run on the host.
    type: dict
    default: {}
  directory:
    description: Directory on the host for the wheels. Every user can read it.
    type: path
    default: /opt/oxzep7/wheelhouse
  files:
    description: Files to store. Set by the action plugin, in place of O(lock).
    type: list
    elements: dict
    suboptions:
      name:
        description: File name, without a directory.
        type: str
        required: true
      size:
        description: Size in bytes.
        type: int
        required: true
      sha256:
        description: SHA-256, hexadecimal.
        type: str
        required: true
      executable:
        description: Whether the file is a program.
        type: bool
        default: false
  bundle:
    description:
      - Tar file on the host with the files of O(files) that are missing. Set by the action plugin.
      - Without it, O(files) are only compared with O(directory).
    type: path
extends_documentation_fragment:
  - oxzep7.python.sources
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: partial
    details: In check mode nothing is downloaded; wheels that neither the controller nor the host has are counted.
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Send the missing wheels
  oxzep7.python.wheelhouse:
    lock: "{{ step.lock }}"
    architecture: x86_64
    plan_dir: ./oxzep7/plan
"""

RETURN = r"""
sent:
  description: Names of the files that were sent, or would be.
  returned: success
  type: list
  elements: str
missing:
  description: Names of the files that the host lacked, if the module ran on it.
  returned: success
  type: list
  elements: str
directory:
  description: Directory with the wheels on the host.
  returned: success
  type: str
uv:
  description: Path of C(uv) on the host, if it was sent.
  returned: success
  type: str
actions:
  description: Actions that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheelhouse import WHEELHOUSE_RULES, store_files


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "lock": {"type": "str"},
            "architecture": {"type": "str"},
            "plan_dir": {"type": "path"},
            "cache_dir": {"type": "path", "default": "~/.cache/oxzep7"},
            "ship_uv": {"type": "bool", "default": True},
            "known": {"type": "dict", "default": {}},
            "directory": {"type": "path", "default": "/opt/oxzep7/wheelhouse"},
            "files": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "size": {"type": "int", "required": True},
                    "sha256": {"type": "str", "required": True},
                    "executable": {"type": "bool", "default": False},
                },
            },
            "bundle": {"type": "path"},
            "indexes": {"type": "list", "elements": "raw", "default": []},
            "find_links": {"type": "list", "elements": "path", "default": []},
            "offline": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
        **WHEELHOUSE_RULES,
    )
    given = module.params
    changes = Changes()
    try:
        missing = store_files(given["files"] or [], given["bundle"], given["directory"], module.check_mode, changes)
    except (CollectionError, OSError) as error:
        module.fail_json(msg="wheels could not be stored in %s: %s" % (given["directory"], error))
    module.exit_json(missing=missing, directory=given["directory"], **changes.result())


if __name__ == "__main__":
    main()
