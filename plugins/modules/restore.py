#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts layers of a backup back."""

DOCUMENTATION = r"""
module: restore
short_description: Put back what a backup has of an application
version_added: 0.1.0
description:
  - Proves the whole backup first, every byte and every entry; a damaged one, and one of another host or application, is refused before anything is touched.
  - Builds each layer under a name of its own beside its place, and moves it there when all of it is back. What is there already is never changed; where it
    differs from the backup, the module fails and says how.
  - A generation that is gone is recorded again, and can be promoted by M(oxzep7.python.promotion).
author: oxzep7.python contributors (@oxzep7)
options:
  backup:
    description: Identifier of the backup, or V(newest).
    type: str
    default: newest
  layers:
    description: The layers to put back. Default is all that the backup has.
    type: list
    elements: str
  scratch:
    description: Directory on the host, made by the module, that gets a directory for each layer. Nothing else is touched then.
    type: path
  foreign:
    description: Whether the backup may be of another host.
    type: bool
    default: false
extends_documentation_fragment:
  - oxzep7.python.application
  - oxzep7.python.backup
  - oxzep7.python.host
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Proves the backup, and compares it with what is there.
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Put back a generation that is gone
  oxzep7.python.restore:
    application: {name: billing, environment: /srv/billing/venv}
    layers: [environment]

- name: Look at a backup without touching anything
  oxzep7.python.restore:
    application: {name: billing, environment: /srv/billing/venv}
    scratch: /var/tmp/billing-of-yesterday
"""

RETURN = r"""
backup:
  description: Identifier of the backup.
  returned: success
  type: str
restored:
  description: For each layer where it is now, or would be.
  returned: success
  type: dict
generation:
  description: The generation that was put back; V(null) without one.
  returned: success
  type: str
differences:
  description: For each layer that is there already how it differs from the backup; at most 50 lines.
  returned: always
  type: dict
not_given:
  description: Attributes that this host refused, and why.
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application import (
    APPLICATION_ARGUMENT,
    ApplicationError,
    from_parameters,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._place import Task, put_back
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import check, find
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._state import ApplicationState, LeaseHeld


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "application": APPLICATION_ARGUMENT,
            "backup": {"type": "str", "default": "newest"},
            "layers": {"type": "list", "elements": "str"},
            "scratch": {"type": "path"},
            "foreign": {"type": "bool", "default": False},
            "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    differences = {}
    try:
        application = from_parameters(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        backup = find(given["backup_dir"], application.name, given["backup"])
        layers = given["layers"] if given["layers"] is not None else list(backup.layers)
        check(backup, application.name, layers, given["foreign"])
        task = Task(application, state, backup, given["scratch"], module.check_mode, given["run_id"])
        differences = task.differences
        with state.lease(given["run_id"], only_look=module.check_mode):
            put_back(task, layers, changes)
    except (ApplicationError, BackupError, LeaseHeld, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error), differences=differences)
    module.exit_json(backup=backup.identifier, restored=task.restored, generation=task.generation, differences=differences,
                     not_given=task.not_given, **changes.result())


if __name__ == "__main__":
    main()
