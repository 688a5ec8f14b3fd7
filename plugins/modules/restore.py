#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores layers of a backup."""

DOCUMENTATION = r"""
module: restore
short_description: Restore an application from a backup
version_added: 0.1.0
description:
  - Proves the complete backup first, every byte and every entry. A damaged one, and one of another host or application,
    is refused before anything is changed.
  - Builds each layer under a name of its own beside its place, and moves it there when it is complete. If a differing
    one exists there, the module fails and describes the differences, unless O(replace) is set.
  - With O(replace) everything is built beside first. Then services are stopped, the live parts are moved aside and
    kept, services are started, and checks must pass, as in a promotion. If they do not, or if the run is interrupted,
    the replaced parts are live again. RV(kept) lists the replaced parts.
  - A generation that was removed is recorded again, and can be promoted by M(oxzep7.python.promotion).
author: oxzep7.python contributors (@oxzep7)
options:
  backup:
    description: Identifier of the backup, or V(newest).
    type: str
    default: newest
  layers:
    description:
      - Layers to restore. Default is all layers of the backup.
      - V(system) and V(git) have no place on a host and are only restored to O(scratch); so are databases unless
        O(databases) loads them.
    type: list
    elements: str
  scratch:
    description: >-
      Directory on the host, made by the module, that gets a directory for each layer. Nothing else is changed then.
    type: path
  foreign:
    description: Whether the backup may be of another host.
    type: bool
    default: false
  replace:
    description: Whether to replace existing parts that differ; they are kept beside.
    type: bool
    default: false
  databases:
    description:
      - V(none) does not change databases; O(scratch) gets their dumps.
      - V(new_name) loads each beside the live one, with V(_restored_) and the identifier of the restore in its name,
        and compares the rows of every table. Each restore makes a copy of its own; drop those that are not needed.
      - V(in_place) makes it the live one while services are stopped. PostgreSQL and SQLite databases are exchanged, and
        the replaced one is kept with V(_before_) or V(.before-) in its name. Others are dumped and loaded over.
    type: str
    choices: [none, new_name, in_place]
    default: none
  timeout:
    description: Seconds until all checks must pass after a replacement.
    type: float
    default: 150.0
  stability_window:
    description: Seconds for which the checks must continue to pass.
    type: float
    default: 60.0
  service_timeout:
    description: Seconds that the start or the stop of a service may take.
    type: float
    default: 120.0
  dead_man:
    description: Whether to refuse a replacement where nothing would undo it after a restart of the host.
    type: str
    choices: [required, preferred]
    default: preferred
  accept_unhealthy:
    description: Checks that may fail afterwards.
    type: list
    elements: str
    default: []
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
    details: Proves the backup, and compares it with the live parts.
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Restore a generation that was removed
  oxzep7.python.restore:
    application: {name: billing, environment: /srv/billing/venv}
    layers: [environment]

- name: Inspect a backup without changing the application
  oxzep7.python.restore:
    application: {name: billing, environment: /srv/billing/venv}
    scratch: /srv/billing-of-yesterday
"""

RETURN = r"""
outcome:
  description:
    - V(restored), V(unchanged), V(reverted), V(refused) or V(failed).
    - V(reverted) means that what was there before is live again, and as healthy as before. With V(failed) it is not, or
      could not be put back.
  returned: always
  type: str
  sample: restored
backup:
  description: Identifier of the backup.
  returned: success
  type: str
restored:
  description: Place of each layer, where it is now or would be.
  returned: success
  type: dict
generation:
  description: >-
    The generation of the backup, which can be promoted now; V(null) if the environment was not restored as one.
  returned: success
  type: str
kept:
  description: Paths of the replaced parts.
  returned: success
  type: list
  elements: str
databases:
  description: Name or path of each loaded database.
  returned: success
  type: dict
downtime_ms:
  description: Milliseconds for which HTTP checks were not answered; V(null) without a replacement.
  returned: success
  type: int
checks:
  description: The last result of every check.
  returned: when reverted or failed
  type: list
  elements: dict
log:
  description: >-
    The last lines that services and declared commands logged from the exchange until the change was undone.
  returned: when reverted or failed
  type: str
cause:
  description: Why it failed, as one line, as M(oxzep7.python.promotion) returns it.
  returned: when reverted or failed
  type: str
differences:
  description: Differences of each existing layer from the backup; at most 50 lines.
  returned: always
  type: dict
not_given:
  description: Attributes that this host refused, with the reason.
  returned: success
  type: dict
actions:
  description: Actions that were performed, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._check import (
    check_backup,
    find_backup,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._place import run_restore
from ansible_collections.oxzep7.python.plugins.module_utils._backup._task import (
    IN_PLACE,
    NEW_NAME,
    NO_DATABASES,
    RestoreRequest,
    RestoreTask,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import (
    ENGINE_ARGUMENTS,
    create_engines,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    build_application_argument,
    parse_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    CollectionError,
    PromotionReverted,
    UndoFailedError,
    UnhealthyAfterUndoError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import TransactionOptions


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec=dict(
            {
                "application": build_application_argument(),
                "backup": {"type": "str", "default": "newest"},
                "layers": {"type": "list", "elements": "str"},
                "scratch": {"type": "path"},
                "foreign": {"type": "bool", "default": False},
                "replace": {"type": "bool", "default": False},
                "databases": {"type": "str", "choices": [NO_DATABASES, NEW_NAME, IN_PLACE], "default": NO_DATABASES},
                "timeout": {"type": "float", "default": 150.0},
                "stability_window": {"type": "float", "default": 60.0},
                "service_timeout": {"type": "float", "default": 120.0},
                "dead_man": {"type": "str", "choices": ["required", "preferred"], "default": "preferred"},
                "accept_unhealthy": {"type": "list", "elements": "str", "default": []},
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
    differences: Dict[str, List[str]] = {}

    def fail(outcome: str, error: Exception, **evidence: Any) -> None:
        text = "%s: %s" % (given["application"]["name"], error)
        module.fail_json(msg=text, outcome=outcome, differences=differences, **evidence)

    try:
        application = parse_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        backup = find_backup(given["backup_dir"], application.name, given["backup"])
        engine = create_engines(given).get_for_backup(backup)
        layers = given["layers"] if given["layers"] is not None else list(backup.layers)
        check_backup(backup, application.name, layers, given["foreign"], engine)
        options = TransactionOptions(
            given["run_id"],
            given["timeout"],
            given["stability_window"],
            given["service_timeout"],
        )
        request = RestoreRequest(
            given["scratch"],
            given["replace"],
            given["databases"],
            options,
            module.check_mode,
            given["accept_unhealthy"],
            given["dead_man"],
        )
        task = RestoreTask(
            application,
            state,
            backup,
            engine,
            request,
        )
        with state.hold_lease(given["run_id"], only_look=module.check_mode):
            run_restore(task, layers, changes)
            differences = task.differences
    except (PromotionReverted, UnhealthyAfterUndoError) as error:
        outcome = "reverted" if isinstance(error, PromotionReverted) else "failed"
        fail(outcome, error, **dict(error.evidence, **changes.result()))
    except UndoFailedError as error:
        fail("failed", error)
    except (CollectionError, ValueError, OSError) as error:
        fail("refused", error)
    for warning in task.warnings:
        module.warn(warning)
    module.exit_json(
        outcome="restored" if changes.result()["changed"] else "unchanged",
        backup=backup.identifier,
        restored=task.restored,
        generation=task.generation,
        differences=differences,
        kept=task.kept,
        databases=task.databases,
        downtime_ms=task.downtime,
        not_given=task.not_given,
        **changes.result(),
    )


if __name__ == "__main__":
    main()
