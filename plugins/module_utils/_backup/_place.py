# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each layer of a backup belongs on this host, and what becomes of it."""

import os
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import Application
from ansible_collections.oxzep7.python.plugins.module_utils._backup._layers import ENVIRONMENT
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Backup
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import SHOWN, differences, restore
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._state import ApplicationState, generation_of, now


class Task:
    """One restore: what is asked, and what came of it."""

    def __init__(self, application: Application, state: ApplicationState, backup: Backup, scratch: Optional[str], check_mode: bool, run: str) -> None:
        self.application = application
        self.state = state
        self.backup = backup
        self.scratch = scratch
        self.check_mode = check_mode
        self.run = run
        self.restored: Dict[str, str] = {}
        self.differences: Dict[str, List[str]] = {}
        self.not_given: Dict[str, Dict[str, str]] = {}
        self.generation: Optional[str] = None


def _target(task: Task, record: Dict[str, Any], name: str) -> str:
    """Where the layer *name* belongs: once the live path is a symlink, an environment is a generation."""
    if name == ENVIRONMENT and record["current"] is not None:
        return task.application.generation_path(str(task.backup.about["generation"]))
    return task.backup.layers[name].path


def put_back(task: Task, layers: Sequence[str], changes: Changes) -> None:
    """Put *layers* back to their places, or to the task's scratch directory. The lease must be held. Raises BackupError, OSError."""
    record = task.state.read()
    targets = {name: os.path.join(task.scratch, name) if task.scratch else _target(task, record, name) for name in layers}
    waiting = []
    for name, target in targets.items():
        if os.path.isdir(target) and not task.scratch:
            found = differences(task.backup.layers[name], os.path.realpath(target))
            if found:
                task.differences[name] = found[:SHOWN]
        else:
            waiting.append(name)
    if task.differences:
        raise BackupError("%s differs from backup %s: %s; nothing was changed. Move it away, or restore to `scratch`" % (
            ", ".join(targets[name] for name in task.differences), task.backup.identifier,
            "; ".join(line for lines in task.differences.values() for line in lines[:3])))
    if task.scratch and os.path.lexists(task.scratch) and (not task.check_mode or os.listdir(task.scratch)):
        raise BackupError("%s is there already; nothing was changed. Name a directory that is not" % task.scratch)
    for name in waiting:
        changes.add("restore %s of %s from %s" % (name, task.application.name, task.backup.identifier), targets[name], None, task.backup.identifier)
        task.restored[name] = targets[name]
    if ENVIRONMENT in waiting and not task.scratch and record["current"] is not None:
        task.generation = str(task.backup.about["generation"])
    if not task.check_mode and waiting:
        _do(task, record, waiting, targets)


def _do(task: Task, record: Dict[str, Any], waiting: Sequence[str], targets: Dict[str, str]) -> None:
    if task.scratch:
        os.mkdir(task.scratch, 0o700)
        sync_directory(os.path.dirname(os.path.abspath(task.scratch)))
    for name in waiting:
        refused = restore(task.backup, task.backup.layers[name], targets[name])
        if refused:
            task.not_given[name] = refused
    if task.generation is not None:
        _record(task, record, targets[ENVIRONMENT])
    task.state.event(task.run, "restored", backup=task.backup.identifier, layers=list(waiting), scratch=task.scratch)


def _record(task: Task, record: Dict[str, Any], path: str) -> None:
    """Have the generation that is back in the record, so that it can be promoted."""
    known = generation_of(record, task.generation)
    entry = known or {"id": task.generation, "path": path, "python": task.backup.about["python"], "origin": "restored", "lock": None, "created": now(),
                      "target": os.path.relpath(path, os.path.dirname(task.application.environment))}
    generations = [other for other in record["generations"] if other["id"] != task.generation]
    task.state.write(dict(record, generations=generations + [dict(entry, complete=True)]))
