# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settling a transaction that its run did not finish: undo it, ask for health again, record that, and clean up."""

import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError, UndoFailedError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    read_text,
    remove_quietly,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._aftercare import examine_undone
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import disarm_dead_man
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import MARGIN_SECONDS, Deadline
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import (
    read_journal,
    remove_made_parts,
)

UNDO_SECONDS = 600
# Events of history entries for a change that was undone: the application is healthy again, or not.
REVERTED, FAILED = "reverted", "failed"


class Undone(NamedTuple):
    """A transaction that was undone: the record that it would have made, and the health of the application since then.

    ``problem`` is empty when the application is healthy on what it had before. There are no ``results`` of the checks
    of an application whose declaration is not at hand.
    """

    record: Dict[str, Any]
    problem: str
    results: List[Dict[str, Any]]


def settle_promotion(
    state: ApplicationState,
    run_id: str,
    reason: str = "its run died",
    application: Optional[Application] = None,
) -> Optional[Dict[str, Any]]:
    """Close an open promotion or restore because of *reason*; returns its history entry, None without one.

    The event of the entry is ``reverted`` when *application* is healthy on what it had before, and ``failed`` with the
    cause as ``problem`` otherwise. Without *application*, what ``undo.sh`` left decides. The lease must be held. Raises
    UndoFailedError, ValueError, OSError.
    """
    undone = undo_transaction(state, application)
    return close_transaction(state, undone, run_id, reason)


def undo_transaction(state: ApplicationState, application: Optional[Application]) -> Optional[Undone]:
    """Undo what is open, and examine *application* after this or an earlier undo that no run has recorded yet.

    Returns None without either. The lease must be held. Raises UndoFailedError, ValueError, OSError.
    """
    if state.is_open():
        _run_undo(state)
    record = state.read_undone_record()
    if record is None:
        return None
    told = (read_text(state.failures_path) or "").split("\n")
    problem, results = examine_undone(state, [line for line in told if line], application)
    return Undone(record, problem, results)


def close_transaction(
    state: ApplicationState, undone: Optional[Undone], run_id: str, reason: str, cause: Optional[str] = None
) -> Optional[Dict[str, Any]]:
    """Record what was *undone* because of *reason*, and remove what is left of it; returns its history entry.

    *cause* is the reason as one line, where it is known. Raises ValueError, OSError.
    """
    entry = None if undone is None else _record_undone(state, undone, run_id, reason, cause)
    if state.list_leftovers():
        remove_undo(state)
        state.remove_temporary_files()
    return entry


def _run_undo(state: ApplicationState) -> None:
    limit = float(read_journal(state).get("undo_seconds") or UNDO_SECONDS)
    Deadline(state).extend(limit + MARGIN_SECONDS)
    # The services that it starts keep its output open.
    undone = run_command(["/bin/sh", state.undo_path, "held"], limit, log=state.log_path)
    if state.is_open():
        raise UndoFailedError(
            "%s did not restore the old generation of %s (status %d): %s; it stays armed. Remove the cause, then run "
            "it by hand" % (state.undo_path, state.name, undone.rc, undone.last_lines())
        )


def _record_undone(
    state: ApplicationState, undone: Undone, run_id: str, reason: str, cause: Optional[str]
) -> Dict[str, Any]:
    """Put what ``undo.sh`` took back into the history; return the entry."""
    record, taken = state.read(), undone.record
    entry = dict(taken["history"][-1], time=get_timestamp(), closed_by=run_id, reason=reason)
    entry["event"] = FAILED if undone.problem else REVERTED
    entry.update({key: text for key, text in (("problem", undone.problem), ("cause", cause)) if text})
    if entry["kind"] != "restore" and record["current"] is None and os.path.islink(taken["live"]):
        adopted = find_generation(taken, entry["from"])
        others = [known for known in record["generations"] if known["id"] != entry["from"]]
        record["generations"] = [adopted] + others
        record["current"] = entry["from"]
    record["history"].append(entry)
    state.write(record)
    state.append_event(
        run_id, entry["event"], **{key: entry.get(key) for key in ("from", "to", "reason", "cause", "problem")}
    )
    state.remove_undone_record()
    return entry


def remove_undo(state: ApplicationState) -> List[str]:
    """Disarm and remove what served to undo a closed transaction; returns a sentence for each failure.

    ``undo.sh`` goes last, so that recovery finds what a death leaves. Nothing is removed while the transaction is open,
    or undone and not recorded.
    """
    if state.is_open() or os.path.lexists(state.undone_path):
        return ["the change of %s is not settled, so nothing that its undo needs was removed" % state.name]
    problems: List[str] = []
    _attempt(problems, disarm_dead_man, state)
    problems += remove_made_parts(state)
    for path in (
        state.deadline_path + ".next",
        state.deadline_path,
        state.acts_path,
        state.failures_path,
        state.journal_path,
        state.undo_path,
    ):
        _attempt(problems, remove_quietly, path)
    return problems


def _attempt(problems: List[str], function: Callable[..., Any], *arguments: Any) -> None:
    """Call *function*; add its error to *problems*."""
    try:
        function(*arguments)
    except (CollectionError, OSError) as error:
        problems.append(str(error))
