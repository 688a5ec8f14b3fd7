#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which backups of an application a host has."""

DOCUMENTATION = r"""
module: backup_info
short_description: List the backups of an application, and prove them if asked
version_added: 0.1.0
description:
  - Reads the manifests of all backups of O(application), oldest first. A directory without a manifest is no backup and not listed.
author: oxzep7.python contributors (@oxzep7)
options:
  application:
    description: Name of the application.
    type: str
    required: true
  prove:
    description: Whether to read every byte of every backup, and compare every entry.
    type: bool
    default: false
extends_documentation_fragment:
  - oxzep7.python.backup
  - oxzep7.python.backup.engine
  - oxzep7.python.host
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
- name: List the backups
  oxzep7.python.backup_info:
    application: billing
"""

RETURN = r"""
backups:
  description: The backups, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    backup: {description: Identifier., type: str, returned: always}
    damage: {description: What is wrong with it; empty where nothing is known to be., type: list, elements: str, returned: always}
    created: {description: When it was made., type: str, returned: where its manifest can be read}
    generation: {description: The generation that was live., type: str, returned: where its manifest can be read}
    run: {description: The run that made it., type: str, returned: where its manifest can be read}
    engine: {description: What made it., type: str, returned: where its manifest can be read}
    read_back: {description: Whether it was read back when it was made., type: bool, returned: where its manifest can be read}
    verified: {description: Whether a drill has restored it. Until then it is unverified., type: bool, returned: always}
    drill: {description: What its last drill came to., type: dict, returned: when it had one}
    seconds: {description: How long it took to make., type: float, returned: where its manifest can be read}
    layers: {description: For each layer the size of its archive in bytes., type: dict, returned: where its manifest can be read}
directory:
  description: Directory on the host with the backups of O(application).
  returned: success
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups as _history
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._check import (
    find_backup_damage,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import get_backup_directory, list_backups
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import (
    ENGINE_ARGUMENTS,
    create_engines,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

TOLD = ("created", "engine", "generation", "read_back", "run", "seconds")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(
            {
                "application": {"type": "str", "required": True},
                "prove": {"type": "bool", "default": False},
                "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
                "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
                "run_id": {"type": "str", "default": "manual"},
            },
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    given = module.params
    rows: "list[dict[str, object]]" = []
    try:
        engines = create_engines(given)
        known = _history.read_known_backups(ApplicationState(given["state_dir"], given["application"]))
        for name, backup, problem in list_backups(given["backup_dir"], given["application"]):
            told = known.get(name, {})
            row = {"backup": name, "verified": _history.is_verified(told), "damage": [problem]}
            if told.get("drill"):
                row["drill"] = told["drill"]
            if backup is not None:
                row["damage"] = (
                    find_backup_damage(backup, list(backup.layers), engines.get_for_backup(backup))
                    if given["prove"]
                    else _manifest.find_file_damage(backup, deep=False)
                )
                row.update(
                    {key: backup.about.get(key) for key in TOLD},
                    layers={layer: kept.size for layer, kept in backup.layers.items()},
                )
            rows.append(row)
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (get_backup_directory(given["backup_dir"], given["application"]), error))
    module.exit_json(changed=False, backups=rows, directory=os.path.join(given["backup_dir"], given["application"]))


if __name__ == "__main__":
    main()
