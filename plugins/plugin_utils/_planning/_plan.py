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
from ansible_collections.oxzep7.python.plugins.module_utils._host._urls import redacted
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalized
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import canonical
from ansible_collections.oxzep7.python.plugins.plugin_utils._finding import finding, listed
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters import SourceError, newest, package_names
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, text_of
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import Elsewhere, needed
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PACKAGING_ERROR, IndexUnavailable
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import Once
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionError,
    platform_of,
    read_annotated,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import findings as findings_of_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import (
    Copy,
    Locker,
    MustBuild,
    NoLock,
    Packages,
    Unpublished,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    Limit,
    Reason,
    UnreadableLimit,
    limits_of,
    move,
    requirers,
    roots,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._notes import note
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import Rehearsal, Rehearsed

# Without it the planner says so, and nothing here works.
with contextlib.suppress(ImportError):
    from packaging.version import Version

SCHEMA = 1
# What planning reads of a package.
USED = ("name", "version", "requires", "requested")
# Debian's pip once reported this package, which exists nowhere.
PHANTOMS = frozenset({"pkg-resources"})


class PlanError(CollectionError):
    """What forbids a plan: one line per finding."""


class CopiesNeeded(CollectionError):
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


class WheelsNeeded(CollectionError):
    """Wheels that a builder host must build before there can be a plan; ``wanted`` are their rows, the text says why."""

    def __init__(self, failures: Sequence[Elsewhere]) -> None:
        super().__init__("\n".join(sorted({str(entry) for entry in failures})))
        self.wanted = needed(failures)


@dataclasses.dataclass(frozen=True)
class Host:
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
        return self.document["id"] if any(self.steps().values()) else None

    def steps(self) -> dict[str, int]:
        """Number of steps by host."""
        return {
            name: sum(len(application["steps"]) for application in part["applications"])
            for name, part in self.document["hosts"].items()
        }


def findings_of_target(minor: Minor, today: datetime.date) -> list[dict[str, Any]]:
    """What speaks against the target *minor*, and against the data that say so, on the day *today*. None of it blocks."""
    found = []
    release = _lifecycle.releases()[minor]
    if release.end_of_life <= today:
        found.append(
            finding(
                "target-end-of-life",
                f"support of Python {text_of(minor)} ended {release.end_of_life}",
                "choose a newer oxzep7_target",
                False,
            )
        )
    elif release.end_of_life - today < _lifecycle.SOON:
        found.append(
            finding(
                "target-end-of-life-soon",
                f"support of Python {text_of(minor)} ends {release.end_of_life}",
                "choose a newer oxzep7_target, or plan the next upgrade",
                False,
            )
        )
    if today - _lifecycle.taken() > _lifecycle.STALE:
        found.append(
            finding(
                "release-data-stale",
                f"the release data are of {_lifecycle.taken()}",
                "update the collection, or run make refresh in a checkout",
                False,
            )
        )
    return found


# What uv can install on hosts of an architecture, by an entry of the operator's sources; rows as `_interpreters.managed` has them.
Managed = Callable[[Mapping[str, Any], str], Sequence[Mapping[str, str]]]


def nothing_managed(_entry: Mapping[str, Any], _architecture: str) -> Sequence[Mapping[str, str]]:
    """A `Managed` that has nothing."""
    return ()


def choose_interpreter(
    host: Host, minor: Minor, patch: int | None, managed: Managed = nothing_managed
) -> dict[str, Any] | None:
    """The first of the host's interpreter sources that gives *minor* (and *patch*); without secrets in its URL. Raises SourceError."""
    wanted = text_of(minor) + (f".{patch}" if patch is not None else "")
    for entry in host.interpreters:
        version = str(entry.get("version") or "")
        chosen: Mapping[str, Any] | None
        if entry["source"] == "existing" and not entry.get("path"):
            chosen = _found(host, wanted)
            if chosen and (not version or _covers(version, wanted)):
                return {"source": "existing", "version": chosen["version"], "path": chosen["path"]}
        elif entry["source"] == "uv":
            asked = (
                wanted
                if not version or _covers(version, wanted)
                else version
                if patch is None and version.startswith(wanted + ".")
                else None
            )
            chosen = newest(managed(entry, str(host.facts["architecture"])), asked) if asked else None
            if chosen:
                return {
                    "source": "uv",
                    "version": chosen["version"],
                    **{key: entry[key] for key in ("mirror", "downloads") if entry.get(key)},
                }
        elif entry["source"] == "package":
            names = entry.get("packages") or (package_names(host.facts.get("os") or {}, minor) if patch is None else [])
            if names and (not version or _covers(version, wanted)):
                return {
                    "source": "package",
                    "version": wanted,
                    "path": entry.get("path") or f"/usr/bin/python{text_of(minor)}",
                    "packages": list(names),
                }
        elif _covers(version, wanted) or (patch is None and version.startswith(wanted + ".")):
            return {
                "version": version if version.startswith(wanted) else wanted,
                **{
                    key: entry[key] for key in ("source", "url", "path", "sha256", "signature", "key") if entry.get(key)
                },
            }
    return None


def _covers(version: str, wanted: str) -> bool:
    return version == wanted or wanted.startswith(version + ".")


def _found(host: Host, wanted: str) -> Mapping[str, Any] | None:
    """The newest interpreter on the host that is *wanted*, outside every generation."""
    fitting = [
        entry
        for entry in host.found_interpreters
        if entry.get("version")
        and entry["implementation"] == "CPython"
        and entry.get("architecture") in (None, host.facts["architecture"])
        and (entry["version"] == wanted or entry["version"].startswith(wanted + "."))
    ]
    return max(fitting, key=lambda entry: (_patch(entry["version"]), entry["path"]), default=None)


def _patch(version: str) -> int:
    digits = version.split(".")[2] if version.count(".") >= 2 else "0"
    return int("".join(character for character in digits if character.isdigit()) or 0)


def fixes(pins: Mapping[str, str], advisories: Advisories) -> list[dict[str, str]]:
    """A constraint for each of *pins* that advisories are about and that a later version fixes; what nothing fixes has none."""
    found = []
    for name, version in sorted(pins.items()):
        newest, named = version, set()
        # A version that fixes one thing may be open to another.
        while known := [entry for entry in advisories.of_package(name, newest) if entry["fixed"]]:
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


def demands(
    packages: Packages, constraints: Sequence[Mapping[str, Any]], advisories: Advisories | None
) -> list[Mapping[str, Any]]:
    """The *constraints*, and those that *advisories* put on what *packages* there are."""
    return [*constraints, *(fixes(packages.pins, advisories) if advisories else [])]


def minors_between(python: str, target: Minor, patch: int | None) -> list[Minor]:
    """The minors that an environment of version *python* visits on its way to *target*, and to its *patch* where one is asked for.

    An older patch of the same minor is a step of its own. Raises UnknownVersion when the target lies below.
    """
    minor, own = _lifecycle.parse(python)
    path = _lifecycle.path(minor, target)
    if path or patch is None or own is None or own == patch:
        return path
    if own > patch:
        raise _lifecycle.UnknownVersion(
            f"the target {text_of(target)}.{patch} is below the current version {python}; use oxzep7.python.rollback to go back"
        )
    return [minor]


def _policy(application: Mapping[str, Any]) -> str:
    return str((application.get("declared") or {}).get("carry") or "ask")


def _findings_of(
    host: Host, application: Mapping[str, Any], target: Minor, patch: int | None, provides: Callable[[str, str], bool]
) -> list[dict[str, Any]]:
    found = [dict(entry) for entry in application["findings"] if entry["blocking"]]
    environment = application["environment"]
    if found or environment is None:
        return found
    try:
        path = minors_between(environment["python"], target, patch)
    except _lifecycle.UnknownVersion as error:
        return [finding("target-below-current", f"{application['name']}: {error}", "choose a newer oxzep7_target")]
    if not path:
        return []
    found += findings_of_cargo(application["name"], environment, _policy(application))
    found += _vendor_findings(host, application, path)
    copies = application.get("copies") or {}
    for package in environment["packages"]:
        name = normalized(package["name"])
        if _elsewhere(package) and "reason" in copies.get(name, {}) and not provides(name, str(package["version"])):
            found.append(_not_from_index(application["name"], package, copies[name]["reason"]))
    return found


def _vendor_findings(host: Host, application: Mapping[str, Any], path: Sequence[Minor]) -> list[dict[str, Any]]:
    """Modules in no package beside the live interpreter that the environment sees, and that an interpreter which is there already lacks.

    What an archive brings is not known before it is unpacked; the build looks again.
    """
    environment = application["environment"]
    if not environment.get("system_site_packages") or _policy(application) == "drop":
        return []
    base = next((entry for entry in host.found_interpreters if entry["path"] == environment.get("interpreter")), {})
    known = {entry["path"]: entry for entry in host.found_interpreters}
    found = []
    for minor in path:
        chosen = choose_interpreter(host, minor, None) or {}
        new = known.get(chosen.get("path"))
        lost = sorted(_modules_of(base) - _modules_of(new)) if new and new.get("origin") != "system" else []
        if new and lost:
            found.append(
                finding(
                    "vendor-modules-missing",
                    f"{application['name']} sees modules of its interpreter's distribution that {new['path']} lacks: "
                    f"{', '.join(lost)}",
                    "provide them with the new interpreter or as packages, or set `carry` of the application to drop",
                )
            )
    return found


def _modules_of(interpreter: Mapping[str, Any]) -> set[str]:
    return {
        entry["path"].rstrip("/").rpartition("/")[2].partition(".")[0]
        for entry in interpreter.get("unmanaged") or []
        if entry["kind"] == "module"
    }


def _elsewhere(package: Mapping[str, Any]) -> bool:
    """Whether *package* was not installed from an index, or is a vendor's variant of what an index may have."""
    return bool(package["editable"] or package["direct_url"] or "+" in str(package["version"]))


def _not_from_index(application: str, package: Mapping[str, Any], why: str) -> dict[str, Any]:
    origin = f" (installed from {redacted(package['direct_url'])})" if package.get("direct_url") else ""
    called = f"{package['name']} {package['version'] or ''}".strip()
    return finding(
        "package-not-from-index",
        f"{application}: no source has {called}{origin}, and it cannot be copied: {why}",
        "publish that version to an index of oxzep7_indexes, or put its wheel into a folder of oxzep7_find_links",
    )


def _uncopied(application: Mapping[str, Any], provides: Callable[[str, str], bool]) -> list[str]:
    """The packages of *application* that were not installed from an index, that the operator's sources lack, and that no copy was asked of."""
    copies = application.get("copies") or {}
    packages = {
        normalized(package["name"]): package for package in (application["environment"] or {}).get("packages") or []
    }
    return sorted(
        name
        for name, package in packages.items()
        if _elsewhere(package) and name not in copies and not provides(name, str(package["version"]))
    )


class Planner:
    """Plans for many hosts; equal questions are asked once."""

    def __init__(
        self,
        target: str,
        locker: Locker,
        today: datetime.date | None = None,
        advisories: Advisories | None = None,
        fix: bool = True,
        earlier: Mapping[str, tuple[dict[str, Any], str]] | None = None,
        reviewed: bool = False,
        managed: Managed = nothing_managed,
    ) -> None:
        """*target* as operators write it; *today* decides what is supported (default: the day in UTC).

        With *advisories*, packages that they are about move to the nearest version in which what is known is fixed: with *fix* of every
        application, otherwise of those whose goal is security. Steps of an *earlier* plan that were asked the same stay as they are;
        of a *reviewed* one, all that start from the same packages. *managed* says what uv can install.
        """
        if PACKAGING_ERROR:
            raise PlanError(f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}")
        self._today = today or _lifecycle.today()
        self._target = _lifecycle.resolve(target, self._today)
        self._minor, self._patch = _lifecycle.check_target(self._target)
        self._locker = locker
        self._advisories = advisories
        self._fix = fix
        self._earlier = dict(earlier or {})
        self._reviewed = reviewed
        self._managed = managed
        self._chains: Once[list[dict[str, Any]]] = Once()
        self._locks: dict[str, str] = {}

    def plan(self, hosts: Sequence[Host]) -> Plan:
        """The plan for *hosts*. Raises PlanError that lists every blocking finding, or WheelsNeeded."""
        blocking: list[str] = []
        for host in hosts:
            for application in host.applications:
                blocking += [
                    f"{host.name}: {entry['detail']} ({entry['key']}); {entry['remediation']}"
                    for entry in _findings_of(host, application, self._minor, self._patch, self._locker.provides)
                ]
        if blocking:
            raise PlanError("\n".join(blocking))
        self._demand_copies(
            hosts,
            {
                (host.name, application["name"]): _uncopied(application, self._locker.provides)
                for host in hosts
                for application in host.applications
                if self._moves(application)
            },
        )
        work = [(host, application) for host in hosts for application in host.applications]
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            planned = list(pool.map(lambda pair: self._application(*pair), work))
        self._demand_copies(
            hosts,
            {
                (host.name, application["name"]): problem.names
                for (host, application), (_result, problem) in zip(work, planned, strict=True)
                if isinstance(problem, Unpublished)
            },
        )
        elsewhere = [
            entry for _result, problem in planned if isinstance(problem, MustBuild) for entry in problem.failures
        ]
        if elsewhere:
            raise WheelsNeeded(elsewhere)
        failures = [str(problem) for _result, problem in planned if problem]
        if failures:
            raise PlanError("\n".join(dict.fromkeys(failures)))
        parts: dict[str, dict[str, Any]] = {
            host.name: {"schema": SCHEMA, "target": self._target, "applications": []} for host in hosts
        }
        for (host, _application), (result, _text) in zip(work, planned, strict=True):
            parts[host.name]["applications"].append(result)
        document: dict[str, Any] = {"schema": SCHEMA, "target": self._target, "hosts": parts}
        document["id"] = hashlib.sha256(canonical(document).encode()).hexdigest()[:16]
        # What only time changes is no part of the identity.
        minors = sorted(
            {
                _lifecycle.parse(step["to"])[0]
                for part in parts.values()
                for entry in part["applications"]
                for step in entry["steps"]
            }
        )
        document["notes"] = {
            host.name: {
                application["name"]: note(application, part, self._advisories is not None)
                for application, part in zip(host.applications, parts[host.name]["applications"], strict=True)
            }
            for host in hosts
        }
        starts, pins = start_pins(hosts, parts)
        document.update(
            starts=starts,
            pins=pins,
            findings=findings_of_target(self._minor, self._today),
            release_data=_lifecycle.taken().isoformat(),
            phases={text_of(minor): _lifecycle.releases()[minor].phase(self._today) for minor in minors},
        )
        for part in parts.values():
            part["id"] = document["id"]
        return Plan(document, dict(sorted(self._locks.items())), representatives(parts))

    def _moves(self, application: Mapping[str, Any]) -> bool:
        return application["environment"] is not None and bool(self.minors(application))

    @staticmethod
    def _demand_copies(hosts: Sequence[Host], missing: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Raise CopiesNeeded if anything is *missing*; what was copied before is asked for again, because an answer replaces the one before."""
        if not any(missing.values()):
            return
        wanted: dict[str, dict[str, list[str]]] = {}
        for host in hosts:
            for application in host.applications:
                names = sorted({*(application.get("copies") or {}), *missing.get((host.name, application["name"]), ())})
                if names:
                    wanted.setdefault(host.name, {})[application["name"]] = names
        raise CopiesNeeded(wanted)

    def _application(
        self, host: Host, application: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str | MustBuild | Unpublished | None]:
        environment = application["environment"]
        result = {
            "name": application["name"],
            "environment": environment["path"],
            "from": environment["python"],
            "steps": [],
        }
        try:
            chain = self._chain(host, application)
            result["steps"] = [
                {**step, "interpreter": self._interpreter(host, _lifecycle.parse(step["to"])[0])} for step in chain
            ]
            taken = cargo(environment, _policy(application)) if chain else None
            if taken:
                result["cargo"] = taken
        except MustBuild as error:
            return result, error
        except Unpublished as error:
            refused = [
                _not_from_index(application["name"], package, application["copies"][name]["reason"])
                for name, package in ((normalized(package["name"]), package) for package in environment["packages"])
                if name in error.names and name in (application.get("copies") or {})
            ]
            return result, "\n".join(
                f"{host.name}: {entry['detail']} ({entry['key']}); {entry['remediation']}" for entry in refused
            ) or error
        except NoLock as error:
            return result, f"{host.name}: {application['name']}: {error} ({error.key})"
        except (IndexUnavailable, ResolutionError, UnreadableLimit, PlanError) as error:
            return result, f"{host.name}: {application['name']}: {error}"
        return result, None

    def _demanding(self, application: Mapping[str, Any]) -> Advisories | None:
        """The advisories that move packages of *application*, if any do."""
        return self._advisories if self._fix or application.get("goal") == "security" else None

    def minors(self, application: Mapping[str, Any]) -> list[Minor]:
        """The minors that *application* visits. Raises UnknownVersion."""
        return minors_between(application["environment"]["python"], self._minor, self._patch)

    def rehearsal(
        self, host: Host, application: Mapping[str, Any], on: Callable[[Minor, Mapping[str, Any]], Rehearsal]
    ) -> Iterator[tuple[Minor, Rehearsed]]:
        """Rehearse each step of *application* with what *on* gives for its minor and interpreter; a step builds on how the one before ended.

        Ends after the first step that fails. Raises PlanError, CopiesNeeded, NoLock, MustBuild, Unpublished, IndexUnavailable, UnreadableLimit.
        """
        environment = application["environment"]
        self._demand_copies([host], {(host.name, application["name"]): _uncopied(application, self._locker.provides)})
        architecture = str(host.facts["architecture"])
        platform = platform_of(architecture, host.facts["libc"])
        packages = standing(
            environment,
            set(application.get("wanted") or ()),
            _lifecycle.parse(environment["python"])[0],
            architecture,
            application.get("copies") or {},
        )
        constraints = list(host.constraints)
        advisories = self._demanding(application)
        for minor in self.minors(application):
            ended = on(minor, self._interpreter(host, minor)).step(
                packages, demands(packages, constraints, advisories), minor, platform
            )
            yield minor, ended
            if ended.failures:
                return
            packages = ended.found.after
            constraints += [entry.row() for entry in ended.learned]

    def _interpreter(self, host: Host, minor: Minor) -> dict[str, Any]:
        try:
            chosen = choose_interpreter(host, minor, self._patch if minor == self._minor else None, self._managed)
        except SourceError as error:
            raise PlanError(f"no source for Python {text_of(minor)} (interpreter-source-missing): {error}") from None
        if chosen is None:
            raise PlanError(
                f"no source for Python {text_of(minor)} (interpreter-source-missing); add one to oxzep7_interpreters"
            )
        if chosen.get("url") and redacted(chosen["url"]) != chosen["url"]:
            raise PlanError(
                f"the URL of Python {text_of(minor)} contains credentials (interpreter-url-credentials); "
                "serve the archive without, or give its path on the controller"
            )
        return chosen

    def _chain(self, host: Host, application: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The steps of *application* without their interpreters; found once for equal environments, constraints and platforms."""
        environment = application["environment"]
        current, _patch_number = _lifecycle.parse(environment["python"])
        minors = self.minors(application)
        if not minors:
            return []
        before = environment["python"] if minors == [current] else text_of(current)
        platform = platform_of(str(host.facts["architecture"]), host.facts["libc"])
        advisories = self._demanding(application)
        unique = json.dumps(
            [
                [{key: package.get(key) for key in USED} for package in environment["packages"]],
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
            lambda: self._steps(
                standing(
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

    def _steps(
        self,
        packages: Packages,
        before: str,
        minors: Sequence[Minor],
        platform: str,
        constraints: Sequence[Mapping[str, Any]],
        advisories: Advisories | None,
    ) -> list[dict[str, Any]]:
        steps = []
        for minor in minors:
            limits = limits_of(demands(packages, constraints, advisories), minor)
            try:
                step, text = self._step(packages, limits, minor, platform)
            except NoLock as error:
                raise NoLock(
                    error.key, f"no lock for the step from Python {before} to {text_of(minor)}: {error}"
                ) from None
            self._locks[step["lock"]] = text
            # Only the patch differs in a step within one minor, so it is said.
            after = text_of(minor) if before.count(".") == 1 else f"{text_of(minor)}.{self._patch}"
            steps.append({"from": before, **step, "to": after})
            packages, before = packages.after(read_annotated(text), minor, platform), text_of(minor)
        return steps

    def _step(
        self, packages: Packages, limits: tuple[Limit, ...], minor: Minor, platform: str
    ) -> tuple[dict[str, Any], str]:
        """The step to *minor* and its lock's text: as an earlier plan has it, if that was asked the same."""
        start = digest(
            sorted(packages.pins.items()),
            limits,
            minor,
            platform,
            sorted((name, copy.sha256) for name, copy in packages.copies.items()),
        )
        asked = digest(
            start,
            sorted((name, sorted(who)) for name, who in packages.required_by.items()),
            sorted(packages.roots),
            sorted(packages.added),
        )
        if asked in self._earlier or (self._reviewed and start in self._earlier):
            return self._earlier[asked if asked in self._earlier else start]
        release = _lifecycle.releases()[minor]
        found = self._locker.lock(packages, limits, minor, platform)
        return {
            "to": text_of(minor),
            "lock": hashlib.sha256(found.text.encode("utf-8")).hexdigest(),
            "packages": len(found.after.pins),
            "changes": changes(packages.pins, found.after.pins, found.reasons),
            "built": list(found.built),
            "copied": list(found.copied),
            "doubts": dict(found.doubts),
            "asked": asked,
            "start": start,
            "end_of_life": release.end_of_life.isoformat(),
            "newest_patch": f"{text_of(minor)}.{release.newest_patch}",
        }, found.text


def start_pins(
    hosts: Sequence[Host], parts: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """What the environments that move have now: a digest by host and application, and the packages with their versions by digest."""
    starts: dict[str, dict[str, str]] = {}
    pins: dict[str, dict[str, str]] = {}
    for host in hosts:
        for application, part in zip(host.applications, parts[host.name]["applications"], strict=True):
            if part["steps"]:
                own = {
                    normalized(package["name"]): str(package["version"])
                    for package in application["environment"]["packages"]
                }
                known = digest(sorted(own.items()))
                starts.setdefault(host.name, {})[application["name"]] = known
                pins[known] = own
    return starts, pins


def drift(reviewed: Mapping[str, Any], plan: Mapping[str, Any], host: str, application: str) -> str:
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
    return f"its environment has changed since: {listed(told)}"


def representatives(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
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


def earlier_steps(
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


def digest(*parts: Any) -> str:
    """Sixteen hexadecimal digits that stand for *parts*."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def changes(before: Mapping[str, str], after: Mapping[str, str], reasons: Mapping[str, Reason]) -> list[dict[str, Any]]:
    """A row for each package that is not the same *after* as *before*: what, how far, why, on what evidence of which day."""
    return [
        {
            "package": name,
            "from": before.get(name),
            "to": after.get(name),
            "move": move(before.get(name), after.get(name)),
            "evidence": reasons[name].evidence,
            "reason": reasons[name].text,
            "date": reasons[name].date,
        }
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def standing(
    environment: Mapping[str, Any],
    wanted: set[str],
    minor: Minor,
    architecture: str,
    copies: Mapping[str, Mapping[str, Any]] | None = None,
) -> Packages:
    """What the inventory's *environment* starts from; *wanted* are the packages that the application itself names or imports.

    *copies* are rows of package_copy by name; a row without a wheel counts for nothing.
    """
    made = {
        name: Copy(row["version"], row["wheel"], row["sha256"], row["requires_python"] or "")
        for name, row in (copies or {}).items()
        if "wheel" in row
    }
    known = {
        normalized(package["name"]): package
        for package in environment["packages"]
        if normalized(package["name"]) not in PHANTOMS
    }
    pins = {name: made[name].version if name in made else package["version"] for name, package in known.items()}
    if any(package.get("requires") is None for package in known.values()):
        return Packages(pins, {}, frozenset(pins), copies=made)
    requires = {
        name: copies[name]["requires"] if copies and name in made else package["requires"]
        for name, package in known.items()
    }
    required_by = requirers(requires, minor, architecture)
    requested = {name for name, package in known.items() if package.get("requested")}
    # What its owner put there by hand is wanted.
    return Packages(
        pins, required_by, frozenset(roots(pins, required_by, requested | set(made), wanted)), requires, copies=made
    )


def differences(reviewed: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """Why the document *plan* is not what is left to do of the document *reviewed*: a line for each application that differs."""
    if plan["target"] != reviewed["target"]:
        return [f"the target is {plan['target']}, and {reviewed['target']} was reviewed"]
    found = []
    for name, part in plan["hosts"].items():
        known = {entry["name"]: entry for entry in reviewed["hosts"].get(name, {}).get("applications", [])}
        for application in part["applications"]:
            steps = application["steps"]
            before = known.get(application["name"], {"steps": []})
            if steps and (application["environment"], _promised(steps)) != (
                before.get("environment"),
                _promised(before["steps"][-len(steps) :]),
            ):
                why = drift(reviewed, plan, name, application["name"])
                found.append(
                    f"{name}: {application['name']}: its steps are not those that were reviewed"
                    + (f"; {why}" if why else "")
                )
    return found


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each difference between the documents of two plans."""
    found = [f"target: {before['target']} -> {after['target']}"] if before["target"] != after["target"] else []
    for name in sorted({*before["hosts"], *after["hosts"]}):
        sides = [
            {entry["name"]: entry for entry in document["hosts"].get(name, {}).get("applications", [])}
            for document in (before, after)
        ]
        for application in sorted({*sides[0], *sides[1]}):
            rows = [_rows(side.get(application)) for side in sides]
            for key in sorted({*rows[0], *rows[1]}):
                one, other = (side.get(key) for side in rows)
                if one != other:
                    found.append(f"{name}: {application}: {' '.join(key)}: {one or 'nothing'} -> {other or 'nothing'}")
    return found


def _rows(application: Mapping[str, Any] | None) -> dict[tuple[str, ...], str]:
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


def _promised(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a review of *steps* is about."""
    return [{key: step[key] for key in ("from", "to", "lock", "interpreter")} for step in steps]
