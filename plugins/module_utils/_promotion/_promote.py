# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a generation the live one, in a transaction."""

import os
import shutil
from typing import Any, Dict, List, NamedTuple, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    read_live_target,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    PromotionRefused,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    collect_measurements,
    describe_results,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    can_become,
    find_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _swap as _swap_path
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import choose_generation
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _dead_man as _arm
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    ApplicationChange,
    PromotionOptions,
    find_timer,
    run_transaction,
    settle_promotion,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    PromotionUndo,
    render_promotion_undo,
)


class _Proof(NamedTuple):
    """What the new generation is held against: its interpreter, the old generation, what checks measured before, and which of them had failed."""

    interpreter: str
    old: str
    before: Dict[str, Dict[str, Any]]
    accepted: Sequence[str]

    def collect_results(self, application: Application) -> List[Dict[str, Any]]:
        """Every result as it is now."""
        return run_health_checks(application, self.interpreter, self.old, self.before, self.accepted)


def _check_preconditions(application: Application, chosen: Dict[str, Any], options: PromotionOptions) -> None:
    if options.dead_man == "required" and _arm.detect_dead_man() == "process":
        raise PromotionRefused(
            "nothing on this host would undo a promotion after a restart: it has neither systemd nor cron, or this is not root; "
            "provide one, or set oxzep7_dead_man to preferred"
        )
    if not os.path.isfile(os.path.join(chosen["path"], "pyvenv.cfg")):
        raise PromotionRefused(
            "generation %s of %s is recorded at %s, but no environment is there; build it again"
            % (chosen["id"], application.name, chosen["path"])
        )
    if os.path.ismount(application.environment):
        raise PromotionRefused(
            "%s is a mount point and cannot be swapped; mount its parent instead" % application.environment
        )
    absent = _services.find_missing_units(application.services)
    if absent:
        raise PromotionRefused(
            "application %s: no such service on this host: %s; correct `services`"
            % (application.name, ", ".join(absent))
        )
    owner = find_controller(os.path.dirname(application.environment))
    if not can_become(owner):
        raise PromotionRefused("%s can only be changed by %s; run with become" % (application.environment, owner.name))
    if not owner.is_current() and not shutil.which("setpriv"):
        raise PromotionRefused(
            "this host has no setpriv, without which undo.sh cannot act as %s; install util-linux" % owner.name
        )


def promote_generation(
    application: Application,
    state: ApplicationState,
    wanted: str,
    python: str,
    options: PromotionOptions,
    kind: str,
    changes: Changes,
) -> Dict[str, Any]:
    """Make generation *wanted* live; returns ``outcome``, ``downtime_ms``, ``checks`` and more.

    *python* is the live environment's version, for an adoption; *kind* is ``upgrade`` or ``rollback``.
    Raises PromotionRefused, PromotionReverted, UndoFailed, LeaseHeld, OSError.
    """
    with state.hold_lease(options.run, only_look=options.check_mode):
        if not options.check_mode:
            settle_promotion(state, options.run)
        record = state.read()
        live = find_live_generation(application, record, python)
        chosen = choose_generation(record, wanted, live)
        if chosen is None or (chosen["id"] == live["id"] and record["current"] is not None):
            return {"outcome": "unchanged", "generation": live["id"], "from": live["id"]}
        _check_preconditions(application, chosen, options)
        baseline = run_health_checks(application, None, None, accepted=options.accept_unhealthy)
        if select_failures(baseline):
            raise PromotionRefused(
                "application %s is not healthy before the promotion of %s: %s; nothing was changed. Mend it, or name the check in "
                "oxzep7_accept_unhealthy"
                % (application.name, chosen["id"], describe_results(select_failures(baseline)))
            )
        changes.add(
            "promote %s of %s in place of %s" % (chosen["id"], application.name, live["id"]),
            application.environment,
            live["id"],
            chosen["id"],
        )
        if options.check_mode:
            return {"outcome": "promoted", "generation": chosen["id"], "from": live["id"]}
        return _promote_chosen(application, state, record, live, chosen, options, kind, baseline)


def _build_next_record(
    record: Dict[str, Any],
    application: Application,
    live: Dict[str, Any],
    chosen: Dict[str, Any],
    options: PromotionOptions,
    kind: str,
) -> Dict[str, Any]:
    generations = record["generations"]
    if record["current"] is None:
        generations = [live] + [entry for entry in generations if entry["id"] != live["id"]]
    entry = {
        "time": get_timestamp(),
        "run": options.run,
        "event": "promoted",
        "kind": kind,
        "from": live["id"],
        "to": chosen["id"],
    }
    return dict(
        record,
        current=chosen["id"],
        live=application.environment,
        generations=generations,
        history=record["history"] + [entry],
    )


def _promote_chosen(
    application: Application,
    state: ApplicationState,
    record: Dict[str, Any],
    live: Dict[str, Any],
    chosen: Dict[str, Any],
    options: PromotionOptions,
    kind: str,
    baseline: List[Dict[str, Any]],
) -> Dict[str, Any]:
    owner = find_controller(os.path.dirname(application.environment))
    application = application._replace(services=_services.adapt_socket_services(application.services))
    way = PromotionUndo(
        application.name,
        state.directory,
        application.environment,
        application.generation_path(live["id"]),
        live["target"],
        live["id"],
        chosen["id"],
        options.run,
        get_timestamp(),
        find_timer(state),
    )
    script = render_promotion_undo(
        way, application.services, owner, not owner.is_current(), options.service_timeout, application.undrain
    )
    proof = _Proof(
        os.path.join(chosen["path"], "bin", "python"),
        live["path"],
        collect_measurements(baseline),
        [result["name"] for result in baseline if not result["passed"]],
    )
    done = run_transaction(
        ApplicationChange(
            application,
            state,
            _build_next_record(record, application, live, chosen, options, kind),
            script,
            way.written,
            "generation %s of %s" % (chosen["id"], application.name),
            "%s is live again" % live["id"],
            proof.collect_results,
        ),
        options,
        lambda: _swap_live_path(application, live, chosen, owner),
    )
    return {
        "outcome": "promoted",
        "generation": chosen["id"],
        "from": live["id"],
        "downtime_ms": done.downtime,
        "checks": done.results,
        "dead_man": done.dead_man,
        "swap": done.how,
    }


def _swap_live_path(application: Application, live: Dict[str, Any], chosen: Dict[str, Any], owner: Identity) -> str:
    """Change the live path; returns how. Raises OSError."""
    if read_live_target(application) is None:
        how = call_as_identity(
            owner, _swap_path.adopt_environment, application.environment, live["path"], chosen["target"]
        )
    else:
        how = call_as_identity(owner, _swap_path.repoint_symlink, application.environment, chosen["target"])
    return str(how)
