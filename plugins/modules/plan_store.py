#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's half of plan_delivery."""

DOCUMENTATION = r"""
module: plan_store
short_description: Store a host's part of the plan on the host
version_added: 0.1.0
description:
  - The host's half of M(oxzep7.python.plan_delivery), which is what playbooks use.
author: oxzep7.python contributors (@oxzep7)
options:
  plan:
    description: The host's part of the plan, JSON.
    type: str
    required: true
  locks:
    description: Text of each lock that the part names, by its identifier.
    type: dict
    required: true
  state_dir:
    description: Directory on the host with the records of its applications.
    type: path
    default: /var/lib/oxzep7
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
- name: Store the plan
  oxzep7.python.plan_store:
    plan: "{{ part | to_json }}"
    locks: "{{ locks }}"
"""

RETURN = r"""
path:
  description: The plan's path on the host.
  returned: success
  type: str
actions:
  description: What was stored, or would be.
  returned: success
  type: list
  elements: str
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import make_private_directory
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text, write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import compute_lock_id


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "plan": {"type": "str", "required": True},
            "locks": {"type": "dict", "required": True},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    try:
        json.loads(given["plan"])
    except ValueError as error:
        module.fail_json(msg="the plan is not JSON: %s" % error)
    wrong = sorted(name for name, text in given["locks"].items() if compute_lock_id(text) != name)
    if wrong:
        module.fail_json(msg="locks whose text does not match their identifier: %s" % ", ".join(wrong))
    path = os.path.join(given["state_dir"], "plan.json")
    files = {os.path.join(given["state_dir"], "locks", name + ".txt"): text for name, text in given["locks"].items()}
    files[path] = given["plan"]
    try:
        for target, text in files.items():
            before = read_text(target)
            if before == text:
                continue
            changes.add(
                "store %s" % target, target, before if target == path else None, text if target == path else "a lock"
            )
            if not module.check_mode:
                make_private_directory(os.path.dirname(target))
                write_atomically(target, text.encode("utf-8"))
    except OSError as error:
        module.fail_json(msg="the plan could not be stored in %s: %s" % (given["state_dir"], error))
    module.exit_json(path=path, **changes.result())


if __name__ == "__main__":
    main()
