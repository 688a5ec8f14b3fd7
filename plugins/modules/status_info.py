#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module status_info: read where the applications of a host stand."""

DOCUMENTATION = r"""
module: status_info
short_description: Read where the applications of a host stand
version_added: 0.1.0
description:
  - Reads the records of the host's applications, and its part of the last delivered plan. It looks at nothing else, so
    that it takes no time, also on large hosts.
author: oxzep7.python contributors (@oxzep7)
options:
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
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Read where the applications stand
  oxzep7.python.status_info:
"""

RETURN = r"""
applications:
  description:
    - Each application that has a record or is in the delivered plan, with C(name), C(environment), the live generation
      C(current), its C(python), and C(since) when it is live.
    - C(target) is that of the plan, or the application's own. C(stay) has the reason and the day until which it stays,
      C(steps) are the versions of its steps that are left, and C(blocked) are the reasons of what cannot be planned,
      each with C(key), C(cause) and C(remediation).
    - C(open) tells whether a promotion is open, C(holder) is the run that changes the application now.
    - C(last) is the newest entry of its history, with C(time), C(run), C(event), C(kind), C(from), C(to) and C(cause).
    - C(drill) is the newest drill of a backup, with C(backup), C(time) and whether it C(passed).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.oxzep7.python.plugins.module_utils._application._status import read_status
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={"state_dir": {"type": "path", "default": "/var/lib/oxzep7"}}, supports_check_mode=True
    )
    root = module.params["state_dir"]
    try:
        found = read_status(root)
    except (ValueError, KeyError, TypeError, OSError) as error:
        module.fail_json(
            msg="the records in %s cannot be read: %s; run oxzep7.python.recover, or see docs/recovering-by-hand.md"
            % (root, error)
        )
    module.exit_json(changed=False, applications=found)


if __name__ == "__main__":
    main()
