# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each layer of a backup belongs on this host, and what becomes of it: into a scratch directory, where it is missing, or in place of what differs."""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup import _databases, _loading
from ansible_collections.oxzep7.python.plugins.module_utils._backup._engines import Engine
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup._moves import Move, apply_moves, render_undo_moves
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import DATABASES, ENVIRONMENT, BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import (
    IS_NEW,
    SHOWN_DIFFERENCES,
    build_files_beside,
    build_layer_beside,
    compare_layer,
    remove_beside,
    restore_layer,
    unpack_layer,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    find_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    join_command,
    require_success,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import resolve_trusted_path
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    ApplicationChange,
    PromotionOptions,
    find_timer,
    run_transaction,
    settle_promotion,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    UndoDetails,
    format_setpriv,
    render_undo_script,
)

# What a restore may do with databases.
NO_DATABASES, NEW_NAME, IN_PLACE = "none", "new_name", "in_place"
EXCHANGE_TIMEOUT = 300.0


class RestoreRequest(NamedTuple):
    """What is asked: a scratch directory or none, whether what differs is replaced, what becomes of databases, and how the application is watched."""

    scratch: Optional[str]
    replace: bool
    databases: str
    options: PromotionOptions


class RestoreTask:
    """One restore: what is asked, and what came of it."""

    def __init__(
        self, application: Application, state: ApplicationState, backup: Backup, engine: Engine, ask: RestoreRequest
    ) -> None:
        self.application = application
        self.state = state
        self.backup = backup
        self.engine = engine
        self.ask = ask
        self.record: Dict[str, Any] = {}
        self.restored: Dict[str, str] = {}
        self.differences: Dict[str, List[str]] = {}
        self.not_given: Dict[str, Dict[str, str]] = {}
        self.generation: Optional[str] = None
        self.kept: List[str] = []
        self.downtime: Optional[int] = None
        self.databases: Dict[str, str] = {}

    def get_layer(self, name: str) -> Layer:
        """The layer *name* of the backup."""
        return self.backup.layers[name]

    def get_kept_path(self, path: str) -> str:
        """What *path* is called when this restore has replaced it. A file's name begins with a dot, so that no program takes it for configuration."""
        folder, name = os.path.split(path)
        return os.path.join(
            folder,
            "%s%s.before-%s"
            % ("" if os.path.isdir(path) and not os.path.islink(path) else ".", name, self.backup.identifier),
        )


def has_place(layer: Layer) -> bool:
    """Whether *layer* has a place on a host, rather than being something to read or to load."""
    return bool(layer.path) and bool(layer.entries)


def _get_target(task: RestoreTask, name: str) -> str:
    """Where the layer *name* belongs: once the live path is a symlink, an environment is a generation."""
    if task.ask.scratch:
        return os.path.join(task.ask.scratch, name)
    if name == ENVIRONMENT and task.record["current"] is not None:
        return task.application.generation_path(str(task.backup.about["generation"]))
    return task.get_layer(name).path


def run_restore(task: RestoreTask, layers: Sequence[str], changes: Changes) -> None:
    """Put *layers* back. The lease must be held. Raises BackupError, PromotionReverted, UndoFailed, OSError and what loading databases raises."""
    if not task.ask.options.check_mode:
        settle_promotion(task.state, task.ask.options.run)
    task.record = task.state.read()
    if task.ask.scratch:
        _restore_to_scratch(task, layers, changes)
        return
    absent = [name for name in layers if has_place(task.get_layer(name)) and not os.path.isdir(_get_target(task, name))]
    found = _compare_layers(task, [name for name in layers if has_place(task.get_layer(name)) and name not in absent])
    for name in absent + sorted(task.differences):
        _announce_layer(task, changes, name, "different" if name in task.differences else None)
    if ENVIRONMENT in layers and task.record["current"] is not None:
        task.generation = str(task.backup.about["generation"])
    rows = (
        task.get_layer(DATABASES).about["databases"]
        if DATABASES in layers and task.ask.databases != NO_DATABASES
        else []
    )
    for row in rows:
        changes.add(
            "restore database %s of %s from %s (%s)"
            % (row["name"], task.application.name, task.backup.identifier, task.ask.databases),
            row["name"],
            None,
            task.backup.identifier,
        )
    if task.ask.databases == NEW_NAME and any(row["kind"] == "command" for row in rows):
        raise BackupError(
            "a database of the operator's own commands has no other name to be loaded as; nothing was changed. Restore it to `scratch`"
        )
    if not task.ask.options.check_mode and (task.restored or rows):
        _apply_restore(task, absent, found, rows)


def _compare_layers(task: RestoreTask, names: Sequence[str]) -> Dict[str, Dict[str, str]]:
    """How the layers *names*, which are there, differ. Raises BackupError where that must not be replaced, OSError."""
    found = {name: compare_layer(task.get_layer(name), os.path.realpath(_get_target(task, name))) for name in names}
    for name in names:
        if task.get_layer(name).about.get("paths") is not None:
            # What is new beside chosen files stays, and nothing is to be done for it.
            found[name] = {path: text for path, text in found[name].items() if text != IS_NEW}
    task.differences = {
        name: ["%s %s" % (path or "the directory itself", text) for path, text in sorted(lines.items())][
            :SHOWN_DIFFERENCES
        ]
        for name, lines in found.items()
        if lines
    }
    if task.differences and not task.ask.replace:
        raise BackupError(
            "%s differs from backup %s: %s; nothing was changed. Set `replace`, or restore to `scratch`"
            % (
                ", ".join(_get_target(task, name) for name in task.differences),
                task.backup.identifier,
                "; ".join(line for lines in task.differences.values() for line in lines[:3]),
            )
        )
    return found


def _announce_layer(task: RestoreTask, changes: Changes, name: str, before: Optional[str]) -> None:
    changes.add(
        "restore %s of %s from %s" % (name, task.application.name, task.backup.identifier),
        _get_target(task, name),
        before,
        task.backup.identifier,
    )
    task.restored[name] = _get_target(task, name)


def _apply_restore(
    task: RestoreTask, absent: Sequence[str], found: Dict[str, Dict[str, str]], rows: Sequence[Dict[str, Any]]
) -> None:
    for name in absent:
        _note_refused(
            task, name, restore_layer(task.backup, task.get_layer(name), _get_target(task, name), task.engine)
        )
    if task.generation is not None and ENVIRONMENT in absent:
        _record_generation(task, _get_target(task, ENVIRONMENT))
    if task.differences or rows:
        _replace_live(task, found, rows)
    task.state.append_event(
        task.ask.options.run,
        "restored",
        backup=task.backup.identifier,
        layers=sorted(task.restored),
        databases=task.databases,
    )


def _note_refused(task: RestoreTask, name: str, refused: Dict[str, str]) -> None:
    if refused:
        task.not_given[name] = refused


def _restore_to_scratch(task: RestoreTask, layers: Sequence[str], changes: Changes) -> None:
    scratch = str(task.ask.scratch)
    if os.path.lexists(scratch) and (not task.ask.options.check_mode or os.listdir(scratch)):
        raise BackupError("%s is there already; nothing was changed. Name a directory that is not" % scratch)
    names = [name for name in layers if task.get_layer(name).entries]
    for name in names:
        _announce_layer(task, changes, name, None)
    if task.ask.options.check_mode:
        return
    os.mkdir(scratch, 0o700)
    sync_directory(os.path.dirname(os.path.abspath(scratch)))
    for name in names:
        _note_refused(
            task, name, restore_layer(task.backup, task.get_layer(name), _get_target(task, name), task.engine)
        )
    task.state.append_event(
        task.ask.options.run, "restored", backup=task.backup.identifier, layers=names, scratch=scratch
    )


def _record_generation(task: RestoreTask, path: str) -> None:
    """Have the generation that is back in the record, so that it can be promoted."""
    known = find_generation(task.record, task.generation)
    entry = known or {
        "id": task.generation,
        "path": path,
        "python": task.backup.about["python"],
        "origin": "restored",
        "lock": None,
        "created": get_timestamp(),
        "target": os.path.relpath(path, os.path.dirname(task.application.environment)),
    }
    generations = [other for other in task.record["generations"] if other["id"] != task.generation]
    task.record = dict(task.record, generations=generations + [dict(entry, complete=True)])
    task.state.write(task.record)


def _replace_live(task: RestoreTask, found: Dict[str, Dict[str, str]], rows: Sequence[Dict[str, Any]]) -> None:
    """Build everything beside what lives, and then have it live in one change that is made wholly or taken back. Raises what `transact` raises."""
    user = task.application.resolve_account()
    moves: List[Move] = []
    backs: List[str] = []
    acts: List[Any] = []
    befores: List[str] = []
    try:
        for name in sorted(task.differences):
            moves += _make_layer_moves(task, name, found[name])
        with (
            unpack_layer(task.backup, task.get_layer(DATABASES), task.engine, task.application.name)
            if rows
            else _NoDirectory()
        ) as dumps:
            for row in rows:
                path = os.path.join(dumps, row["file"])
                if row["kind"] == "sqlite":
                    moves += _make_sqlite_moves(task, row, path)
                elif task.ask.databases == IN_PLACE and row["kind"] != "postgresql":
                    befores.append(_add_reload(task, row, path, user, backs, acts))
                else:
                    task.databases[row["name"]] = _loading.load_database_copy(
                        row, path, user, task.backup.identifier, task.application.name
                    )
                    if task.ask.databases == IN_PLACE:
                        _add_exchange(task, row, user, backs, acts)
            if moves or acts:
                _transact_moves(task, moves, backs, acts)
    except BaseException:
        for move in moves:
            if move.beside is not None:
                remove_beside(move.beside)
        raise
    task.kept = [path for path in [move.before for move in moves] + befores if os.path.lexists(path)]


class _NoDirectory:
    """No directory, for a block that needs none."""

    def __enter__(self) -> str:
        return ""

    def __exit__(self, *_error: object) -> None:
        return None


def _make_layer_moves(task: RestoreTask, name: str, differing: Dict[str, str]) -> List[Move]:
    """The moves that have the layer *name* live, whose parts are built beside. Raises BackupError, OSError."""
    layer, target = task.get_layer(name), os.path.realpath(_get_target(task, name))
    if layer.about.get("paths") is None:
        beside, refused = build_layer_beside(task.backup, layer, target, task.engine)
        _note_refused(task, name, refused)
        return [Move(target, beside, task.get_kept_path(target), find_controller(os.path.dirname(target)))]
    paths, refused = build_files_beside(task.backup, layer, list(differing), task.engine)
    _note_refused(task, name, refused)
    return [
        Move(path, beside, task.get_kept_path(path), find_controller(os.path.dirname(path)))
        for path, beside in paths.items()
    ]


def _make_sqlite_moves(task: RestoreTask, row: Dict[str, Any], dump: str) -> List[Move]:
    """The moves that have the SQLite database *row* live; nothing of a journal of the other one may stay. Under a new name it just stays beside."""
    path = row["options"]["path"]
    who = _databases.find_sqlite_owner(path) if os.path.lexists(path) else find_controller(os.path.dirname(path))
    place = os.path.join(resolve_trusted_path(os.path.dirname(path)), os.path.basename(path))
    beside = "%s.restored-%s" % (place, task.backup.identifier)
    with open(dump, "rb") as stream:
        call_as_identity(who, _databases.copy_with_mode, stream.fileno(), place, beside)
    said = _databases.run_sqlite([beside], who)
    wrong = _databases.describe_row_difference(row, said["rows"])
    if wrong:
        raise BackupError("database %s is not what was kept: %s" % (row["name"], wrong))
    task.databases[row["name"]] = beside
    if task.ask.databases == NEW_NAME:
        return []
    task.databases[row["name"]] = place
    mover = find_controller(os.path.dirname(place))
    return [Move(place, beside, task.get_kept_path(place), mover)] + [
        Move(place + suffix, None, task.get_kept_path(place + suffix), mover) for suffix in ("-wal", "-shm", "-journal")
    ]


def _add_reload(
    task: RestoreTask, row: Dict[str, Any], path: str, user: Identity, backs: List[str], acts: List[Any]
) -> str:
    """Have the database *row* loaded again among *acts*, and what it had before among *backs*; returns where that is kept."""
    words, who = _loading.make_reload_command(row, user)
    before = os.path.join(task.state.directory, "%s.before-%s" % (row["file"], task.backup.identifier))
    acts.append(lambda: _loading.reload_database(row, path, before, words, who, user, task.application.name))
    backs.append(
        "[ ! -e %s ] || %s%s <%s || exit 1\n"
        % (
            join_command([before]),
            format_setpriv(who, not who.is_current()),
            join_command(words),
            join_command([before]),
        )
    )
    task.databases[row["name"]] = str(row["options"].get("database") or row["name"])
    return before


def _add_exchange(task: RestoreTask, row: Dict[str, Any], user: Identity, backs: List[str], acts: List[Any]) -> None:
    there, back, environment, who = _loading.make_exchange_commands(row, user, task.backup.identifier)
    acts.append(lambda: require_success("exchange", run_command(there, EXCHANGE_TIMEOUT, who, environment=environment)))
    # Everything of the environment but what the account's own shell would have anyhow.
    variables = ["%s=%s" % (key, value) for key, value in sorted(environment.items()) if key.startswith("PG")]
    become = (
        ["setpriv", "--reuid=%d" % who.uid, "--regid=%d" % who.gid, "--init-groups", "--"]
        if not who.is_current()
        else []
    )
    backs.append(join_command(become + ["env"] + variables + back) + " || exit 1\n")
    task.databases[row["name"]] = str(row["options"]["database"])


def _transact_moves(task: RestoreTask, moves: List[Move], backs: List[str], acts: List[Any]) -> None:
    application = task.application._replace(services=_services.adapt_socket_services(task.application.services))
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
        render_undo_moves(moves) + "".join(backs),
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
    if acts:
        # Databases are loaded while services are down, and again if that is taken back.
        entry["undo_seconds"] = _databases.DUMP_TIMEOUT
        options = options._replace(act_timeout=2 * _databases.DUMP_TIMEOUT)

    def act() -> None:
        apply_moves(moves)
        for do in acts:
            do()

    change = ApplicationChange(
        application,
        task.state,
        following,
        text,
        written,
        "the restore of backup %s of %s" % (task.backup.identifier, application.name),
        "what was there before is live again",
        lambda restored: run_health_checks(restored, None, None, accepted=options.accept_unhealthy),
    )
    done = run_transaction(change, options, act)
    task.downtime = done.downtime
