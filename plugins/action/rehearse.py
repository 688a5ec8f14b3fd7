# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearses the steps of the applications of a host: tries locks on it, and records failures as constraints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import Activity, complete, expect, track
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import (
    Minor,
    format_minor,
    get_today,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv_platform
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup as _planning
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import select_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import read_constraints
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import PlanError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost, build_planned_host
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._installed_uses import KnownUses
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._learning import PlanDirectoryKeeper
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._problems import (
    build_problem,
    describe_error,
    describe_failures,
    describe_problem,
    format_problems,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    Rehearsal,
    RehearsalResult,
    TrialFailure,
    TrialOutcome,
    TrialRunner,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

# Prefixes of failures that are no imports.
OTHER_PREFIXES = ("test: ", "source: ", "start: ")
# Locks of next candidates that are made while one is tried.
LOCKS_AHEAD = 2


class HostTrialError(CollectionError):
    """A module or action that failed during a trial; the text has its name and message."""


class ActionModule(CollectionAction):
    """One rehearsal after the other, each of as many module executions as it takes locks."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Rehearse and write new constraints to the plan directory; in check mode list the steps to rehearse."""
        name = str(task_vars["inventory_hostname"])
        directory = expand_path(given["plan_dir"])
        result: dict[str, Any] = {
            "changed": False,
            "rehearsed": [],
            "problems": [],
            "actions": [],
            "constraints": str(directory / "constraints.yml"),
        }
        try:
            learned = read_constraints(directory)
            host = build_planned_host(name, task_vars["hostvars"][name], given, learned)
            if host is None:
                raise PlanError(f"{name} has no inventory and cannot rehearse; run oxzep7.python.plan again")
            parts = _planning.build_tools(given, host.interpreters)
            planner = _planning.build_planner(given, parts)
            _planning.note_installed_uses([host], parts, given)
            planned = read_planned_steps(given["planned_dir"], name)
        except (CollectionError, ValueError) as error:
            raise ActionFailedError(f"{name}: {error}", **result) from None
        with Activity(f"{name}: rehearse", self._display.display):
            for application in host.applications:
                keeper = PlanDirectoryKeeper(directory, name, get_today(), self._display.display)
                try:
                    minors = _list_minors(planner, application, planned)
                    if self._task.check_mode:
                        for minor in minors:
                            result["actions"].append(f"rehearse {application['name']} on Python {format_minor(minor)}")
                    elif minors:
                        self._rehearse_application(
                            result, host, application, minors, planner, parts, keeper, given, task_vars
                        )
                except (CollectionError, ValueError, OSError) as error:
                    problem = build_problem(
                        name, application["name"], "", describe_error(str(error)), result["constraints"]
                    )
                    result["problems"].append(problem)
                    self._display.display(f"{name}: {describe_problem(problem)}")
                result["changed"] = result["changed"] or bool(keeper.added)
                result["actions"] += [f"constrain {row['requirement']}" for row in keeper.added]
        result["unrehearsed"] = sorted({problem["application"] for problem in result["problems"]})
        if result["problems"]:
            raise ActionFailedError(format_problems(name, result["problems"]), **result)
        return result

    def _rehearse_application(
        self,
        result: dict[str, Any],
        host: PlannedHost,
        application: Mapping[str, Any],
        minors: Sequence[Minor],
        planner: Planner,
        parts: _planning.PlanningTools,
        keeper: PlanDirectoryKeeper,
        given: Mapping[str, Any],
        task_vars: Any,
    ) -> None:
        declared = next(entry for entry in task_vars["oxzep7_applications"] if entry["name"] == application["name"])
        trials: list[_HostTrials] = []

        def on(minor: Minor, interpreter: Mapping[str, Any]) -> Rehearsal:
            self._display.display(f"{host.name}: rehearsing {application['name']} on Python {format_minor(minor)}")
            taken = select_cargo(application["environment"], declared.get("carry") or "ask")
            trials.append(_HostTrials(self, given, task_vars, declared, interpreter, host, taken))
            followed = FollowedTrials(trials[-1], f"{application['name']} on Python {format_minor(minor)}")
            known = KnownUses.from_application(application, minor)
            return Rehearsal(
                parts.locker, parts.index, followed, host.name, get_today(), known, keeper, LOCKS_AHEAD, later
            )

        later = _planning.build_later_wheels(parts).find_without
        absent = {"application": declared, "state": "absent", "state_dir": given["state_dir"]}
        expect("steps rehearsed", len(minors))
        try:
            for minor, ended in planner.rehearse_steps(host, application, minors, on):
                self._record_result(result, host.name, application, minor, ended, trials[-1], keeper)
                complete("steps rehearsed")
                if ended.failures:
                    platform = find_uv_platform(str(host.facts["architecture"]), host.facts["libc"])
                    cause = describe_failures(ended, minor, platform, later)
                    result["problems"].append(
                        build_problem(host.name, application["name"], format_minor(minor), cause, result["constraints"])
                    )
        except (CollectionError, ValueError, OSError):
            self.run_module(absent, task_vars, "environment")
            raise
        self.try_module("environment", absent, task_vars)

    def _record_result(
        self,
        result: dict[str, Any],
        host: str,
        application: Mapping[str, Any],
        minor: Minor,
        ended: RehearsalResult,
        trials: _HostTrials,
        keeper: PlanDirectoryKeeper,
    ) -> None:
        keeper.keep_result(ended, minor)
        self._display.display(
            f"{host}: {application['name']} on Python {format_minor(minor)}: {_describe_proof(trials)}"
        )
        result["changed"] = result["changed"] or trials.installed
        result["rehearsed"].append(
            {
                "application": application["name"],
                "to": format_minor(minor),
                "rounds": ended.rounds,
                "trials": trials.count,
                "learned": [entry.to_row() for entry in ended.learned],
                "failures": {name: failure.text for name, failure in ended.failures.items()},
                "benchmarks": trials.benchmarks,
                "tried": trials.tried,
                "untried": trials.untried,
            }
        )

    def try_module(self, name: str, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the module *name*. Raises HostTrialError where it fails."""
        answer = self.run_module(arguments, task_vars, name)
        if answer.get("failed"):
            said = str(answer.get("module_stderr") or answer.get("module_stdout") or "")[-500:]
            raise HostTrialError(f"{name}: {answer.get('msg')}{': ' + said if said else ''}")
        return answer

    def try_action(self, name: str, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the action plugin *name*. Raises HostTrialError where it fails."""
        answer = self.run_action(name, arguments, task_vars)
        if answer.get("failed"):
            raise HostTrialError(f"{name}: {answer.get('msg')}")
        return answer


def read_planned_steps(directory: str | None, host: str) -> dict[str, int] | None:
    """How many steps of each application of *host* the plan in *directory* has; None without a plan.

    Raises PlanError.
    """
    if not directory:
        return None
    path = expand_path(directory) / "plan.json"
    try:
        part = json.loads(path.read_text(encoding="utf-8"))["hosts"].get(host) or {"applications": []}
        return {application["name"]: len(application["steps"]) for application in part["applications"]}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise PlanError(f"{path} cannot be read: {error}; run oxzep7.python.plan again") from None


def _list_minors(planner: Planner, application: Mapping[str, Any], planned: Mapping[str, int] | None) -> list[Minor]:
    """The minors to rehearse *application* on: those of its *planned* steps, or all up to the target."""
    if application["environment"] is None or (planned is not None and not planned.get(application["name"])):
        return []
    minors = planner.list_minors(application)
    return minors if planned is None else minors[: planned[application["name"]]]


def _describe_proof(trials: _HostTrials) -> str:
    """How many imports the last complete trial tried, and what it did not try; or why nothing was tried."""
    if trials.known:
        return trials.known
    left = ", ".join(f"{row['reason']}: {row['count']}" for row in trials.untried)
    return f"{trials.tried} imports tried; {left or 'none left out'}"


class FollowedTrials:
    """Trials of one step, counted as they run: the first by its size, others by how they differ from it."""

    def __init__(self, trials: TrialRunner, step: str) -> None:
        """*step* names the application and the version."""
        self._trials = trials
        self._step = step
        self._first: Mapping[str, str] = {}

    def run_trial(self, lock: str, only: Sequence[str] | None) -> TrialOutcome:
        """As `TrialRunner.run_trial`."""
        pins = parse_pins(lock)
        others = [f"{name} {version}" for name, version in pins.items() if self._first.get(name) != version]
        what = join_names(others) or "the same" if self._first else f"{len(pins)} packages"
        self._first = self._first or pins
        with track("trials", f"{self._step}: {what}"):
            return self._trials.run_trial(lock, only)


class _HostTrials:
    """Tries locks for one application on the host; the interpreter is installed before the first."""

    def __init__(
        self,
        action: ActionModule,
        given: Mapping[str, Any],
        task_vars: Any,
        application: Mapping[str, Any],
        interpreter: Mapping[str, Any],
        host: PlannedHost,
        taken: Mapping[str, Any] | None,
    ) -> None:
        self._action = action
        self._given = given
        self._task_vars = task_vars
        self._application = application
        self._facts = host.facts
        self._cargo = taken
        asked = {
            **interpreter,
            "entries": host.interpreters,
            "directory": given["interpreter_dir"],
            "cache_dir": given["cache_dir"],
            "offline": given["offline"],
        }
        installed = action.try_action("oxzep7.python.interpreter", asked, task_vars)
        self.installed = bool(installed.get("changed"))
        self._interpreter = {"interpreter": installed["path"], "version": installed["version"]}
        self.count = 0
        self.known = ""
        self.tried = 0
        self.untried: list[dict[str, Any]] = []
        self.benchmarks: list[dict[str, Any]] = []

    def run_trial(self, lock: str, only: Sequence[str] | None) -> TrialOutcome:
        """As `TrialRunner.run_trial`: send the wheels that the host lacks, and try."""
        identifier = hashlib.sha256(lock.encode("utf-8")).hexdigest()
        scratch = expand_path(self._given["cache_dir"]) / "rehearsal"
        write_private(scratch / "locks" / f"{identifier}.txt", lock)
        sent = self._action.try_action(
            "oxzep7.python.wheelhouse",
            {
                "lock": identifier,
                "architecture": self._facts["architecture"],
                "plan_dir": str(scratch),
                "directory": self._given["wheelhouse_dir"],
                **{key: self._given[key] for key in ("cache_dir", "ship_uv", "indexes", "find_links", "offline")},
            },
            self._task_vars,
        )
        imports = None if only is None else [name for name in only if not name.startswith(OTHER_PREFIXES)]
        timed = only is None and self._application.get("goal") == "performance"
        answer = self._action.try_module(
            "environment",
            {
                "state": "trial",
                "application": self._application,
                **self._interpreter,
                "lock": lock,
                "wheels": self._given["wheelhouse_dir"],
                "uv": sent.get("uv"),
                "cargo": self._cargo,
                "modules": imports,
                "probe": self._given["probe"],
                "tests": only is None or len(imports or ()) < len(only),
                "benchmarks": timed,
                "state_dir": self._given["state_dir"],
                "run_id": self._given["run_id"],
            },
            self._task_vars,
        )
        self.known = answer["known"] if only is None else self.known
        self.count += not answer["known"]
        if only is None:
            self.tried, self.untried = answer["tried"], answer["untried"]
        self.benchmarks = answer["benchmarks"] or self.benchmarks
        failures = {name: TrialFailure.from_result(value, "import") for name, value in answer["failures"].items()}
        failures.update(
            {f"test: {name}": TrialFailure.from_result(value, "test") for name, value in answer["tests"].items()}
        )
        failures.update(
            {f"source: {name}": TrialFailure.from_result(value, "source") for name, value in answer["sources"].items()}
        )
        wants_start = only is None or any(name.startswith("start: ") for name in only)
        if wants_start and not answer["failures"] and (self._application.get("rehearse") or {}).get("start"):
            failures.update(self._start())
        if answer["failures"]:
            # What was not run because imports fail is not cured.
            for name in only or ():
                if name.startswith(("test: ", "start: ")):
                    failures[name] = TrialFailure("was not run", kind=name.partition(":")[0])
        return TrialOutcome(failures, answer["owners"], frozenset(answer["gone"]))

    def _start(self) -> dict[str, TrialFailure]:
        """The failure of the application's start in the environment of the last trial."""
        answer = self._action.try_module(
            "dry_start",
            {
                "application": self._application,
                "version": self._interpreter["version"],
                "state_dir": self._given["state_dir"],
                "run_id": self._given["run_id"],
            },
            self._task_vars,
        )
        self.untried = self.untried + [row for row in answer["untried"] if row not in self.untried]
        found = {}
        for name, value in answer["failures"].items():
            found[f"start: {name}"] = TrialFailure.from_result(value, "start")
        return found
