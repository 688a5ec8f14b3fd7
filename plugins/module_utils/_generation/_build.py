# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a generation beside the live environment and proves that it imports and passes its tests."""

import contextlib
import inspect
import os
import re
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    has_system_site,
    read_configuration,
    read_python_version,
    resolve_builder,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import IMPORT_TIMEOUT, run_in_environment
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, get_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation import (
    _carry,
    _compile,
    _imports,
    _likeness,
    _tiers,
    _vendor,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import (
    INSTALL_TIMEOUT,
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
    can_become,
    find_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandError,
    CommandResult,
    RunningCommand,
    require_success,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _installed, _lockfile
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import settle_promotion

# No service imports these, and of the compilation of many environments they are a third.
INSTALLERS = ("pip", "setuptools", "wheel")
# How Python, and pytest after it, print what will not work in a later version.
DEPRECATION_WARNING = re.compile(r"^\s*(\S+:\d+): (?:Pending)?DeprecationWarning: (.+)$", re.MULTILINE)
MAX_DEPRECATIONS = 100


def _start_consistency_check(order: EnvironmentOrder, path: str, cache: str, user: Identity) -> RunningCommand:
    python = os.path.join(path, "bin", "python")
    command = [python, "-m", "pip", "check"]
    if order.uv:
        # The cache knows the interpreter, and is the builder's.
        remembered = (
            ["--cache-dir", cache]
            if os.access(cache, os.W_OK) and os.stat(cache).st_uid == user.uid
            else ["--no-cache"]
        )
        command = [order.uv, "pip", "check", "--no-config", "--offline"] + remembered + ["--python", python]
    return RunningCommand(command, user, environment=build_process_environment(user))


def find_new_import_failures(
    live: str, path: str, names: Iterable[str], user: Identity, alone: bool = False, heard: Optional[Set[str]] = None
) -> Dict[str, _imports.ImportFailure]:
    """Modules among *names* that cannot be imported in *path* (*alone*: each by itself) though they can in *live*, or are not there.

    Deprecation warnings that imports in *path* meet are added to *heard*.
    """
    failed = _imports.find_import_failures(path, list(names), user, IMPORT_TIMEOUT, alone, heard)
    if not failed:
        return {}
    known = set(_installed.list_top_level_modules(live))
    before = _imports.find_import_failures(live, [name for name in failed if name in known], user, IMPORT_TIMEOUT)
    return {name: failure for name, failure in failed.items() if name not in before}


def resolve_build_accounts(application: Application) -> Tuple[Identity, Identity]:
    """Who builds the generations, and who proves them. Raises BuildError where this process cannot act as both."""
    builder, user = resolve_builder(application), application.resolve_account()
    for who in (builder, user):
        if not can_become(who):
            raise BuildError("%s can only be built and tested by %s; run with become" % (application.name, who.name))
    return builder, user


def run_tests(application: Application, path: str, user: Identity) -> List[CommandResult]:
    """Run the application's tests in the environment *path*, stopping at the first that fails."""
    results: List[CommandResult] = []
    for command in application.tests:
        results.append(run_in_environment(application, path, command, user, application.tests_timeout))
        if results[-1].rc != 0:
            break
    return results


class _BackgroundCompiler:
    """Compiles the modules of a generation, but its installers, with the time that others leave, and clears the scratch directory in the end.

    The base interpreter does it, without the generation's ``site``: its ``.pth`` files must not run as the builder. The proof imports in alphabetical order
    and compiles what it meets, so this starts at the other end. Unless it must be *complete*, it leaves a busy host alone, and what is not compiled in the end
    is left to who imports it.
    """

    def __init__(self, interpreter: str, path: str, scratch: str, builder: Identity, complete: bool) -> None:
        entries = [
            os.path.join(site, entry)
            for site in _installed.find_site_packages(path)
            for entry in sorted(os.listdir(site), reverse=True)
            if entry not in INSTALLERS
        ]
        # Not every file of every package compiles on every Python; what is needed is imported later, so the status does not matter.
        script = 'scratch=$1; shift; "$@" >/dev/null 2>&1; cat; rm -rf "$scratch"'
        told, self._tell = os.pipe()
        try:
            load = "all" if complete else str(os.cpu_count() or 1)
            command = [
                "/bin/sh",
                "-c",
                script,
                "sh",
                scratch,
                interpreter,
                "-I",
                "-S",
                "-c",
                inspect.getsource(_compile),
                load,
            ]
            self._running = RunningCommand(command + entries, builder, source=told)
        finally:
            os.close(told)

    def stop_and_wait(self) -> None:
        """Tell it that the proof has ended, and wait for it. Raises CommandError."""
        os.close(self._tell)
        require_success("finish", self._running.wait(INSTALL_TIMEOUT))


class _ProofError(BuildError):
    """A generation whose packages do not fit together, or of which *modules* do not import."""

    def __init__(self, text: str, details: Dict[str, Any], modules: Sequence[str]) -> None:
        super().__init__(text, details)
        self.modules = modules


class _EnvironmentCheck(NamedTuple):
    """What a look at an environment that is only partly installed found: the tier, whether packages fit together, and what does not import."""

    tier: str
    consistent: CommandResult
    failed: Dict[str, _imports.ImportFailure]


def _check_environment(
    application: Application,
    order: EnvironmentOrder,
    path: str,
    cache: str,
    user: Identity,
    tier: str,
    names: Iterable[str],
    heard: Set[str],
) -> _EnvironmentCheck:
    checking = _start_consistency_check(order, path, cache, user)
    failed = find_new_import_failures(application.environment, path, names, user, heard=heard)
    return _EnvironmentCheck(tier, checking.wait(IMPORT_TIMEOUT), failed)


def _check_tiers(
    application: Application,
    order: EnvironmentOrder,
    path: str,
    scratch: str,
    shared: bool,
    builder: Identity,
    user: Identity,
) -> List[_EnvironmentCheck]:
    """Install anew at *path*, tier after tier of the lock, and look at each but the last. What is wrong then may be cured by a later one."""
    lock, cache = os.path.join(scratch, "lock.txt"), os.path.join(scratch, "cache")
    for leftover in (path, scratch):
        call_as_identity(builder, remove_tree, leftover)
    call_as_identity(builder, os.mkdir, scratch)
    create_environment(order, path, cache, shared, builder)
    looks: List[_EnvironmentCheck] = []
    there: Set[str] = set()
    tiers = _tiers.split_tiers(order.lock or "", order.tiers)
    for number, tier in enumerate(tiers[:-1], 1):
        seen = set(_installed.list_top_level_modules(path))
        there.update(tier)
        call_as_identity(builder, write_lock, lock, _tiers.filter_lock(order.lock or "", there))
        sync_environment(order, path, lock, cache, builder)
        called = "tier %d of %d (%s%s)" % (
            number,
            len(tiers),
            ", ".join(tier[:5]),
            ", and others" if len(tier) > 5 else "",
        )
        looks.append(
            _check_environment(
                application,
                order,
                path,
                cache,
                user,
                called,
                [name for name in _installed.list_top_level_modules(path) if name not in seen],
                set(),
            )
        )
    return looks


def _describe_first_tier(looks: List[_EnvironmentCheck], problem: _ProofError) -> str:
    """With which tier what is wrong at the end was seen first."""
    wanted = set(problem.modules)
    found = ["already with %s alone" % look.tier for look in looks if not wanted and look.consistent.rc != 0][:1]
    found += [
        "%s already with %s alone" % (", ".join(sorted(wanted & set(look.failed))[:5]), look.tier)
        for look in looks
        if wanted & set(look.failed)
    ]
    return "; " + "; ".join(found) if found else ""


def _prove_generation(
    application: Application, order: EnvironmentOrder, path: str, cache: str, user: Identity
) -> List[str]:
    """Raise BuildError unless the generation at *path* imports, fits together and passes its tests; returns the deprecations that it met."""
    heard: Set[str] = set()
    look = _check_environment(application, order, path, cache, user, "", _installed.list_top_level_modules(path), heard)
    if look.consistent.rc != 0:
        raise _ProofError(
            "its packages do not fit together: %s" % look.consistent.last_lines(10),
            {"check": look.consistent.to_dict()},
            (),
        )
    if look.failed:
        text = "; ".join("%s: %s" % (name, failure["text"]) for name, failure in sorted(look.failed.items())[:5])
        raise _ProofError(
            "%d modules that import in the live environment do not import in it: %s" % (len(look.failed), text),
            {"imports": {name: failure["text"] for name, failure in look.failed.items()}},
            sorted(look.failed),
        )
    results = run_tests(application, path, user)
    if results and results[-1].rc != 0:
        raise BuildError(
            "test %r ended with %d: %s" % (" ".join(results[-1].cmd), results[-1].rc, results[-1].last_lines(15)),
            {"tests": results[-1].to_dict()},
        )
    for result in results:
        heard.update("%s: %s" % pair for pair in DEPRECATION_WARNING.findall(result.stdout + "\n" + result.stderr))
    return sorted(warning.replace(path + "/", "") for warning in heard)[:MAX_DEPRECATIONS]


def _add_package_changes(changes: Changes, environment: str, lock: str) -> None:
    before = {package.name: package.version for package in _installed.list_installed_packages(environment)}
    for package, version in sorted(_lockfile.parse_pins(lock).items()):
        if before.get(package) != version:
            changes.add("%s %s -> %s" % (package, before.get(package), version), package, before.get(package), version)


def build_generation(
    application: Application, state: ApplicationState, order: EnvironmentOrder, check_mode: bool, changes: Changes
) -> Dict[str, Any]:
    """Make a complete generation for *order*, or find the one that exists; returns its record.

    Raises BuildError, PromotionRefused, LeaseHeld, IdentityError, OSError.
    """
    if not os.path.isdir(application.environment):
        raise BuildError("%s does not exist; correct `environment` of %s" % (application.environment, application.name))
    live_configuration = read_configuration(application.environment)
    builder, user = resolve_build_accounts(application)
    with state.hold_lease(order.run, only_look=check_mode):
        if not check_mode:
            settle_promotion(state, order.run)
        record = state.read()
        live = find_live_generation(application, record, read_python_version(application.environment))
        minor = ".".join(order.version.split(".")[:2])
        same = next(
            (
                entry
                for entry in record["generations"]
                if entry.get("complete")
                and entry.get("lock") == order.lock_id
                and entry.get("interpreter") == order.interpreter
                and os.path.isdir(entry["path"])
            ),
            None,
        )
        if same:
            return dict(same)
        if not check_mode:
            record = _remove_incomplete(state, record, builder)
        _check_vendor_modules(application, order, live_configuration)
        # A number is never used twice, so that a log line always means one generation.
        number = 1 + max(
            [int(entry["id"].split("-")[0]) for entry in record["generations"]] + [record.get("last_number", 0)]
        )
        name = "%d-py%s" % (number, minor)
        path = application.generation_path(name)
        generation = {
            "id": name,
            "path": path,
            "python": order.version,
            "interpreter": order.interpreter,
            "origin": "built",
            "lock": order.lock_id,
            "complete": False,
            "created": get_timestamp(),
            "target": os.path.relpath(path, os.path.dirname(application.environment)),
        }
        changes.add(
            "build generation %s of %s" % (name, application.name),
            path,
            None,
            {"python": order.version, "lock": order.lock_id},
        )
        if order.lock is not None:
            _add_package_changes(changes, application.environment, order.lock)
        for sentence in _carry.describe_cargo(order.cargo) if order.cargo else []:
            changes.add(sentence, sentence, None, path)
        if check_mode:
            return generation
        state.write(dict(record, generations=record["generations"] + [generation], last_number=number))
        _build_new_generation(application, order, live_configuration, generation, builder, user, state, record)
        generation["complete"] = True
        final = dict(record, generations=record["generations"] + [generation], last_number=number)
        state.write(final)
        state.append_event(order.run, "generation complete", generation=name, live=live["id"])
        return generation


def run_as_builder(builder: Identity, function: Callable[..., Any], *arguments: Any) -> Any:
    """What *function* returns, called as *builder*. Raises BuildError for what it refuses, OSError."""
    answer = call_as_identity(builder, _catch_refusal, function, *arguments)
    if "refused" in answer:
        raise BuildError(answer["refused"])
    return answer["result"]


def _catch_refusal(function: Callable[..., Any], *arguments: Any) -> Dict[str, Any]:
    try:
        return {"result": function(*arguments)}
    except (_carry.CarryError, _likeness.AccessError) as error:
        return {"refused": str(error)}


def make_cargo_arguments(live: str, path: str, order: EnvironmentOrder) -> Tuple[str, str, str, str, Dict[str, str]]:
    """What `_carry.load` is told of *live* and of the environment at *path*, beside the cargo. Raises BuildError."""
    before, after = (".".join(version.split(".")[:2]) for version in (read_python_version(live), order.version))
    return live, before, path, after, _lockfile.parse_pins(order.lock or "")


def _check_vendor_modules(application: Application, order: EnvironmentOrder, values: Dict[str, str]) -> None:
    """Raise BuildError where the environment sees modules of its interpreter's distribution that the new one lacks."""
    if order.drop or not has_system_site(values) or not os.access(order.interpreter, os.X_OK):
        return
    base = os.path.join(application.environment, "bin", "python")
    lost = _vendor.find_missing_vendor_modules(
        base, order.interpreter, set(_installed.list_top_level_modules(application.environment))
    )
    if lost:
        raise BuildError(
            "%s sees modules of its interpreter's distribution that %s lacks (vendor-modules-missing): %s; provide them with the new "
            "interpreter or as packages, or set `carry` of the application to drop"
            % (application.name, order.interpreter, ", ".join(lost))
        )


def _remove_incomplete(state: ApplicationState, record: Dict[str, Any], builder: Identity) -> Dict[str, Any]:
    """Remove what a build that died left behind; returns the record without it."""
    incomplete = [entry for entry in record["generations"] if not entry.get("complete")]
    for entry in incomplete:
        call_as_identity(builder, remove_tree, entry["path"])
    if incomplete:
        record = dict(record, generations=[entry for entry in record["generations"] if entry.get("complete")])
        state.write(record)
    return record


def _build_new_generation(
    application: Application,
    order: EnvironmentOrder,
    live_configuration: Dict[str, str],
    generation: Dict[str, Any],
    builder: Identity,
    user: Identity,
    state: ApplicationState,
    record: Dict[str, Any],
) -> None:
    path = generation["path"]
    directory = application.generations_directory()
    scratch = os.path.join(directory, ".building")
    lock, cache = os.path.join(scratch, "lock.txt"), os.path.join(scratch, "cache")
    live = application.environment
    try:
        call_as_identity(
            find_controller(os.path.dirname(directory)), prepare_directory, directory, builder.uid, builder.gid
        )
        for leftover in (path, scratch):
            call_as_identity(builder, remove_tree, leftover)
        call_as_identity(builder, os.mkdir, scratch)
        like = _likeness.read_environment_access(live)
        run_as_builder(builder, _likeness.create_with_access, like, path)
        create_environment(order, path, cache, has_system_site(live_configuration), builder)
        call_as_identity(builder, write_lock, lock, order.lock or "")
        sync_environment(order, path, lock, cache, builder)
        if order.cargo:
            generation["carried"] = run_as_builder(
                builder, _carry.load_cargo, order.cargo, *make_cargo_arguments(live, path, order)
            )
        call_as_identity(builder, _likeness.apply_access, like, live, path)
        # Who may not write there would compile at every start what is not compiled now.
        finishing = _BackgroundCompiler(order.interpreter, path, scratch, builder, complete=user.uid != builder.uid)
        try:
            generation["deprecations"] = _prove_generation(application, order, path, cache, user)
        finally:
            finishing.stop_and_wait()
        if not _likeness.is_access_inherited(like, builder.gid):
            # Compiling made new files.
            call_as_identity(builder, _likeness.apply_access, like, live, path)
    except (BuildError, CommandError, OSError) as error:
        # Only who fails needs to know with which tier it began; that takes an installation of its own.
        since = ""
        if isinstance(error, _ProofError):
            with contextlib.suppress(BuildError, CommandError, OSError):
                since = _describe_first_tier(
                    _check_tiers(application, order, path, scratch, has_system_site(live_configuration), builder, user),
                    error,
                )
        for leftover in (path, scratch):
            call_as_identity(builder, remove_tree, leftover)
        state.write(dict(record, last_number=int(generation["id"].split("-")[0])))
        state.append_event(order.run, "generation failed", generation=generation["id"], reason=str(error)[:2000])
        details = error.details if isinstance(error, BuildError) else {}
        raise BuildError(
            "generation %s of %s was not built: %s%s" % (generation["id"], application.name, error, since), details
        )
