# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Demands on a plan: what blocks it, what has to be copied, what constrains packages."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheel_libraries import (
    describe_library_package,
    find_missing_libraries,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import check_cargo as findings_of_cargo
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost, is_not_from_index
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._interpreter_choice import choose_interpreter
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import InvalidLimitError, select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.version import Version


def check_target_lifecycle(minor: Minor, today: datetime.date) -> list[dict[str, Any]]:
    """Findings about the target *minor* and about the release data, on the day *today*. None of them blocks."""
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


def list_fix_constraints(pins: Mapping[str, str], advisories: Advisories) -> list[dict[str, str]]:
    """A constraint for each of *pins* with advisories that a later version fixes."""
    found = []
    for name, version in sorted(pins.items()):
        newest, named = version, set()
        # A version that fixes one thing may be open to another.
        while known := [entry for entry in advisories.find_for_package(name, newest) if entry["fixed"]]:
            named |= {_get_advisory_name(entry) for entry in known}
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


def _get_advisory_name(entry: Mapping[str, Any]) -> str:
    """The CVE of an advisory, or its identifier without one."""
    return next((str(alias) for alias in entry["aliases"] if alias.startswith("CVE-")), str(entry["id"]))


def collect_constraints(
    packages: PackageSet, constraints: Sequence[Mapping[str, Any]], advisories: Advisories | None
) -> list[Mapping[str, Any]]:
    """The *constraints*, and those that *advisories* put on *packages*."""
    return [*constraints, *(list_fix_constraints(packages.pins, advisories) if advisories else [])]


@dataclasses.dataclass(frozen=True)
class Goal:
    """The version that applications go to: a minor version and, where one was asked for, a patch."""

    minor: Minor
    patch: int | None
    text: str

    @classmethod
    def from_target(cls, target: str, today: datetime.date) -> Goal:
        """By *target*, as operators write it. Raises UnknownVersionError."""
        text = _lifecycle.resolve_target(target, today)
        return cls(*_lifecycle.check_target(text), text)

    def choose_minor_patch(self, minor: Minor) -> int | None:
        """The patch that a step to *minor* is to have, if one was asked for."""
        return self.patch if minor == self.minor else None


def get_own_target(application: Mapping[str, Any]) -> str:
    """The target in the declaration of *application*; empty where it goes to that of the run."""
    return str((application.get("declared") or {}).get("target") or "")


def get_stay(application: Mapping[str, Any]) -> dict[str, str] | None:
    """The ``reason`` for which *application* stays at its version, and the day ``until`` which it does, if it does."""
    stay = (application.get("declared") or {}).get("stay")
    return {key: str(stay[key]) for key in ("reason", "until")} if stay else None


def list_step_minors(python: str, goal: Goal) -> list[Minor]:
    """The minors that an environment of version *python* visits on its way to *goal*.

    An older patch of the same minor is a step of its own. Raises UnknownVersionError for a target below *python*.
    """
    minor, own = _lifecycle.parse_version(python)
    path = _lifecycle.find_upgrade_path(minor, goal.minor)
    if path or goal.patch is None or own is None or own == goal.patch:
        return path
    if own > goal.patch:
        raise _lifecycle.UnknownVersionError(
            f"the target {format_minor(goal.minor)}.{goal.patch} is below the current version {python}; "
            "use oxzep7.python.rollback to go back"
        )
    return [minor]


def get_carry_policy(application: Mapping[str, Any]) -> str:
    return str((application.get("declared") or {}).get("carry") or "ask")


def collect_blocking_findings(
    host: PlannedHost,
    application: Mapping[str, Any],
    goal: Goal,
    provides: Callable[[str, str], bool],
) -> list[dict[str, Any]]:
    found = [dict(entry) for entry in application["findings"] if entry["blocking"]]
    environment = application["environment"]
    if found or environment is None:
        return found
    # What is no version at all is no finding about the target.
    _lifecycle.parse_version(environment["python"])
    try:
        path = list_step_minors(environment["python"], goal)
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
    found += findings_of_cargo(application["name"], environment, get_carry_policy(application))
    found += _check_vendor_modules(host, application, path)
    copies = application.get("copies") or {}
    departing = list_departing_packages(host, path[0])
    for package in environment["packages"]:
        name = normalize_name(package["name"])
        if (
            is_not_from_index(package)
            and name not in departing
            and "reason" in copies.get(name, {})
            and not provides(name, str(package["version"]))
        ):
            found.append(build_origin_finding(application["name"], package, copies[name]["reason"]))
    return found


def _check_vendor_modules(
    host: PlannedHost, application: Mapping[str, Any], path: Sequence[Minor]
) -> list[dict[str, Any]]:
    """Findings about vendor modules that the environment sees and that an installed interpreter of *path* lacks.

    The content of an archive is unknown before it is unpacked; the build checks it again.
    """
    environment = application["environment"]
    if not environment.get("system_site_packages") or get_carry_policy(application) == "drop":
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
                    detail=f"{application['name']} sees modules of its interpreter's distribution that {new['path']} "
                    f"lacks: {', '.join(lost)}",
                    remediation="provide them with the new interpreter or as packages, "
                    "or set `carry` of the application to drop",
                )
            )
    return found


def _list_vendor_modules(interpreter: Mapping[str, Any]) -> set[str]:
    found = set()
    for entry in interpreter.get("unmanaged") or []:
        if entry["kind"] == "module":
            found.add(entry["path"].rstrip("/").rpartition("/")[2].partition(".")[0])
    return found


def check_libraries(host: PlannedHost, steps: Sequence[Mapping[str, Any]]) -> None:
    """Raise NoLockError where a package of *steps* that was built links to a library that *host* lacks."""
    present = host.facts.get("libraries")
    for step in steps:
        for package, needed in (step.get("libraries") or {}).items():
            missing = find_missing_libraries(needed, present)
            if missing:
                named = []
                for name in missing:
                    known = describe_library_package(name)
                    named.append(f"{name} ({known})" if known else name)
                raise NoLockError(
                    "library-missing",
                    f"no lock for the step to Python {step['to']}: the wheel of {package} that was built for it links "
                    f"to {join_names(named)}, which the host lacks; install the package on it, or put a wheel that was "
                    "built without it into a folder of oxzep7_find_links",
                    [package],
                )


def build_origin_finding(application: str, package: Mapping[str, Any], why: str) -> dict[str, Any]:
    origin = f" (installed from {redact_url(package['direct_url'])})" if package.get("direct_url") else ""
    called = f"{package['name']} {package['version'] or ''}".strip()
    return build_finding(
        key="package-not-from-index",
        detail=f"{application}: no source has {called}{origin}, and it cannot be copied: {why}",
        remediation="publish that version to an index of oxzep7_indexes, "
        "or put its wheel into a folder of oxzep7_find_links",
    )


def list_departing_packages(host: PlannedHost, minor: Minor) -> set[str]:
    """The packages that constraints on *host* make leave on *minor*; those that cannot be read are refused later."""
    try:
        return {limit.name for limit in select_limits(host.constraints, minor) if limit.is_departure()}
    except InvalidLimitError:
        return set()


def list_uncopied_packages(
    host: PlannedHost, application: Mapping[str, Any], minors: Sequence[Minor], provides: Callable[[str, str], bool]
) -> list[str]:
    """The packages of *application* that are not from an index, in no source, and not copied yet.

    None without steps to *minors*; those that leave on the first are left out.
    """
    if not minors:
        return []
    copies = {*(application.get("copies") or {}), *list_departing_packages(host, minors[0])}
    found = set()
    for package in (application["environment"] or {}).get("packages") or []:
        name = normalize_name(package["name"])
        if is_not_from_index(package) and name not in copies and not provides(name, str(package["version"])):
            found.add(name)
    return sorted(found)
