# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction around a change of an application: stop, act, start, prove, then commit or undo."""

import contextlib
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    CollectionError,
    PromotionReverted,
    UndoFailedError,
    UnhealthyAfterUndoError,
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
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._evidence import (
    LogMark,
    mark_logs,
    read_logs_between,
    take_tail,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Journal, Place
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import (
    close_transaction,
    remove_undo,
    undo_transaction,
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

    ``following`` is the next record; the last entry of its history is this change. ``script`` is the text of
    ``undo.sh``, which renames in ``places``, and ``written`` its time. A failure message names ``what`` is changed, and
    what is live when it was ``undone``. ``collect_results`` returns the results of all checks; those that are
    ``tolerated`` may fail after an undo.
    """

    application: Application
    state: ApplicationState
    journal: Journal
    following: Dict[str, Any]
    script: str
    places: Sequence[Place]
    written: str
    what: str
    undone: str
    collect_results: Callable[[Application], List[Dict[str, Any]]]
    tolerated: Sequence[str]


class ChangeResult(NamedTuple):
    """Milliseconds of downtime, results of the checks, the kind of dead man's switch, and the act's return value.

    ``warnings`` are sentences about what went wrong after the commit.
    """

    downtime: Optional[int]
    results: List[Dict[str, Any]]
    dead_man: str
    how: Any
    warnings: List[str]


class _UnhealthyError(CollectionError):
    def __init__(self, text: str, results: List[Dict[str, Any]]) -> None:
        super().__init__(text)
        self.results = results


def run_transaction(change: ApplicationChange, options: TransactionOptions, act: Callable[[], Any]) -> ChangeResult:
    """Stop services, *act*, start services; commit *change* when all checks pass and keep passing, undo it otherwise.

    The lease must be held. Once the change is committed or undone, signals stay ignored, so that the module can say how
    it ended. Raises PromotionReverted, UnhealthyAfterUndoError, UndoFailedError; CommandError, OSError before anything
    is changed.
    """
    application, state, following = change.application, change.state, change.following
    entry = following["history"][-1]
    entry["transaction"] = change.journal.identifier
    details = {key: entry.get(key) for key in ("from", "to")}
    probe: Optional[DowntimeProbe] = None
    warnings: List[str] = []
    opened = False
    logs = mark_logs(state)
    previous = handle_signals()
    try:
        try:
            deadline = Deadline(state)
            dead_man = _open_transaction(change, options, deadline)
            opened = True
            state.append_event(options.run, "%s opened" % OPENED_EVENTS[entry["event"]], dead_man=dead_man, **details)
            watch = HealthWatch(application, change.collect_results, deadline)
            probe = DowntimeProbe(application.checks).start()
            _run_hooks("drain", application.drain, state.log_path)
            _services.stop_before_swap(application.services, options.service_timeout, state.log_path)
            # What services write when they are stopped is not why they do not start again.
            logs = mark_logs(state)
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
        finally:
            ignore_signals(previous)
    except BaseException as error:
        # A signal may arrive after the call that opens and before this process knows it.
        if not opened and not state.is_open() and state.read_undone_record() is None:
            remove_undo(state)
            restore_signals(previous)
            raise
        if probe is not None:
            probe.stop()
        # A signal or an error may also arrive after the rename that commits; then there is nothing to undo.
        if not state.is_committed(change.journal.identifier):
            _undo_change(change, options.run, error, logs)
        warnings.append("the change was committed, and then: %s" % error)
    warnings += remove_undo(state)
    state.append_event(options.run, entry["event"], downtime_ms=downtime, **details)
    return ChangeResult(downtime, results, dead_man, how, warnings)


def _open_transaction(change: ApplicationChange, options: TransactionOptions, deadline: Deadline) -> str:
    """Write ``undo.sh``, arm the dead man's switch and open the transaction; return the kind of the switch."""
    application, state = change.application, change.state
    change.journal.note(tolerated=list(change.tolerated), timeout=options.timeout)
    change.journal.note_places(change.places)
    # undo.sh before state.next.json: the script does nothing until the change it belongs to is open.
    write_atomically(state.undo_path, change.script.encode("utf-8"), 0o700)
    deadline.extend(
        estimate_check_time(application)
        + options.service_timeout * 4 * len(application.services)
        + COMMAND_TIMEOUT * len(application.drain + application.undrain)
        + options.act_timeout
    )
    directories = [place.directory for place in change.places]
    dead_man = arm_dead_man(state, change.journal.identifier, max(1, int(options.dead_man_interval)), directories)
    state.open_promotion(change.following)
    return dead_man


def _undo_change(change: ApplicationChange, run: str, error: BaseException, logs: LogMark) -> NoReturn:
    """Undo *change* because of *error*; what was logged since *logs* is evidence.

    Raises PromotionReverted, UnhealthyAfterUndoError or UndoFailedError.
    """
    _services.flush_logs(change.application.services)
    end = mark_logs(change.state)
    problems = ""
    # What cannot be said about services does not keep the change from being undone.
    with contextlib.suppress(CollectionError, ValueError, OSError):
        problems = _services.describe_service_problems(change.application.services)
    try:
        undone = undo_transaction(change.state, change.application)
    except UndoFailedError as problem:
        raise UndoFailedError("%s failed (%s), and %s" % (change.what, error, problem))
    except (ValueError, OSError) as problem:
        raise UndoFailedError(
            "%s failed (%s), and %s could not be run or examined: %s; it stays armed"
            % (change.what, error, change.state.undo_path, problem)
        )
    if undone is None:
        raise UndoFailedError(
            "%s failed (%s), and %s is gone, without which nothing can be undone; another process removed it"
            % (change.what, error, change.state.next_path)
        )
    # Only now: an application that is down does not wait for its logs to be read.
    log = read_logs_between(change.application, change.state, logs, end)
    cause = find_cause(log)
    why = "; ".join(text for text in (cause, str(error), problems) if text)
    evidence = {"checks": getattr(error, "results", []), "log": take_tail(log), "cause": cause or str(error)}
    text = "%s failed and %s: %s" % (change.what, change.undone, why)
    unhealthy = bool(undone.problem)
    if unhealthy:
        evidence["checks"] = undone.results
        text = "%s is not healthy although %s: %s. Repair it at once. It was put back because %s failed: %s" % (
            change.application.name,
            change.undone,
            undone.problem,
            change.what,
            why,
        )
    try:
        close_transaction(change.state, undone, run, why, cause)
    except (ValueError, OSError) as problem:
        text += "; the record could not be written and lacks this: %s" % problem
    raise (UnhealthyAfterUndoError if unhealthy else PromotionReverted)(text, evidence)


def _run_hooks(what: str, commands: List[List[str]], log: str) -> None:
    """Run the operator's *commands* in order. Raises CommandError whose text starts with *what*."""
    for command in commands:
        require_success(what, run_command(command, COMMAND_TIMEOUT, log=log))
