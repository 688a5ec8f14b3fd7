# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill: a backup is restored to a scratch directory, and its content is put to use there."""

import contextlib
import os
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import IMPORT_TIMEOUT, run_in_environment
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._backup._check import (
    check_backup,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._compare import (
    compare_layer,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._inside import run_in_namespace
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import (
    DATABASES,
    ENVIRONMENT,
    GIT,
    INTERPRETER,
    SOURCE,
    BackupError,
    find_interpreter_prefix,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import (
    restore_layer,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import check_space
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    SavedDump,
    describe_row_difference,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import create_database
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _imports
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import create_scratch, get_scratch_root
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _installed

# Run by the restored interpreter as the application's user, who owns the pickle.
UNPICKLE_SCRIPT = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
VERSION_SCRIPT = "import platform; print(platform.python_version())"
SHOWN_PROBLEMS = 20


class DrillSubject(NamedTuple):
    """The backup, the application that it is of, and the engine that reads it."""

    application: Application
    backup: Backup
    engine: BackupEngine


class DrillNotes:
    """The notes of a drill: problems that fail it, what it proved and could not try, and the seconds of each phase."""

    def __init__(self) -> None:
        self.problems: List[str] = []
        self.proven: List[str] = []
        self.untried: List[str] = []
        self.phases: Dict[str, float] = {}

    @contextlib.contextmanager
    def time_phase(self, name: str) -> Iterator[None]:
        """Note the seconds of the block under *name*."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(time.monotonic() - began, 3)


def run_drill(subject: DrillSubject, foreign: bool) -> Dict[str, Any]:
    """Restore everything of *subject*, prove it, and remove it; returns the outcome for the record.

    Raises BackupError if space is lacking, IdentityError, OSError.
    """
    began = time.monotonic()
    application, backup = subject.application, subject.backup
    notes = DrillNotes()
    layers = {name: layer for name, layer in backup.layers.items() if layer.entries}
    check_space(get_scratch_root(), sum(_measure_content(layer) for layer in layers.values()))
    try:
        with notes.time_phase("damage"):
            check_backup(backup, application.name, list(layers), foreign, subject.engine)
    except BackupError as error:
        notes.problems.append(str(error))
        return _make_outcome(notes, began, 0.0)
    with create_scratch(get_current_identity()) as scratch:
        # The application's user must be able to enter it, because the content is the application's.
        os.chmod(scratch, 0o711)
        _restore_layers(subject, layers, scratch, notes)
        recovery = time.monotonic() - began
        if DATABASES in layers:
            with notes.time_phase("databases"):
                _load_dumps(subject, layers[DATABASES], os.path.join(scratch, DATABASES), notes)
        if ENVIRONMENT in layers:
            with notes.time_phase("application"):
                _try_environment(subject, layers, scratch, notes)
        if GIT in layers:
            _check_bundle(os.path.join(scratch, GIT, "all.bundle"), notes)
    for name, layer in backup.layers.items():
        if "reference" in layer.about and not os.path.isdir(layer.path):
            notes.problems.append(
                "%s: %s is gone, and must be fetched from %s first"
                % (name, layer.path, layer.about["reference"]["url"])
            )
    return _make_outcome(notes, began, recovery + notes.phases.get("databases", 0.0))


def _restore_layers(subject: DrillSubject, layers: Dict[str, Layer], scratch: str, notes: DrillNotes) -> None:
    """Restore *layers* into *scratch*, and compare them there. Raises BackupError, OSError."""
    with notes.time_phase("restore"):
        for name, layer in layers.items():
            refused = restore_layer(subject.backup, layer, os.path.join(scratch, name), subject.engine)
            for attribute, reason in refused.items():
                notes.problems.append("%s: %s was not restored: %s" % (name, attribute, reason))
    with notes.time_phase("compare"):
        for name, layer in layers.items():
            wrong = compare_layer(layer, os.path.join(scratch, name))
            for path, text in sorted(wrong.items())[:SHOWN_PROBLEMS]:
                notes.problems.append("%s: %s %s" % (name, path or "the directory itself", text))
    count = sum(len(layer.entries) for layer in layers.values())
    notes.proven.append("%d entries of %d layers are equal to the backup" % (count, len(layers)))


def _measure_content(layer: Layer) -> int:
    """Bytes of all files of *layer*."""
    return sum(entry.size for entry in layer.entries)


def _make_outcome(notes: DrillNotes, began: float, recovery: float) -> Dict[str, Any]:
    return {
        "time": get_timestamp(),
        "passed": not notes.problems,
        "problems": notes.problems[:SHOWN_PROBLEMS],
        "proven": notes.proven,
        "untried": notes.untried,
        "phases": notes.phases,
        "recovery_seconds": round(recovery, 3),
        "seconds": round(time.monotonic() - began, 3),
    }


def _load_dumps(subject: DrillSubject, layer: Layer, directory: str, notes: DrillNotes) -> None:
    """Load every dump into a scratch server or file, and compare the rows of each table."""
    user = subject.application.resolve_account()
    tables = 0
    for row in layer.about["databases"]:
        try:
            database = create_database(row["name"], row["kind"], row["options"])
            path = os.path.join(directory, row["file"])
            found = database.prove_dump(SavedDump(path, row["rows"], subject.application.name, user))
        except (CollectionError, OSError) as error:
            notes.problems.append("database %s: %s" % (row["name"], error))
            continue
        wrong = describe_row_difference(row["rows"], found)
        if wrong:
            notes.problems.append("database %s: %s" % (row["name"], wrong))
        unproven = database.describe_unproven(row["rows"])
        if unproven:
            notes.untried.append(unproven)
        tables += len(found)
    notes.proven.append("%d tables of %d databases have their rows" % (tables, len(layer.about["databases"])))


def _check_bundle(path: str, notes: DrillNotes) -> None:
    if os.path.exists(path) and os.path.getsize(path):
        done = run_command(["git", "bundle", "list-heads", path], IMPORT_TIMEOUT)
        if done.rc != 0:
            notes.problems.append("git: the bundle cannot be read: %s" % done.last_lines(2))


def _try_environment(subject: DrillSubject, layers: Dict[str, Layer], scratch: str, notes: DrillNotes) -> None:
    """Mount the restored environment, interpreter and source at their paths, and use them as the application's user."""
    application = subject.application
    places = [(os.path.join(scratch, ENVIRONMENT), os.path.realpath(application.environment))]
    places += [(os.path.join(scratch, name), layers[name].path) for name in (INTERPRETER, SOURCE) if name in layers]
    there = [(source, target) for source, target in places if os.path.isdir(target)]
    try:
        # A module that cannot be imported in the live environment either is no fault of the backup.
        before = _imports.find_import_failures(
            application.environment,
            _installed.list_top_level_modules(application.environment),
            application.resolve_account(),
            IMPORT_TIMEOUT,
        )
        answer = run_in_namespace(there, lambda problem: _run_proofs(subject, layers, scratch, problem, sorted(before)))
    except (RuntimeError, IdentityError, OSError) as error:
        notes.problems.append("environment: %s" % error)
        return
    notes.problems += answer["problems"]
    notes.proven += answer["proven"]
    notes.untried += answer["untried"]


def _run_proofs(
    subject: DrillSubject, layers: Dict[str, Layer], scratch: str, problem: Optional[str], before: List[str]
) -> Dict[str, List[str]]:
    """The notes of using the restored parts: at their paths, or, with a *problem*, in *scratch*.

    The modules *before* cannot be imported in the live environment either.
    """
    notes = DrillNotes()
    application = subject.application
    if problem or not os.path.isdir(application.environment):
        environment = os.path.join(scratch, ENVIRONMENT)
        notes.untried.append("the restored environment at its own path: %s" % (problem or "that path does not exist"))
        if application.source and SOURCE in layers:
            application = application._replace(source=os.path.join(scratch, SOURCE))
    else:
        environment = application.environment
    user = application.resolve_account()
    _run_interpreter(subject, environment, user, notes)
    if not notes.problems:
        names = _installed.list_top_level_modules(environment)
        failures = _imports.find_import_failures(environment, names, user, IMPORT_TIMEOUT)
        failed = {name: failure for name, failure in failures.items() if name not in before}
        for name, failure in sorted(failed.items())[:SHOWN_PROBLEMS]:
            notes.problems.append("import %s: %s" % (name, failure["text"]))
        notes.proven.append("%d modules can be imported" % (len(names) - len(failed) - len(set(before) & set(names))))
        _run_commands(application, environment, user, notes)
    return {"problems": notes.problems, "proven": notes.proven, "untried": notes.untried}


def _run_interpreter(subject: DrillSubject, environment: str, user: Identity, notes: DrillNotes) -> None:
    words = [os.path.join(environment, "bin", "python"), "-I", "-c", VERSION_SCRIPT]
    done = run_in_environment(subject.application, environment, words, user, IMPORT_TIMEOUT)
    version, expected = done.stdout.strip(), subject.backup.about["python"]
    if done.rc != 0:
        notes.problems.append("the restored interpreter: %s" % done.last_lines(2))
    elif version != expected:
        notes.problems.append("the restored interpreter: it is %s, not %s" % (version, expected))
    else:
        prefix = find_interpreter_prefix(environment) or "the operating system"
        notes.proven.append("Python %s runs from %s" % (version, prefix))


def _run_commands(application: Application, environment: str, user: Identity, notes: DrillNotes) -> None:
    asked: List[Tuple[str, List[str]]] = (
        [("drill.command", list(application.drill.command))] if application.drill.command else []
    )
    asked += [("reading %s" % path, ["python", "-c", UNPICKLE_SCRIPT, path]) for path in application.drill.pickles]
    asked += [("drill.reads", command) for command in application.drill.reads]
    for what, command in asked:
        done = run_in_environment(application, environment, command, user, application.drill.timeout)
        if done.rc != 0:
            notes.problems.append("%s: %s ended with %d: %s" % (what, " ".join(command), done.rc, done.last_lines(3)))
        else:
            notes.proven.append("%s succeeded" % what)
