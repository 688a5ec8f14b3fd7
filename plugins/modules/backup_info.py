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
    verified: {description: Whether it was read back when it was made., type: bool, returned: where its manifest can be read}
    layers: {description: For each layer the size of its archive in bytes., type: dict, returned: where its manifest can be read}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._backup import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._extract import Damaged
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import directory_of, listed, prove
from ansible_collections.oxzep7.python.plugins.module_utils._backup._stream import StreamError

TOLD = ("created", "generation", "run", "verified")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "str", "required": True},
            "prove": {"type": "bool", "default": False},
            "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
        },
        supports_check_mode=True,
    )
    given = module.params
    rows: "list[dict[str, object]]" = []
    try:
        for name, backup, problem in listed(given["backup_dir"], given["application"]):
            if backup is None:
                rows.append({"backup": name, "damage": [problem]})
                continue
            damage = _manifest.differences(backup, deep=given["prove"])
            for layer in backup.layers.values() if given["prove"] and not damage else ():
                try:
                    prove(backup.directory, layer)
                except (Damaged, StreamError) as error:
                    damage.append("%s: %s" % (layer.archive, error))
            row = {key: backup.about.get(key) for key in TOLD}
            rows.append(dict(row, backup=name, damage=damage, layers={layer: kept.size for layer, kept in backup.layers.items()}))
    except OSError as error:
        module.fail_json(msg="%s: %s" % (directory_of(given["backup_dir"], given["application"]), error))
    module.exit_json(changed=False, backups=rows, directory=os.path.join(given["backup_dir"], given["application"]))


if __name__ == "__main__":
    main()
