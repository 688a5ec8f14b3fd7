# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the plan: from what the hosts are, to every step of every application."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import expect, track
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import ManagedLister
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import (
    RemoteBuildError,
    list_needed_wheels,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import (
    PACKAGING_ERROR,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    find_uv_platform,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import select_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._comparison import restrict_to_review
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._demands import (
    Goal,
    build_origin_finding,
    check_libraries,
    collect_blocking_findings,
    collect_constraints,
    get_carry_policy,
    get_own_target,
    get_stay,
    list_uncopied_packages,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._document import (
    PLAN_SCHEMA,
    Plan,
    build_document,
    choose_representatives,
    collect_start_pins,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    DATA_ERRORS,
    BlockedReason,
    CopiesNeededError,
    MissingWheelsError,
    NoLockError,
    PlanError,
    UncopiedPackagesError,
    UnpublishedPackagesError,
    WheelsNeededError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost, build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._interpreter_choice import (
    list_no_interpreters,
    resolve_interpreter,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import Rehearsal, RehearsalResult
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import StepChain, StepPlanner

# What may be obtained before an application is planned.
Missing = MissingWheelsError | UnpublishedPackagesError | UncopiedPackagesError


@dataclasses.dataclass(frozen=True)
class Obtaining:
    """What can be obtained before a plan: ``copies`` of packages, and ``wheels`` by a builder host.

    ``built`` are the rows of wheels that a builder was asked for already, and ``building`` is what it answered.
    """

    copies: bool = True
    wheels: bool = True
    built: Sequence[Mapping[str, Any]] = ()
    building: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def is_asked(self, failure: RemoteBuildError) -> bool:
        """Whether a builder was asked for the wheel of *failure* already."""
        return list_needed_wheels([failure])[0] in self.built

    def describe_failure(self, failure: RemoteBuildError) -> str:
        """Why there is no wheel: why the controller has none, and the answer of the builder."""
        (row,) = list_needed_wheels([failure])
        for problem in self.building.get("problems") or ():
            if all(problem.get(key) == value for key, value in row.items()):
                return str(problem["cause"])
        said = self.building.get("msg")
        return f"{failure}; the builder: {said}" if said and self.is_asked(failure) else str(failure)


class Planner:
    """Plans for many hosts; equal questions are asked once."""

    def __init__(
        self,
        target: str,
        locker: StepLocker,
        today: datetime.date | None = None,
        advisories: Advisories | None = None,
        fix: bool = True,
        earlier: Mapping[str, tuple[dict[str, Any], str]] | None = None,
        review: Mapping[str, Any] | None = None,
        managed: ManagedLister = list_no_interpreters,
        copying: bool = False,
        obtaining: Obtaining | None = None,
    ) -> None:
        """*target* as operators write it; *today* decides what is supported (default: the day in UTC).

        With *advisories*, their packages move to the nearest version in which all known ones are fixed: with *fix* in
        every application, otherwise in those whose goal is security. Steps of an *earlier* plan that were asked the
        same stay as they are. With *review*, the document of a reviewed plan, all that start from the same packages
        stay, and steps that it does not have are blocked. *managed* lists the interpreters that uv can install. With
        *copying*, packages without a wheel are copied rather than built. *obtaining* is what may be asked for before
        (default: everything).
        """
        if PACKAGING_ERROR:
            raise PlanError(f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}")
        self._today = today or _lifecycle.get_today()
        self._goal = Goal.from_target(target, self._today)
        self._locker = locker
        self._advisories = advisories
        self._managed = managed
        self._steps = StepPlanner(
            self._goal, self._today, locker, advisories, fix, dict(earlier or {}), review is not None, copying
        )
        self._review = review
        self._obtaining = obtaining or Obtaining()

    def plan(self, hosts: Sequence[PlannedHost]) -> Plan:
        """The plan for *hosts*; what cannot be planned is blocked in it.

        Raises CopiesNeededError and WheelsNeededError for what is to be obtained before, and PlanError where the
        reviewed plan has another target.
        """
        work = [(host, application) for host in hosts for application in host.applications]
        forbidden = [self._list_forbidding_reasons(*pair) for pair in work]
        missing: dict[tuple[str, str], Sequence[str]] = {}
        for number, (host, application) in enumerate(work):
            if not forbidden[number] and self._has_steps(application):
                try:
                    names = self._list_missing_packages(host, application)
                except DATA_ERRORS as error:
                    forbidden[number] = [BlockedReason.from_error(error)]
                    continue
                if names and not self._obtaining.copies:
                    forbidden[number] = [BlockedReason.from_error(UnpublishedPackagesError(names))]
                elif names:
                    missing[host.name, application["name"]] = names
        self._require_copies(hosts, missing)
        expect("applications planned", len(work))
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            planned = list(
                pool.map(lambda pair, reasons: self._plan_application(pair[0], pair[1], reasons), work, forbidden)
            )
        self._require_what_is_missing(hosts, work, [missing for _result, missing in planned])
        parts: dict[str, dict[str, Any]] = {}
        for host in hosts:
            parts[host.name] = {"schema": PLAN_SCHEMA, "target": self._goal.text, "applications": []}
        for (host, _application), (result, _missing) in zip(work, planned, strict=True):
            parts[host.name]["applications"].append(result)
        if self._review is not None:
            starts, pins = collect_start_pins(hosts, parts)
            restrict_to_review(self._review, self._goal.text, parts, {"starts": starts, "pins": pins})
        document = build_document(self._goal.text, hosts, parts, self._advisories is not None, self._today)
        used = {step["lock"] for part in parts.values() for entry in part["applications"] for step in entry["steps"]}
        locks = {name: text for name, text in sorted(self._steps.locks.items()) if name in used}
        return Plan(document, locks, choose_representatives(parts))

    def _list_forbidding_reasons(self, host: PlannedHost, application: Mapping[str, Any]) -> list[BlockedReason]:
        """What blocks *application* before any of its steps is planned."""
        known = [*host.blocked.get(application["name"], ())]
        if known or get_stay(application):
            return known
        try:
            goal = self._steps.find_goal(application)
            found = collect_blocking_findings(host, application, goal, self._locker.has_variant)
        except DATA_ERRORS as error:
            return [BlockedReason.from_error(error)]
        return [BlockedReason.from_finding(entry) for entry in found]

    def _list_missing_packages(self, host: PlannedHost, application: Mapping[str, Any]) -> list[str]:
        return list_uncopied_packages(host, application, self.list_minors(application), self._locker.has_version)

    def _require_what_is_missing(
        self,
        hosts: Sequence[PlannedHost],
        work: Sequence[tuple[PlannedHost, Mapping[str, Any]]],
        problems: Sequence[Missing | None],
    ) -> None:
        """Raise CopiesNeededError or WheelsNeededError for *problems*, one for each piece of *work*."""
        unpublished: dict[tuple[str, str], Sequence[str]] = {}
        failures: list[RemoteBuildError] = []
        for (host, application), problem in zip(work, problems, strict=True):
            if isinstance(problem, (UnpublishedPackagesError, UncopiedPackagesError)):
                unpublished[host.name, application["name"]] = problem.names
            if isinstance(problem, MissingWheelsError):
                failures += problem.failures
        self._require_copies(hosts, unpublished)
        if failures:
            raise WheelsNeededError(failures)

    def _has_steps(self, application: Mapping[str, Any]) -> bool:
        return application["environment"] is not None and bool(self.list_minors(application))

    @staticmethod
    def _require_copies(hosts: Sequence[PlannedHost], missing: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Raise CopiesNeededError if anything is *missing*.

        It names earlier copies, too, because a result of package_copy replaces the one before.
        """
        if not any(missing.values()):
            return
        wanted: dict[str, dict[str, list[str]]] = {}
        for host in hosts:
            for application in host.applications:
                names = sorted({*(application.get("copies") or {}), *missing.get((host.name, application["name"]), ())})
                if names:
                    wanted.setdefault(host.name, {})[application["name"]] = names
        raise CopiesNeededError(wanted)

    def _plan_application(
        self, host: PlannedHost, application: Mapping[str, Any], forbidden: Sequence[BlockedReason]
    ) -> tuple[dict[str, Any], Missing | None]:
        """The part of *application* in the plan, and what is to be obtained before its next step can be planned."""
        environment = application["environment"] or {}
        result: dict[str, Any] = {
            "name": application["name"],
            "environment": environment.get("path"),
            "from": environment.get("python"),
            "steps": [],
        }
        own, stay = get_own_target(application), get_stay(application)
        if own:
            result["target"] = own
        if stay:
            return {**result, "stay": stay}, None
        if forbidden or not environment:
            reasons = forbidden or [BlockedReason.from_error(PlanError("its environment was not found"))]
            return {**result, "blocked": [reason.to_row() for reason in reasons]}, None
        try:
            with track("applications planned", f"{application['name']} on {host.name}"):
                chain = self._steps.plan_steps(host, application)
            problem = self._add_steps(result, host, self._steps.find_goal(application), chain)
            taken = select_cargo(environment, get_carry_policy(application)) if result["steps"] else None
        except DATA_ERRORS as error:
            return {**result, "steps": [], "blocked": [BlockedReason.from_error(error).to_row()]}, None
        if taken:
            result["cargo"] = taken
        if problem is None:
            return result, None
        if self._can_obtain(problem, application):
            return result, problem
        result["blocked"] = [reason.to_row() for reason in self._explain(problem, application, len(result["steps"]))]
        return result, None

    def _add_steps(self, result: dict[str, Any], host: PlannedHost, goal: Goal, chain: StepChain) -> Exception | None:
        """Add the steps of *chain* to *result*, up to the first that *host* cannot take; returns why it cannot."""
        for step in chain.steps:
            try:
                check_libraries(host, [step])
                interpreter = self._resolve_interpreter(host, _lifecycle.parse_version(step["to"])[0], goal)
            except DATA_ERRORS as error:
                return error
            result["steps"].append({**step, "interpreter": interpreter})
        return chain.problem

    def _can_obtain(self, problem: Exception, application: Mapping[str, Any]) -> TypeGuard[Missing]:
        """Whether *problem* is something missing that was not asked for yet."""
        if isinstance(problem, MissingWheelsError):
            return self._obtaining.wheels and not all(map(self._obtaining.is_asked, problem.failures))
        if isinstance(problem, UnpublishedPackagesError):
            known = application.get("copies") or {}
            return self._obtaining.copies and not any(name in known for name in problem.names)
        return isinstance(problem, UncopiedPackagesError)

    def _explain(self, problem: Exception, application: Mapping[str, Any], number: int) -> list[BlockedReason]:
        """Why the step *number* of *application* and those after it are blocked."""
        before, after = self._steps.list_moves(application)[number]
        if isinstance(problem, MissingWheelsError):
            text = "; ".join(map(self._obtaining.describe_failure, problem.failures))
            return [BlockedReason.from_error(NoLockError(problem.key, text, problem.packages), before, after)]
        if isinstance(problem, UnpublishedPackagesError):
            found = []
            copies = application.get("copies") or {}
            for package in application["environment"]["packages"]:
                name = normalize_name(package["name"])
                if name in problem.names and name in copies:
                    entry = build_origin_finding(application["name"], package, copies[name]["reason"])
                    found.append(BlockedReason(entry["key"], entry["detail"], entry["remediation"], before, after))
            if found:
                return found
        return [BlockedReason.from_error(problem, before, after)]

    def list_minors(self, application: Mapping[str, Any]) -> list[Minor]:
        """The minors that *application* visits. Raises UnknownVersionError."""
        return self._steps.list_minors(application)

    def rehearse_steps(
        self,
        host: PlannedHost,
        application: Mapping[str, Any],
        minors: Sequence[Minor],
        on: Callable[[Minor, Mapping[str, Any]], Rehearsal],
    ) -> Iterator[tuple[Minor, RehearsalResult]]:
        """Rehearse the steps of *application* to *minors* with what *on* returns for a minor and its interpreter.

        A step starts with the packages of the one before. Ends after the first step that fails. Raises CollectionError.
        """
        environment = application["environment"]
        missing = list_uncopied_packages(host, application, minors, self._locker.has_version)
        self._require_copies([host], {(host.name, application["name"]): missing})
        architecture = str(host.facts["architecture"])
        platform = find_uv_platform(architecture, host.facts["libc"])
        packages = build_package_set(
            environment,
            set(application.get("wanted") or ()),
            _lifecycle.parse_version(environment["python"])[0],
            architecture,
            application.get("copies") or {},
            application.get("imported"),
            extras=application.get("extras") or {},
        )
        constraints = list(host.constraints)
        advisories = self._steps.select_advisories(application)
        for minor in minors:
            ended = on(minor, self._resolve_interpreter(host, minor, self._steps.find_goal(application))).rehearse_step(
                packages, collect_constraints(packages, constraints, advisories), minor, platform
            )
            yield minor, ended
            if ended.failures:
                return
            packages = ended.found.after
            constraints += [entry.to_row() for entry in ended.learned]

    def _resolve_interpreter(self, host: PlannedHost, minor: Minor, goal: Goal) -> dict[str, Any]:
        return resolve_interpreter(host, minor, goal.choose_minor_patch(minor), self._managed)
