#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Closes promotions that a dead run left open."""

DOCUMENTATION = r"""
module: recovery
short_description: Close promotions that were left open on a host
version_added: 0.1.0
description:
  - Finds every application on the host whose promotion was neither committed nor undone, undoes it, and records what C(undo.sh) did by itself.
  - Removes what a run left that died before or after that, such as files that were half written.
  - An application that another process works on is left alone and named.
author: oxzep7.python contributors (@oxzep7)
options:
  wait:
    description: Seconds to wait for an application that another process works on, before it is named.
    type: float
    default: 15.0
extends_documentation_fragment:
  - oxzep7.python.host
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
- name: Close what was left open
  oxzep7.python.recovery:
"""

RETURN = r"""
closed:
  description: The promotions that were closed, or would be.
  returned: success
  type: list
  elements: dict
busy:
  description: Applications that another process works on, with what it says of itself.
  returned: success
  type: dict
runs:
  description: For each application the runs that promoted something of it, oldest first.
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    LeaseHeldError,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import UndoFailedError
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import list_promoting_runs
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import settle_promotion

POLL_SECONDS = 0.2


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
            "wait": {"type": "float", "default": 15.0},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    closed, busy = [], {}
    runs = {}
    until = time.monotonic() + (0.0 if module.check_mode else given["wait"])
    waiting = list_applications(given["state_dir"])
    while waiting:
        name = waiting.pop(0)
        state = ApplicationState(given["state_dir"], name)
        if not state.is_unsettled():
            continue
        try:
            with state.hold_lease(given["run_id"], only_look=module.check_mode):
                if state.is_open() or state.read_undone_record():
                    changes.add("close the open promotion of %s" % name, name, "open", "undone")
                else:
                    changes.add(
                        "remove what a dead run left of %s: %s"
                        % (name, ", ".join(state.list_leftovers()) or "its lease"),
                        name,
                        "left",
                        "gone",
                    )
                if not module.check_mode:
                    entry = settle_promotion(state, given["run_id"])
                    closed += [entry] if entry else []
        except LeaseHeldError as error:
            # Often it is the dead man's switch, which is done soon.
            if time.monotonic() < until:
                waiting.append(name)
                time.sleep(POLL_SECONDS)
            else:
                busy[name] = error.holder
        except (UndoFailedError, ValueError, OSError) as error:
            module.fail_json(msg="%s: %s" % (name, error), closed=closed)
    for name in list_applications(given["state_dir"]):
        try:
            runs[name] = list_promoting_runs(ApplicationState(given["state_dir"], name).read())
        except (ValueError, OSError) as error:
            module.fail_json(msg="%s: %s" % (name, error), closed=closed)
    module.exit_json(closed=closed, busy=busy, runs=runs, **changes.result())


if __name__ == "__main__":
    main()
