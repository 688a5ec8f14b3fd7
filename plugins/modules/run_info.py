#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module run_info: read the events of a run from a host."""

DOCUMENTATION = r"""
module: run_info
short_description: Read the events of a run from a host
version_added: 0.1.0
description:
  - Returns the events of a run in order, and its entries in the records of the host's applications, so that a run can
    be reported that this controller did not start, or did not see to its end.
author: oxzep7.python contributors (@oxzep7)
options:
  run_id:
    description: Identifier of the run. If empty, only RV(runs) is filled.
    type: str
    default: ""
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
- name: Read the events of last night's run
  oxzep7.python.run_info:
    run_id: nightly
"""

RETURN = r"""
runs:
  description: Every run that changed something on the host, oldest first; each with C(run), C(began) and C(ended).
  returned: success
  type: list
  elements: dict
events:
  description:
    - The events of O(run_id) in order; each with C(time), C(application), C(event) and the details of that event.
  returned: success
  type: list
  elements: dict
applications:
  description: >-
    Each application, with its C(name), the live generation C(current), its C(python), whether a promotion is C(open),
    and the C(history) of O(run_id).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.oxzep7.python.plugins.module_utils._application import _journal
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "run_id": {"type": "str", "default": ""},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
        },
        supports_check_mode=True,
    )
    root, run = module.params["state_dir"], module.params["run_id"]
    try:
        found = _journal.read_run(root, run)
    except (ValueError, OSError) as error:
        module.fail_json(msg="the records in %s cannot be read: %s" % (root, error))
    module.exit_json(changed=False, runs=_journal.list_runs(root), **found)


if __name__ == "__main__":
    main()
