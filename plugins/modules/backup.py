#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what an application consists of."""

DOCUMENTATION = r"""
module: backup
short_description: Keep an application's environment, source and other directories
version_added: 0.1.0
description:
  - Reads each layer once and writes it as a tar archive of its own, compressed by C(zstd) where the host has it and by C(gzip) otherwise, with
    modes, owners, times, hard links and all extended attributes, capabilities, ACLs and SELinux labels among them.
  - Then reads the archives back and compares every entry and every byte. A backup appears under its name only when its manifest is written.
  - RESTORE.md in the backup says how it is restored by hand, with nothing but a shell.
  - What changes while it is read is read again, and named in RV(unstable) if it goes on changing. Sockets and devices are not kept.
author: oxzep7.python contributors (@oxzep7)
options:
  layers:
    description:
      - What to keep. V(environment) is the live generation. V(source) is the directory of that name in O(application); without one it is passed over.
      - V(interpreter) is the prefix of the environment's interpreter, unless that is the operating system's.
    type: list
    elements: str
    choices: [environment, interpreter, source]
    default: [environment, source]
  verify:
    description: Whether to read the archives back.
    type: bool
    default: true
  keep_last:
    description: How many usable backups stay, this one among them. 0 removes none.
    type: int
    default: 3
extends_documentation_fragment:
  - oxzep7.python.application
  - oxzep7.python.backup
  - oxzep7.python.host
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: none
    details: Each run makes a backup.
"""

EXAMPLES = r"""
- name: Keep the environment and the source
  oxzep7.python.backup:
    application: {name: billing, environment: /srv/billing/venv, source: /srv/billing/app}
"""

RETURN = r"""
backup:
  description: Identifier of the backup; empty in check mode.
  returned: success
  type: str
  sample: 20261122T030000Z-1f2e3d4c
directory:
  description: Where it is; empty in check mode.
  returned: success
  type: str
layers:
  description: For each layer the size of its archive in bytes, and how many entries it has.
  returned: success
  type: dict
unstable:
  description: For each layer the files that went on changing while they were read.
  returned: success
  type: dict
left_out:
  description: For each layer what was not kept, and why.
  returned: success
  type: dict
removed:
  description: Backups that were removed because newer ones are kept, or would be.
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application import (
    APPLICATION_ARGUMENT,
    ApplicationError,
    from_parameters,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._layers import LAYERS, sources_of
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import (
    BackupError,
    check_space,
    directory_of,
    estimate,
    expendable,
    listed,
    make,
    remove,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import BuildError, version_of
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import PromotionRefused
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._transaction import current_generation
from ansible_collections.oxzep7.python.plugins.module_utils._state import ApplicationState, LeaseHeld


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "application": APPLICATION_ARGUMENT,
            "layers": {"type": "list", "elements": "str", "choices": LAYERS, "default": ["environment", "source"]},
            "verify": {"type": "bool", "default": True},
            "keep_last": {"type": "int", "default": 3},
            "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    root = given["backup_dir"]
    try:
        application = from_parameters(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        with state.lease(given["run_id"], only_look=module.check_mode):
            python = version_of(application.environment)
            live = current_generation(application, state.read(), python)
            sources = sources_of(application, live, given["layers"])
            check_space(root, estimate(sources))
            for source in sources:
                changes.add("keep %s of %s" % (source.layer, application.name), source.path, None, directory_of(root, application.name))
            before = [(name, backup) for name, backup, _problem in listed(root, application.name)]
            if module.check_mode:
                made = None
            else:
                about = {"run": given["run_id"], "generation": live["id"], "python": python, "environment": application.environment}
                made = make(root, application.name, sources, about, given["verify"])
                before.append((made.identifier, made))
                state.event(given["run_id"], "backup made", backup=made.identifier)
            good = [name for name, backup in before if backup is not None and backup.about.get("verified")]
            removed = expendable([name for name, _backup in before], good, given["keep_last"]) if given["keep_last"] > 0 else []
            for name in removed:
                changes.add("remove backup %s of %s" % (name, application.name), name, "kept", None)
                if not module.check_mode:
                    remove(os.path.join(directory_of(root, application.name), name))
    except (ApplicationError, BackupError, BuildError, LeaseHeld, PromotionRefused, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    layers = made.layers if made else {}
    module.exit_json(
        backup=made.identifier if made else "", directory=made.directory if made else "", removed=removed,
        layers={name: {"size": layer.size, "entries": len(layer.entries)} for name, layer in layers.items()},
        unstable={name: layer.unstable for name, layer in layers.items() if layer.unstable},
        left_out={name: layer.skipped for name, layer in layers.items() if layer.skipped}, **changes.result())


if __name__ == "__main__":
    main()
