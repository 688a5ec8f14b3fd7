# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces what is live by what a backup has, in one change that is made completely or undone."""

import contextlib
import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._backup._moves import Move, apply_moves, render_undo_moves
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import DATABASES
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import (
    build_files_beside,
    build_layer_beside,
    remove_beside,
    unpack_layer,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._task import IN_PLACE, RestoreTask
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    DUMP_TIMEOUT,
    SavedDump,
    UndoCommand,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import create_database
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import find_entry_controller
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join_command
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import find_timer
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    ApplicationChange,
    run_transaction,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    UndoDetails,
    render_undo_script,
)


class _Replacement:
    """Moves of files, acts while services are stopped, lines of ``undo.sh`` for the acts, and what they keep."""

    def __init__(self) -> None:
        self.moves: List[Move] = []
        self.acts: List[Callable[[], None]] = []
        self.undo: List[str] = []
        self.befores: List[str] = []

    def add_move(self, task: RestoreTask, path: str, beside: Optional[str]) -> None:
        """Have *beside* take the place of *path*, which is kept; with None *path* is only moved away."""
        self.moves.append(Move(path, beside, task.get_kept_path(path), find_entry_controller(path)))


def replace_live(task: RestoreTask, found: Dict[str, Dict[str, str]], rows: Sequence[Dict[str, Any]]) -> None:
    """Build everything beside the live parts, then exchange all of it in one transaction.

    *found* are the differing paths by layer, *rows* the databases of the manifest to restore. Raises BackupError,
    DatabaseError, CommandError, OSError, and the errors of `run_transaction`.
    """
    made = _Replacement()
    try:
        for name in sorted(task.differences):
            _add_layer(task, made, name, found[name])
        with _unpack_dumps(task, rows) as dumps:
            for row in rows:
                _add_database(task, made, row, os.path.join(dumps, row["file"]))
            if made.moves or made.acts:
                _run_replacement(task, made)
    except BaseException:
        for move in made.moves:
            if move.beside is not None:
                remove_beside(move.beside)
        raise
    kept = [move.before for move in made.moves] + made.befores
    task.kept = [path for path in kept if os.path.lexists(path)]


@contextlib.contextmanager
def _unpack_dumps(task: RestoreTask, rows: Sequence[Dict[str, Any]]) -> Iterator[str]:
    """The directory with the dumps of the backup for the block; nothing is unpacked without *rows*."""
    if not rows:
        yield ""
        return
    with unpack_layer(task.backup, task.get_layer(DATABASES), task.engine) as directory:
        yield directory


def _add_layer(task: RestoreTask, made: _Replacement, name: str, differing: Dict[str, str]) -> None:
    """Build the layer *name*, or the *differing* files of it, beside its place. Raises BackupError, OSError."""
    layer, target = task.get_layer(name), os.path.realpath(task.get_target(name))
    if layer.about.get("paths") is None:
        beside, refused = build_layer_beside(task.backup, layer, target, task.engine)
        task.note_refused(name, refused)
        made.add_move(task, target, beside)
        return
    built, refused = build_files_beside(task.backup, layer, list(differing), task.engine)
    task.note_refused(name, refused)
    for path, beside in built.items():
        made.add_move(task, path, beside)


def _add_database(task: RestoreTask, made: _Replacement, row: Dict[str, Any], path: str) -> None:
    """Load the database *row* from the dump *path* beside the live one, and, where asked, have it take its place.

    Raises DatabaseError, CommandError, IdentityError, OSError.
    """
    database = create_database(row["name"], row["kind"], row["options"])
    user = task.application.resolve_account()
    dump = SavedDump(
        path, row["rows"], task.backup.identifier, task.application.name, user, directory=task.state.directory
    )
    if task.ask.databases != IN_PLACE:
        task.databases[database.name] = database.load_copy(dump)
        return
    exchange = database.prepare_exchange(dump)
    task.databases[database.name] = exchange.name
    for place, beside in exchange.files:
        made.add_move(task, place, beside)
    if exchange.act is not None:
        made.acts.append(exchange.act)
    if exchange.undo is not None:
        made.undo.append(_render_undo_command(exchange.undo))
    if exchange.before:
        made.befores.append(exchange.before)


def _render_undo_command(undo: UndoCommand) -> str:
    """The line of ``undo.sh`` that runs *undo*."""
    words = undo.words
    if undo.variables:
        words = ["env"] + ["%s=%s" % (key, value) for key, value in sorted(undo.variables.items())] + words
    if not undo.who.is_current():
        # setpriv looks groups up by the account's name, which an account that is only a number lacks.
        groups = "--clear-groups" if undo.who.name == str(undo.who.uid) else "--init-groups"
        words = ["setpriv", "--reuid=%d" % undo.who.uid, "--regid=%d" % undo.who.gid, groups, "--"] + words
    line = join_command(words)
    if not undo.source:
        return line + " || exit 1\n"
    source = join_command([undo.source])
    return "[ ! -e %s ] || %s <%s || exit 1\n" % (source, line, source)


def _run_replacement(task: RestoreTask, made: _Replacement) -> None:
    """Make the change *made* in a transaction. Raises PromotionReverted, UndoFailedError, OSError."""
    application = task.application._replace(services=_services.adapt_services(task.application.services))
    written, options = get_timestamp(), task.ask.options
    undo = UndoDetails(
        application.name,
        task.state.directory,
        "what was there before",
        "backup %s was put in its place" % task.backup.identifier,
        options.run,
        written,
        find_timer(task.state),
    )
    text = render_undo_script(
        undo,
        application.services,
        render_undo_moves(made.moves) + "".join(made.undo),
        options.service_timeout,
        application.undrain,
    )
    entry = {
        "time": written,
        "run": options.run,
        "event": "restored",
        "kind": "restore",
        "from": task.record["current"],
        "to": task.record["current"],
        "backup": task.backup.identifier,
        "layers": sorted(task.restored),
        "databases": sorted(task.databases),
    }
    following = dict(task.record, live=application.environment, history=task.record["history"] + [entry])
    if made.acts:
        # Databases are loaded while services are stopped, and again if that is undone.
        entry["undo_seconds"] = DUMP_TIMEOUT
        options = options._replace(act_timeout=2 * DUMP_TIMEOUT)

    def act() -> None:
        apply_moves(made.moves)
        for run in made.acts:
            run()

    change = ApplicationChange(
        application,
        task.state,
        following,
        text,
        written,
        "the restore of backup %s of %s" % (task.backup.identifier, application.name),
        "what was there before is live again",
        lambda restored: run_health_checks(restored, None, None, accepted=task.ask.accept_unhealthy),
    )
    task.downtime = run_transaction(change, options, act).downtime
