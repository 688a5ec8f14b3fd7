# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the plan: from what the hosts are, to every step of every application."""

from __future__ import annotations

import concurrent.futures
import datetime
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import expect, track
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import ManagedLister
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RemoteBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import (
    PACKAGING_ERROR,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    find_uv_platform,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import select_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._demands import (
    build_origin_finding,
    check_libraries,
    collect_blocking_findings,
    collect_constraints,
    get_carry_policy,
    list_uncopied_packages,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._document import (
    PLAN_SCHEMA,
    Plan,
    build_document,
    choose_representatives,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    BlockedApplication,
    CopiesNeededError,
    MissingWheelsError,
    PlanBlockedError,
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
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import StepPlanner

# Why an application has no steps; None where it has.
Problem = list[BlockedApplication] | MissingWheelsError | UnpublishedPackagesError | UncopiedPackagesError | None


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
        reviewed: bool = False,
        managed: ManagedLister = list_no_interpreters,
        copying: bool = False,
    ) -> None:
        """*target* as operators write it; *today* decides what is supported (default: the day in UTC).

        With *advisories*, their packages move to the nearest version in which all known ones are fixed: with *fix* in
        every application, otherwise in those whose goal is security. Steps of an *earlier* plan that were asked the
        same stay as they are; of a *reviewed* one, all that start from the same packages. *managed* lists the
        interpreters that uv can install. With *copying*, packages without a wheel are copied rather than built.
        """
        if PACKAGING_ERROR:
            raise PlanError(f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}")
        self._today = today or _lifecycle.get_today()
        self._target = _lifecycle.resolve_target(target, self._today)
        self._minor, self._patch = _lifecycle.check_target(self._target)
        self._locker = locker
        self._advisories = advisories
        self._managed = managed
        self._steps = StepPlanner(
            self._minor, self._patch, locker, advisories, fix, dict(earlier or {}), reviewed, copying
        )

    def plan(self, hosts: Sequence[PlannedHost]) -> Plan:
        """The plan for *hosts*. Raises PlanError with every blocking finding, CopiesNeededError, WheelsNeededError."""
        provides = self._locker.has_version
        work = [(host, application) for host in hosts for application in host.applications]
        blocking = []
        for host, application in work:
            has = self._locker.has_variant
            for entry in collect_blocking_findings(host, application, self._minor, self._patch, has):
                blocking.append(BlockedApplication.from_finding(host.name, application["name"], entry))
        if blocking:
            raise PlanBlockedError(blocking)
        missing: dict[tuple[str, str], Sequence[str]] = {}
        for host, application in work:
            if self._has_steps(application):
                minors = self.list_minors(application)
                missing[host.name, application["name"]] = list_uncopied_packages(host, application, minors, provides)
        self._require_copies(hosts, missing)
        expect("applications planned", len(work))
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            planned = list(pool.map(lambda pair: self._plan_application(*pair), work))
        self._check_problems(hosts, work, [problem for _result, problem in planned])
        parts: dict[str, dict[str, Any]] = {}
        for host in hosts:
            parts[host.name] = {"schema": PLAN_SCHEMA, "target": self._target, "applications": []}
        for (host, _application), (result, _text) in zip(work, planned, strict=True):
            parts[host.name]["applications"].append(result)
        document = build_document(self._target, hosts, parts, self._advisories is not None, self._today)
        return Plan(document, dict(sorted(self._steps.locks.items())), choose_representatives(parts))

    def _check_problems(
        self,
        hosts: Sequence[PlannedHost],
        work: Sequence[tuple[PlannedHost, Mapping[str, Any]]],
        problems: Sequence[Problem],
    ) -> None:
        """Raise CopiesNeededError, WheelsNeededError or PlanError for *problems*, one for each piece of *work*."""
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
        blocked = [row for problem in problems if isinstance(problem, list) for row in problem]
        if blocked:
            raise PlanBlockedError(blocked)
        if any(problems):
            raise PlanError("\n".join(dict.fromkeys(str(problem) for problem in problems if problem)))

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

    def _plan_application(self, host: PlannedHost, application: Mapping[str, Any]) -> tuple[dict[str, Any], Problem]:
        environment = application["environment"]
        result: dict[str, Any] = {
            "name": application["name"],
            "environment": environment["path"],
            "from": environment["python"],
            "steps": [],
        }
        try:
            with track("applications planned", f"{application['name']} on {host.name}"):
                chain = self._steps.plan_steps(host, application)
            check_libraries(host, chain)
            for step in chain:
                interpreter = self._resolve_interpreter(host, _lifecycle.parse_version(step["to"])[0])
                result["steps"].append({**step, "interpreter": interpreter})
            taken = select_cargo(environment, get_carry_policy(application)) if chain else None
            if taken:
                result["cargo"] = taken
        except (MissingWheelsError, UncopiedPackagesError) as error:
            return result, error
        except UnpublishedPackagesError as error:
            copies = application.get("copies") or {}
            refused = []
            for package in environment["packages"]:
                name = normalize_name(package["name"])
                if name in error.names and name in copies:
                    entry = build_origin_finding(application["name"], package, copies[name]["reason"])
                    refused.append(BlockedApplication.from_finding(host.name, application["name"], entry))
            return result, refused or error
        except CollectionError as error:
            return result, [BlockedApplication.from_error(host.name, application["name"], error)]
        return result, None

    def list_minors(self, application: Mapping[str, Any]) -> list[Minor]:
        """The minors that *application* visits. Raises UnknownVersionError."""
        return self._steps.list_minors(application)

    def rehearse_steps(
        self, host: PlannedHost, application: Mapping[str, Any], on: Callable[[Minor, Mapping[str, Any]], Rehearsal]
    ) -> Iterator[tuple[Minor, RehearsalResult]]:
        """Rehearse each step of *application* with the rehearsal that *on* returns for its minor and interpreter.

        A step starts with the packages of the one before. Ends after the first step that fails. Raises CollectionError.
        """
        environment = application["environment"]
        missing = list_uncopied_packages(host, application, self.list_minors(application), self._locker.has_version)
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
        for minor in self.list_minors(application):
            ended = on(minor, self._resolve_interpreter(host, minor)).rehearse_step(
                packages, collect_constraints(packages, constraints, advisories), minor, platform
            )
            yield minor, ended
            if ended.failures:
                return
            packages = ended.found.after
            constraints += [entry.to_row() for entry in ended.learned]

    def _resolve_interpreter(self, host: PlannedHost, minor: Minor) -> dict[str, Any]:
        return resolve_interpreter(host, minor, self._patch if minor == self._minor else None, self._managed)
