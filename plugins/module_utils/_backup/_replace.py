# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces what is live by what a backup has, in one change that is made completely or undone."""

import contextlib
import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._backup._moves import (
    Move,
    apply_moves,
    list_places,
    render_undo_moves,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import DATABASES
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import (
    build_files_beside,
    build_layer_beside,
    make_beside_path,
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
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._aftercare import list_tolerated_checks
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import find_timer
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import remove_undo
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    ApplicationChange,
    run_transaction,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    UndoDetails,
    format_setpriv,
    render_undo_script,
)

UNDO_ACT = """\
if has_line 'load {number}' && ! has_line 'load {number} undone'; then
    {line} || exit 1
    add_line 'load {number} undone'
fi
"""


class _Replacement:
    """Moves of files, acts while services are stopped, lines of ``undo.sh`` for the acts, and what they keep."""

    def __init__(self) -> None:
        self.moves: List[Move] = []
        self.acts: List[Callable[[], None]] = []
        self.undo: List[str] = []
        self.befores: List[str] = []

    def add_move(self, task: RestoreTask, path: str, beside: Optional[str]) -> None:
        """Have *beside* take the place of *path*, which is kept; with None *path* is only moved away."""
        away = beside or make_beside_path(task.journal.identifier, path)
        who = find_entry_controller(path)
        self.moves.append(Move(path, away, beside is not None, task.get_kept_path(path), who))

    def add_act(self, act: Callable[[], None], undo: UndoCommand) -> None:
        """Have *act* run while services are stopped, and *undo* undo it."""
        self.undo.append(render_undo_command(len(self.acts), undo))
        self.acts.append(act)


def replace_live(task: RestoreTask, found: Dict[str, Dict[str, str]], rows: Sequence[Dict[str, Any]]) -> None:
    """Build everything beside the live parts, then exchange all of it in one transaction.

    *found* are the differing paths by layer, *rows* the databases of the manifest to restore. Raises BackupError,
    DatabaseError, CommandError, OSError, and the errors of `run_transaction`.
    """
    if task.application.checks:
        # Checks run as that account after the exchange; without one nothing is exchanged.
        task.application.resolve_account()
    made = _Replacement()
    try:
        for name in sorted(task.differences):
            _add_layer(task, made, name, found[name])
        with _unpack_dumps(task, rows) as dumps:
            for row in rows:
                _add_database(task, made, row, os.path.join(dumps, row["file"]))
            if made.moves or made.acts:
                _run_replacement(task, made)
            else:
                remove_undo(task.state)
    except BaseException:
        remove_undo(task.state)
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
        beside = make_beside_path(task.journal.identifier, target)
        task.journal.note(beside=[beside])
        task.note_refused(name, build_layer_beside(task.backup, layer, beside, task.engine))
        made.add_move(task, target, beside)
        return
    besides = {path: make_beside_path(task.journal.identifier, "/" + path) for path in differing}
    task.journal.note(beside=sorted(besides.values()))
    built, refused = build_files_beside(task.backup, layer, besides, task.engine)
    task.note_refused(name, refused)
    for path, beside in built.items():
        made.add_move(task, path, beside)


def _add_database(task: RestoreTask, made: _Replacement, row: Dict[str, Any], path: str) -> None:
    """Load the database *row* from the dump *path* beside the live one, and, where asked, have it take its place.

    Raises DatabaseError, CommandError, IdentityError, OSError.
    """
    database = create_database(row["name"], row["kind"], row["options"])
    user = task.application.resolve_account()
    dump = SavedDump(path, row["rows"], task.application.name, user, task.state.directory, task.journal.identifier)
    files, commands = database.list_copy_parts(dump)
    parts: Dict[str, List[Any]] = {
        "beside": list(files),
        "discard": [[command.words, command.who.uid, command.variables] for command in commands],
    }
    task.journal.note(**parts)
    if task.ask.databases != IN_PLACE:
        task.databases[database.name] = database.load_copy(dump)
        task.journal.release(**parts)
        return
    exchange = database.prepare_exchange(dump)
    task.databases[database.name] = exchange.name
    for place, away in exchange.files:
        made.add_move(task, place, away)
    if exchange.act is not None and exchange.undo is not None:
        made.add_act(exchange.act, exchange.undo)
    if exchange.before:
        made.befores.append(exchange.before)


def render_undo_command(number: int, undo: UndoCommand) -> str:
    """The lines of ``undo.sh`` that run *undo* once, if the act *number* was begun."""
    words = undo.words
    if undo.variables:
        words = ["env"] + ["%s=%s" % (key, value) for key, value in sorted(undo.variables.items())] + words
    if not undo.who.is_current():
        words = format_setpriv(undo.who).split() + words
    line = join_command(words)
    if undo.source:
        source = join_command([undo.source])
        line = "[ ! -e %s ] || %s <%s" % (source, line, source)
    return UNDO_ACT.format(number=number, line=line)


def _run_replacement(task: RestoreTask, made: _Replacement) -> None:
    """Make the change *made* in a transaction. Raises PromotionReverted, UndoFailedError, OSError."""
    application = task.application._replace(services=_services.adapt_services(task.application.services))
    written, options, places = get_timestamp(), task.ask.options, list_places(made.moves)
    # New journals of a replaced database get these names when it is put back.
    task.journal.note(beside=[move.beside for move in made.moves if not move.replaces])
    undo = UndoDetails(
        application.name,
        task.state.directory,
        "what was there before",
        "backup %s was put in its place" % task.backup.identifier,
        options.run,
        written,
        task.journal.identifier,
        [place.directory for place in places],
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
    baseline = run_health_checks(application, None, None, accepted=task.ask.accept_unhealthy)
    following = dict(task.record, live=application.environment, history=task.record["history"] + [entry])
    if made.acts:
        # Databases are loaded while services are stopped, and again if that is undone.
        task.journal.note(undo_seconds=DUMP_TIMEOUT)
        options = options._replace(act_timeout=2 * DUMP_TIMEOUT)

    def act() -> None:
        apply_moves(made.moves, task.journal.note_act)
        for number, run in enumerate(made.acts):
            task.journal.note_act("load %d" % number)
            run()

    change = ApplicationChange(
        application,
        task.state,
        task.journal,
        following,
        text,
        places,
        written,
        "the restore of backup %s of %s" % (task.backup.identifier, application.name),
        "what was there before is live again",
        lambda restored: run_health_checks(restored, None, None, accepted=task.ask.accept_unhealthy),
        list_tolerated_checks(application, baseline, task.ask.accept_unhealthy),
    )
    done = run_transaction(change, options, act)
    task.downtime = done.downtime
    task.warnings += done.warnings
