#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores a host's part of the plan on the host. The action plugin of this name reads it on the controller."""

DOCUMENTATION = r"""
module: plan_delivery
short_description: Deliver each host its part of the plan
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Reads the plan on the controller and stores the part of the host, with its locks, in the state directory on the
    host.
author: oxzep7.python contributors (@oxzep7)
options:
  plan_dir:
    description: Directory on the controller with the plan.
    type: path
    required: true
  state_dir:
    description: Directory on the host with the records of its applications.
    type: path
    default: /var/lib/oxzep7
  known:
    description:
      - The value C(delivered) of M(oxzep7.python.host_info). A host that has the plan and all locks is not contacted.
    type: dict
    default: {}
  promote:
    description:
      - V(each_step) promotes at every step. V(final) builds and tests every step, and promotes only the last one of
        each application.
    type: str
    choices: [each_step, final]
    default: each_step
  plan:
    description: The part of the host, as JSON. Set by the action plugin.
    type: str
    default: ""
  locks:
    description: The text of each lock by its identifier. Set by the action plugin.
    type: dict
    default: {}
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
- name: Deliver the plan
  oxzep7.python.plan_delivery:
    plan_dir: ./oxzep7/plan
"""

RETURN = r"""
path:
  description: The plan's path on the host.
  returned: success
  type: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
after:
  description: Names of what each declared application comes after, of those that come after any.
  returned: success
  type: dict
blocked:
  description: Names of the applications of the host that cannot be planned to their target.
  returned: success
  type: list
  elements: str
steps:
  description:
    - The steps of the host in the order in which they are done, by C(after) and C(criticality) of the declared
      applications, each with C(application), C(label), C(from), C(to), C(lock), C(interpreter) and C(cargo).
    - C(promote) tells whether the step ends with a promotion.
  returned: success
  type: list
  elements: dict
"""

import os

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import make_private_directory
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text, write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import compute_lock_id


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "plan_dir": {"type": "path", "required": True},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "known": {"type": "dict", "default": {}},
            "promote": {"type": "str", "choices": ["each_step", "final"], "default": "each_step"},
            "plan": {"type": "str", "default": ""},
            "locks": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
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
