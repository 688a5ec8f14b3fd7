# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settling a transaction that its run did not finish: undo it, record that, and remove what it left."""

import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import UndoFailedError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json, remove_quietly
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import disarm_dead_man
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import MARGIN_SECONDS, Deadline

UNDO_SECONDS = 600


def settle_promotion(state: ApplicationState, run_id: str, reason: str = "its run died") -> Optional[Dict[str, Any]]:
    """Close an open promotion or restore because of *reason*; return its history entry, None without one.

    The lease must be held. Raises UndoFailedError, ValueError, OSError.
    """
    if state.is_open():
        _run_undo(state)
    undone = state.read_undone_record()
    entry = _record_undone(state, undone, run_id, reason) if undone is not None else None
    if state.list_leftovers():
        remove_undo(state)
        state.remove_temporary_files()
    return entry


def _run_undo(state: ApplicationState) -> None:
    opened = read_json(state.next_path) or {}
    limit = float((opened.get("history") or [{}])[-1].get("undo_seconds") or UNDO_SECONDS)
    Deadline(state).extend(limit + MARGIN_SECONDS)
    # The services that it starts keep its output open.
    undone = run_command(["/bin/sh", state.undo_path, "held"], limit, log=state.log_path)
    if state.is_open():
        raise UndoFailedError(
            "%s did not restore the old generation of %s (status %d): %s; it stays armed. Remove the cause, then run "
            "it by hand" % (state.undo_path, state.name, undone.rc, undone.last_lines())
        )


def _record_undone(state: ApplicationState, undone: Dict[str, Any], run_id: str, reason: str) -> Dict[str, Any]:
    """Put what ``undo.sh`` took back into the history; return the entry."""
    record = state.read()
    entry = dict(undone["history"][-1], event="reverted", time=get_timestamp(), closed_by=run_id, reason=reason)
    if entry["kind"] != "restore" and record["current"] is None and os.path.islink(undone["live"]):
        adopted = find_generation(undone, entry["from"])
        others = [known for known in record["generations"] if known["id"] != entry["from"]]
        record["generations"] = [adopted] + others
        record["current"] = entry["from"]
    record["history"].append(entry)
    state.write(record)
    state.append_event(run_id, "reverted", **{key: entry.get(key) for key in ("from", "to", "reason")})
    state.remove_undone_record()
    return entry


def remove_undo(state: ApplicationState) -> None:
    """Disarm and remove ``undo.sh`` and the deadline; the script last, so that recovery finds what a death leaves."""
    disarm_dead_man(state)
    for path in (state.deadline_path + ".next", state.deadline_path, state.undo_path):
        remove_quietly(path)
