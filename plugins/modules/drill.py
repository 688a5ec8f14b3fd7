#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proves that a backup can be restored."""

DOCUMENTATION = r"""
module: drill
short_description: Restore a backup to a scratch directory, prove it, and remove it
version_added: 0.1.0
description:
  - Proves every byte of the backup, restores all of it to a directory below C(/var/cache/oxzep7), and compares every
    entry and attribute with the manifest.
  - Loads dumps of databases into scratch servers of the host's programs, which root isolates and runs as an account
    that owns nothing, or into files, and compares the rows of every table.
  - Mounts the restored environment, interpreter and source at their own paths in a private mount namespace, runs the
    interpreter, imports every top-level module as the application's user, and runs the commands of C(drill) of
    O(application). Where that is not possible, as without root, it works in that directory, and RV(untried) lists it.
  - The live application is not changed. The outcome is recorded on the host; until a drill has passed, the backup is
    unverified.
author: oxzep7.python contributors (@oxzep7)
options:
  backup:
    description: Identifier of the backup, or V(newest).
    type: str
    default: newest
  foreign:
    description: Whether the backup may be of another host.
    type: bool
    default: false
extends_documentation_fragment:
  - oxzep7.python.application
  - oxzep7.python.backup
  - oxzep7.python.backup.engine
  - oxzep7.python.host
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Only finds the backup.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run is a drill.
"""

EXAMPLES = r"""
- name: Prove that the newest backup can be restored
  oxzep7.python.drill:
    application: {name: billing, environment: /srv/billing/venv, drill: {command: python -m billing --self-test}}
"""

RETURN = r"""
backup:
  description: Identifier of the backup.
  returned: always, when there is one
  type: str
passed:
  description: Whether the drill passed.
  returned: when it was drilled
  type: bool
problems:
  description: Problems that failed the drill; at most 20.
  returned: when it was drilled
  type: list
  elements: str
proven:
  description: Descriptions of what was proven.
  returned: when it was drilled
  type: list
  elements: str
untried:
  description: Descriptions of what could not be tried here, with the cause.
  returned: when it was drilled
  type: list
  elements: str
recovery_seconds:
  description: Seconds that proving, restoring, comparing and loading took; the expected duration of a recovery.
  returned: when it was drilled
  type: float
seconds:
  description: Seconds that the drill took.
  returned: when it was drilled
  type: float
phases:
  description: Seconds of each phase.
  returned: when it was drilled
  type: dict
actions:
  description: Actions that were performed, or would be.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups as _history
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._check import (
    find_backup,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._drill import DrillSubject, run_drill
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import (
    ENGINE_ARGUMENTS,
    create_engines,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    build_application_argument,
    parse_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import remove_stale_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec=dict(
            {
                "application": build_application_argument(),
                "backup": {"type": "str", "default": "newest"},
                "foreign": {"type": "bool", "default": False},
                "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
                "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
                "run_id": {"type": "str", "default": "manual"},
            },
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    outcome = {}
    try:
        application = parse_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        backup = find_backup(given["backup_dir"], application.name, given["backup"])
        changes.add("drill backup %s of %s" % (backup.identifier, application.name), backup.identifier, None, "drilled")
        with state.hold_lease(given["run_id"], only_look=module.check_mode):
            if not module.check_mode:
                remove_stale_scratch()
                outcome = run_drill(
                    DrillSubject(application, backup, create_engines(given).get_for_backup(backup)), given["foreign"]
                )
                _history.record_drill(state, backup.identifier, outcome)
                state.append_event(
                    given["run_id"],
                    "drilled",
                    backup=backup.identifier,
                    passed=outcome["passed"],
                    seconds=outcome["seconds"],
                )
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error), passed=False, problems=[str(error)])
    result = dict(outcome, backup=backup.identifier, **changes.result())
    if outcome and not outcome["passed"]:
        module.fail_json(
            msg="%s: backup %s failed its drill: %s"
            % (application.name, backup.identifier, "; ".join(outcome["problems"][:5])),
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
