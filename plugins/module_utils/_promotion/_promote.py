# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Promotion: making a generation the live one, in a transaction."""

import os
from typing import Any, Dict, List, NamedTuple, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import require_unclaimed
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    open_record,
    read_live_target,
    read_python_version,
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
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    find_entry_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _swap as _swap_path
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import choose_generation
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import (
    PromotionPolicy,
    check_adoption,
    describe_violations,
    find_violations,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._aftercare import list_tolerated_checks
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import find_timer
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Journal, Place
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import settle_promotion
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    ApplicationChange,
    TransactionOptions,
    run_transaction,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    PromotionUndo,
    render_promotion_undo,
)


class PromotionOptions(NamedTuple):
    """How to promote: ``kind`` is ``upgrade`` or ``rollback`` and is recorded."""

    transaction: TransactionOptions
    policy: PromotionPolicy
    kind: str
    check_mode: bool


class _Proof(NamedTuple):
    """The proof of a generation: its interpreter, the old path, earlier measurements, and the checks that may fail."""

    interpreter: str
    old: str
    before: Dict[str, Dict[str, Any]]
    accepted: Sequence[str]

    def collect_results(self, application: Application) -> List[Dict[str, Any]]:
        """Return the present results of all checks."""
        return run_health_checks(application, self.interpreter, self.old, self.before, self.accepted)


def promote_generation(
    application: Application,
    state: ApplicationState,
    wanted: str,
    options: PromotionOptions,
    changes: Changes,
) -> Dict[str, Any]:
    """Make generation *wanted* live; return ``outcome``, ``downtime_ms``, ``checks`` and more.

    Raises PromotionRefused, PromotionReverted, UnhealthyAfterUndoError, UndoFailedError, LeaseHeldError, BuildError,
    ValueError, OSError.
    """
    run = options.transaction.run
    python = read_python_version(application.environment)
    with state.hold_lease(run, only_look=options.check_mode):
        if not options.check_mode:
            settle_promotion(state, run, application=application)
        require_unclaimed(application, state)
        record = open_record(application, state, run, options.check_mode, changes)
        live = find_live_generation(application, record, python)
        chosen = choose_generation(record, wanted, live)
        if chosen is None or (chosen["id"] == live["id"] and record["current"] is not None):
            return {"outcome": "unchanged", "generation": live["id"], "from": live["id"]}
        findings, baseline = find_violations(application, [chosen], options.policy)
        findings += check_adoption(application, live)
        violations = [finding for finding in findings if finding["blocking"]]
        if violations:
            raise PromotionRefused(describe_violations(violations))
        changes.add(
            "promote %s of %s in place of %s" % (chosen["id"], application.name, live["id"]),
            application.environment,
            live["id"],
            chosen["id"],
        )
        if options.check_mode:
            return {"outcome": "promoted", "generation": chosen["id"], "from": live["id"]}
        return _promote_chosen(application, state, record, live, chosen, options, baseline)


def _build_next_record(
    record: Dict[str, Any],
    application: Application,
    live: Dict[str, Any],
    chosen: Dict[str, Any],
    options: PromotionOptions,
) -> Dict[str, Any]:
    generations = record["generations"]
    if record["current"] is None:
        generations = [live] + [entry for entry in generations if entry["id"] != live["id"]]
    entry = {
        "time": get_timestamp(),
        "run": options.transaction.run,
        "event": "promoted",
        "kind": options.kind,
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
    baseline: List[Dict[str, Any]],
) -> Dict[str, Any]:
    owner = find_entry_controller(application.environment)
    application = application._replace(services=_services.adapt_services(application.services))
    journal = Journal(state)
    way = PromotionUndo(
        application.name,
        state.directory,
        application.environment,
        application.generation_path(live["id"]),
        live["target"],
        chosen["target"],
        live["id"],
        chosen["id"],
        options.transaction.run,
        get_timestamp(),
        journal.identifier,
        find_timer(state),
    )
    script = render_promotion_undo(
        way,
        application.services,
        owner,
        not owner.is_current(),
        options.transaction.service_timeout,
        application.undrain,
    )
    failed_before = [result["name"] for result in baseline if not result["passed"]]
    interpreter = os.path.join(chosen["path"], "bin", "python")
    proof = _Proof(interpreter, live["path"], collect_measurements(baseline), failed_before)
    done = run_transaction(
        ApplicationChange(
            application,
            state,
            journal,
            _build_next_record(record, application, live, chosen, options),
            script,
            [Place(os.path.dirname(application.environment), owner)],
            way.written,
            "generation %s of %s" % (chosen["id"], application.name),
            "%s is live again" % live["id"],
            proof.collect_results,
            list_tolerated_checks(application, baseline, options.policy.accept_unhealthy),
        ),
        options.transaction,
        lambda: _swap_live_path(application, live, chosen, owner, journal),
    )
    return {
        "outcome": "promoted",
        "generation": chosen["id"],
        "from": live["id"],
        "downtime_ms": done.downtime,
        "checks": done.results,
        "dead_man": done.dead_man,
        "swap": done.how,
        "warnings": done.warnings,
    }


def _swap_live_path(
    application: Application, live: Dict[str, Any], chosen: Dict[str, Any], owner: Identity, journal: Journal
) -> str:
    """Change the live path; returns how. Raises OSError."""
    journal.note_act("swap")
    if read_live_target(application) is None:
        how = call_as_identity(
            owner, _swap_path.adopt_environment, application.environment, live["path"], chosen["target"]
        )
    else:
        how = call_as_identity(
            owner, _swap_path.repoint_symlink, application.environment, chosen["target"], journal.identifier
        )
    return str(how)
