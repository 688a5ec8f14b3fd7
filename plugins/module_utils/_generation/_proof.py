# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of an environment: its packages fit together, what is used imports, and the application's tests pass."""

import os
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import GENERATION, SCRATCH
from ansible_collections.oxzep7.python.plugins.module_utils._application._run import IMPORT_TIMEOUT, run_in_environment
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._consistency import list_inconsistencies
from ansible_collections.oxzep7.python.plugins.module_utils._generation._imports import (
    ImportFailure,
    find_import_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._memory import TrialMemory
from ansible_collections.oxzep7.python.plugins.module_utils._generation._probe import (
    ProbeRequest,
    ProbeResult,
    probe_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._tiers import filter_lock, split_tiers
from ansible_collections.oxzep7.python.plugins.module_utils._generation._workplace import Workplace
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, RunningCommand
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import list_top_level_modules
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_left_out

# How Python, and pytest after it, print a deprecation.
DEPRECATION_WARNING = re.compile(r"^\s*(\S+:\d+): (?:Pending)?DeprecationWarning: (.+)$", re.MULTILINE)
MAX_DEPRECATIONS = 100
MAX_NAMES = 5


class ProofError(BuildError):
    """An environment whose packages do not fit together, or in which *modules* cannot be imported."""

    def __init__(self, text: str, details: Dict[str, Any], modules: Sequence[str]) -> None:
        super().__init__(text, details)
        self.modules = modules


class Proof(NamedTuple):
    """What a proof has found: the deprecations that imports and tests report, and what was not tried."""

    deprecations: List[str]
    untried: List[Dict[str, Any]]


class EnvironmentCheck(NamedTuple):
    """The state of an environment that may be installed only in part."""

    consistent: CommandResult
    failed: Dict[str, ImportFailure]
    deprecations: Set[str]


def find_new_import_failures(
    live: str,
    path: str,
    names: Iterable[str],
    user: Identity,
    alone: bool = False,
    deprecations: Optional[Set[str]] = None,
) -> Dict[str, ImportFailure]:
    """Modules among *names* that cannot be imported in *path* (*alone*: each by itself) unless *live* cannot, either.

    Deprecation warnings of imports in *path* are added to *deprecations*.
    """
    failed = find_import_failures(path, list(names), user, IMPORT_TIMEOUT, alone, deprecations)
    if not failed:
        return {}
    known = set(list_top_level_modules(live))
    before = find_import_failures(live, [name for name in failed if name in known], user, IMPORT_TIMEOUT)
    return {name: failure for name, failure in failed.items() if name not in before}


def run_tests(application: Application, path: str, user: Identity) -> List[CommandResult]:
    """Run the application's tests in the environment *path* until one fails."""
    results: List[CommandResult] = []
    for command in application.tests:
        results.append(run_in_environment(application, path, command, user, application.tests_timeout))
        if results[-1].rc != 0:
            break
    return results


def _start_consistency_check(place: Workplace, environment: str) -> RunningCommand:
    python = os.path.join(environment, "bin", "python")
    command = [python, "-B", "-m", "pip", "check"]
    if place.order.uv:
        # The cache has the interpreter's data, and belongs to the builder.
        usable = os.access(place.cache_directory, os.W_OK) and os.stat(place.cache_directory).st_uid == place.user.uid
        cache = ["--cache-dir", place.cache_directory] if usable else ["--no-cache"]
        command = [place.order.uv, "pip", "check", "--no-config", "--offline"] + cache + ["--python", python]
    return RunningCommand(command, place.user, environment=build_process_environment(place.user))


def check_environment(place: Workplace, names: Iterable[str]) -> EnvironmentCheck:
    """Check whether the installed packages fit together, and import the modules *names* meanwhile."""
    deprecations: Set[str] = set()
    checking = _start_consistency_check(place, place.path)
    live = place.application.environment
    failed = find_new_import_failures(live, place.path, names, place.user, deprecations=deprecations)
    return EnvironmentCheck(checking.wait(IMPORT_TIMEOUT), failed, deprecations)


def _describe_failures(failed: Dict[str, ImportFailure]) -> str:
    shown = sorted(failed.items())[:MAX_NAMES]
    return "; ".join("%s: %s" % (name, failure["text"]) for name, failure in shown)


def _require_consistency(place: Workplace, now: CommandResult) -> None:
    """Raise ProofError if *now*, a check of the new environment, complains of more than one of the live one does."""
    if now.rc == 0:
        return
    before = _start_consistency_check(place, place.application.environment).wait(IMPORT_TIMEOUT)
    complaints = list_inconsistencies(now, parse_left_out(place.order.lock or ""), before)
    if complaints:
        text = "\n".join(complaints[-10:])
        raise ProofError("its packages do not fit together: %s" % text, {"check": now.to_dict()}, ())


def _require_working_modules(found: ProbeResult) -> None:
    """Raise ProofError if anything that works in the live environment failed."""
    if found.sources:
        raise ProofError(
            "%d files of the source are not compiled: %s" % (len(found.sources), _describe_failures(found.sources)),
            {"sources": {name: failure["text"] for name, failure in found.sources.items()}},
            (),
        )
    if found.failures:
        count, text = len(found.failures), _describe_failures(found.failures)
        raise ProofError(
            "%d modules that import in the live environment do not import in it: %s" % (count, text),
            {"imports": {name: failure["text"] for name, failure in found.failures.items()}},
            sorted(found.failures),
        )


def prove_environment(place: Workplace) -> Proof:
    """Prove the environment in *place*.

    Raises BuildError unless its packages fit together, what is used of it imports and the application's tests pass.
    """
    checking = _start_consistency_check(place, place.path)
    request = ProbeRequest(place.order.probe, left_out=parse_left_out(place.order.lock or ""))
    # The trials of the same run have tried what fails in the live environment.
    failing = TrialMemory(place.application, place.directories.state, place.order.run).failing
    found = probe_environment(place.application, place.path, place.user, request, failing=failing)
    _require_consistency(place, checking.wait(IMPORT_TIMEOUT))
    _require_working_modules(found)
    results = run_tests(place.application, place.path, place.user)
    if results and results[-1].rc != 0:
        last = results[-1]
        raise BuildError(
            "test %r ended with %d: %s" % (" ".join(last.cmd), last.rc, last.last_lines(15)),
            {"tests": last.to_dict()},
        )
    deprecations = set(found.deprecations)
    for result in results:
        for position, text in DEPRECATION_WARNING.findall(result.stdout + "\n" + result.stderr):
            deprecations.add("%s: %s" % (position, text))
    told = sorted(warning.replace(place.path + "/", "") for warning in deprecations)[:MAX_DEPRECATIONS]
    return Proof(told, found.untried)


def _name_tier(number: int, count: int, names: Sequence[str]) -> str:
    more = ", and others" if len(names) > MAX_NAMES else ""
    return "tier %d of %d (%s%s)" % (number, count, ", ".join(names[:MAX_NAMES]), more)


def _check_tiers(place: Workplace) -> Dict[str, EnvironmentCheck]:
    """Install again, tier after tier of the lock, and check after each but the last; the checks by name of the tier.

    A later tier may remove the problem of an earlier one.
    """
    for path, kind in ((place.path, GENERATION), (place.scratch, SCRATCH)):
        reason = place.directories.remove(path)
        if reason:
            raise BuildError("%s cannot be built again: %s" % (path, reason))
        place.directories.create(path, kind)
    place.create_environment()
    lock = place.order.lock or ""
    tiers = split_tiers(lock, place.order.tiers)
    checks: Dict[str, EnvironmentCheck] = {}
    installed: Set[str] = set()
    for number, tier in enumerate(tiers[:-1], 1):
        seen = set(list_top_level_modules(place.path))
        installed.update(tier)
        place.install_lock(filter_lock(lock, installed))
        names = [name for name in list_top_level_modules(place.path) if name not in seen]
        checks[_name_tier(number, len(tiers), tier)] = check_environment(place, names)
    return checks


def describe_first_tier(place: Workplace, problem: ProofError) -> str:
    """The tiers that alone show *problem*, as the end of a message. Raises BuildError, CommandError, OSError."""
    wanted = set(problem.modules)
    inconsistent, failing = [], []
    left_out = parse_left_out(place.order.lock or "")
    for tier, check in _check_tiers(place).items():
        if not wanted and list_inconsistencies(check.consistent, left_out):
            inconsistent.append("already with %s alone" % tier)
        names = sorted(wanted & set(check.failed))
        if names:
            failing.append("%s already with %s alone" % (", ".join(names[:MAX_NAMES]), tier))
    found = inconsistent[:1] + failing
    return "; " + "; ".join(found) if found else ""
