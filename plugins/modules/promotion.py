#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a generation the live one."""

DOCUMENTATION = r"""
module: promotion
short_description: Make a generation of an application live, or undo the attempt
version_added: 0.1.0
description:
  - Stops the services, swaps the live path, starts the services, waits until all checks pass and keep passing, and commits.
  - Whatever fails, or dies, the application is put back by one short script, C(undo.sh); a timer and the next boot run it if the module
    cannot.
  - The first promotion adopts the original environment as generation 0, unchanged.
author: oxzep7.python contributors (@oxzep7)
options:
  generation:
    description:
      - Identifier of the generation, or V(previous) for the one before the newest promotion.
      - V(before:) and the identifier of a run mean the generation that was live before that run promoted its first.
      - A day (V(2026-11-20)) or a moment in UTC (V(2026-11-20T18:00:00Z)) means the generation that was live then; of a day, at its end.
    type: str
    required: true
  kind:
    description: What the promotion is for, which is recorded.
    type: str
    choices: [upgrade, rollback]
    default: upgrade
  timeout:
    description: Seconds within which all checks must pass.
    type: float
    default: 150.0
  stability_window:
    description: Seconds through which they must then keep passing.
    type: float
    default: 60.0
  service_timeout:
    description: Seconds that the start or the stop of a service may take. A unit that does not stop in time is killed on the way back.
    type: float
    default: 120.0
  accept_unhealthy:
    description: Names of checks that may fail afterwards if they fail before; any other check that fails before is a reason to refuse.
    type: list
    elements: str
    default: []
  keep_generations:
    description:
      - How many good generations stay, the live one among them. Those that were never live stay, too, because they are steps to come.
      - What a process maps is never removed. Only root removes anything.
    type: int
    default: 2
  forget_original:
    description: Whether the environment that was there before the first promotion may go like the others.
    type: bool
    default: false
  dead_man:
    description:
      - Whether to refuse where nothing would undo a promotion that dies with its host.
      - With V(preferred) a waiting shell keeps the deadline there, which a restart ends; RV(dead_man) tells.
    type: str
    choices: [required, preferred]
    default: preferred
  dead_man_interval:
    description: Seconds between two looks at whether the module is alive. cron looks once a minute.
    type: float
    default: 10.0
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
    support: full
notes:
  - With systemd a transient timer looks after the module, and the unit C(oxzep7-undo.service) undoes open promotions at boot. Without systemd cron
    does both, and without cron a waiting shell does the first.
  - A service that a socket starts is restarted after the swap instead of stopped before it; connections wait in the socket meanwhile.
  - A dead module is undone at the next look. A living one extends its deadline before everything it does, by what that may take; one that is not
    heard of in time is killed, and undone.
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
  description: What became of it.
  returned: always
  type: str
  sample: promoted
generation:
  description: The generation that is live now, or would be.
  returned: success
  type: str
from:
  description: The generation that was live before.
  returned: success
  type: str
downtime_ms:
  description: Milliseconds in which the first HTTP check was not answered; V(null) without one.
  returned: when promoted and check mode is off
  type: int
dead_man:
  description: What kept the deadline.
  returned: when promoted and check mode is off
  type: str
  sample: systemd
swap:
  description: How the live path changed.
  returned: when promoted and check mode is off
  type: str
  sample: exchange
checks:
  description: The last result of every check.
  returned: when promoted or reverted
  type: list
  elements: dict
log:
  description: Last log lines of the services.
  returned: when reverted
  type: str
journal:
  description: The C(events) and C(applications) that M(oxzep7.python.run_info) returns, as they are after this; nothing where they cannot be read.
  returned: success
  type: dict
in_use:
  description: Generations that are not needed, and that stay because of a process, with the reason.
  returned: success
  type: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._application._journal import read_run
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import read_python_version
from ansible_collections.oxzep7.python.plugins.module_utils._application._services import ServiceError
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    LeaseHeldError,
    find_generation,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import describe_recovery
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._options import build_application_argument
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._parse import parse_application
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    BuildError,
    GenerationMissingError,
    PromotionRefused,
    PromotionReverted,
    UndoFailedError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._retention import prune_generations
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandError
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._promote import promote_generation
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import PromotionOptions


def _journal(root: str, run: str) -> Dict[str, Any]:
    try:
        return read_run(root, run)
    except (ValueError, OSError):
        # What was promoted is promoted, whatever the record of another application is like.
        return {}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "application": build_application_argument(),
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
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    options = PromotionOptions(
        given["timeout"],
        given["stability_window"],
        given["run_id"],
        module.check_mode,
        given["dead_man"],
        given["dead_man_interval"],
        given["accept_unhealthy"],
        given["service_timeout"],
    )
    try:
        application = parse_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        if (
            module.check_mode
            and given["kind"] == "upgrade"
            and find_generation(state.read(), given["generation"]) is None
        ):
            changes.add(
                "promote %s of %s" % (given["generation"], application.name),
                application.environment,
                state.read()["current"],
                given["generation"],
            )
            module.exit_json(outcome="promoted", generation=given["generation"], **changes.result())
        result = promote_generation(
            application,
            state,
            given["generation"],
            read_python_version(application.environment),
            options,
            given["kind"],
            changes,
        )
        kept = prune_generations(
            application,
            state,
            result,
            given["keep_generations"],
            given["forget_original"],
            given["run_id"],
            module.check_mode,
            changes,
        )
    except GenerationMissingError as error:
        module.fail_json(
            msg="%s; %s" % (error, describe_recovery(given["backup_dir"], application.name, error.identifier)),
            outcome="refused",
        )
    except PromotionReverted as error:
        module.fail_json(msg=str(error), outcome="reverted", **dict(error.evidence, **changes.result()))
    except UndoFailedError as error:
        module.fail_json(msg=str(error), outcome="failed")
    except (
        ApplicationError,
        BuildError,
        CommandError,
        IdentityError,
        LeaseHeldError,
        PromotionRefused,
        ServiceError,
        ValueError,
        OSError,
    ) as error:
        module.fail_json(msg=str(error), outcome="refused")
    module.exit_json(
        **dict(result, in_use=kept, journal=_journal(given["state_dir"], given["run_id"]), **changes.result())
    )


if __name__ == "__main__":
    main()
