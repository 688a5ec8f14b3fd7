#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's half of wheelhouse."""

DOCUMENTATION = r"""
module: wheelhouse_store
short_description: Store files of a wheelhouse on the host
version_added: 0.1.0
description:
  - The host's half of M(oxzep7.python.wheelhouse), which is what playbooks use.
author: oxzep7.python contributors (@oxzep7)
options:
  files:
    description: The files wanted.
    type: list
    elements: dict
    required: true
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
        description: Whether it is a program.
        type: bool
        default: false
  bundle:
    description: Tar file on the host with at least the files that are lacking. Without it the module only tells which those are.
    type: path
  directory:
    description: The wheelhouse.
    type: path
    default: /opt/oxzep7/wheelhouse
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Ask what the host lacks
  oxzep7.python.wheelhouse_store:
    files: [{name: six-1.15.0-py2.py3-none-any.whl, size: 10963, sha256: "{{ digest }}"}]
"""

RETURN = r"""
missing:
  description: Names of the files that the host lacked.
  returned: success
  type: list
  elements: str
directory:
  description: The wheelhouse.
  returned: success
  type: str
actions:
  description: What was stored, or would be.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheelhouse import (
    WheelhouseError,
    find_missing_files,
    unpack_bundle,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "size": {"type": "int", "required": True},
                    "sha256": {"type": "str", "required": True},
                    "executable": {"type": "bool", "default": False},
                },
            },
            "bundle": {"type": "path"},
            "directory": {"type": "path", "default": "/opt/oxzep7/wheelhouse"},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    try:
        missing = find_missing_files(given["files"], given["directory"])
        for entry in missing if given["bundle"] or module.check_mode else []:
            changes.add("store %s" % entry["name"], entry["name"], None, entry["sha256"])
        if missing and given["bundle"] and not module.check_mode:
            unpack_bundle(given["bundle"], missing, given["directory"])
    except (WheelhouseError, OSError) as error:
        module.fail_json(msg="wheels could not be stored in %s: %s" % (given["directory"], error))
    module.exit_json(missing=[entry["name"] for entry in missing], directory=given["directory"], **changes.result())


if __name__ == "__main__":
    main()
