# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries a lock beside the live environment: finds imports, tests and sources that fail in it and worked before."""

import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import require_unclaimed
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import (
    SCRATCH,
    TRIAL,
    list_directories,
    read_directory_record,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    read_configuration,
    resolve_builder,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import run_in_environment
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import reload_cargo
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import (
    EnvironmentOrder,
    prepare_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._memory import (
    TrialMemory,
    build_subject_key,
    build_trial_key,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._output import (
    extract_errors,
    list_traceback_paths,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._probe import ProbeRequest, probe_environment
from ansible_collections.oxzep7.python.plugins.module_utils._generation._proof import run_tests
from ansible_collections.oxzep7.python.plugins.module_utils._generation._removal import Directories
from ansible_collections.oxzep7.python.plugins.module_utils._generation._workplace import (
    Workplace,
    open_workplace,
    resolve_build_accounts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    find_entry_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_left_out

# How pytest, and unittest, name what failed.
FAILED_TEST_NAME = re.compile(r"^(?:FAILED|ERROR) (\S+)|^(?:FAIL|ERROR): (.+)$", re.MULTILINE)
# Names of scratch environments begin with it, and end with the minor version.
TRIAL_PREFIX = ".rehearsal-"
BENCHMARK_ROUNDS = 3
BENCHMARK_TIMEOUT = 900.0


class TrialRequest(NamedTuple):
    """The parts of a trial: modules to import (None: every one), whether to run the tests, and benchmarks."""

    modules: Optional[List[str]]
    tests: bool
    benchmarks: List[List[str]]


def _get_trial_directory(application: Application, version: str) -> str:
    return os.path.join(application.generations_directory(), TRIAL_PREFIX + ".".join(version.split(".")[:2]))


def find_trial(application: Application, version: str) -> Tuple[str, Identity]:
    """The scratch environment of *application* for *version*, and the account that proves it.

    Raises BuildError if there is none, OSError.
    """
    path = _get_trial_directory(application, version)
    _builder, user = resolve_build_accounts(application)
    own = read_directory_record(path)
    if own is None or own.kind != TRIAL or not os.path.isfile(os.path.join(path, "pyvenv.cfg")):
        raise BuildError("%s is not the environment of a trial; try a lock first" % path)
    return path, user


def _list_trial_directories(application: Application) -> List[str]:
    directory = application.generations_directory()
    names = [name for name in list_directories(directory) if name.startswith(TRIAL_PREFIX)]
    return [os.path.join(directory, name) for name in names]


def remove_trials(
    application: Application, state: ApplicationState, run: str, check_mode: bool, changes: Changes
) -> Dict[str, str]:
    """Remove the scratch environments of trials; returns those that stay, with the reason.

    Raises IdentityError, LeaseHeldError, OSError.
    """
    kept: Dict[str, str] = {}
    paths = _list_trial_directories(application)
    if not paths:
        return kept
    directories = Directories(application, state, resolve_builder(application), run)
    with state.hold_lease(run, only_look=check_mode):
        for path in paths:
            reason = directories.find_reason(path) if check_mode else directories.remove(path)
            if reason:
                kept[path] = reason
            else:
                changes.add("remove %s" % path, path, "present", "absent")
    return kept


def plan_trial(application: Application, order: EnvironmentOrder, changes: Changes) -> Dict[str, Any]:
    """The result of `run_trial` in check mode: nothing is tried."""
    action = "try lock %s for %s" % (order.lock_id[:12], application.name)
    changes.add(action, application.name, None, order.version)
    return {
        "failures": {},
        "tests": {},
        "sources": {},
        "owners": {},
        "modules": 0,
        "gone": [],
        "untried": [],
        "tried": 0,
        "benchmarks": [],
        "known": "",
    }


def run_trial(
    application: Application, state: ApplicationState, order: EnvironmentOrder, request: TrialRequest
) -> Dict[str, Any]:
    """Install *order* in a scratch environment and try it.

    Returns new failures by name, each with ``text``, ``frames`` and ``missing``: of imports in ``failures``, of
    ``tests``, and of compilation in ``sources``; also ``owners`` (package by module, before and now), ``modules``
    (how many can be imported), ``gone`` (requested modules that do not exist), ``tried`` (number of imports),
    ``untried`` (what was not tried, by reason) and ``benchmarks``. What passed before and still counts is not tried
    again; ``known`` has the reason.
    Raises BuildError, CommandError, IdentityError, LeaseHeldError, OSError.
    """
    path = _get_trial_directory(application, order.version)
    place = open_workplace(application, state, order, path, path + ".building")
    user = place.user
    with state.hold_lease(order.run):
        require_unclaimed(application, state)
        memory = TrialMemory(application, state, order.run)
        # The environment itself is wanted for benchmarks, and for a start.
        whole = request.modules is None and request.tests and not request.benchmarks and not application.start
        subject = build_subject_key(application, order.probe) if whole else None
        key = build_trial_key(application, order, subject)
        passed = _find_passed(state, order, memory, key, subject) if whole else None
        if passed:
            return passed
        _install_trial(place)
        left_out = parse_left_out(order.lock or "")
        asked = ProbeRequest(order.probe, request.modules, request.tests, left_out)
        found = probe_environment(application, path, user, asked, failing=memory.failing)
        tests = _find_new_test_failures(application, path, user) if request.tests and not found.failures else {}
        benchmarks = [_compare_benchmark(application, path, user, command) for command in request.benchmarks]
        if not found.failures and not tests and not found.sources:
            memory.note_passed(key, {"modules": found.modules, "untried": found.untried, "tried": found.tried})
        memory.save()
        return {
            "failures": found.failures,
            "tests": tests,
            "sources": found.sources,
            "owners": found.owners,
            "modules": found.modules,
            "gone": found.gone,
            "untried": found.untried,
            "tried": found.tried,
            "benchmarks": benchmarks,
            "known": "",
        }


def _find_passed(
    state: ApplicationState, order: EnvironmentOrder, memory: TrialMemory, key: Optional[str], subject: Optional[str]
) -> Optional[Dict[str, Any]]:
    """The result of a trial of *order* that was done before, or that the proof of a generation stands for, or None.

    A proof counts while *subject*, what it was about, is the same.
    """
    found = memory.find_passed(key)
    known = "an earlier trial of this lock passed"
    if found is None and order.cargo is None and subject is not None:
        for entry in state.read()["generations"]:
            made_of = (entry.get("lock"), entry.get("interpreter"), entry.get("python"), entry.get("proved"))
            whole = entry.get("complete") and not entry.get("local") and os.path.isdir(entry["path"])
            if whole and made_of == (order.lock_id, order.interpreter, order.version, subject):
                found = {"modules": 0, "untried": entry.get("untried") or [], "tried": 0}
                known = "generation %s was proved with this lock" % entry["id"]
    if found is None:
        return None
    empty: Dict[str, Any] = {"failures": {}, "tests": {}, "sources": {}, "owners": {}, "gone": [], "benchmarks": []}
    return dict(empty, known=known, **found)


def _install_trial(place: Workplace) -> None:
    builder, order = place.builder, place.order
    directory = place.application.generations_directory()
    controller = find_entry_controller(place.application.environment)
    call_as_identity(controller, prepare_directory, directory, builder.uid, builder.gid)
    if not order.uv or not _is_made_with(place.path, order):
        reason = place.directories.remove(place.path)
        if reason:
            raise BuildError("%s cannot be used for a trial: %s; move it away" % (place.path, reason))
    for path, kind in ((place.scratch, SCRATCH), (place.path, TRIAL)):
        if not os.path.isdir(path):
            place.directories.create(path, kind)
        else:
            place.directories.hold(path)
        own = read_directory_record(path)
        if own is None or own.kind != kind or own.place != place.directories.place:
            raise BuildError(
                "%s cannot be used for a trial: it has no record that says it is for one of %s; move it away"
                % (path, place.application.environment)
            )
    if not os.path.isfile(os.path.join(place.path, "pyvenv.cfg")):
        place.create_environment()
    place.install_lock(order.lock or "")
    if order.cargo:
        place.load_cargo(reload_cargo)


def _is_made_with(path: str, order: EnvironmentOrder) -> bool:
    try:
        return os.path.realpath(read_configuration(path).get("home", "")) == os.path.realpath(
            os.path.dirname(order.interpreter)
        )
    except BuildError:
        return False


def _parse_failed_tests(results: List[CommandResult]) -> Dict[str, Dict[str, Any]]:
    """The failed tests by name; a command without names of tests has its own words for a name."""
    if not results or results[-1].rc == 0:
        return {}
    text = results[-1].stdout + "\n" + results[-1].stderr
    names = sorted({first or second for first, second in FAILED_TEST_NAME.findall(text)}) or [" ".join(results[-1].cmd)]
    command = results[-1].cmd
    runner = command[command.index("-m") + 1] if "-m" in command[:-1] else os.path.basename(command[0])
    failure = {"text": extract_errors(text), "frames": list_traceback_paths(text), "missing": None, "runner": runner}
    return {name: failure for name in names}


def _find_new_test_failures(application: Application, path: str, user: Identity) -> Dict[str, Dict[str, Any]]:
    failed = _parse_failed_tests(run_tests(application, path, user))
    before = _parse_failed_tests(run_tests(application, application.environment, user)) if failed else {}
    return {name: failure for name, failure in failed.items() if name not in before}


def _compare_benchmark(application: Application, path: str, user: Identity, command: List[str]) -> Dict[str, Any]:
    """The shortest of three runs of *command* in the live environment and in *path*, in turn, in seconds."""
    best: Dict[str, float] = {}
    for _round in range(BENCHMARK_ROUNDS):
        for environment in (application.environment, path):
            started = time.monotonic()
            done = run_in_environment(application, environment, command, user, BENCHMARK_TIMEOUT)
            if done.rc != 0:
                raise BuildError(
                    "benchmark %r ended with %d in %s: %s"
                    % (" ".join(command), done.rc, environment, done.last_lines(5))
                )
            best[environment] = min(best.get(environment, float("inf")), time.monotonic() - started)
    before, after = best[application.environment], best[path]
    return {
        "command": command,
        "before": round(before, 3),
        "after": round(after, 3),
        "ratio": round(after / max(before, 0.01), 3),
    }
