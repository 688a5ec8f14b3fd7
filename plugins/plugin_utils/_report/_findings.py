# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory means: findings, each with a stable key, a severity and a remediation. Pure functions of data."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._local_changes import (
    MISSING,
    MODIFIED,
    UNMANAGED,
    LocalChange,
    list_local_changes,
)
from ansible_collections.oxzep7.python.plugins.module_utils._finding import SEVERITIES, build_finding
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._pinned_settings import (
    check_inventory_settings,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

STARTUP_CODE_KINDS = ("pth-code", "sitecustomize", "usercustomize")
# Kinds of dependents that a promotion does not restart by itself.
NOT_RESTARTED_KINDS = ("cron", "anacron", "at", "timer", "supervisor", "runit", "uwsgi", "mod_wsgi", "user-unit")


def _list_advisories(entries: Sequence[Mapping[str, Any]]) -> str:
    return join_names(
        [next((alias for alias in entry["aliases"] if alias.startswith("CVE-")), entry["id"]) for entry in entries]
    )


def collect_interpreter_findings(
    entry: Mapping[str, Any],
    system: Mapping[str, Any],
    advisories: Advisories | None,
    today: datetime.date,
    users: Sequence[str],
) -> list[dict[str, Any]]:
    """Findings about one interpreter; *users* are the environments and dependents that need it."""
    return [
        *_check_end_of_life(entry, system, today, users),
        *_check_advisories(entry, advisories, users),
        *_check_build(entry),
    ]


def _describe_users(users: Sequence[str]) -> str:
    return f"used by {join_names(users)}" if users else "used by nothing that was found"


def _check_end_of_life(
    entry: Mapping[str, Any], system: Mapping[str, Any], today: datetime.date, users: Sequence[str]
) -> Iterator[dict[str, Any]]:
    path, version = str(entry["path"]), entry["version"]
    end = _lifecycle.find_interpreter_end(entry, system)
    if end.date is None:
        yield build_finding(
            key="end-of-life-unknown",
            where=path,
            detail=f"Python {version or '(unknown)'}: {end.basis}",
            remediation="find out how long it is supported",
        )
    elif end.date < today:
        yield build_finding(
            key="end-of-life",
            where=path,
            detail=f"Python {version}: {end.basis} ended {end.date}; {_describe_users(users)}",
            remediation="upgrade what uses it" if users else "remove it when nothing needs it",
            reduced=not users,
        )
    elif end.date - today < _lifecycle.END_OF_LIFE_NOTICE:
        yield build_finding(
            key="end-of-life-soon",
            where=path,
            detail=f"Python {version}: {end.basis} ends {end.date}; {_describe_users(users)}",
            remediation="plan the upgrade now",
        )
    if entry["deleted"]:
        yield build_finding(
            key="interpreter-deleted",
            where=path,
            detail=f"it is gone, and a process still runs it; {_describe_users(users)}",
            remediation="restart what runs it",
        )
    if version is None:
        yield build_finding(
            key="version-unknown",
            where=path,
            detail=f"its version is not known: {entry['evidence']}",
            remediation="look at it by hand",
        )


def _check_advisories(
    entry: Mapping[str, Any], advisories: Advisories | None, users: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """A distribution fixes without a new version, so neither version ranges of OSV nor newest patches apply to it."""
    path, version = str(entry["path"]), entry["version"]
    if entry["os_package"] or entry["implementation"] != "CPython":
        return
    newest = _lifecycle.find_newest_patch(version)
    if newest and newest != version:
        yield build_finding(
            key="patch-available",
            where=path,
            detail=f"Python {version}; the newest patch known is {newest}",
            remediation=f"install {newest} for new generations",
        )
    known = advisories.find_for_interpreter(version) if advisories else []
    if known:
        yield build_finding(
            key="interpreter-advisory",
            where=path,
            detail=f"Python {version}: {_list_advisories(known)}; {_describe_users(users)}",
            remediation="move to a version in which they are fixed",
            reduced=not users,
        )


def _check_build(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path, loose = str(entry["path"]), [one["path"] for one in entry["unmanaged"]]
    if entry["capabilities"]:
        yield build_finding(
            key="file-capabilities",
            where=path,
            detail=f"it has {', '.join(entry['capabilities'])}",
            remediation="give them to the services that need them with AmbientCapabilities, and take them from the "
            "file; an upgrade refuses until then",
            reduced=True,
        )
    if entry["executable_stack"]:
        yield build_finding(
            key="executable-stack",
            where=path,
            detail="its stack is executable",
            remediation="rebuild it, or clear the flag",
        )
    if str(entry["libpython"] or "").startswith("unresolved"):
        yield build_finding(
            key="library-unresolved",
            where=path,
            detail=f"{entry['libpython'][12:]} is not found",
            remediation="install the library, or remove the interpreter",
        )
    if loose and entry["origin"] == "system":
        yield build_finding(
            key="unmanaged-files",
            where=path,
            detail=f"files in no package: {join_names(loose)}",
            remediation="package them or remove them",
            reduced=True,
        )
    elif loose:
        yield build_finding(
            key="vendor-modules",
            where=path,
            detail=f"modules in no package: {join_names(loose)}",
            remediation="see that the next interpreter has them, too",
        )


def collect_environment_findings(entry: Mapping[str, Any], advisories: Advisories | None) -> list[dict[str, Any]]:
    """Findings about one environment: what is broken, and what an upgrade would forget."""
    return [
        *_check_location(entry),
        *_check_unmanaged_files(entry),
        *_check_damage(entry),
        *_check_packages(entry, advisories),
    ]


def _check_location(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    if entry["state"] == "dangling":
        yield build_finding(
            key="environment-dangling",
            where=path,
            detail=f"its interpreter is gone (home: {entry['home']})",
            remediation="remove it, or install the interpreter again",
            reduced=not entry["services"],
        )
    if entry["state"] == "moved":
        yield build_finding(
            key="environment-moved",
            where=path,
            detail=f"its scripts point to {entry['points_to']}",
            remediation="build it anew where it is",
        )
    if entry["nested_in"] and entry["kind"] != "prefix":
        yield build_finding(
            key="environment-nested",
            where=path,
            detail=f"it lies in {entry['nested_in']}",
            remediation="an upgrade of the outer one does not take it along",
        )
    unattended = []
    for one in entry.get("dependents", []):
        if one["kind"].startswith(NOT_RESTARTED_KINDS):
            unattended.append(f"{one['kind']} {one['name']}")
    if unattended:
        yield build_finding(
            key="dependent-not-restarted",
            where=path,
            detail=f"also used by {join_names(unattended)}",
            remediation="they follow the live path at their next start; see that no run of theirs spans a promotion",
        )


def _check_unmanaged_files(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    code = [one["path"] for one in entry["unmanaged"] if one["kind"] in STARTUP_CODE_KINDS]
    if code:
        yield build_finding(
            key="code-at-startup",
            where=path,
            detail=f"runs at every start and is in no package: {join_names(code)}",
            remediation="package it, or put it into the application",
        )
    rest = _list_changes(list_local_changes(entry, ignored=STARTUP_CODE_KINDS), UNMANAGED)
    if rest and entry["kind"] != "prefix":
        yield build_finding(
            key="unmanaged-files",
            where=path,
            detail=f"in no package, so an upgrade would leave them behind: {rest}",
            remediation="package them, move them out of the environment, or decide with `carry` of the application",
            reduced=True,
        )


def _list_changes(changes: Sequence[LocalChange], kind: str) -> str:
    return join_names([change.describe() for change in changes if change.change == kind])


def _check_damage(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path, changes = str(entry["path"]), list_local_changes(entry)
    if entry["modified"]:
        yield build_finding(
            key="modified-files",
            where=path,
            detail=f"changed by hand: {_list_changes(changes, MODIFIED)}",
            remediation="publish the change as a package version, or decide with `carry` of the application",
            reduced=True,
        )
    if entry["missing"]:
        yield build_finding(
            key="missing-files",
            where=path,
            detail=f"recorded and gone: {_list_changes(changes, MISSING)}",
            remediation="install the package again, or decide with `carry` of the application",
            reduced=True,
        )
    if entry["unresolved"]:
        yield build_finding(
            key="library-unresolved",
            where=path,
            detail="libraries that do not resolve: "
            + join_names([f"{one['library']} (for {one['path']})" for one in entry["unresolved"]]),
            remediation="install the library's package, or replace the extension",
        )
    if entry["long_shebangs"]:
        yield build_finding(
            key="long-shebang",
            where=path,
            detail=f"first lines over 127 bytes: {join_names(entry['long_shebangs'])}",
            remediation="move the environment to a shorter path; older kernels cannot start them",
        )


def _check_packages(entry: Mapping[str, Any], advisories: Advisories | None) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    elsewhere = []
    for one in entry["packages"]:
        if one["editable"] or one["direct_url"]:
            elsewhere.append(f"{one['name']} ({one['direct_url'] or 'a directory'})")
    if elsewhere:
        yield build_finding(
            key="package-not-from-index",
            where=path,
            detail=f"installed from elsewhere: {join_names(elsewhere)}",
            remediation="publish them to an index and install them from there",
            reduced=True,
        )
    damaged = [f"{one['metadata']} has no name" for one in entry["packages"] if one.get("damaged")]
    damaged += [f"{one['metadata']}: {one['reason']}" for one in entry.get("stale_metadata") or []]
    if damaged:
        yield build_finding(
            key="metadata-damaged",
            where=path,
            detail="; ".join(damaged),
            remediation="remove what describes nothing that is installed, and install packages without a name again",
        )
    known = (
        [(one, advisories.find_for_package(one["name"], one["version"])) for one in entry["packages"]]
        if advisories
        else []
    )
    hit = [f"{one['name']} {one['version']}: {_list_advisories(entries)}" for one, entries in known if entries]
    if hit:
        yield build_finding(
            key="package-advisory",
            where=path,
            detail=join_names(hit),
            remediation="move to versions in which they are fixed; the report lists them",
            reduced=not entry["services"],
        )


def collect_dependent_findings(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings about processes and embedders."""
    found = []
    for entry in entries:
        if entry["kind"] == "process" and entry["deleted"]:
            found.append(
                build_finding(
                    key="deleted-files-mapped",
                    where=f"process {entry['name']}",
                    detail=f"{entry['unit'] or entry['program'] or 'it'} still uses deleted files: "
                    f"{join_names(entry['deleted'])}",
                    remediation="restart it",
                )
            )
        if entry["kind"] in ("embedder", "mod_wsgi"):
            found.append(
                build_finding(
                    key="embedded-interpreter",
                    where=str(entry["name"]),
                    detail=f"is bound to {entry['interpreter'] or entry['environment'] or 'an unknown Python'}",
                    remediation="it must be built again for another minor version",
                )
            )
        if entry["kind"] in ("login-shell", "alternative") and not entry["os_package"]:
            found.append(
                build_finding(
                    key="system-link",
                    where=f"{entry['kind']} {entry['name']}",
                    detail=f"points to {entry['environment'] or entry['interpreter']}",
                    remediation="point it elsewhere before that Python is removed",
                )
            )
    return found


def collect_inventory_findings(inventory: Mapping[str, Any], advisories: Advisories | None) -> list[dict[str, Any]]:
    """Findings about the inventory itself: what it does not know."""
    found = []
    reasons: dict[str, list[str]] = {}
    for entry in inventory["not_seen"]:
        reasons.setdefault(entry["reason"], []).append(entry["path"])
    for reason, paths in sorted(reasons.items()):
        if reason != "excluded" and not reason.startswith("cache"):
            found.append(
                build_finding(
                    key="not-seen",
                    where=reason,
                    detail=f"{len(paths)} places: {join_names(paths)}",
                    remediation="run with become"
                    if "ermission" in reason
                    else "raise oxzep7_time_budget"
                    if "budget" in reason
                    else "look at them by hand",
                    reduced="file system" in reason,
                )
            )
    if not inventory["host"]["privileged"]:
        found.append(
            build_finding(
                key="unprivileged",
                where="this host",
                detail="the inventory was taken without root; other users' files were not seen",
                remediation="run with become",
            )
        )
    if not inventory["verified"]:
        found.append(
            build_finding(
                key="content-not-verified",
                where="this host",
                detail="files were not compared with their recorded hashes",
                remediation="set oxzep7_verify",
            )
        )
    if advisories is None or not advisories.has_packages:
        found.append(
            build_finding(
                key="advisories-unknown",
                where="packages",
                detail="no advisories of packages were given, so none are known",
                remediation="set oxzep7_advisories",
            )
        )
    if advisories is None or not advisories.has_interpreters:
        found.append(
            build_finding(
                key="advisories-unknown",
                where="interpreters",
                detail="no advisories of interpreters were given, so none are known",
                remediation="set oxzep7_advisories",
            )
        )
    return found


def collect_backup_findings(applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Applications that could not be restored today, as far as anybody has shown."""
    found = []
    for entry in applications:
        backups = entry.get("backups") or []
        newest = backups[-1] if backups else None
        if newest is None:
            found.append(
                build_finding(
                    key="backup-missing",
                    where=entry["name"],
                    detail="no backup of it is recorded on this host",
                    remediation="run oxzep7.python.backup",
                )
            )
        elif not newest["verified"]:
            failed = newest.get("drill") and f"its drill failed: {join_names(newest['drill']['problems'])}"
            found.append(
                build_finding(
                    key="backup-unverified",
                    where=entry["name"],
                    detail=f"backup {newest['backup']} is unverified: {failed or 'no drill has restored it'}",
                    remediation="run oxzep7.python.drill",
                    reduced=not failed,
                )
            )
    return found


def _map_restarted_services(applications: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Names of the services that *applications* declare, by their live environment."""
    found: dict[str, set[str]] = {}
    for entry in applications:
        if entry["environment"]:
            found.setdefault(entry["environment"]["resolved"], set()).update(entry.get("services") or ())
    return found


def _is_restarted(dependent: Mapping[str, Any], services: Mapping[str, set[str]]) -> bool:
    """Whether *dependent* is one of *services*; ``group:*`` of supervisor is each program of the group."""
    names = {dependent["name"], f"{dependent['name'].partition(':')[0]}:*"}
    return not names.isdisjoint(services.get(dependent["environment"], ()))


def collect_host_findings(
    inventory: Mapping[str, Any], advisories: Advisories | None, today: datetime.date
) -> list[dict[str, Any]]:
    """Every finding of one host, errors first."""
    users: dict[str, list[str]] = {}
    bases = {entry["resolved"]: entry["path"] for entry in inventory["interpreters"]}
    for environment in inventory["environments"]:
        base = bases.get(environment["interpreter"] or "")
        if base and environment["kind"] not in ("prefix", "conda"):
            users.setdefault(base, []).append(environment["path"])
    restarted = _map_restarted_services(inventory["applications"])
    dependents: dict[str, list[Mapping[str, Any]]] = {}
    for entry in inventory["dependents"]:
        if entry["environment"]:
            if not _is_restarted(entry, restarted):
                dependents.setdefault(entry["environment"], []).append(entry)
        elif entry["interpreter"]:
            users.setdefault(bases.get(entry["interpreter"], entry["interpreter"]), []).append(
                f"{entry['kind']} {entry['name']}"
            )
    found = (
        collect_inventory_findings(inventory, advisories)
        + collect_dependent_findings(inventory["dependents"])
        + collect_backup_findings(inventory["applications"])
    )
    for interpreter in inventory["interpreters"]:
        found += collect_interpreter_findings(
            interpreter, inventory["host"]["os"], advisories, today, users.get(interpreter["path"], [])
        )
    for environment in inventory["environments"]:
        found += collect_environment_findings(
            {**environment, "dependents": dependents.get(environment["path"], [])}, advisories
        )
    found += check_inventory_settings(inventory)
    for application in inventory["applications"]:
        found += [{**entry, "where": application["name"]} for entry in application["findings"]]
    return sorted(found, key=lambda entry: (SEVERITIES.index(entry["severity"]), entry["key"], entry["where"]))
