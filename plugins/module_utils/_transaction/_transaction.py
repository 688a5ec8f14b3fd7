# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction that makes a generation the live one, proves it, or undoes it."""

import os
import signal
import time
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application, Service
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    CollectionError,
    PromotionReverted,
    UndoFailedError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    POLL_SECONDS,
    describe_results,
    estimate_check_seconds,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import DowntimeProbe, compute_pause
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    read_json,
    remove_quietly,
    write_atomically,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _dead_man as _arm
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import Deadline

WATCH_SECONDS = 1.0
UNDO_SECONDS = 600
# What is opened when the history will say this.
OPENED_EVENTS = {"promoted": "promotion", "restored": "restore"}
# Beyond what its work may take, so long may a living module be silent.
MARGIN_SECONDS = 60.0


class PromotionOptions(NamedTuple):
    """How to promote: seconds until all checks must pass, seconds they must keep passing, run id, what the dead man's switch must be.

    ``dead_man`` is ``required`` where nothing may be promoted without a switch that survives a restart, ``preferred`` otherwise; it looks every
    ``dead_man_interval`` seconds. Checks in ``accept_unhealthy`` that failed before may fail afterwards, too. A start or a stop of a service may
    take ``service_timeout`` seconds, and what is done between a stop and a start ``act_timeout``.
    """

    timeout: float
    stability: float
    run: str
    check_mode: bool
    dead_man: str = "preferred"
    dead_man_interval: float = 10.0
    accept_unhealthy: Sequence[str] = ()
    service_timeout: float = _services.COMMAND_TIMEOUT
    act_timeout: float = 0.0


class _InterruptedBySignalError(CollectionError):
    """The module was told to end while a promotion was open."""


class ApplicationChange(NamedTuple):
    """A change of an application that is either wholly made or undone.

    ``following`` is the record as it will be, its last entry in the history being this change, which says in ``undo_seconds`` what taking it back may take, if
    that is much; ``script`` is the text of ``undo.sh``, and ``written`` when it was
    written. ``what`` is changed, and ``undone`` what is said after it was not. ``look`` returns results of all that must be well afterwards.
    """

    application: Application
    state: ApplicationState
    following: Dict[str, Any]
    script: str
    written: str
    what: str
    undone: str
    look: Callable[[Application], List[Dict[str, Any]]]


class ChangeResult(NamedTuple):
    """What a change came to: milliseconds of downtime, results of checks, what kept the deadline, and what its act returned."""

    downtime: Optional[int]
    results: List[Dict[str, Any]]
    dead_man: str
    how: Any


def _has_failed_unit(services: List[Service]) -> bool:
    """Whether a unit is in the state ``failed``, from which systemd never restarts it."""
    active = [service for service in services if service.action != "none"]
    return any(
        properties.get("ActiveState") == "failed"
        for properties in _services.read_service_properties(active, ["ActiveState"]).values()
    )


def _estimate_check_time(application: Application) -> float:
    """The longest time in seconds that one evaluation of the health of *application* may take."""
    services = _services.COMMAND_TIMEOUT * len(application.services)
    return MARGIN_SECONDS + estimate_check_seconds(application.checks) + services


def _wait_until_healthy(change: ApplicationChange, options: PromotionOptions, alive: Deadline) -> List[Dict[str, Any]]:
    application = change.application
    deadline = time.monotonic() + options.timeout
    while True:
        alive.extend(_estimate_check_time(application))
        began = time.monotonic()
        results = change.look(application)
        if not select_failures(results) or time.monotonic() > deadline or _has_failed_unit(application.services):
            return results
        time.sleep(compute_pause(time.monotonic() - began, POLL_SECONDS, WATCH_SECONDS, 2))


def _watch_stability(
    change: ApplicationChange, seconds: float, results: List[Dict[str, Any]], alive: Deadline
) -> List[Dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while not select_failures(results) and time.monotonic() < deadline:
        time.sleep(min(WATCH_SECONDS, max(0.0, deadline - time.monotonic())))
        alive.extend(_estimate_check_time(change.application))
        results = change.look(change.application)
    return results


def settle_promotion(state: ApplicationState, run_id: str, reason: str = "its run died") -> Optional[Dict[str, Any]]:
    """Close an open promotion, giving *reason*; the lease must be held. Returns its history entry, if there was one.

    Raises UndoFailed, OSError.
    """
    if state.is_open():
        opened = read_json(state.next_path) or {}
        limit = float((opened.get("history") or [{}])[-1].get("undo_seconds") or UNDO_SECONDS)
        Deadline(state).extend(limit + MARGIN_SECONDS)
        undone = run_command(["/bin/sh", state.undo_path, "held"], limit)
        if state.is_open():
            raise UndoFailedError(
                "%s did not restore the old generation of %s (status %d): %s; it stays armed: "
                "mend the cause, then run it by hand" % (state.undo_path, state.name, undone.rc, undone.last_lines())
            )
    left = state.read_undone_record()
    entry = None
    if left is not None:
        record = state.read()
        entry = dict(left["history"][-1], event="reverted", time=get_timestamp(), closed_by=run_id, reason=reason)
        if entry["kind"] != "restore" and record["current"] is None and os.path.islink(left["live"]):
            adopted = find_generation(left, entry["from"])
            record["generations"] = [adopted] + [
                known for known in record["generations"] if known["id"] != entry["from"]
            ]
            record["current"] = entry["from"]
        record["history"].append(entry)
        state.write(record)
        state.append_event(run_id, "reverted", **{key: entry.get(key) for key in ("from", "to", "reason")})
        state.remove_undone_record()
    if state.list_leftovers():
        _remove_undo(state)
        state.remove_temporary_files()
    return entry


def _remove_undo(state: ApplicationState) -> None:
    """Take the way back away, when it is not needed any more; ``undo.sh`` last, so that what a death leaves is found."""
    _arm.disarm_dead_man(state)
    for path in (state.deadline_path + ".next", state.deadline_path, state.undo_path):
        remove_quietly(path)


def find_timer(state: ApplicationState) -> Optional[str]:
    """The timer that keeps the deadline of *state* here, if systemd keeps it."""
    return _arm.get_timer_name(state) if _arm.detect_dead_man() == "systemd" else None


def run_transaction(change: ApplicationChange, options: PromotionOptions, act: Callable[[], Any]) -> ChangeResult:
    """Stop services, *act*, start services; commit *change* when all is well and stays so, undo it otherwise. The lease must be held.

    Raises PromotionReverted, UndoFailed, OSError.
    """
    application, state, following = change.application, change.state, change.following
    # undo.sh before state.next.json: the script does nothing until the change it belongs to is open.
    write_atomically(state.undo_path, change.script.encode("utf-8"), 0o700)
    try:
        alive = Deadline(state)
        alive.extend(
            _estimate_check_time(application)
            + options.service_timeout * 4 * len(application.services)
            + _services.COMMAND_TIMEOUT * len(application.drain + application.undrain)
            + options.act_timeout
        )
        dead_man = _arm.arm_dead_man(
            state, "%s by run %s" % (change.written, options.run), max(1, int(options.dead_man_interval))
        )
        state.open_promotion(following)
    except BaseException:
        _remove_undo(state)
        raise
    entry = following["history"][-1]
    told = {key: entry.get(key) for key in ("from", "to")}
    state.append_event(options.run, "%s opened" % OPENED_EVENTS[entry["event"]], dead_man=dead_man, **told)
    previous = _handle_signals()
    probe = DowntimeProbe(application.checks).start()
    try:
        _run_hooks("drain", application.drain)
        _services.stop_before_swap(application.services, options.service_timeout)
        how = act()
        _services.start_after_swap(application.services, options.service_timeout)
        results = _wait_until_healthy(change, options, alive)
        downtime = probe.stop()
        _run_hooks("undrain", application.undrain if not select_failures(results) else [])
        results = _watch_stability(change, options.stability, results, alive)
        if select_failures(results):
            raise _UnhealthyError(describe_results(select_failures(results)), results)
        entry.update(downtime_ms=downtime)
        state.open_promotion(following)
        state.commit()
    except BaseException as error:
        _set_signals([(number, _ignore_signal) for number, _handler in previous])
        # A signal may arrive after the rename that commits; then there is nothing to undo.
        if len(state.read()["history"]) < len(following["history"]):
            probe.stop()
            _undo_change(change, options, error)
    _remove_undo(state)
    _set_signals(previous)
    state.append_event(options.run, entry["event"], downtime_ms=downtime, **told)
    return ChangeResult(downtime, results, dead_man, how)


def _undo_change(change: ApplicationChange, options: PromotionOptions, error: BaseException) -> NoReturn:
    """Take *change* back, because of *error*. Raises PromotionReverted, or UndoFailed."""
    evidence = {"checks": getattr(error, "results", []), "log": _services.read_log_tail(change.application.services)}
    text = "%s failed and %s: %s" % (change.what, change.undone, error)
    try:
        settle_promotion(change.state, options.run, str(error))
    except OSError as problem:
        if change.state.is_open():
            raise UndoFailedError(
                "%s failed (%s), and %s could not be run: %s; it stays armed"
                % (change.what, error, change.state.undo_path, problem)
            )
        text += "; that is not in its record, which could not be written: %s" % problem
    raise PromotionReverted(text, evidence)


class _UnhealthyError(CollectionError):
    def __init__(self, text: str, results: List[Dict[str, Any]]) -> None:
        super().__init__(text)
        self.results = results


def _run_hooks(what: str, commands: List[List[str]]) -> None:
    """Run the operator's *commands*, one after the other. Raises CommandError that starts with *what*."""
    for command in commands:
        require_success(what, run_command(command, _services.COMMAND_TIMEOUT))


def _handle_signals() -> List[Tuple[int, Any]]:
    """End in order on SIGTERM and SIGINT; outlive a lost connection (SIGHUP, SIGPIPE)."""

    def interrupted(number: int, _frame: Any) -> None:
        raise _InterruptedBySignalError("the module was ended by signal %d" % number)

    return _set_signals(
        [
            (signal.SIGTERM, interrupted),
            (signal.SIGINT, interrupted),
            (signal.SIGHUP, _ignore_signal),
            (signal.SIGPIPE, _ignore_signal),
        ]
    )


def _ignore_signal(_number: int, _frame: Any) -> None:
    """Do nothing. Unlike SIG_IGN this is not inherited by the services that are started meanwhile."""


def _set_signals(handlers: List[Tuple[int, Any]]) -> List[Tuple[int, Any]]:
    return [(number, signal.signal(number, handler)) for number, handler in handlers]
