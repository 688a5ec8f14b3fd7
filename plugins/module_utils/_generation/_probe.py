# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new environment cannot import, compile or start and the live one can, tried in both as the same user.

Imported are the modules of all packages, what their entry points name, what the application's source imports, what its
services and jobs start, and, if it has no tests, its own modules.
"""

import inspect
import json
import os
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import IMPORT_TIMEOUT
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _source_probe
from ansible_collections.oxzep7.python.plugins.module_utils._generation._imports import (
    ImportAnswers,
    ImportBatch,
    ImportFailure,
    run_imports,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._installer_proof import (
    PIP_COMMANDS,
    find_new_pip_failures,
    name_pip_command,
    start_pip_commands,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._programs import Program, find_programs
from ansible_collections.oxzep7.python.plugins.module_utils._generation._targets import (
    ENTRY_POINTS,
    EVERYTHING,
    PackageModules,
    list_package_modules,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import map_module_owners

# Seconds for one module that is used by name, for one that is only tried, and for all of the latter; and for the same
# modules in the live environment.
NAMED_LIMIT, WALKED_LIMIT, WALK_BUDGET, COMPARISON_LIMIT = 120.0, 20.0, 120.0, 300.0
MAX_NAMES = 10
SITE_PACKAGES_PATH = re.compile(r"/(?:site|dist)-packages/(.+?)(?:/__init__)?\.(?:py|[\w.-]*so)$")
UNREACHED = "not reached in the time for packages' modules"
OPTIONAL = "need a module that is not installed in the live environment either"
ENDED = "end or block their process in both environments"
FAILED = "fail in both environments, or fail and are new"
NOT_COMPARED = "fail, and were not reached in the live environment"
UNREAD = "could not be read, and may name programs of the application"
KNOWN = "fail in the live environment, as an earlier trial has shown"


class ProbeRequest(NamedTuple):
    """What is tried: `ENTRY_POINTS`, `MODULES` or `EVERYTHING`; only the names in ``only``, if given, each alone.

    These work in the live environment: they are what has failed elsewhere. With ``sources`` the files of the source are
    compiled. The lock leaves the packages ``left_out`` out.
    """

    mode: str
    only: Optional[Sequence[str]] = None
    sources: bool = True
    left_out: Sequence[str] = ()


class ProbeResult(NamedTuple):
    """What fails and did not before, by name: imports, and files of the source that are not compiled.

    ``owners`` has the package of each module, before and now; ``modules`` are those that can be imported by one name;
    ``gone`` are the requested names that do not exist; ``untried`` says what was not tried or not compared, each with
    ``reason``, ``count`` and the first ``names``. ``tried`` is the number of imports.
    """

    failures: Dict[str, ImportFailure]
    sources: Dict[str, ImportFailure]
    owners: Dict[str, str]
    modules: int
    gone: List[str]
    untried: List[Dict[str, Any]]
    deprecations: Set[str]
    tried: int


class _Group(NamedTuple):
    """Names that are imported by one process. With ``new`` a name that the live environment lacks must work, too.

    With ``walked`` a name is tried within a share of the time. With ``optional`` it may need a module that the live
    environment lacks.
    """

    names: List[str]
    paths: Tuple[str, ...] = ()
    new: bool = False
    walked: bool = False
    optional: bool = False

    def make_batch(self, names: List[str], shared: bool) -> ImportBatch:
        return ImportBatch(names, WALKED_LIMIT if self.walked else NAMED_LIMIT, self.paths, shared and self.walked)


class _Targets:
    """The names to import, each in one group; why others are not; and the files that are read for their imports."""

    def __init__(self) -> None:
        self.groups: List[_Group] = []
        self.skipped: Dict[str, List[str]] = {}
        self._known: Set[str] = set()

    def add(self, group: _Group) -> None:
        """Add the names of *group* that no other one has."""
        names = [name for name in dict.fromkeys(group.names) if name not in self._known]
        self._known.update(names)
        if names:
            self.groups.append(group._replace(names=names))

    def skip(self, reason: str, names: Iterable[str]) -> None:
        """Note that *names* are not tried."""
        found = self.skipped.setdefault(reason, [])
        found += [name for name in names if name not in found]

    def select(self, only: Sequence[str]) -> None:
        """Leave only the names *only*."""
        wanted = set(only)
        left = [group._replace(names=[name for name in group.names if name in wanted]) for group in self.groups]
        self.groups = [group for group in left if group.names]

    def leave_out(self, known: Iterable[str]) -> None:
        """Do not try the names *known*, which fail in the live environment."""
        failing = set(known)
        for number, group in enumerate(self.groups):
            # A name that the live environment lacks must work, too, and does not fail there.
            self.skip(KNOWN, [name for name in group.names if name in failing])
            self.groups[number] = group._replace(names=[name for name in group.names if name not in failing])

    def has(self, name: str) -> bool:
        """Whether *name* is tried."""
        return name in self._known


def _list_installed_names(packages: Sequence[PackageModules]) -> List[str]:
    return sorted({name for package in packages for name in package.first})


def _add_installed(targets: _Targets, packages: Sequence[PackageModules], mode: str) -> None:
    """Add what is installed, but for the modules of packages that are only tried."""
    targets.add(_Group(_list_installed_names(packages), new=True))
    targets.add(_Group(sorted({name for package in packages for name in package.entries}), optional=True))
    if mode != ENTRY_POINTS:
        for package in packages:
            for reason, names in package.skipped.items():
                targets.skip(reason, names)


def _add_walk(targets: _Targets, packages: Sequence[PackageModules]) -> None:
    """Add all modules of each package. Those with few come first, so that what they leave serves the others."""
    for package in sorted(packages, key=lambda one: (len(one.others), one.package)):
        targets.add(_Group(package.others, walked=True, optional=True))


class _Source(NamedTuple):
    """What the source probe found: files that are not compiled, imports, and the application's own modules."""

    failed: Dict[str, str]
    imports: List[str]
    roots: List[str]
    modules: List[str]
    skipped: Dict[str, List[str]]


def _examine_source(application: Application, environment: str, programs: Sequence[Program], user: Identity) -> _Source:
    """Read the application's source, and its *programs*, with the Python of *environment*. Raises BuildError."""
    python = os.path.join(environment, "bin", "python")
    scripts = {program.file: program.file for program in programs if program.file}
    for program in programs:
        if program.script:
            scripts["bin/" + program.script] = os.path.join(environment, "bin", program.script)
    order = {
        "source": application.source,
        "exclude": [application.environment, application.generations_directory()],
        "scripts": scripts,
    }
    done = run_command(
        [python, "-I", "-c", inspect.getsource(_source_probe)],
        IMPORT_TIMEOUT,
        user,
        environment=build_process_environment(user),
        stdin=json.dumps(order),
    )
    try:
        found = json.loads(done.stdout) if done.rc == 0 else None
        if found is not None:
            return _Source(
                {str(name): str(text) for name, text in found.get("failed", {}).items()},
                [str(name) for name in found.get("imports", [])],
                [str(path) for path in found.get("roots", [])],
                [str(name) for name in found.get("modules", [])],
                {str(reason): [str(name) for name in names] for reason, names in found.get("skipped", {}).items()},
            )
    except (ValueError, AttributeError, TypeError):
        pass
    subject = application.source or "what services start"
    raise BuildError("%s could not be compiled with %s: %s" % (subject, python, done.last_lines(3)))


def _add_programs(targets: _Targets, application: Application, programs: Sequence[Program]) -> None:
    """Add what the commands of services and jobs name; it is found in their working directory first."""
    for program in programs:
        directory = program.directory or application.source
        targets.add(_Group(list(program.names), (directory,) if directory else ()))


def _add_source(targets: _Targets, application: Application, source: _Source) -> None:
    """Add what the source imports and, if the application has no tests, its own modules."""
    paths = tuple(source.roots)
    targets.add(_Group(source.imports, paths))
    if not application.tests:
        targets.add(_Group(source.modules, paths))
        for reason, names in source.skipped.items():
            targets.skip(reason, names)


def probe_environment(
    application: Application,
    path: str,
    user: Identity,
    request: ProbeRequest,
    budget: float = WALK_BUDGET,
    failing: Optional[Dict[str, str]] = None,
) -> ProbeResult:
    """Try the environment *path* of *application* as *user*, and what fails there also in the live one.

    Modules of packages that nothing names have *budget* seconds together. Names in *failing* fail in the live
    environment and are not tried; those that this probe finds to do so are added, with the reason. Raises BuildError,
    OSError.
    """
    failing = {} if failing is None else failing
    live = application.environment
    packages = list_package_modules(path, request.mode == EVERYTHING)
    reader = HostReader()
    programs = find_programs(application, reader=reader)
    targets = _Targets()
    targets.skip(UNREAD, [entry["path"] for entry in reader.not_seen])
    _add_installed(targets, packages, request.mode)
    _add_programs(targets, application, programs)
    only = request.only
    source: Optional[_Source] = None
    if request.sources or only is None or not all(targets.has(name) for name in only):
        source = _examine_source(application, path, programs, user)
        _add_source(targets, application, source)
    if only is not None or request.mode != ENTRY_POINTS:
        # What failed once was tried for a reason, whatever is tried now.
        _add_walk(targets, packages)
    if only is not None:
        targets.select(only)
    else:
        targets.leave_out(failing)
    # These start slowly, and nothing that is imported meanwhile changes what they see.
    has_pip = any(package.package == "pip" for package in packages)
    pip = start_pip_commands(path, user, only) if has_pip else {}
    before = list_package_modules(live, True)
    comparison = _Comparison(application, path, user, set(_list_installed_names(before)), failing)
    failures = comparison.find_new_failures(targets, request, None if request.mode == EVERYTHING else budget)
    failures.update(_find_lost_scripts(live, path, programs, only))
    failures.update(find_new_pip_failures(pip, live, user, request.left_out))
    owners = dict(_map_owners(live, before), **_map_owners(path, packages))
    _name_packages(failures, owners)
    others = [name_pip_command(verb) for verb in PIP_COMMANDS]
    return ProbeResult(
        failures,
        _find_new_compile_failures(application, source, programs, user) if source and request.sources else {},
        owners,
        len(map_module_owners(path)),
        [name for name in only or [] if not targets.has(name) and name not in others and not name.startswith("bin/")],
        [_summarize(reason, names) for reason, names in sorted(targets.skipped.items()) if names],
        comparison.deprecations,
        comparison.tried,
    )


class _Comparison:
    """Imports names in a new environment and, where they fail, in the live one."""

    def __init__(
        self, application: Application, path: str, user: Identity, known: Set[str], failing: Dict[str, str]
    ) -> None:
        """*known* are the modules that the packages of the live environment begin with.

        Names that fail in the live environment are added to *failing*.
        """
        self._live, self._path, self._user = application.environment, path, user
        self._known = known
        self._failing = failing
        self.deprecations: Set[str] = set()
        self.tried = 0

    def find_new_failures(
        self, targets: _Targets, request: ProbeRequest, budget: Optional[float]
    ) -> Dict[str, ImportFailure]:
        """Failures of *targets* that are new; notes in *targets* what was not tried or compared."""
        groups = targets.groups
        if request.only is None:
            batches = [group.make_batch(group.names, True) for group in groups]
        else:
            # One that works after another may not work by itself.
            batches = [group.make_batch([name], False) for group in groups for name in group.names]
        now = self._import(self._path, batches, budget=budget, write=True)
        self.tried = len(now.tried)
        for group in groups:
            targets.skip(UNREACHED, [name for name in group.names if name not in now.tried])
        if request.only is not None:
            return now.failed
        left, unreached = self._compare(targets, groups, now.failed, budget is None)
        followers = _group_alike(groups, {name: now.failed[name] for name in left + unreached})
        alone = self._import(self._path, _make_single_batches(groups, list(followers)), write=True).failed
        found: Dict[str, ImportFailure] = {}
        for name in self._confirm(groups, [name for name in followers if name in alone]):
            found[name] = alone[name]
            if followers[name]:
                found[name] = dict(alone[name], others=len(followers[name]))
        for name in followers:
            if name not in found:
                targets.skip(NOT_COMPARED, [other for other in [name] + followers[name] if other in unreached])
        return found

    def _import(
        self, environment: str, batches: Sequence[ImportBatch], seconds: Optional[float] = None, **options: Any
    ) -> ImportAnswers:
        answers = run_imports(environment, batches, self._user, seconds, **options)
        if environment == self._path:
            self.deprecations |= answers.deprecations
        return answers

    def _compare(
        self, targets: _Targets, groups: Sequence[_Group], failed: Dict[str, ImportFailure], unlimited: bool
    ) -> Tuple[List[str], List[str]]:
        """The names of *failed* that the live environment imports, or that only the new one must have.

        Also those that were not reached there in time.
        """
        batches, optional = [], {}
        for group in groups:
            names = [name for name in group.names if name in failed and (not group.new or name in self._known)]
            batches.append(group.make_batch(names, False))
            if group.optional:
                missing = {name: failed[name]["missing"] for name in names}
                optional.update({name: module for name, module in missing.items() if module})
        batches.append(ImportBatch(sorted(set(optional.values()) - set(failed)), WALKED_LIMIT))
        before = self._import(self._live, batches, None if unlimited else COMPARISON_LIMIT, write=False)
        left, unreached = [], []
        for group in groups:
            for name in group.names:
                if name not in failed:
                    continue
                if group.new and name not in self._known:
                    left.append(name)
                elif name not in before.tried:
                    unreached.append(name)
                elif name in before.failed:
                    ended = failed[name]["ended"] and before.failed[name]["ended"]
                    self._failing[name] = ENDED if ended else FAILED
                    targets.skip(self._failing[name], [name])
                elif optional.get(name) in before.failed:
                    targets.skip(OPTIONAL, [name])
                else:
                    left.append(name)
        return left, unreached

    def _confirm(self, groups: Sequence[_Group], names: List[str]) -> List[str]:
        """Those of *names* that the live environment imports alone, or lacks."""
        new = {name for group in groups if group.new for name in group.names} - self._known
        asked = [name for name in names if name not in new]
        before = self._import(self._live, _make_single_batches(groups, asked), write=False)
        return [name for name in names if name not in before.failed]


def _make_single_batches(groups: Sequence[_Group], names: Sequence[str]) -> List[ImportBatch]:
    wanted = set(names)
    return [group.make_batch([name], False) for group in groups for name in group.names if name in wanted]


def _group_alike(groups: Sequence[_Group], failed: Dict[str, ImportFailure]) -> Dict[str, List[str]]:
    """The names of *failed*, each with the optional ones that fail with the same text and that it stands for."""
    named = {name for group in groups if not group.optional for name in group.names}
    order = [name for group in groups for name in group.names if name in failed]
    texts: Dict[str, str] = {}
    found: Dict[str, List[str]] = {}
    for name in sorted(order, key=lambda one: one not in named):
        # How a process ended does not say why.
        first = name if failed[name]["ended"] else texts.setdefault(failed[name]["text"], name)
        if first == name or name in named:
            found[name] = []
        else:
            found[first].append(name)
    return found


def _find_lost_scripts(
    live: str, path: str, programs: Sequence[Program], only: Optional[Sequence[str]]
) -> Dict[str, ImportFailure]:
    """Programs in ``bin`` that services and jobs start, and that the new environment lacks."""
    found: Dict[str, ImportFailure] = {}
    for program in programs:
        name = "bin/" + (program.script or "")
        if not program.script or (only is not None and name not in only):
            continue
        if os.path.exists(os.path.join(live, name)) and not os.path.exists(os.path.join(path, name)):
            text = "%s does not exist any more, and a service or a job starts it" % name
            found[name] = {"text": text, "exception": "", "frames": [], "missing": None, "ended": False}
    return found


def _find_new_compile_failures(
    application: Application, source: _Source, programs: Sequence[Program], user: Identity
) -> Dict[str, ImportFailure]:
    """Files of the *source* that the new interpreter does not compile and the live one does."""
    before = _examine_source(application, application.environment, programs, user).failed if source.failed else {}
    found: Dict[str, ImportFailure] = {}
    for name, text in source.failed.items():
        if name not in before:
            found[name] = {"text": text, "exception": text.partition(":")[0], "frames": [], "missing": None}
    return found


def _map_owners(environment: str, packages: Sequence[PackageModules]) -> Dict[str, str]:
    """The package of each module in *environment*: of top-level ones, and of the first ones below a namespace."""
    found = map_module_owners(environment)
    below: Dict[str, str] = {}
    for package in packages:
        first = {name: package.package for name in package.first}
        for name in package.first + package.others:
            if "." in name and (name in first or find_owner(name, first) is None):
                below[name] = package.package
    for name in below:
        found.pop(name.split(".")[0], None)
    found.update(below)
    return found


def find_owner(name: str, owners: Dict[str, str]) -> Optional[str]:
    """The package of the module *name*, whose own or nearest higher name *owners* has."""
    while name and name not in owners:
        name = name.rpartition(".")[0]
    return owners.get(name)


def _name_packages(failures: Dict[str, ImportFailure], owners: Dict[str, str]) -> None:
    """Add the ``file`` of each failure and the ``package`` that it belongs to."""
    for name, failure in failures.items():
        frames = failure["frames"]
        match = SITE_PACKAGES_PATH.search(frames[-1]) if frames else None
        owner = find_owner(match.group(1).replace("/", "."), owners) if match else None
        failure["file"] = frames[-1] if frames else None
        failure["package"] = owner or find_owner(name.partition(":")[0], owners)


def _summarize(reason: str, names: List[str]) -> Dict[str, Any]:
    return {"reason": reason, "count": len(names), "names": names[:MAX_NAMES]}
