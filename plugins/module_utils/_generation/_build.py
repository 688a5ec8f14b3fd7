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
    builder_of,
    configuration,
    current_generation,
    shares_site,
    version_of,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import IMPORT_TIMEOUT, run_in
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, now
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
    Order,
    create,
    prepare,
    remove,
    sync,
    write_lock,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    act_as,
    controller_of,
    environment_for,
    usable,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandError,
    Result,
    Running,
    must,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _installed, _lockfile
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import settle

# No service imports these, and of the compilation of many environments they are a third.
INSTALLERS = ("pip", "setuptools", "wheel")
# How Python, and pytest after it, print what will not work in a later version.
WARNED = re.compile(r"^\s*(\S+:\d+): (?:Pending)?DeprecationWarning: (.+)$", re.MULTILINE)
DEPRECATIONS = 100


def _check_consistency(order: Order, path: str, cache: str, user: Identity) -> Running:
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
    return Running(command, user, environment=environment_for(user))


def new_import_failures(
    live: str, path: str, names: Iterable[str], user: Identity, alone: bool = False, heard: Optional[Set[str]] = None
) -> Dict[str, _imports.Failure]:
    """Modules among *names* that cannot be imported in *path* (*alone*: each by itself) though they can in *live*, or are not there.

    Deprecation warnings that imports in *path* meet are added to *heard*.
    """
    failed = _imports.failing(path, list(names), user, IMPORT_TIMEOUT, alone, heard)
    if not failed:
        return {}
    known = set(_installed.top_level_modules(live))
    before = _imports.failing(live, [name for name in failed if name in known], user, IMPORT_TIMEOUT)
    return {name: failure for name, failure in failed.items() if name not in before}


def accounts(application: Application) -> Tuple[Identity, Identity]:
    """Who builds the generations, and who proves them. Raises BuildError where this process cannot act as both."""
    builder, user = builder_of(application), application.account()
    for who in (builder, user):
        if not usable(who):
            raise BuildError("%s can only be built and tested by %s; run with become" % (application.name, who.name))
    return builder, user


def run_tests(application: Application, path: str, user: Identity) -> List[Result]:
    """Run the application's tests in the environment *path*, stopping at the first that fails."""
    results: List[Result] = []
    for command in application.tests:
        results.append(run_in(application, path, command, user, application.tests_timeout))
        if results[-1].rc != 0:
            break
    return results


class _Finishing:
    """Compiles the modules of a generation, but its installers, with the time that others leave, and clears the scratch directory in the end.

    The base interpreter does it, without the generation's ``site``: its ``.pth`` files must not run as the builder. The proof imports in alphabetical order
    and compiles what it meets, so this starts at the other end. Unless it must be *complete*, it leaves a busy host alone, and what is not compiled in the end
    is left to who imports it.
    """

    def __init__(self, interpreter: str, path: str, scratch: str, builder: Identity, complete: bool) -> None:
        entries = [
            os.path.join(site, entry)
            for site in _installed.site_packages(path)
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
            self._running = Running(command + entries, builder, source=told)
        finally:
            os.close(told)

    def end(self) -> None:
        """Tell it that the proof has ended, and wait for it. Raises CommandError."""
        os.close(self._tell)
        must("finish", self._running.wait(INSTALL_TIMEOUT))


class _Unproven(BuildError):
    """A generation whose packages do not fit together, or of which *modules* do not import."""

    def __init__(self, text: str, details: Dict[str, Any], modules: Sequence[str]) -> None:
        super().__init__(text, details)
        self.modules = modules


class _Look(NamedTuple):
    """What a look at an environment that is only partly installed found: the tier, whether packages fit together, and what does not import."""

    tier: str
    consistent: Result
    failed: Dict[str, _imports.Failure]


def _look(
    application: Application,
    order: Order,
    path: str,
    cache: str,
    user: Identity,
    tier: str,
    names: Iterable[str],
    heard: Set[str],
) -> _Look:
    checking = _check_consistency(order, path, cache, user)
    failed = new_import_failures(application.environment, path, names, user, heard=heard)
    return _Look(tier, checking.wait(IMPORT_TIMEOUT), failed)


def _by_tiers(
    application: Application, order: Order, path: str, scratch: str, shared: bool, builder: Identity, user: Identity
) -> List[_Look]:
    """Install anew at *path*, tier after tier of the lock, and look at each but the last. What is wrong then may be cured by a later one."""
    lock, cache = os.path.join(scratch, "lock.txt"), os.path.join(scratch, "cache")
    for leftover in (path, scratch):
        act_as(builder, remove, leftover)
    act_as(builder, os.mkdir, scratch)
    create(order, path, cache, shared, builder)
    looks: List[_Look] = []
    there: Set[str] = set()
    tiers = _tiers.tiers(order.lock or "", order.tiers)
    for number, tier in enumerate(tiers[:-1], 1):
        seen = set(_installed.top_level_modules(path))
        there.update(tier)
        act_as(builder, write_lock, lock, _tiers.only(order.lock or "", there))
        sync(order, path, lock, cache, builder)
        called = "tier %d of %d (%s%s)" % (
            number,
            len(tiers),
            ", ".join(tier[:5]),
            ", and others" if len(tier) > 5 else "",
        )
        looks.append(
            _look(
                application,
                order,
                path,
                cache,
                user,
                called,
                [name for name in _installed.top_level_modules(path) if name not in seen],
                set(),
            )
        )
    return looks


def _since(looks: List[_Look], problem: _Unproven) -> str:
    """With which tier what is wrong at the end was seen first."""
    wanted = set(problem.modules)
    found = ["already with %s alone" % look.tier for look in looks if not wanted and look.consistent.rc != 0][:1]
    found += [
        "%s already with %s alone" % (", ".join(sorted(wanted & set(look.failed))[:5]), look.tier)
        for look in looks
        if wanted & set(look.failed)
    ]
    return "; " + "; ".join(found) if found else ""


def _prove(application: Application, order: Order, path: str, cache: str, user: Identity) -> List[str]:
    """Raise BuildError unless the generation at *path* imports, fits together and passes its tests; returns the deprecations that it met."""
    heard: Set[str] = set()
    look = _look(application, order, path, cache, user, "", _installed.top_level_modules(path), heard)
    if look.consistent.rc != 0:
        raise _Unproven(
            "its packages do not fit together: %s" % look.consistent.last_lines(10),
            {"check": look.consistent.describe()},
            (),
        )
    if look.failed:
        text = "; ".join("%s: %s" % (name, failure["text"]) for name, failure in sorted(look.failed.items())[:5])
        raise _Unproven(
            "%d modules that import in the live environment do not import in it: %s" % (len(look.failed), text),
            {"imports": {name: failure["text"] for name, failure in look.failed.items()}},
            sorted(look.failed),
        )
    results = run_tests(application, path, user)
    if results and results[-1].rc != 0:
        raise BuildError(
            "test %r ended with %d: %s" % (" ".join(results[-1].cmd), results[-1].rc, results[-1].last_lines(15)),
            {"tests": results[-1].describe()},
        )
    for result in results:
        heard.update("%s: %s" % pair for pair in WARNED.findall(result.stdout + "\n" + result.stderr))
    return sorted(warning.replace(path + "/", "") for warning in heard)[:DEPRECATIONS]


def _add_packages(changes: Changes, environment: str, lock: str) -> None:
    before = {package.name: package.version for package in _installed.packages(environment)}
    for package, version in sorted(_lockfile.pins(lock).items()):
        if before.get(package) != version:
            changes.add("%s %s -> %s" % (package, before.get(package), version), package, before.get(package), version)


def build(
    application: Application, state: ApplicationState, order: Order, check_mode: bool, changes: Changes
) -> Dict[str, Any]:
    """Make a complete generation for *order*, or find the one that exists; returns its record.

    Raises BuildError, PromotionRefused, LeaseHeld, IdentityError, OSError.
    """
    if not os.path.isdir(application.environment):
        raise BuildError("%s does not exist; correct `environment` of %s" % (application.environment, application.name))
    live_configuration = configuration(application.environment)
    builder, user = accounts(application)
    with state.lease(order.run, only_look=check_mode):
        if not check_mode:
            settle(state, order.run)
        record = state.read()
        live = current_generation(application, record, version_of(application.environment))
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
            record = _forget_incomplete(state, record, builder)
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
            "created": now(),
            "target": os.path.relpath(path, os.path.dirname(application.environment)),
        }
        changes.add(
            "build generation %s of %s" % (name, application.name),
            path,
            None,
            {"python": order.version, "lock": order.lock_id},
        )
        if order.lock is not None:
            _add_packages(changes, application.environment, order.lock)
        for sentence in _carry.described(order.cargo) if order.cargo else []:
            changes.add(sentence, sentence, None, path)
        if check_mode:
            return generation
        state.write(dict(record, generations=record["generations"] + [generation], last_number=number))
        _build_new(application, order, live_configuration, generation, builder, user, state, record)
        generation["complete"] = True
        final = dict(record, generations=record["generations"] + [generation], last_number=number)
        state.write(final)
        state.event(order.run, "generation complete", generation=name, live=live["id"])
        return generation


def as_builder(builder: Identity, function: Callable[..., Any], *arguments: Any) -> Any:
    """What *function* returns, called as *builder*. Raises BuildError for what it refuses, OSError."""
    answer = act_as(builder, _answer, function, *arguments)
    if "refused" in answer:
        raise BuildError(answer["refused"])
    return answer["result"]


def _answer(function: Callable[..., Any], *arguments: Any) -> Dict[str, Any]:
    try:
        return {"result": function(*arguments)}
    except (_carry.CarryError, _likeness.NotAllowed) as error:
        return {"refused": str(error)}


def loading(live: str, path: str, order: Order) -> Tuple[str, str, str, str, Dict[str, str]]:
    """What `_carry.load` is told of *live* and of the environment at *path*, beside the cargo. Raises BuildError."""
    before, after = (".".join(version.split(".")[:2]) for version in (version_of(live), order.version))
    return live, before, path, after, _lockfile.pins(order.lock or "")


def _check_vendor_modules(application: Application, order: Order, values: Dict[str, str]) -> None:
    """Raise BuildError where the environment sees modules of its interpreter's distribution that the new one lacks."""
    if order.drop or not shares_site(values) or not os.access(order.interpreter, os.X_OK):
        return
    base = os.path.join(application.environment, "bin", "python")
    lost = _vendor.lacking(base, order.interpreter, set(_installed.top_level_modules(application.environment)))
    if lost:
        raise BuildError(
            "%s sees modules of its interpreter's distribution that %s lacks (vendor-modules-missing): %s; provide them with the new "
            "interpreter or as packages, or set `carry` of the application to drop"
            % (application.name, order.interpreter, ", ".join(lost))
        )


def _forget_incomplete(state: ApplicationState, record: Dict[str, Any], builder: Identity) -> Dict[str, Any]:
    """Remove what a build that died left behind; returns the record without it."""
    incomplete = [entry for entry in record["generations"] if not entry.get("complete")]
    for entry in incomplete:
        act_as(builder, remove, entry["path"])
    if incomplete:
        record = dict(record, generations=[entry for entry in record["generations"] if entry.get("complete")])
        state.write(record)
    return record


def _build_new(
    application: Application,
    order: Order,
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
        act_as(controller_of(os.path.dirname(directory)), prepare, directory, builder.uid, builder.gid)
        for leftover in (path, scratch):
            act_as(builder, remove, leftover)
        act_as(builder, os.mkdir, scratch)
        like = _likeness.likeness(live)
        as_builder(builder, _likeness.begin, like, path)
        create(order, path, cache, shares_site(live_configuration), builder)
        act_as(builder, write_lock, lock, order.lock or "")
        sync(order, path, lock, cache, builder)
        if order.cargo:
            generation["carried"] = as_builder(builder, _carry.load, order.cargo, *loading(live, path, order))
        act_as(builder, _likeness.finish, like, live, path)
        # Who may not write there would compile at every start what is not compiled now.
        finishing = _Finishing(order.interpreter, path, scratch, builder, complete=user.uid != builder.uid)
        try:
            generation["deprecations"] = _prove(application, order, path, cache, user)
        finally:
            finishing.end()
        if not _likeness.follows_by_itself(like, builder.gid):
            # Compiling made new files.
            act_as(builder, _likeness.finish, like, live, path)
    except (BuildError, CommandError, OSError) as error:
        # Only who fails needs to know with which tier it began; that takes an installation of its own.
        since = ""
        if isinstance(error, _Unproven):
            with contextlib.suppress(BuildError, CommandError, OSError):
                since = _since(
                    _by_tiers(application, order, path, scratch, shares_site(live_configuration), builder, user), error
                )
        for leftover in (path, scratch):
            act_as(builder, remove, leftover)
        state.write(dict(record, last_number=int(generation["id"].split("-")[0])))
        state.event(order.run, "generation failed", generation=generation["id"], reason=str(error)[:2000])
        details = error.details if isinstance(error, BuildError) else {}
        raise BuildError(
            "generation %s of %s was not built: %s%s" % (generation["id"], application.name, error, since), details
        )
