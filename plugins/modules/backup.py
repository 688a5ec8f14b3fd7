#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes backups of an application."""

DOCUMENTATION = r"""
module: backup
short_description: Back up an application's environment, source, configuration and databases
version_added: 0.1.0
description:
  - Reads each layer once and keeps it with modes, owners, times, hard links and all extended attributes, which include
    capabilities, ACLs and SELinux labels. Archives are compressed by C(zstd) where the host has it and by C(gzip)
    otherwise.
  - Then reads it back to the last byte. An archive must have the checksum of what was written into it, a snapshot of
    restic is compared with the manifest. A backup appears under its name only when its manifest is written.
  - RESTORE.md in the backup describes how to restore it by hand, in a shell.
  - Files that change while they are read are read again, and listed in RV(unstable) if they continue to change.
    Sockets and devices are not kept.
  - Only a drill shows that a backup can be restored. See M(oxzep7.python.drill).
author: oxzep7.python contributors (@oxzep7)
options:
  layers:
    description:
      - Layers to keep. V(environment) is the live generation.
      - V(source) is the directory C(source) of O(application), with the state of its git repository; it is skipped
        where none is declared.
      - V(interpreter) is the prefix of the environment's interpreter, unless that is the operating system's. If it came
        from an archive that its server still has, URL and SHA-256 are kept instead.
      - V(configuration) is the unit files with drop-ins and environment files of the services, the files of what the
        last inventory of the host found to use the environment, such as cron entries and configurations of web
        servers, and the paths that O(application) declares.
      - V(databases) are the databases that O(application) declares.
      - V(system) is for reading and not for restoring; packages, kernel parameters, accounts, SELinux booleans.
    type: list
    elements: str
    choices: [configuration, databases, environment, interpreter, source, system]
    default: [environment, source, configuration, databases]
  verify:
    description: Whether to read back the backup.
    type: bool
    default: true
  once:
    description: Whether an existing good backup of O(application) by O(run_id) suffices.
    type: bool
    default: false
  keep_last:
    description: Number of good backups to keep, including this one. If all C(keep_) options are 0, none is removed.
    type: int
    default: 3
  keep_daily:
    description: Number of days of which the newest good backup is kept; days without one do not count.
    type: int
    default: 0
  keep_weekly:
    description: Number of weeks of which the newest good backup is kept.
    type: int
    default: 0
  keep_monthly:
    description: Number of months of which the newest good backup is kept.
    type: int
    default: 0
  keep_within_days:
    description: Number of days for which every good backup is kept.
    type: int
    default: 0
  copy_to:
    description:
      - Target to which C(rsync) copies the finished backup, such as V(backup@vault:/srv/backups) or a directory, below
        the name of the application. The account that the module runs as must be able to log in without a password.
    type: str
  fetch_dir:
    description:
      - Directory on the controller for a copy of the backup, below the name of its host. Its digests are compared.
      - During the transfer, a copy on the host belongs to the account that is logged in.
    type: path
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
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: Each run makes a backup, unless O(once) says otherwise.
"""

EXAMPLES = r"""
- name: Back up the environment, the source and a database
  oxzep7.python.backup:
    application:
      name: billing
      environment: /srv/billing/venv
      source: /srv/billing/app
      backup: {paths: [/etc/billing], databases: [{sqlite: /srv/billing/db.sqlite3}]}
"""

RETURN = r"""
backup:
  description: Identifier of the backup; empty in check mode.
  returned: success
  type: str
  sample: 20261122T030000Z-1f2e3d4c
directory:
  description: Directory of the backup; empty in check mode.
  returned: success
  type: str
fetched:
  description: Directory of the copy on the controller.
  returned: when it was fetched
  type: str
estimate:
  description: Bytes on disk of the kept layers and the sizes of databases, before compression.
  returned: success
  type: int
unknown_sizes:
  description: The cause by name of each database whose size is not known, and not in RV(estimate).
  returned: success
  type: dict
seconds:
  description: Seconds that it took.
  returned: when a backup was made
  type: float
read_back:
  description: Whether it was read back successfully. Until a drill has restored it, it is unverified.
  returned: when a backup was made
  type: bool
layers:
  description: Size of the archive in bytes, and number of entries, by layer.
  returned: success
  type: dict
unstable:
  description: Files that changed at every reading, by layer.
  returned: success
  type: dict
left_out:
  description: Paths that were not kept, with the reason, by layer.
  returned: success
  type: dict
removed:
  description: Backups that were removed, or would be, because newer ones are kept.
  returned: success
  type: list
  elements: str
actions:
  description: Actions that were performed, or would be.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._keep import BackupJob, run_backup
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import LAYERS
from ansible_collections.oxzep7.python.plugins.module_utils._backup._retention import KEEP_OPTIONS, KeepPolicy
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
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec=dict(
            {
                "application": build_application_argument(),
                "layers": {
                    "type": "list",
                    "elements": "str",
                    "choices": LAYERS,
                    "default": ["environment", "source", "configuration", "databases"],
                },
                "verify": {"type": "bool", "default": True},
                "once": {"type": "bool", "default": False},
                "copy_to": {"type": "str"},
                "fetch_dir": {"type": "path"},
                "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
                "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
                "run_id": {"type": "str", "default": "manual"},
            },
            **dict(
                ENGINE_ARGUMENTS,
                **{option: {"type": "int", "default": 3 if option == "keep_last" else 0} for option in KEEP_OPTIONS},
            ),
        ),
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    try:
        application = parse_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        job = BackupJob(
            application,
            state,
            given["backup_dir"],
            given["layers"],
            create_engines(given),
            given["verify"],
            given["once"],
            KeepPolicy(*(given[option] for option in KEEP_OPTIONS)),
            given["copy_to"],
            given["run_id"],
            module.check_mode,
        )
        with state.hold_lease(given["run_id"], only_look=module.check_mode):
            result = run_backup(job, changes)
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    module.exit_json(**dict(result, **changes.result()))


if __name__ == "__main__":
    main()
