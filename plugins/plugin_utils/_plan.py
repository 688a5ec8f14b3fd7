# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the plan: from what the hosts are, to every step of every application. Decisions only; uv is asked through a `Resolver`."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.oxzep7.python.plugins.module_utils._generation._lock import normalized
from ansible_collections.oxzep7.python.plugins.module_utils._generation._lock import pins as pins_of
from ansible_collections.oxzep7.python.plugins.module_utils._urls import redacted
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import canonical
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, text_of
from ansible_collections.oxzep7.python.plugins.plugin_utils._resolver import Question, ResolutionError, platform_of

try:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    PACKAGING_ERROR: ImportError | None = None
except ImportError as error:
    PACKAGING_ERROR = error

SCHEMA = 1
# Debian's pip once reported this package, which exists nowhere.
PHANTOMS = frozenset({"pkg-resources"})


class Resolves(Protocol):
    """What planning needs of a resolver."""

    def lock(self, question: Question) -> str:
        """The lock text. Raises ResolutionError."""

    def has_wheel(self, name: str, version: str, minor: Minor, platform: str) -> bool:
        """Whether that version has a wheel there."""


class PlanError(Exception):
    """What forbids a plan: one line per finding."""


@dataclasses.dataclass(frozen=True)
class Host:
    """What planning needs of one host: its inventory's parts and the operator's options for it."""

    name: str
    facts: Mapping[str, Any]
    applications: Sequence[Mapping[str, Any]]
    found_interpreters: Sequence[Mapping[str, Any]]
    interpreters: Sequence[Mapping[str, Any]]
    constraints: Sequence[Mapping[str, Any]]


@dataclasses.dataclass
class Plan:
    """The plan: ``document`` is what is written and delivered, ``locks`` the text of each lock by identifier."""

    document: dict[str, Any]
    locks: dict[str, str]

    @property
    def identifier(self) -> str | None:
        """Digest of the plan; None when there is nothing to do."""
        return self.document["id"] if any(self.steps().values()) else None

    def steps(self) -> dict[str, int]:
        """Number of steps by host."""
        return {name: sum(len(application["steps"]) for application in part["applications"])
                for name, part in self.document["hosts"].items()}


def finding(key: str, detail: str, remediation: str, blocking: bool = True) -> dict[str, Any]:
    """A finding of planning; *key* is stable across releases."""
    return {"key": key, "severity": "error" if blocking else "warning", "title": key.replace("-", " "), "detail": detail, "blocking": blocking,
            "remediation": remediation}


def findings_of_target(minor: Minor, today: datetime.date) -> list[dict[str, Any]]:
    """What speaks against the target *minor*, and against the data that say so, on the day *today*. None of it blocks."""
    found = []
    release = _lifecycle.releases()[minor]
    if release.end_of_life <= today:
        found.append(finding("target-end-of-life", f"support of Python {text_of(minor)} ended {release.end_of_life}", "choose a newer oxzep7_target", False))
    elif release.end_of_life - today < _lifecycle.SOON:
        found.append(finding("target-end-of-life-soon", f"support of Python {text_of(minor)} ends {release.end_of_life}",
                             "choose a newer oxzep7_target, or plan the next upgrade", False))
    if today - _lifecycle.taken() > _lifecycle.STALE:
        found.append(finding("release-data-stale", f"the release data are of {_lifecycle.taken()}", "update the collection, or run make refresh in a checkout",
                             False))
    return found


def choose_interpreter(host: Host, minor: Minor, patch: int | None) -> dict[str, Any] | None:
    """The first of the host's interpreter sources that gives *minor* (and *patch*); without secrets in its URL."""
    wanted = text_of(minor) + (f".{patch}" if patch is not None else "")
    for entry in host.interpreters:
        version = str(entry.get("version") or "")
        if entry["source"] == "existing" and not entry.get("path"):
            chosen = _found(host, wanted)
            if chosen and (not version or _covers(version, wanted)):
                return {"source": "existing", "version": chosen["version"], "path": chosen["path"]}
        elif _covers(version, wanted) or (patch is None and version.startswith(wanted + ".")):
            return {"version": version if version.startswith(wanted) else wanted,
                    **{key: entry[key] for key in ("source", "url", "path", "sha256") if entry.get(key)}}
    return None


def _covers(version: str, wanted: str) -> bool:
    return version == wanted or wanted.startswith(version + ".")


def _found(host: Host, wanted: str) -> Mapping[str, Any] | None:
    """The newest interpreter on the host that is *wanted*, outside every generation."""
    fitting = [entry for entry in host.found_interpreters
               if entry.get("version") and entry["implementation"] == "CPython"
               and entry.get("architecture") in (None, host.facts["architecture"])
               and (entry["version"] == wanted or entry["version"].startswith(wanted + "."))]
    return max(fitting, key=lambda entry: (_patch(entry["version"]), entry["path"]), default=None)


def _patch(version: str) -> int:
    digits = version.split(".")[2] if version.count(".") >= 2 else "0"
    return int("".join(character for character in digits if character.isdigit()) or 0)


def applicable(constraints: Sequence[Mapping[str, Any]], minor: Minor) -> tuple[str, ...]:
    """The requirements among *constraints* that hold for *minor*, sorted. Raises PlanError for one that cannot be read."""
    chosen = []
    for entry in constraints:
        try:
            requirement = Requirement(str(entry["requirement"]))
            if SpecifierSet(str(entry.get("python") or "")).contains(text_of(minor) + ".0", prereleases=True):
                chosen.append(str(requirement))
        except (InvalidRequirement, InvalidSpecifier) as error:
            raise PlanError(f"oxzep7_constraints: {dict(entry)!r}: {error}") from None
    return tuple(sorted(chosen))


def fixes(pins: Mapping[str, str], advisories: Advisories) -> list[dict[str, str]]:
    """A constraint for each of *pins* that advisories are about and that a later version fixes; what nothing fixes has none."""
    found = []
    for name, version in sorted(pins.items()):
        newest, named = version, set()
        # A version that fixes one thing may be open to another.
        while known := [entry for entry in advisories.of_package(name, newest) if entry["fixed"]]:
            named |= {next((alias for alias in entry["aliases"] if alias.startswith("CVE-")), entry["id"]) for entry in known}
            newest = max((entry["fixed"] for entry in known), key=Version)
        if named:
            found.append({"requirement": f"{name}>={newest}", "reason": f"fixes {', '.join(sorted(named))}", "evidence": "advisory"})
    return found


def _findings_of(host: Host, application: Mapping[str, Any], target: Minor) -> list[dict[str, Any]]:
    found = [dict(entry) for entry in application["findings"] if entry["blocking"]]
    environment = application["environment"]
    if found or environment is None:
        return found
    current, _patch_number = _lifecycle.parse(environment["python"])
    try:
        path = _lifecycle.path(current, target)
    except _lifecycle.UnknownVersion as error:
        return [finding("target-below-current", f"{application['name']}: {error}", "choose a newer oxzep7_target")]
    if not path:
        return []
    for package in environment["packages"]:
        if package["editable"] or package["direct_url"]:
            found.append(finding("package-not-from-index", f"{application['name']}: {package['name']} {package['version']} was installed from "
                                 f"{redacted(package['direct_url'] or 'a directory')}", "publish it to an index and install it from there"))
    return found


def move(before: str | None, after: str) -> str:
    """How far a package moves: ``added``, or the first part of the release number that differs, or ``other``."""
    if before is None:
        return "added"
    try:
        parts = [[*Version(text).release, 0, 0][:3] for text in (before, after)]
    except InvalidVersion:
        return "other"
    return next((name for name, one, other in zip(("major", "minor", "patch"), *parts, strict=True) if one != other), "other")


class Planner:
    """Plans for many hosts; equal questions are asked once."""

    def __init__(self, target: str, resolver: Resolves, today: datetime.date | None = None, advisories: Advisories | None = None) -> None:
        """*target* as operators write it; *today* decides what is supported (default: the day in UTC).

        With *advisories*, packages that they are about move to the nearest version in which what is known is fixed.
        """
        if PACKAGING_ERROR:
            raise PlanError(f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}")
        self._today = today or datetime.datetime.now(datetime.timezone.utc).date()
        self._target = _lifecycle.resolve(target, self._today)
        self._minor, self._patch = _lifecycle.check_target(self._target)
        self._resolver = resolver
        self._advisories = advisories
        self._locks: dict[str, str] = {}

    def plan(self, hosts: Sequence[Host]) -> Plan:
        """The plan for *hosts*. Raises PlanError that lists every blocking finding."""
        blocking: list[str] = []
        for host in hosts:
            for application in host.applications:
                blocking += [f"{host.name}: {entry['detail']} ({entry['key']}); {entry['remediation']}"
                             for entry in _findings_of(host, application, self._minor)]
        if blocking:
            raise PlanError("\n".join(blocking))
        work = [(host, application) for host in hosts for application in host.applications]
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            planned = list(pool.map(lambda pair: self._application(*pair), work))
        failures = [text for _result, text in planned if text]
        if failures:
            raise PlanError("\n".join(dict.fromkeys(failures)))
        parts: dict[str, dict[str, Any]] = {host.name: {"schema": SCHEMA, "target": self._target, "applications": []} for host in hosts}
        for (host, _application), (result, _text) in zip(work, planned, strict=True):
            parts[host.name]["applications"].append(result)
        document: dict[str, Any] = {"schema": SCHEMA, "target": self._target, "hosts": parts}
        document["id"] = hashlib.sha256(canonical(document).encode()).hexdigest()[:16]
        # What only time changes is no part of the identity.
        minors = sorted({_lifecycle.parse(step["to"])[0] for part in parts.values() for entry in part["applications"] for step in entry["steps"]})
        document.update(findings=findings_of_target(self._minor, self._today), release_data=_lifecycle.taken().isoformat(),
                        phases={text_of(minor): _lifecycle.releases()[minor].phase(self._today) for minor in minors})
        for part in parts.values():
            part["id"] = document["id"]
        return Plan(document, dict(sorted(self._locks.items())))

    def _application(self, host: Host, application: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        environment = application["environment"]
        current, _patch_number = _lifecycle.parse(environment["python"])
        pins = {normalized(package["name"]): package["version"] for package in environment["packages"]
                if normalized(package["name"]) not in PHANTOMS}
        steps: list[dict[str, Any]] = []
        result = {"name": application["name"], "environment": environment["path"], "from": environment["python"], "steps": steps}
        before = current
        try:
            platform = platform_of(str(host.facts["architecture"]), host.facts["libc"])
            for minor in _lifecycle.path(current, self._minor):
                interpreter = choose_interpreter(host, minor, self._patch if minor == self._minor else None)
                if interpreter is None:
                    return result, (f"{host.name}: {application['name']}: no source for Python {text_of(minor)} (interpreter-source-missing); "
                                    "add one to oxzep7_interpreters")
                if interpreter.get("url") and redacted(interpreter["url"]) != interpreter["url"]:
                    return result, (f"{host.name}: the URL of Python {text_of(minor)} contains credentials (interpreter-url-credentials); "
                                    "serve the archive without, or give its path on the controller")
                step, pins = self._step(pins, before, minor, platform, host.constraints)
                steps.append({**step, "interpreter": interpreter})
                before = minor
        except ResolutionError as error:
            return result, f"{host.name}: {application['name']}: no lock for the step after Python {text_of(before)} (unresolvable): {error}"
        return result, None

    def _step(self, pins: Mapping[str, str], before: Minor, minor: Minor, platform: str,
              constraints: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
        if self._advisories:
            constraints = [*constraints, *fixes(pins, self._advisories)]
        limits = applicable(constraints, minor)
        release = _lifecycle.releases()[minor]
        text = self._resolver.lock(Question(tuple(sorted(pins.items())), minor, platform, limits))
        after = pins_of(text)
        identifier = hashlib.sha256(text.encode("utf-8")).hexdigest()
        self._locks[identifier] = text
        changes = [{"package": name, "from": pins.get(name), "to": version, "move": move(pins.get(name), version),
                    **self._reason(name, pins.get(name), minor, platform, limits, constraints)}
                   for name, version in sorted(after.items()) if pins.get(name) != version]
        return {"from": text_of(before), "to": text_of(minor), "lock": identifier, "packages": len(after), "changes": changes,
                "end_of_life": release.end_of_life.isoformat(), "newest_patch": f"{text_of(minor)}.{release.newest_patch}"}, after

    def _reason(self, name: str, version: str | None, minor: Minor, platform: str, limits: Sequence[str],
                constraints: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Why the package moves: the kind of evidence, and a sentence."""
        if version is None:
            return {"evidence": "dependency", "reason": "required by another package now"}
        for entry in constraints:
            requirement = Requirement(str(entry["requirement"]))
            if normalized(requirement.name) == name and str(requirement) in limits and not requirement.specifier.contains(version):
                return {"evidence": str(entry.get("evidence") or "constraint"),
                        "reason": f"constraint {requirement}: {entry.get('reason') or 'no reason given'}"}
        if not self._resolver.has_wheel(name, version, minor, platform):
            return {"evidence": "no-wheel", "reason": f"{version} has no wheel for Python {text_of(minor)} on {platform}"}
        return {"evidence": "dependency", "reason": "a dependency requires a later version"}


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
            if steps and (application["environment"], steps) != (before.get("environment"), before["steps"][len(before["steps"]) - len(steps):]):
                found.append(f"{name}: {application['name']}: its steps are not those that were reviewed")
    return found


def readable(plan: Plan) -> str:
    """The plan as Markdown, for a person."""
    lines = [f"# Plan {plan.document['id']}: Python {plan.document['target']}", ""]
    for entry in plan.document["findings"]:
        lines += [f"**{entry['title']}**: {entry['detail']}; {entry['remediation']}", ""]
    for name, part in plan.document["hosts"].items():
        lines += [f"## {name}", ""]
        for application in part["applications"]:
            lines += [*_readable_application(application, plan.document["phases"]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _readable_application(application: Mapping[str, Any], phases: Mapping[str, str]) -> list[str]:
    lines = [f"### {application['name']}: {application['environment']}, Python {application['from']}", ""]
    if not application["steps"]:
        lines.append("Nothing to do.")
    for step in application["steps"]:
        source = step["interpreter"].get("url") or step["interpreter"].get("path") or step["interpreter"]["source"]
        support = f"{phases[step['to']]}, end of life {step['end_of_life']}, newest patch {step['newest_patch']}"
        lines.append(f"- {step['from']} -> {step['to']} ({support}), {step['packages']} packages, interpreter from {source}")
        lines += [f"  - {change['package']} {change['from'] or '(new)'} -> {change['to']} ({change['move']}): {change['reason']}" for change in step["changes"]]
    return lines
