# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries a lock beside the live environment: what is imported and tested in it, and did work before. Nothing that is live is touched."""

import json
import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    has_system_site,
    read_configuration,
    resolve_builder,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import IMPORT_TIMEOUT, run_in_environment
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _carry
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import (
    find_new_import_failures,
    make_cargo_arguments,
    resolve_build_accounts,
    run_as_builder,
    run_tests,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import (
    EnvironmentOrder,
    create_environment,
    prepare_directory,
    remove_tree,
    sync_environment,
    write_lock,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
    call_as_identity,
    find_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _installed

# How pytest, and unittest, name what failed.
FAILED_TEST_NAME = re.compile(r"^(?:FAILED|ERROR) (\S+)|^(?:FAIL|ERROR): (.+)$", re.MULTILINE)
TRACEBACK_PATH = re.compile(r"(?:File \"|^)(\S+?\.py)(?:\", line|:)\d*", re.MULTILINE)
ERROR_LINE = re.compile(r"^E  |\b\w*(?:Error|Exception)\b(?!.*Warning)|^(?:FAILED|ERROR)\b")
MAX_ERROR_LINES = 30
# Run by the interpreter under test: says which files below a directory it cannot compile, and writes nothing.
COMPILE_SCRIPT = """
import json, os, sys, tokenize, warnings
warnings.simplefilter("ignore")
failed = {}
for folder, below, names in os.walk(sys.argv[1]):
    below[:] = [name for name in below if not name.startswith(".") and name not in ("node_modules", "site-packages", "__pycache__")
                and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))]
    for name in names:
        if name.endswith(".py"):
            path = os.path.join(folder, name)
            try:
                with tokenize.open(path) as stream:
                    compile(stream.read(), path, "exec", 0, True)
            except (SyntaxError, ValueError, UnicodeError) as error:
                failed[os.path.relpath(path, sys.argv[1])] = "%s: %s" % (type(error).__name__, error)
            except OSError:
                continue
json.dump(failed, sys.stdout)
"""
# Names of scratch environments begin with it, and end with the minor version.
TRIAL_PREFIX = ".rehearsal-"
BENCHMARK_ROUNDS = 3
MAX_TEST_FRAMES = 40
BENCHMARK_TIMEOUT = 900.0


class TrialRequest(NamedTuple):
    """What a trial is asked: which modules (None: every one), whether the tests run, and whether benchmarks do."""

    modules: Optional[List[str]]
    tests: bool
    benchmarks: List[List[str]]


def _get_trial_directory(application: Application, version: str) -> str:
    return os.path.join(application.generations_directory(), TRIAL_PREFIX + ".".join(version.split(".")[:2]))


def _list_trial_directories(application: Application) -> List[str]:
    directory = application.generations_directory()
    if not os.path.isdir(directory):
        return []
    names = [name for name in sorted(os.listdir(directory)) if name.startswith(TRIAL_PREFIX)]
    return [os.path.join(directory, name) for name in names]


def remove_trials(application: Application, check_mode: bool, changes: Changes) -> None:
    """Remove the scratch environments of trials. Raises IdentityError, OSError."""
    for path in _list_trial_directories(application):
        if not check_mode:
            call_as_identity(resolve_builder(application), remove_tree, path)
        changes.add("remove %s" % path, path, "present", "absent")


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
        "benchmarks": [],
    }


def run_trial(
    application: Application, state: ApplicationState, order: EnvironmentOrder, ask: TrialRequest
) -> Dict[str, Any]:
    """Install *order* in a scratch environment and try it.

    Returns ``failures``, ``tests`` and ``sources`` (files that do not compile) that are new (text, frames, missing), ``owners`` (package by
    module, before and now), ``modules`` (how many were imported), ``gone`` (those asked for that are not there) and ``benchmarks``.
    Raises BuildError, CommandError, IdentityError, LeaseHeld, OSError.
    """
    shared = has_system_site(read_configuration(application.environment))
    builder, user = resolve_build_accounts(application)
    path = _get_trial_directory(application, order.version)
    with state.hold_lease(order.run):
        _install_trial(application, order, path, shared, builder)
        there = _installed.map_module_owners(path)
        failures = find_new_import_failures(
            application.environment,
            path,
            [name for name in sorted(there) if ask.modules is None or name in ask.modules],
            user,
            alone=ask.modules is not None,
        )
        owners = dict(_installed.map_module_owners(application.environment), **there)
        sources = _find_new_compile_failures(application, path, user) if ask.tests else {}
        tests = _find_new_test_failures(application, path, user) if ask.tests and not failures else {}
        return {
            "failures": failures,
            "tests": tests,
            "sources": sources,
            "owners": owners,
            "modules": len(there),
            "gone": sorted(set(ask.modules or []) - set(there)),
            "benchmarks": [_compare_benchmark(application, path, user, command) for command in ask.benchmarks],
        }


def _install_trial(
    application: Application, order: EnvironmentOrder, path: str, shared: bool, builder: Identity
) -> None:
    directory = application.generations_directory()
    scratch = path + ".building"
    lock, cache = os.path.join(scratch, "lock.txt"), os.path.join(scratch, "cache")
    call_as_identity(
        find_controller(os.path.dirname(directory)), prepare_directory, directory, builder.uid, builder.gid
    )
    if not order.uv or not _is_made_with(path, order):
        call_as_identity(builder, remove_tree, path)
    if not os.path.isdir(scratch):
        call_as_identity(builder, os.mkdir, scratch)
    call_as_identity(builder, write_lock, lock, order.lock or "")
    if not os.path.isdir(path):
        create_environment(order, path, cache, shared, builder)
    sync_environment(order, path, lock, cache, builder)
    if order.cargo:
        run_as_builder(
            builder, _carry.reload_cargo, order.cargo, *make_cargo_arguments(application.environment, path, order)
        )


def _is_made_with(path: str, order: EnvironmentOrder) -> bool:
    try:
        return os.path.realpath(read_configuration(path).get("home", "")) == os.path.realpath(
            os.path.dirname(order.interpreter)
        )
    except BuildError:
        return False


def _find_uncompilable(application: Application, environment: str, user: Identity) -> Dict[str, str]:
    python = os.path.join(environment, "bin", "python")
    done = run_command(
        [python, "-I", "-c", COMPILE_SCRIPT, application.source or "/nowhere"],
        IMPORT_TIMEOUT,
        user,
        environment=build_process_environment(user),
    )
    if done.rc != 0:
        raise BuildError("%s could not be compiled with %s: %s" % (application.source, python, done.last_lines(3)))
    return dict(json.loads(done.stdout))


def _find_new_compile_failures(application: Application, path: str, user: Identity) -> Dict[str, Dict[str, Any]]:
    """The files of the source that the new interpreter does not compile, and the live one does."""
    failed = _find_uncompilable(application, path, user) if application.source else {}
    before = _find_uncompilable(application, application.environment, user) if failed else {}
    return {name: {"text": text, "frames": [], "missing": None} for name, text in failed.items() if name not in before}


def _parse_failed_tests(results: List[CommandResult]) -> Dict[str, Dict[str, Any]]:
    """The tests that failed, by name; a command that names none is called by its words."""
    if not results or results[-1].rc == 0:
        return {}
    text = results[-1].stdout + "\n" + results[-1].stderr
    names = sorted({first or second for first, second in FAILED_TEST_NAME.findall(text)}) or [" ".join(results[-1].cmd)]
    command = results[-1].cmd
    runner = command[command.index("-m") + 1] if "-m" in command[:-1] else os.path.basename(command[0])
    failure = {
        "text": _extract_errors(text),
        "frames": TRACEBACK_PATH.findall(text)[-MAX_TEST_FRAMES:],
        "missing": None,
        "runner": runner,
    }
    return {name: failure for name in names}


def _extract_errors(text: str) -> str:
    """The lines of a test's output that say what went wrong: those that name an error; the last ones where none does."""
    lines = text.strip().splitlines()
    errors = [line.strip() for line in lines if ERROR_LINE.search(line)]
    return "\n".join(errors[-MAX_ERROR_LINES:] or lines[-MAX_ERROR_LINES:])


def _find_new_test_failures(application: Application, path: str, user: Identity) -> Dict[str, Dict[str, Any]]:
    failed = _parse_failed_tests(run_tests(application, path, user))
    before = _parse_failed_tests(run_tests(application, application.environment, user)) if failed else {}
    return {name: failure for name, failure in failed.items() if name not in before}


def _compare_benchmark(application: Application, path: str, user: Identity, command: List[str]) -> Dict[str, Any]:
    """The shortest of three runs of *command* in the live environment and in *path*, in turn; seconds, and their ratio."""
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
