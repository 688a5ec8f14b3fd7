# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction around a change of an application: stop, act, start, prove, then commit or undo."""

from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    CollectionError,
    PromotionReverted,
    UndoFailedError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    describe_results,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import DowntimeProbe
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import COMMAND_TIMEOUT
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import arm_dead_man
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import Deadline
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import (
    remove_undo,
    settle_promotion,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._signals import (
    handle_signals,
    ignore_signals,
    restore_signals,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._stability import (
    HealthWatch,
    estimate_check_time,
)

# The kind of a transaction by the event with which its history entry commits it.
OPENED_EVENTS = {"promoted": "promotion", "restored": "restore"}


class TransactionOptions(NamedTuple):
    """How a change is made. All times are seconds.

    All checks must pass within ``timeout`` and keep passing for ``stability``. The dead man's switch looks every
    ``dead_man_interval``. A start or a stop of a service may take ``service_timeout``, the act between them
    ``act_timeout``.
    """

    run: str
    timeout: float
    stability: float
    service_timeout: float = COMMAND_TIMEOUT
    dead_man_interval: float = 10.0
    act_timeout: float = 0.0


class ApplicationChange(NamedTuple):
    """A change of an application that is either made completely or undone.

    ``following`` is the next record; the last entry of its history is this change, with ``undo_seconds`` if undoing it
    may take long. ``script`` is the text of ``undo.sh``, ``written`` its time. A failure message names ``what`` is
    changed, and what is live when it was ``undone``. ``collect_results`` returns the results of all checks.
    """

    application: Application
    state: ApplicationState
    following: Dict[str, Any]
    script: str
    written: str
    what: str
    undone: str
    collect_results: Callable[[Application], List[Dict[str, Any]]]


class ChangeResult(NamedTuple):
    """Milliseconds of downtime, results of the checks, the kind of dead man's switch, and the act's return value."""

    downtime: Optional[int]
    results: List[Dict[str, Any]]
    dead_man: str
    how: Any


class _UnhealthyError(CollectionError):
    def __init__(self, text: str, results: List[Dict[str, Any]]) -> None:
        super().__init__(text)
        self.results = results


def run_transaction(change: ApplicationChange, options: TransactionOptions, act: Callable[[], Any]) -> ChangeResult:
    """Stop services, *act*, start services; commit *change* when all checks pass and keep passing, undo it otherwise.

    The lease must be held. Raises PromotionReverted, UndoFailedError; CommandError, OSError before anything is changed.
    """
    application, state, following = change.application, change.state, change.following
    deadline = Deadline(state)
    dead_man = _open_transaction(change, options, deadline)
    entry = following["history"][-1]
    details = {key: entry.get(key) for key in ("from", "to")}
    state.append_event(options.run, "%s opened" % OPENED_EVENTS[entry["event"]], dead_man=dead_man, **details)
    watch = HealthWatch(application, change.collect_results, deadline)
    previous = handle_signals()
    probe = DowntimeProbe(application.checks).start()
    try:
        _run_hooks("drain", application.drain, state.log_path)
        _services.stop_before_swap(application.services, options.service_timeout, state.log_path)
        how = act()
        _services.start_after_swap(application.services, options.service_timeout, state.log_path)
        results = watch.wait_until_healthy(options.timeout)
        downtime = probe.stop()
        _run_hooks("undrain", application.undrain if not select_failures(results) else [], state.log_path)
        results = watch.watch_stability(options.stability, results)
        if select_failures(results):
            raise _UnhealthyError(describe_results(select_failures(results)), results)
        entry.update(downtime_ms=downtime)
        state.open_promotion(following)
        state.commit()
    except BaseException as error:
        ignore_signals(previous)
        # A signal may arrive after the rename that commits; then there is nothing to undo.
        if len(state.read()["history"]) < len(following["history"]):
            probe.stop()
            _undo_change(change, options.run, error)
    remove_undo(state)
    restore_signals(previous)
    state.append_event(options.run, entry["event"], downtime_ms=downtime, **details)
    return ChangeResult(downtime, results, dead_man, how)


def _open_transaction(change: ApplicationChange, options: TransactionOptions, deadline: Deadline) -> str:
    """Write ``undo.sh``, arm the dead man's switch and open the transaction; return the kind of the switch."""
    application, state = change.application, change.state
    # undo.sh before state.next.json: the script does nothing until the change it belongs to is open.
    write_atomically(state.undo_path, change.script.encode("utf-8"), 0o700)
    try:
        deadline.extend(
            estimate_check_time(application)
            + options.service_timeout * 4 * len(application.services)
            + COMMAND_TIMEOUT * len(application.drain + application.undrain)
            + options.act_timeout
        )
        token = "%s by run %s" % (change.written, options.run)
        dead_man = arm_dead_man(state, token, max(1, int(options.dead_man_interval)))
        state.open_promotion(change.following)
    except BaseException:
        remove_undo(state)
        raise
    return dead_man


def _undo_change(change: ApplicationChange, run: str, error: BaseException) -> NoReturn:
    """Undo *change* because of *error*. Raises PromotionReverted or UndoFailedError."""
    evidence = {"checks": getattr(error, "results", []), "log": _services.read_log_tail(change.application.services)}
    text = "%s failed and %s: %s" % (change.what, change.undone, error)
    try:
        settle_promotion(change.state, run, str(error))
    except OSError as problem:
        if change.state.is_open():
            raise UndoFailedError(
                "%s failed (%s), and %s could not be run: %s; it stays armed"
                % (change.what, error, change.state.undo_path, problem)
            )
        text += "; the record could not be written and lacks this: %s" % problem
    raise PromotionReverted(text, evidence)


def _run_hooks(what: str, commands: List[List[str]], log: str) -> None:
    """Run the operator's *commands* in order. Raises CommandError whose text starts with *what*."""
    for command in commands:
        require_success(what, run_command(command, COMMAND_TIMEOUT, log=log))
