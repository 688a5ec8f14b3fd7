# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the layers of a backup where they belong: into a scratch directory, where they are missing, or in place."""

import os
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import require_unclaimed
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import load_record
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import find_generation, get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._backup._compare import (
    IS_NEW,
    SHOWN_DIFFERENCES,
    compare_layer,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import DATABASES, ENVIRONMENT, BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._backup._replace import replace_live
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import (
    restore_layer,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._task import (
    NEW_NAME,
    NO_DATABASES,
    RestoreTask,
    has_place,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import create_database
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import PromotionRefused
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import (
    check_dead_man,
    describe_violations,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import settle_promotion


def run_restore(task: RestoreTask, layers: Sequence[str], changes: Changes) -> None:
    """Restore *layers*. The lease must be held.

    Raises BackupError, DatabaseError, PromotionRefused, PromotionReverted, UnhealthyAfterUndoError, UndoFailedError,
    OSError.
    """
    if not task.ask.check_mode:
        settle_promotion(task.state, task.ask.options.run, application=task.application)
    task.record = _read_record(task)
    if task.ask.scratch:
        _restore_to_scratch(task, layers, changes)
        return
    placed = [name for name in layers if has_place(task.get_layer(name))]
    absent = [name for name in placed if not os.path.isdir(task.get_target(name))]
    found = _compare_layers(task, [name for name in placed if name not in absent])
    for name in absent + sorted(task.differences):
        _announce_layer(task, changes, name, "different" if name in task.differences else None)
    if ENVIRONMENT in layers and task.record["current"] is not None:
        task.generation = str(task.backup.about["generation"])
    rows: List[Dict[str, Any]] = []
    if DATABASES in layers and task.ask.databases != NO_DATABASES:
        rows = task.get_layer(DATABASES).about["databases"]
    for row in rows:
        _announce_database(task, changes, row)
    if task.differences or rows:
        violations = list(check_dead_man(task.application, task.ask.dead_man))
        if violations:
            raise PromotionRefused(describe_violations(violations))
    if not task.ask.check_mode and (task.restored or rows):
        _apply_restore(task, absent, found, rows)


def _read_record(task: RestoreTask) -> Dict[str, Any]:
    """The record of the application; rebuilt from its generations where the state directory was lost.

    Where these are lost, too, the restore goes on without one. Raises PromotionRefused for the environment of another
    application, ValueError, OSError.
    """
    if not task.ask.scratch:
        require_unclaimed(task.application, task.state)
    try:
        return load_record(task.application, task.state)[0]
    except PromotionRefused:
        return task.state.read()


def _compare_layers(task: RestoreTask, names: Sequence[str]) -> Dict[str, Dict[str, str]]:
    """The differences of the layers *names*, which exist here, by layer and path.

    Raises BackupError where they must not be replaced, OSError.
    """
    found = {}
    for name in names:
        layer = task.get_layer(name)
        differing = compare_layer(layer, os.path.realpath(task.get_target(name)))
        if layer.about.get("paths") is not None:
            # New files beside chosen ones stay, and need no restore.
            differing = {path: text for path, text in differing.items() if text != IS_NEW}
        if differing:
            lines = ["%s %s" % (path or "the directory itself", text) for path, text in sorted(differing.items())]
            task.differences[name] = lines[:SHOWN_DIFFERENCES]
        found[name] = differing
    if task.differences and not task.ask.replace:
        targets = ", ".join(task.get_target(name) for name in task.differences)
        shown: List[str] = []
        for lines in task.differences.values():
            shown += lines[:3]
        raise BackupError(
            "%s differs from backup %s: %s; nothing was changed. Set `replace`, or restore to `scratch`"
            % (targets, task.backup.identifier, "; ".join(shown))
        )
    return found


def _announce_layer(task: RestoreTask, changes: Changes, name: str, before: Optional[str]) -> None:
    target = task.get_target(name)
    what = "restore %s of %s from %s" % (name, task.application.name, task.backup.identifier)
    changes.add(what, target, before, task.backup.identifier)
    task.restored[name] = target


def _announce_database(task: RestoreTask, changes: Changes, row: Dict[str, Any]) -> None:
    """Add the restore of the database *row* to *changes*. Raises DatabaseError for one that cannot be restored so."""
    database = create_database(row["name"], row["kind"], row["options"])
    if task.ask.databases == NEW_NAME:
        database.check_copy()
    what = "restore database %s of %s from %s (%s)" % (
        database.name,
        task.application.name,
        task.backup.identifier,
        task.ask.databases,
    )
    changes.add(what, database.name, None, task.backup.identifier)


def _apply_restore(
    task: RestoreTask, absent: Sequence[str], found: Dict[str, Dict[str, str]], rows: Sequence[Dict[str, Any]]
) -> None:
    for name in absent:
        refused = restore_layer(task.backup, task.get_layer(name), task.get_target(name), task.engine)
        task.note_refused(name, refused)
    if task.generation is not None and ENVIRONMENT in absent:
        _record_generation(task, task.get_target(ENVIRONMENT))
    if task.differences or rows:
        replace_live(task, found, rows)
    task.state.append_event(
        task.ask.options.run,
        "restored",
        backup=task.backup.identifier,
        layers=sorted(task.restored),
        databases=task.databases,
    )


def _restore_to_scratch(task: RestoreTask, layers: Sequence[str], changes: Changes) -> None:
    scratch = str(task.ask.scratch)
    if os.path.lexists(scratch) and (not task.ask.check_mode or os.listdir(scratch)):
        raise BackupError("%s exists already; nothing was changed. Set `scratch` to a new directory" % scratch)
    names = [name for name in layers if task.get_layer(name).entries]
    for name in names:
        _announce_layer(task, changes, name, None)
    if task.ask.check_mode:
        return
    os.mkdir(scratch, 0o700)
    sync_directory(os.path.dirname(os.path.abspath(scratch)))
    for name in names:
        refused = restore_layer(task.backup, task.get_layer(name), task.get_target(name), task.engine)
        task.note_refused(name, refused)
    task.state.append_event(
        task.ask.options.run, "restored", backup=task.backup.identifier, layers=names, scratch=scratch
    )


def _record_generation(task: RestoreTask, path: str) -> None:
    """Record the generation that exists again, so that it can be promoted."""
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
