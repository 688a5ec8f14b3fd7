# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the plan: from what the hosts are, to every step of every application. Decisions only; uv is asked through a `Resolver`."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._urls import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import choose_from_entries
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    InterpreterSourceError,
    InterpreterWish,
    ManagedLister,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import (
    RemoteBuildError,
    list_needed_wheels,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import (
    PACKAGING_ERROR,
    IndexUnavailableError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import OnceCache
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionError,
    find_uv_platform,
    parse_annotated_lock,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import check_cargo as findings_of_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import select_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import (
    MissingWheelsError,
    NoLockError,
    PackageCopy,
    PackageSet,
    StepLocker,
    UnpublishedPackagesError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    InvalidLimitError,
    MoveReason,
    VersionLimit,
    classify_move,
    find_requirers,
    find_root_packages,
    select_limits,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._notes import build_notes
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import Rehearsal, RehearsalResult
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

# Without it the planner says so, and nothing here works.
with contextlib.suppress(ImportError):
    from packaging.version import Version

PLAN_SCHEMA = 1
# What planning reads of a package.
PACKAGE_KEYS = ("name", "version", "requires", "requested")
# Debian's pip once reported this package, which exists nowhere.
PHANTOM_PACKAGES = frozenset({"pkg-resources"})


class PlanError(CollectionError):
    """What forbids a plan: one line per finding."""


class CopiesNeededError(CollectionError):
    """Packages that no source has and that may be copied from their hosts: names by application and host."""

    def __init__(self, wanted: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        super().__init__(
            "; ".join(
                f"{host}: {application}: {', '.join(names)}"
                for host, part in wanted.items()
                for application, names in part.items()
            )
        )
        self.wanted = {
            host: {application: list(names) for application, names in part.items()} for host, part in wanted.items()
        }


class WheelsNeededError(CollectionError):
    """Wheels that a builder host must build before there can be a plan; ``wanted`` are their rows, the text says why."""

    def __init__(self, failures: Sequence[RemoteBuildError]) -> None:
        super().__init__("\n".join(sorted({str(entry) for entry in failures})))
        self.wanted = list_needed_wheels(failures)


@dataclasses.dataclass(frozen=True)
class PlannedHost:
    """What planning needs of one host: its inventory's parts and the operator's options for it."""

    name: str
    facts: Mapping[str, Any]
    applications: Sequence[Mapping[str, Any]]
    found_interpreters: Sequence[Mapping[str, Any]]
    interpreters: Sequence[Mapping[str, Any]]
    constraints: Sequence[Mapping[str, Any]]
    # How much depends on it; empty where only its applications say.
    criticality: str = ""


@dataclasses.dataclass
class Plan:
    """The plan: ``document`` is what is written and delivered, ``locks`` the text of each lock by identifier."""

    document: dict[str, Any]
    locks: dict[str, str]
    # The first hosts, in order, that together have every different environment.
    representatives: list[str] = dataclasses.field(default_factory=list)

    @property
    def identifier(self) -> str | None:
        """Digest of the plan; None when there is nothing to do."""
        return self.document["id"] if any(self.count_steps().values()) else None

    def count_steps(self) -> dict[str, int]:
        """Number of steps by host."""
        return {
            name: sum(len(application["steps"]) for application in part["applications"])
            for name, part in self.document["hosts"].items()
        }


def check_target_lifecycle(minor: Minor, today: datetime.date) -> list[dict[str, Any]]:
    """What speaks against the target *minor*, and against the data that say so, on the day *today*. None of it blocks."""
    found = []
    release = _lifecycle.load_releases()[minor]
    if release.end_of_life <= today:
        found.append(
            build_finding(
                key="target-end-of-life",
                detail=f"support of Python {format_minor(minor)} ended {release.end_of_life}",
                remediation="choose a newer oxzep7_target",
            )
        )
    elif release.end_of_life - today < _lifecycle.END_OF_LIFE_NOTICE:
        found.append(
            build_finding(
                key="target-end-of-life-soon",
                detail=f"support of Python {format_minor(minor)} ends {release.end_of_life}",
                remediation="choose a newer oxzep7_target, or plan the next upgrade",
            )
        )
    if today - _lifecycle.read_data_date() > _lifecycle.DATA_STALE_AFTER:
        found.append(
            build_finding(
                key="release-data-stale",
                detail=f"the release data are of {_lifecycle.read_data_date()}",
                remediation="update the collection, or run make refresh in a checkout",
            )
        )
    return found


def list_no_interpreters(_entry: Mapping[str, Any], _architecture: str) -> Sequence[Mapping[str, str]]:
    """A `ManagedLister` without rows."""
    return ()


def choose_interpreter(
    host: PlannedHost, minor: Minor, patch: int | None, managed: ManagedLister = list_no_interpreters
) -> dict[str, Any] | None:
    """The options of the first interpreter source of *host* that provides *minor* (and *patch*), or None.

    Raises InterpreterSourceError.
    """
    wish = InterpreterWish(
        minor,
        patch,
        str(host.facts["architecture"]),
        host.facts.get("os") or {},
        host.found_interpreters,
        managed,
    )
    return choose_from_entries(host.interpreters, wish)


def list_fix_constraints(pins: Mapping[str, str], advisories: Advisories) -> list[dict[str, str]]:
    """A constraint for each of *pins* that advisories are about and that a later version fixes; what nothing fixes has none."""
    found = []
    for name, version in sorted(pins.items()):
        newest, named = version, set()
        # A version that fixes one thing may be open to another.
        while known := [entry for entry in advisories.find_for_package(name, newest) if entry["fixed"]]:
            named |= {
                next((alias for alias in entry["aliases"] if alias.startswith("CVE-")), entry["id"]) for entry in known
            }
            newest = max((entry["fixed"] for entry in known), key=Version)
        if named:
            found.append(
                {
                    "requirement": f"{name}>={newest}",
                    "reason": f"fixes {', '.join(sorted(named))}",
                    "evidence": "advisory",
                }
            )
    return found


def collect_constraints(
    packages: PackageSet, constraints: Sequence[Mapping[str, Any]], advisories: Advisories | None
) -> list[Mapping[str, Any]]:
    """The *constraints*, and those that *advisories* put on what *packages* there are."""
    return [*constraints, *(list_fix_constraints(packages.pins, advisories) if advisories else [])]


def list_step_minors(python: str, target: Minor, patch: int | None) -> list[Minor]:
    """The minors that an environment of version *python* visits on its way to *target*, and to its *patch* where one is asked for.

    An older patch of the same minor is a step of its own. Raises UnknownVersion when the target lies below.
    """
    minor, own = _lifecycle.parse_version(python)
    path = _lifecycle.find_upgrade_path(minor, target)
    if path or patch is None or own is None or own == patch:
        return path
    if own > patch:
        raise _lifecycle.UnknownVersionError(
            f"the target {format_minor(target)}.{patch} is below the current version {python}; use oxzep7.python.rollback to go back"
        )
    return [minor]


def _get_carry_policy(application: Mapping[str, Any]) -> str:
    return str((application.get("declared") or {}).get("carry") or "ask")


def _collect_blocking_findings(
    host: PlannedHost,
    application: Mapping[str, Any],
    target: Minor,
    patch: int | None,
    provides: Callable[[str, str], bool],
) -> list[dict[str, Any]]:
    found = [dict(entry) for entry in application["findings"] if entry["blocking"]]
    environment = application["environment"]
    if found or environment is None:
        return found
    try:
        path = list_step_minors(environment["python"], target, patch)
    except _lifecycle.UnknownVersionError as error:
        return [
            build_finding(
                key="target-below-current",
                detail=f"{application['name']}: {error}",
                remediation="choose a newer oxzep7_target",
            )
        ]
    if not path:
        return []
    found += findings_of_cargo(application["name"], environment, _get_carry_policy(application))
    found += _check_vendor_modules(host, application, path)
    copies = application.get("copies") or {}
    for package in environment["packages"]:
        name = normalize_name(package["name"])
        if (
            _is_not_from_index(package)
            and "reason" in copies.get(name, {})
            and not provides(name, str(package["version"]))
        ):
            found.append(_build_origin_finding(application["name"], package, copies[name]["reason"]))
    return found


def _check_vendor_modules(
    host: PlannedHost, application: Mapping[str, Any], path: Sequence[Minor]
) -> list[dict[str, Any]]:
    """Modules in no package beside the live interpreter that the environment sees, and that an interpreter which is there already lacks.

    What an archive brings is not known before it is unpacked; the build looks again.
    """
    environment = application["environment"]
    if not environment.get("system_site_packages") or _get_carry_policy(application) == "drop":
        return []
    base = next((entry for entry in host.found_interpreters if entry["path"] == environment.get("interpreter")), {})
    known = {entry["path"]: entry for entry in host.found_interpreters}
    found = []
    for minor in path:
        chosen = choose_interpreter(host, minor, None) or {}
        new = known.get(chosen.get("path"))
        lost = (
            sorted(_list_vendor_modules(base) - _list_vendor_modules(new))
            if new and new.get("origin") != "system"
            else []
        )
        if new and lost:
            found.append(
                build_finding(
                    key="vendor-modules-missing",
                    detail=f"{application['name']} sees modules of its interpreter's distribution that {new['path']} lacks: "
                    f"{', '.join(lost)}",
                    remediation="provide them with the new interpreter or as packages, or set `carry` of the application to drop",
                )
            )
    return found


def _list_vendor_modules(interpreter: Mapping[str, Any]) -> set[str]:
    return {
        entry["path"].rstrip("/").rpartition("/")[2].partition(".")[0]
        for entry in interpreter.get("unmanaged") or []
        if entry["kind"] == "module"
    }


def _is_not_from_index(package: Mapping[str, Any]) -> bool:
    """Whether *package* was not installed from an index, or is a vendor's variant of what an index may have."""
    return bool(package["editable"] or package["direct_url"] or "+" in str(package["version"]))


def _build_origin_finding(application: str, package: Mapping[str, Any], why: str) -> dict[str, Any]:
    origin = f" (installed from {redact_url(package['direct_url'])})" if package.get("direct_url") else ""
    called = f"{package['name']} {package['version'] or ''}".strip()
    return build_finding(
        key="package-not-from-index",
        detail=f"{application}: no source has {called}{origin}, and it cannot be copied: {why}",
        remediation="publish that version to an index of oxzep7_indexes, or put its wheel into a folder of oxzep7_find_links",
    )


def _list_uncopied_packages(application: Mapping[str, Any], provides: Callable[[str, str], bool]) -> list[str]:
    """The packages of *application* that were not installed from an index, that the operator's sources lack, and that no copy was asked of."""
    copies = application.get("copies") or {}
    packages = {
        normalize_name(package["name"]): package for package in (application["environment"] or {}).get("packages") or []
    }
    return sorted(
        name
        for name, package in packages.items()
        if _is_not_from_index(package) and name not in copies and not provides(name, str(package["version"]))
    )


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
    ) -> None:
        """*target* as operators write it; *today* decides what is supported (default: the day in UTC).

        With *advisories*, packages that they are about move to the nearest version in which what is known is fixed: with *fix* of every
        application, otherwise of those whose goal is security. Steps of an *earlier* plan that were asked the same stay as they are;
        of a *reviewed* one, all that start from the same packages. *managed* says what uv can install.
        """
        if PACKAGING_ERROR:
            raise PlanError(f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}")
        self._today = today or _lifecycle.get_today()
        self._target = _lifecycle.resolve_target(target, self._today)
        self._minor, self._patch = _lifecycle.check_target(self._target)
        self._locker = locker
        self._advisories = advisories
        self._fix = fix
        self._earlier = dict(earlier or {})
        self._reviewed = reviewed
        self._managed = managed
        self._chains: OnceCache[list[dict[str, Any]]] = OnceCache()
        self._locks: dict[str, str] = {}

    def plan(self, hosts: Sequence[PlannedHost]) -> Plan:
        """The plan for *hosts*. Raises PlanError that lists every blocking finding, or WheelsNeeded."""
        blocking: list[str] = []
        for host in hosts:
            for application in host.applications:
                blocking += [
                    f"{host.name}: {entry['detail']} ({entry['key']}); {entry['remediation']}"
                    for entry in _collect_blocking_findings(
                        host, application, self._minor, self._patch, self._locker.has_version
                    )
                ]
        if blocking:
            raise PlanError("\n".join(blocking))
        self._require_copies(
            hosts,
            {
                (host.name, application["name"]): _list_uncopied_packages(application, self._locker.has_version)
                for host in hosts
                for application in host.applications
                if self._has_steps(application)
            },
        )
        work = [(host, application) for host in hosts for application in host.applications]
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            planned = list(pool.map(lambda pair: self._plan_application(*pair), work))
        self._require_copies(
            hosts,
            {
                (host.name, application["name"]): problem.names
                for (host, application), (_result, problem) in zip(work, planned, strict=True)
                if isinstance(problem, UnpublishedPackagesError)
            },
        )
        elsewhere = [
            entry
            for _result, problem in planned
            if isinstance(problem, MissingWheelsError)
            for entry in problem.failures
        ]
        if elsewhere:
            raise WheelsNeededError(elsewhere)
        failures = [str(problem) for _result, problem in planned if problem]
        if failures:
            raise PlanError("\n".join(dict.fromkeys(failures)))
        parts: dict[str, dict[str, Any]] = {
            host.name: {"schema": PLAN_SCHEMA, "target": self._target, "applications": []} for host in hosts
        }
        for (host, _application), (result, _text) in zip(work, planned, strict=True):
            parts[host.name]["applications"].append(result)
        document: dict[str, Any] = {"schema": PLAN_SCHEMA, "target": self._target, "hosts": parts}
        document["id"] = hashlib.sha256(format_json(document).encode()).hexdigest()[:16]
        # What only time changes is no part of the identity.
        minors = sorted(
            {
                _lifecycle.parse_version(step["to"])[0]
                for part in parts.values()
                for entry in part["applications"]
                for step in entry["steps"]
            }
        )
        document["notes"] = {
            host.name: {
                application["name"]: build_notes(application, part, self._advisories is not None)
                for application, part in zip(host.applications, parts[host.name]["applications"], strict=True)
            }
            for host in hosts
        }
        starts, pins = collect_start_pins(hosts, parts)
        document.update(
            starts=starts,
            pins=pins,
            findings=check_target_lifecycle(self._minor, self._today),
            release_data=_lifecycle.read_data_date().isoformat(),
            phases={format_minor(minor): _lifecycle.load_releases()[minor].get_phase(self._today) for minor in minors},
        )
        for part in parts.values():
            part["id"] = document["id"]
        return Plan(document, dict(sorted(self._locks.items())), choose_representatives(parts))

    def _has_steps(self, application: Mapping[str, Any]) -> bool:
        return application["environment"] is not None and bool(self.list_minors(application))

    @staticmethod
    def _require_copies(hosts: Sequence[PlannedHost], missing: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Raise CopiesNeeded if anything is *missing*; what was copied before is asked for again, because an answer replaces the one before."""
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
        self, host: PlannedHost, application: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str | MissingWheelsError | UnpublishedPackagesError | None]:
        environment = application["environment"]
        result = {
            "name": application["name"],
            "environment": environment["path"],
            "from": environment["python"],
            "steps": [],
        }
        try:
            chain = self._plan_steps_once(host, application)
            result["steps"] = [
                {**step, "interpreter": self._choose_interpreter(host, _lifecycle.parse_version(step["to"])[0])}
                for step in chain
            ]
            taken = select_cargo(environment, _get_carry_policy(application)) if chain else None
            if taken:
                result["cargo"] = taken
        except MissingWheelsError as error:
            return result, error
        except UnpublishedPackagesError as error:
            refused = [
                _build_origin_finding(application["name"], package, application["copies"][name]["reason"])
                for name, package in ((normalize_name(package["name"]), package) for package in environment["packages"])
                if name in error.names and name in (application.get("copies") or {})
            ]
            return result, "\n".join(
                f"{host.name}: {entry['detail']} ({entry['key']}); {entry['remediation']}" for entry in refused
            ) or error
        except NoLockError as error:
            return result, f"{host.name}: {application['name']}: {error} ({error.key})"
        except (IndexUnavailableError, ResolutionError, InvalidLimitError, PlanError) as error:
            return result, f"{host.name}: {application['name']}: {error}"
        return result, None

    def _select_advisories(self, application: Mapping[str, Any]) -> Advisories | None:
        """The advisories that move packages of *application*, if any do."""
        return self._advisories if self._fix or application.get("goal") == "security" else None

    def list_minors(self, application: Mapping[str, Any]) -> list[Minor]:
        """The minors that *application* visits. Raises UnknownVersion."""
        return list_step_minors(application["environment"]["python"], self._minor, self._patch)

    def rehearse_steps(
        self, host: PlannedHost, application: Mapping[str, Any], on: Callable[[Minor, Mapping[str, Any]], Rehearsal]
    ) -> Iterator[tuple[Minor, RehearsalResult]]:
        """Rehearse each step of *application* with what *on* gives for its minor and interpreter; a step builds on how the one before ended.

        Ends after the first step that fails. Raises PlanError, CopiesNeeded, NoLock, MustBuild, Unpublished, IndexUnavailable, UnreadableLimit.
        """
        environment = application["environment"]
        self._require_copies(
            [host], {(host.name, application["name"]): _list_uncopied_packages(application, self._locker.has_version)}
        )
        architecture = str(host.facts["architecture"])
        platform = find_uv_platform(architecture, host.facts["libc"])
        packages = build_package_set(
            environment,
            set(application.get("wanted") or ()),
            _lifecycle.parse_version(environment["python"])[0],
            architecture,
            application.get("copies") or {},
        )
        constraints = list(host.constraints)
        advisories = self._select_advisories(application)
        for minor in self.list_minors(application):
            ended = on(minor, self._choose_interpreter(host, minor)).rehearse_step(
                packages, collect_constraints(packages, constraints, advisories), minor, platform
            )
            yield minor, ended
            if ended.failures:
                return
            packages = ended.found.after
            constraints += [entry.to_row() for entry in ended.learned]

    def _choose_interpreter(self, host: PlannedHost, minor: Minor) -> dict[str, Any]:
        try:
            chosen = choose_interpreter(host, minor, self._patch if minor == self._minor else None, self._managed)
        except InterpreterSourceError as error:
            raise PlanError(
                f"no source for Python {format_minor(minor)} (interpreter-source-missing): {error}"
            ) from None
        if chosen is None:
            raise PlanError(
                f"no source for Python {format_minor(minor)} (interpreter-source-missing); add one to oxzep7_interpreters"
            )
        if chosen.get("url") and redact_url(chosen["url"]) != chosen["url"]:
            raise PlanError(
                f"the URL of Python {format_minor(minor)} contains credentials (interpreter-url-credentials); "
                "serve the archive without, or give its path on the controller"
            )
        return chosen

    def _plan_steps_once(self, host: PlannedHost, application: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The steps of *application* without their interpreters; found once for equal environments, constraints and platforms."""
        environment = application["environment"]
        current, _patch_number = _lifecycle.parse_version(environment["python"])
        minors = self.list_minors(application)
        if not minors:
            return []
        before = environment["python"] if minors == [current] else format_minor(current)
        platform = find_uv_platform(str(host.facts["architecture"]), host.facts["libc"])
        advisories = self._select_advisories(application)
        unique = json.dumps(
            [
                [{key: package.get(key) for key in PACKAGE_KEYS} for package in environment["packages"]],
                sorted(application.get("wanted") or ()),
                application.get("copies") or {},
                before,
                platform,
                [dict(entry) for entry in host.constraints],
                advisories is not None,
            ],
            sort_keys=True,
            default=str,
        )
        return self._chains.get(
            hashlib.sha256(unique.encode()).hexdigest(),
            lambda: self._plan_steps(
                build_package_set(
                    environment,
                    set(application.get("wanted") or ()),
                    current,
                    str(host.facts["architecture"]),
                    application.get("copies") or {},
                ),
                before,
                minors,
                platform,
                host.constraints,
                advisories,
            ),
        )

    def _plan_steps(
        self,
        packages: PackageSet,
        before: str,
        minors: Sequence[Minor],
        platform: str,
        constraints: Sequence[Mapping[str, Any]],
        advisories: Advisories | None,
    ) -> list[dict[str, Any]]:
        steps = []
        for minor in minors:
            limits = select_limits(collect_constraints(packages, constraints, advisories), minor)
            try:
                step, text = self._plan_step(packages, limits, minor, platform)
            except NoLockError as error:
                raise NoLockError(
                    error.key, f"no lock for the step from Python {before} to {format_minor(minor)}: {error}"
                ) from None
            self._locks[step["lock"]] = text
            # Only the patch differs in a step within one minor, so it is said.
            after = format_minor(minor) if before.count(".") == 1 else f"{format_minor(minor)}.{self._patch}"
            steps.append({"from": before, **step, "to": after})
            packages, before = packages.apply_lock(parse_annotated_lock(text), minor, platform), format_minor(minor)
        return steps

    def _plan_step(
        self, packages: PackageSet, limits: tuple[VersionLimit, ...], minor: Minor, platform: str
    ) -> tuple[dict[str, Any], str]:
        """The step to *minor* and its lock's text: as an earlier plan has it, if that was asked the same."""
        start = hash_parts(
            sorted(packages.pins.items()),
            limits,
            minor,
            platform,
            sorted((name, copy.sha256) for name, copy in packages.copies.items()),
        )
        asked = hash_parts(
            start,
            sorted((name, sorted(who)) for name, who in packages.required_by.items()),
            sorted(packages.roots),
            sorted(packages.added),
        )
        if asked in self._earlier or (self._reviewed and start in self._earlier):
            return self._earlier[asked if asked in self._earlier else start]
        release = _lifecycle.load_releases()[minor]
        found = self._locker.lock(packages, limits, minor, platform)
        return {
            "to": format_minor(minor),
            "lock": hashlib.sha256(found.text.encode("utf-8")).hexdigest(),
            "packages": len(found.after.pins),
            "changes": list_package_changes(packages.pins, found.after.pins, found.reasons),
            "built": list(found.built),
            "copied": list(found.copied),
            "doubts": dict(found.doubts),
            "asked": asked,
            "start": start,
            "end_of_life": release.end_of_life.isoformat(),
            "newest_patch": f"{format_minor(minor)}.{release.newest_patch}",
        }, found.text


def collect_start_pins(
    hosts: Sequence[PlannedHost], parts: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """What the environments that move have now: a digest by host and application, and the packages with their versions by digest."""
    starts: dict[str, dict[str, str]] = {}
    pins: dict[str, dict[str, str]] = {}
    for host in hosts:
        for application, part in zip(host.applications, parts[host.name]["applications"], strict=True):
            if part["steps"]:
                own = {
                    normalize_name(package["name"]): str(package["version"])
                    for package in application["environment"]["packages"]
                }
                known = hash_parts(sorted(own.items()))
                starts.setdefault(host.name, {})[application["name"]] = known
                pins[known] = own
    return starts, pins


def describe_drift(reviewed: Mapping[str, Any], plan: Mapping[str, Any], host: str, application: str) -> str:
    """How the environment of *application* on *host* is not what was *reviewed*, in words; empty where it is, or where nobody knows."""
    before, after = (
        (document.get("pins") or {}).get(((document.get("starts") or {}).get(host) or {}).get(application) or "")
        for document in (reviewed, plan)
    )
    if before is None or after is None or before == after:
        return ""
    told = [
        f"{name} {before.get(name) or '(new)'} -> {after.get(name) or '(gone)'}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return f"its environment has changed since: {join_names(told)}"


def choose_representatives(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Hosts that together have every different chain of steps and, of each application by name, at least one."""
    met: set[tuple[str, ...]] = set()
    chosen = []
    for name, part in parts.items():
        own = {
            (application["name"], *(step["asked"] for step in application["steps"]))
            for application in part["applications"]
            if application["steps"]
        }
        if own - met:
            chosen.append(name)
            met |= own
    return chosen


def collect_earlier_steps(
    document: Mapping[str, Any], lock: Callable[[str], str | None]
) -> dict[str, tuple[dict[str, Any], str]]:
    """The steps of an earlier plan's *document*, with the text that *lock* gives for an identifier.

    Each is there twice: by all that was asked for it, and by what it starts from alone, which is what a host half-way can tell.
    """
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for part in document.get("hosts", {}).values():
        for application in part.get("applications", []):
            for step in application.get("steps", []):
                asked, text = step.get("asked"), None if step.get("asked") in found else lock(step["lock"])
                if asked and text is not None and hashlib.sha256(text.encode("utf-8")).hexdigest() == step["lock"]:
                    found[asked] = found[step["start"]] = (
                        {key: value for key, value in step.items() if key not in ("from", "interpreter")},
                        text,
                    )
    return found


def hash_parts(*parts: Any) -> str:
    """Sixteen hexadecimal digits that stand for *parts*."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def list_package_changes(
    before: Mapping[str, str], after: Mapping[str, str], reasons: Mapping[str, MoveReason]
) -> list[dict[str, Any]]:
    """A row for each package that is not the same *after* as *before*: what, how far, why, on what evidence of which day."""
    return [
        {
            "package": name,
            "from": before.get(name),
            "to": after.get(name),
            "move": classify_move(before.get(name), after.get(name)),
            "evidence": reasons[name].evidence,
            "reason": reasons[name].text,
            "date": reasons[name].date,
        }
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def build_package_set(
    environment: Mapping[str, Any],
    wanted: set[str],
    minor: Minor,
    architecture: str,
    copies: Mapping[str, Mapping[str, Any]] | None = None,
) -> PackageSet:
    """What the inventory's *environment* starts from; *wanted* are the packages that the application itself names or imports.

    *copies* are rows of package_copy by name; a row without a wheel counts for nothing.
    """
    made = {
        name: PackageCopy(row["version"], row["wheel"], row["sha256"], row["requires_python"] or "")
        for name, row in (copies or {}).items()
        if "wheel" in row
    }
    known = {
        normalize_name(package["name"]): package
        for package in environment["packages"]
        if normalize_name(package["name"]) not in PHANTOM_PACKAGES
    }
    pins = {name: made[name].version if name in made else package["version"] for name, package in known.items()}
    if any(package.get("requires") is None for package in known.values()):
        return PackageSet(pins, {}, frozenset(pins), copies=made)
    requires = {
        name: copies[name]["requires"] if copies and name in made else package["requires"]
        for name, package in known.items()
    }
    required_by = find_requirers(requires, minor, architecture)
    requested = {name for name, package in known.items() if package.get("requested")}
    # What its owner put there by hand is wanted.
    return PackageSet(
        pins,
        required_by,
        frozenset(find_root_packages(pins, required_by, requested | set(made), wanted)),
        requires,
        copies=made,
    )


def compare_with_review(reviewed: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """Why the document *plan* is not what is left to do of the document *reviewed*: a line for each application that differs."""
    if plan["target"] != reviewed["target"]:
        return [f"the target is {plan['target']}, and {reviewed['target']} was reviewed"]
    found = []
    for name, part in plan["hosts"].items():
        known = {entry["name"]: entry for entry in reviewed["hosts"].get(name, {}).get("applications", [])}
        for application in part["applications"]:
            steps = application["steps"]
            before = known.get(application["name"], {"steps": []})
            if steps and (application["environment"], _select_reviewed_keys(steps)) != (
                before.get("environment"),
                _select_reviewed_keys(before["steps"][-len(steps) :]),
            ):
                why = describe_drift(reviewed, plan, name, application["name"])
                found.append(
                    f"{name}: {application['name']}: its steps are not those that were reviewed"
                    + (f"; {why}" if why else "")
                )
    return found


def compare_plans(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each difference between the documents of two plans."""
    found = [f"target: {before['target']} -> {after['target']}"] if before["target"] != after["target"] else []
    for name in sorted({*before["hosts"], *after["hosts"]}):
        sides = [
            {entry["name"]: entry for entry in document["hosts"].get(name, {}).get("applications", [])}
            for document in (before, after)
        ]
        for application in sorted({*sides[0], *sides[1]}):
            rows = [_summarize_application(side.get(application)) for side in sides]
            for key in sorted({*rows[0], *rows[1]}):
                one, other = (side.get(key) for side in rows)
                if one != other:
                    found.append(f"{name}: {application}: {' '.join(key)}: {one or 'nothing'} -> {other or 'nothing'}")
    return found


def _summarize_application(application: Mapping[str, Any] | None) -> dict[tuple[str, ...], str]:
    """What a plan does to an application, by what it is about: the interpreter of each step, and each package that is not as it was."""
    found: dict[tuple[str, ...], str] = {}
    for step in application["steps"] if application else []:
        found[(step["to"], "interpreter")] = step["interpreter"].get("version") or step["interpreter"]["source"]
        found[(step["to"], "lock")] = step["lock"][:12]
        found.update(
            {
                (step["to"], row["package"]): f"{row['from'] or 'new'} to {row['to'] or 'gone'}, {row['reason']}"
                for row in step["changes"]
            }
        )
    return found


def _select_reviewed_keys(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a review of *steps* is about."""
    return [{key: step[key] for key in ("from", "to", "lock", "interpreter")} for step in steps]
