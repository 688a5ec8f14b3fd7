#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the backups of an application."""

DOCUMENTATION = r"""
module: backup_info
short_description: List the backups of an application, and prove them on request
version_added: 0.1.0
description:
  - Reads the manifests of all backups of O(application), oldest first. A directory without a manifest is not a backup
    and not listed.
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
    backup:
      description: Identifier of the backup.
      type: str
      returned: always
    damage:
      description: Known damage of the backup; empty without any.
      type: list
      elements: str
      returned: always
    created:
      description: Time at which it was made.
      type: str
      returned: if the manifest is readable
    generation:
      description: The generation that was live.
      type: str
      returned: if the manifest is readable
    run:
      description: The run that made it.
      type: str
      returned: if the manifest is readable
    engine:
      description: The engine that made it.
      type: str
      returned: if the manifest is readable
    read_back:
      description: Whether it was read back when it was made.
      type: bool
      returned: if the manifest is readable
    verified:
      description: Whether a drill has restored it. Until then it is unverified.
      type: bool
      returned: always
    drill:
      description: Outcome of its last drill.
      type: dict
      returned: when it had one
    seconds:
      description: Seconds that it took to make.
      type: float
      returned: if the manifest is readable
    layers:
      description: Size of the archive in bytes, by layer.
      type: dict
      returned: if the manifest is readable
directory:
  description: Directory with the backups of the application.
  returned: success
  type: str
"""

import os
from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups as _history
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._check import (
    find_backup_damage,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import get_backup_directory, list_backups
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import (
    ENGINE_ARGUMENTS,
    Engines,
    create_engines,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash

MANIFEST_KEYS = ("created", "engine", "generation", "read_back", "run", "seconds")


def _describe_backup(backup: Backup, engines: Engines, prove: bool) -> Dict[str, Any]:
    """The damage of *backup*, and the parts of its manifest that are returned."""
    if prove:
        damage = find_backup_damage(backup, list(backup.layers), engines.get_for_backup(backup))
    else:
        damage = _manifest.find_file_damage(backup, deep=False)
    found = {key: backup.about.get(key) for key in MANIFEST_KEYS}
    layers = {layer: kept.size for layer, kept in backup.layers.items()}
    return dict(found, damage=damage, layers=layers)


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
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
    rows = []
    try:
        engines = create_engines(given)
        known = _history.read_known_backups(ApplicationState(given["state_dir"], given["application"]))
        for name, backup, problem in list_backups(given["backup_dir"], given["application"]):
            recorded = known.get(name, {})
            row = {"backup": name, "verified": _history.is_verified(recorded), "damage": [problem]}
            if recorded.get("drill"):
                row["drill"] = recorded["drill"]
            if backup is not None:
                row.update(_describe_backup(backup, engines, given["prove"]))
            rows.append(row)
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (get_backup_directory(given["backup_dir"], given["application"]), error))
    module.exit_json(changed=False, backups=rows, directory=os.path.join(given["backup_dir"], given["application"]))


if __name__ == "__main__":
    main()
