# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a generation the live one, in a transaction."""

import os
import shutil
from typing import Any, Dict, List, NamedTuple, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import current_generation, live_target
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    now,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    PromotionRefused,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import results_of
from ansible_collections.oxzep7.python.plugins.module_utils._health._checks import (
    describe,
    failures,
    measured_by,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    act_as,
    controller_of,
    usable,
)
from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _swap as _swap_path
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import choose
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _dead_man as _arm
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    Change,
    Options,
    settle,
    timer_of,
    transact,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import Return, render


class _Proof(NamedTuple):
    """What the new generation is held against: its interpreter, the old generation, what checks measured before, and which of them had failed."""

    interpreter: str
    old: str
    before: Dict[str, Dict[str, Any]]
    accepted: Sequence[str]

    def results(self, application: Application) -> List[Dict[str, Any]]:
        """Every result as it is now."""
        return results_of(application, self.interpreter, self.old, self.before, self.accepted)


def _check_preconditions(application: Application, chosen: Dict[str, Any], options: Options) -> None:
    if options.dead_man == "required" and _arm.kind() == "process":
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
    absent = _services.missing(application.services)
    if absent:
        raise PromotionRefused(
            "application %s: no such service on this host: %s; correct `services`"
            % (application.name, ", ".join(absent))
        )
    owner = controller_of(os.path.dirname(application.environment))
    if not usable(owner):
        raise PromotionRefused("%s can only be changed by %s; run with become" % (application.environment, owner.name))
    if not owner.is_current() and not shutil.which("setpriv"):
        raise PromotionRefused(
            "this host has no setpriv, without which undo.sh cannot act as %s; install util-linux" % owner.name
        )


def promote(
    application: Application,
    state: ApplicationState,
    wanted: str,
    python: str,
    options: Options,
    kind: str,
    changes: Changes,
) -> Dict[str, Any]:
    """Make generation *wanted* live; returns ``outcome``, ``downtime_ms``, ``checks`` and more.

    *python* is the live environment's version, for an adoption; *kind* is ``upgrade`` or ``rollback``.
    Raises PromotionRefused, PromotionReverted, UndoFailed, LeaseHeld, OSError.
    """
    with state.lease(options.run, only_look=options.check_mode):
        if not options.check_mode:
            settle(state, options.run)
        record = state.read()
        live = current_generation(application, record, python)
        chosen = choose(record, wanted, live)
        if chosen is None or (chosen["id"] == live["id"] and record["current"] is not None):
            return {"outcome": "unchanged", "generation": live["id"], "from": live["id"]}
        _check_preconditions(application, chosen, options)
        baseline = results_of(application, None, None, accepted=options.accept_unhealthy)
        if failures(baseline):
            raise PromotionRefused(
                "application %s is not healthy before the promotion of %s: %s; nothing was changed. Mend it, or name the check in "
                "oxzep7_accept_unhealthy" % (application.name, chosen["id"], describe(failures(baseline)))
            )
        changes.add(
            "promote %s of %s in place of %s" % (chosen["id"], application.name, live["id"]),
            application.environment,
            live["id"],
            chosen["id"],
        )
        if options.check_mode:
            return {"outcome": "promoted", "generation": chosen["id"], "from": live["id"]}
        return _transact(application, state, record, live, chosen, options, kind, baseline)


def _next_record(
    record: Dict[str, Any],
    application: Application,
    live: Dict[str, Any],
    chosen: Dict[str, Any],
    options: Options,
    kind: str,
) -> Dict[str, Any]:
    generations = record["generations"]
    if record["current"] is None:
        generations = [live] + [entry for entry in generations if entry["id"] != live["id"]]
    entry = {
        "time": now(),
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


def _transact(
    application: Application,
    state: ApplicationState,
    record: Dict[str, Any],
    live: Dict[str, Any],
    chosen: Dict[str, Any],
    options: Options,
    kind: str,
    baseline: List[Dict[str, Any]],
) -> Dict[str, Any]:
    owner = controller_of(os.path.dirname(application.environment))
    application = application._replace(services=_services.effective(application.services))
    way = Return(
        application.name,
        state.directory,
        application.environment,
        application.generation_path(live["id"]),
        live["target"],
        live["id"],
        chosen["id"],
        options.run,
        now(),
        timer_of(state),
    )
    script = render(
        way, application.services, owner, not owner.is_current(), options.service_timeout, application.undrain
    )
    proof = _Proof(
        os.path.join(chosen["path"], "bin", "python"),
        live["path"],
        measured_by(baseline),
        [result["name"] for result in baseline if not result["passed"]],
    )
    done = transact(
        Change(
            application,
            state,
            _next_record(record, application, live, chosen, options, kind),
            script,
            way.written,
            "generation %s of %s" % (chosen["id"], application.name),
            "%s is live again" % live["id"],
            proof.results,
        ),
        options,
        lambda: _swap(application, live, chosen, owner),
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


def _swap(application: Application, live: Dict[str, Any], chosen: Dict[str, Any], owner: Identity) -> str:
    """Change the live path; returns how. Raises OSError."""
    if live_target(application) is None:
        how = act_as(owner, _swap_path.adopt, application.environment, live["path"], chosen["target"])
    else:
        how = act_as(owner, _swap_path.repoint, application.environment, chosen["target"])
    return str(how)
