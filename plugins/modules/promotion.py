#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module promotion: make a generation of an application live."""

DOCUMENTATION = r"""
module: promotion
short_description: Make a generation of an application live, or undo the attempt
version_added: 0.1.0
description:
  - Stops the services, swaps the live path, starts the services, waits until all checks pass and keep passing, and
    commits.
  - When a check fails or the module dies, one short script, C(undo.sh), restores the previous generation; a timer and
    the next boot run it if the module cannot.
  - Refuses, and changes nothing, while a precondition does not hold. M(oxzep7.python.preflight) reports the same
    preconditions.
  - The first promotion adopts the original environment as generation 0, unchanged.
author: oxzep7.python contributors (@oxzep7)
options:
  generation:
    description:
      - Identifier of a generation.
      - V(before_newest_run) means the generation that was live before the newest run that upgraded.
      - V(previous_step), or V(previous), means the one before the newest promotion, which may be one of several of a
        run.
      - V(before:) and the identifier of a run mean the generation that was live before that run promoted its first.
      - A day (V(2026-11-20)) or a moment in UTC (V(2026-11-20T18:00:00Z)) means the generation that was live then; of a
        day, at its end.
    type: str
    required: true
  kind:
    description: Purpose of the promotion, for the record.
    type: str
    choices: [upgrade, rollback]
    default: upgrade
  timeout:
    description: Seconds within which all checks must pass after the swap.
    type: float
    default: 150.0
  stability_window:
    description: Seconds through which they must then keep passing.
    type: float
    default: 60.0
  service_timeout:
    description:
      - Seconds that the start or the stop of a service may take. The undo kills a unit that does not stop in time.
    type: float
    default: 120.0
  accept_unhealthy:
    description:
      - Names of checks that may fail after the promotion if they fail before it. Any other check that fails before it
        makes the module refuse.
    type: list
    elements: str
    default: []
  keep_generations:
    description:
      - Number of good generations to keep, including the live one. Generations that were never live are kept for later
        steps.
      - A generation that a process may still use is kept, and one that a live path, a record, a backup or a rollback of
        a run needs. Only root removes generations.
    type: int
    default: 2
  rollback_window:
    description:
      - Days for which the generation that a run started from is kept, so that the run can be rolled back. They begin
        with the last event of the run on the host. What the present run started from is kept in any case.
    type: float
    default: 7.0
  forget_original:
    description: Remove the environment from before the first promotion like the other generations.
    type: bool
    default: false
  dead_man:
    description:
      - Dead man's switch that the host must have. V(required) refuses on a host with neither systemd nor cron, where an
        open promotion would outlast a restart.
      - With V(preferred), such a host uses a waiting shell, which a restart ends; see RV(dead_man).
    type: str
    choices: [required, preferred]
    default: preferred
  dead_man_interval:
    description: Seconds between two runs of the dead man's switch. cron runs it once a minute.
    type: float
    default: 10.0
extends_documentation_fragment:
  - oxzep7.python.application.checked
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
    support: full
notes:
  - With systemd, the timer C(oxzep7-undo@NAME.timer) is the dead man's switch, also after a restart. Without systemd,
    cron does both; without cron, a waiting shell does the first.
  - A service that a socket starts is restarted after the swap instead of stopped before it; connections wait in the
    socket meanwhile.
  - What goes wrong after the commit, for instance in removing old generations, is a warning.
  - The switch undoes the promotion of a module that died. A living module extends its deadline before each action by
    the time that the action may take; a module that exceeds its deadline is killed and its promotion undone.
"""

EXAMPLES = r"""
- name: Promote
  oxzep7.python.promotion:
    application:
      name: billing
      environment: /srv/billing/venv
      services: [{name: billing-web.service}]
      checks: [{name: answers, http: {url: "http://127.0.0.1:8001/health"}}]
    generation: 1-py3.9
"""

RETURN = r"""
outcome:
  description:
    - V(promoted), V(unchanged), V(reverted), V(refused) or V(failed).
    - V(reverted) means that what was live before is live again and healthy. With V(failed) it is not healthy, or could
      not be put back.
  returned: always
  type: str
  sample: promoted
generation:
  description: The generation that is live now; in check mode, the one that would be.
  returned: success
  type: str
from:
  description: The generation that was live before.
  returned: success
  type: str
downtime_ms:
  description: Milliseconds for which the first HTTP check got no answer; V(null) without one.
  returned: when promoted and check mode is off
  type: int
dead_man:
  description: Kind of the dead man's switch, V(systemd), V(cron) or V(process).
  returned: when promoted and check mode is off
  type: str
  sample: systemd
swap:
  description: How the live path was changed, V(exchange), V(renames) or V(rename).
  returned: when promoted and check mode is off
  type: str
  sample: exchange
checks:
  description: The last result of every check.
  returned: when promoted, reverted or failed
  type: list
  elements: dict
log:
  description: >-
    The last lines that services and declared commands logged from the swap until the change was undone.
  returned: when reverted or failed
  type: str
cause:
  description: >-
    Why it failed, as one line: the last exception in that log with its file, or what a program said before it ended,
    or the failed check.
  returned: when reverted or failed
  type: str
journal:
  description:
    - The C(events) and C(applications) of M(oxzep7.python.run_info) after this promotion; empty if they cannot be read.
  returned: success
  type: dict
record:
  description:
    - The promotion as roles and reports pass it on, with C(application), C(from) and C(to) (generations), C(chosen)
      (what O(generation) meant, in words), C(lock) (of the generation in C(to)), C(downtime_ms), C(seconds),
      C(result) (as RV(outcome)) and RV(cause). Unknown values are V(null).
  returned: always
  type: dict
in_use:
  description:
    - Generations that stay although O(keep_generations) is exceeded, with the reason, such as the process that uses it
      or the run that started from it.
  returned: success
  type: dict
actions:
  description: Actions of the module, or those that it would take in check mode.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._application._journal import read_run
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import describe_recovery
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import (
    build_checked_argument,
    parse_checked_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    CollectionError,
    GenerationMissingError,
    PromotionReverted,
    UndoFailedError,
    UnhealthyAfterUndoError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._retention import (
    RetentionPolicy,
    prune_generations,
)
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import PromotionPolicy
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._promote import (
    PromotionOptions,
    promote_generation,
)
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._record import PromotionRecord
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import TransactionOptions


def _read_journal(root: str, run: str) -> Dict[str, Any]:
    """Return what the host recorded of *run*; nothing where the record of some application is unreadable."""
    try:
        return read_run(root, run)
    except (ValueError, OSError):
        return {}


def _build_options(given: Dict[str, Any], check_mode: bool) -> PromotionOptions:
    transaction = TransactionOptions(
        given["run_id"],
        given["timeout"],
        given["stability_window"],
        given["service_timeout"],
        given["dead_man_interval"],
    )
    policy = PromotionPolicy(given["dead_man"], given["accept_unhealthy"])
    return PromotionOptions(transaction, policy, given["kind"], check_mode)


def _is_planned_generation(module: CollectionModule, state: ApplicationState) -> bool:
    """Whether check mode asks for a generation that would be built first."""
    given = module.params
    return (
        module.check_mode and given["kind"] == "upgrade" and find_generation(state.read(), given["generation"]) is None
    )


def _run(module: CollectionModule, record: PromotionRecord, changes: Changes) -> Dict[str, Any]:
    """Promote, prune generations, and return the result of the module. Raises CollectionError, ValueError, OSError."""
    given = module.params
    application = parse_checked_application(given["application"])
    state = ApplicationState(given["state_dir"], application.name)
    if _is_planned_generation(module, state):
        current = state.read()["current"]
        changes.add(
            "promote %s of %s" % (given["generation"], application.name),
            application.environment,
            current,
            given["generation"],
        )
        result = {"outcome": "promoted", "generation": given["generation"], "from": current}
        return dict(result, record=record.describe("promoted", result))
    options = _build_options(given, module.check_mode)
    result = promote_generation(application, state, given["generation"], options, changes)
    in_use: Dict[str, str] = {}
    warnings: List[str] = result.pop("warnings", [])
    try:
        in_use = prune_generations(
            application,
            state,
            result,
            RetentionPolicy(given["keep_generations"], given["forget_original"], given["rollback_window"]),
            given["run_id"],
            module.check_mode,
            changes,
            warnings,
        )
    except (CollectionError, ValueError, OSError) as error:
        # The promotion has ended, and the generations that stay do no harm.
        warnings.append(
            "generations of %s that are no longer needed could not be removed: %s; remove the cause, and the next "
            "promotion removes them" % (application.name, error)
        )
    for warning in warnings:
        module.warn(warning)
    return dict(
        result,
        in_use=in_use,
        journal=_read_journal(given["state_dir"], given["run_id"]),
        record=record.describe(result["outcome"], result),
    )


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "application": build_checked_argument(),
            "generation": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["upgrade", "rollback"], "default": "upgrade"},
            "timeout": {"type": "float", "default": 150.0},
            "stability_window": {"type": "float", "default": 60.0},
            "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
            "dead_man": {"type": "str", "choices": ["required", "preferred"], "default": "preferred"},
            "dead_man_interval": {"type": "float", "default": 10.0},
            "accept_unhealthy": {"type": "list", "elements": "str", "default": []},
            "service_timeout": {"type": "float", "default": 120.0},
            "keep_generations": {"type": "int", "default": 2},
            "forget_original": {"type": "bool", "default": False},
            "rollback_window": {"type": "float", "default": 7.0},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    name = str(given["application"].get("name"))
    record = PromotionRecord(ApplicationState(given["state_dir"], name), given["generation"])

    def fail(outcome: str, text: str, **evidence: Any) -> None:
        cause = {"cause": evidence.get("cause")}
        module.fail_json(msg=text, outcome=outcome, record=record.describe(outcome, cause), **evidence)

    try:
        result = _run(module, record, changes)
    except GenerationMissingError as error:
        fail("refused", "%s; %s" % (error, describe_recovery(given["backup_dir"], name, error.identifier)))
    except PromotionReverted as error:
        fail("reverted", str(error), **dict(error.evidence, **changes.result()))
    except UnhealthyAfterUndoError as error:
        fail("failed", str(error), **dict(error.evidence, **changes.result()))
    except UndoFailedError as error:
        fail("failed", str(error))
    except (CollectionError, ValueError, OSError) as error:
        fail("refused", str(error))
    else:
        module.exit_json(**dict(result, **changes.result()))


if __name__ == "__main__":
    main()
