# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory means: findings, each with a stable key, a severity and a remediation. Pure functions of data."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._finding import listed
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories

SEVERITIES = ("error", "warning", "info")
SOON = datetime.timedelta(days=180)
AT_STARTUP = ("pth-code", "sitecustomize", "usercustomize")
# Kinds of dependents that a promotion does not restart by itself.
UNATTENDED = ("cron", "anacron", "at", "timer", "supervisor", "runit", "uwsgi", "mod_wsgi", "user-unit")


def finding(key: str, severity: str, where: str, detail: str, remediation: str) -> dict[str, Any]:
    """A finding about the path or name *where*; *key* is stable across releases."""
    return {
        "key": key,
        "severity": severity,
        "title": f"{where}: {key.replace('-', ' ')}",
        "where": where,
        "detail": detail,
        "blocking": False,
        "remediation": remediation,
    }


def _advisory_text(entries: Sequence[Mapping[str, Any]]) -> str:
    return listed(
        [next((alias for alias in entry["aliases"] if alias.startswith("CVE-")), entry["id"]) for entry in entries]
    )


def of_interpreter(
    entry: Mapping[str, Any],
    system: Mapping[str, Any],
    advisories: Advisories | None,
    today: datetime.date,
    users: Sequence[str],
) -> list[dict[str, Any]]:
    """Findings about one interpreter; *users* are the environments and dependents that need it."""
    return [*_life(entry, system, today, users), *_advised(entry, advisories, users), *_built(entry)]


def _needed(users: Sequence[str]) -> str:
    return f"used by {listed(users)}" if users else "used by nothing that was found"


def _life(
    entry: Mapping[str, Any], system: Mapping[str, Any], today: datetime.date, users: Sequence[str]
) -> Iterator[dict[str, Any]]:
    path, version = str(entry["path"]), entry["version"]
    end = _lifecycle.end_of_interpreter(entry, system)
    if end.date is None:
        yield finding(
            "end-of-life-unknown",
            "info",
            path,
            f"Python {version or '(unknown)'}: {end.basis}",
            "find out how long it is supported",
        )
    elif end.date < today:
        yield finding(
            "end-of-life",
            "error" if users else "warning",
            path,
            f"Python {version}: {end.basis} ended {end.date}; {_needed(users)}",
            "upgrade what uses it" if users else "remove it when nothing needs it",
        )
    elif end.date - today < SOON:
        yield finding(
            "end-of-life-soon",
            "warning",
            path,
            f"Python {version}: {end.basis} ends {end.date}; {_needed(users)}",
            "plan the upgrade now",
        )
    if entry["deleted"]:
        yield finding(
            "interpreter-deleted",
            "warning",
            path,
            f"it is gone, and a process still runs it; {_needed(users)}",
            "restart what runs it",
        )
    if version is None:
        yield finding(
            "version-unknown", "warning", path, f"its version is not known: {entry['evidence']}", "look at it by hand"
        )


def _advised(entry: Mapping[str, Any], advisories: Advisories | None, users: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A distribution fixes without changing the version: its own advisories tell, and neither OSV's version ranges nor newest patches do."""
    path, version = str(entry["path"]), entry["version"]
    if entry["os_package"] or entry["implementation"] != "CPython":
        return
    newest = _lifecycle.newest_patch(version)
    if newest and newest != version:
        yield finding(
            "patch-available",
            "info",
            path,
            f"Python {version}; the newest patch known is {newest}",
            f"install {newest} for new generations",
        )
    known = advisories.of_interpreter(version) if advisories else []
    if known:
        yield finding(
            "interpreter-advisory",
            "error" if users else "warning",
            path,
            f"Python {version}: {_advisory_text(known)}; {_needed(users)}",
            "move to a version in which they are fixed",
        )


def _built(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path, loose = str(entry["path"]), [one["path"] for one in entry["unmanaged"]]
    if entry["capabilities"]:
        yield finding(
            "file-capabilities",
            "warning",
            path,
            f"it has {', '.join(entry['capabilities'])}",
            "give them to the services that need them with AmbientCapabilities, and take them from the file; an upgrade refuses until then",
        )
    if entry["executable_stack"]:
        yield finding("executable-stack", "warning", path, "its stack is executable", "rebuild it, or clear the flag")
    if str(entry["libpython"] or "").startswith("unresolved"):
        yield finding(
            "library-unresolved",
            "error",
            path,
            f"{entry['libpython'][12:]} is not found",
            "install the library, or remove the interpreter",
        )
    if loose and entry["origin"] == "system":
        yield finding(
            "unmanaged-files", "warning", path, f"files in no package: {listed(loose)}", "package them or remove them"
        )
    elif loose:
        yield finding(
            "vendor-modules",
            "info",
            path,
            f"modules in no package: {listed(loose)}",
            "see that the next interpreter has them, too",
        )


def of_environment(entry: Mapping[str, Any], advisories: Advisories | None) -> list[dict[str, Any]]:
    """Findings about one environment: what is broken, and what an upgrade would forget."""
    return [*_place(entry), *_loose(entry), *_broken(entry), *_packages(entry, advisories)]


def _place(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    if entry["state"] == "dangling":
        yield finding(
            "environment-dangling",
            "error" if entry["services"] else "warning",
            path,
            f"its interpreter is gone (home: {entry['home']})",
            "remove it, or install the interpreter again",
        )
    if entry["state"] == "moved":
        yield finding(
            "environment-moved",
            "warning",
            path,
            f"its scripts point to {entry['points_to']}",
            "build it anew where it is",
        )
    if entry["nested_in"] and entry["kind"] != "prefix":
        yield finding(
            "environment-nested",
            "info",
            path,
            f"it lies in {entry['nested_in']}",
            "an upgrade of the outer one does not take it along",
        )
    unattended = [
        f"{one['kind']} {one['name']}" for one in entry.get("dependents", []) if one["kind"].startswith(UNATTENDED)
    ]
    if unattended:
        yield finding(
            "dependent-not-restarted",
            "info",
            path,
            f"also used by {listed(unattended)}",
            "they follow the live path at their next start; see that no run of theirs spans a promotion",
        )


def _loose(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    code = [one["path"] for one in entry["unmanaged"] if one["kind"] in AT_STARTUP]
    if code:
        yield finding(
            "code-at-startup",
            "warning",
            path,
            f"runs at every start and is in no package: {listed(code)}",
            "package it, or put it into the application",
        )
    rest = [one["path"] for one in entry["unmanaged"] if one["kind"] not in AT_STARTUP]
    if rest and entry["kind"] != "prefix":
        yield finding(
            "unmanaged-files",
            "warning",
            path,
            f"in no package, so an upgrade would leave them behind: {listed(rest)}",
            "package them, or move them out of the environment",
        )


def _broken(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    if entry["modified"]:
        yield finding(
            "modified-files",
            "error",
            path,
            f"changed by hand: {listed([one['path'] for one in entry['modified']])}",
            "publish the change as a package version, or give it up",
        )
    if entry["missing"]:
        yield finding(
            "missing-files",
            "warning",
            path,
            f"recorded and gone: {listed([one['path'] for one in entry['missing']])}",
            "install the package again",
        )
    if entry["unresolved"]:
        yield finding(
            "library-unresolved",
            "error",
            path,
            "libraries that do not resolve: "
            + listed([f"{one['library']} (for {one['path']})" for one in entry["unresolved"]]),
            "install the library's package, or replace the extension",
        )
    if entry["long_shebangs"]:
        yield finding(
            "long-shebang",
            "warning",
            path,
            f"first lines over 127 bytes: {listed(entry['long_shebangs'])}",
            "move the environment to a shorter path; older kernels cannot start them",
        )


def _packages(entry: Mapping[str, Any], advisories: Advisories | None) -> Iterator[dict[str, Any]]:
    path = str(entry["path"])
    elsewhere = [
        f"{one['name']} ({one['direct_url'] or 'a directory'})"
        for one in entry["packages"]
        if one["editable"] or one["direct_url"]
    ]
    if elsewhere:
        yield finding(
            "package-not-from-index",
            "warning",
            path,
            f"installed from elsewhere: {listed(elsewhere)}",
            "publish them to an index and install them from there",
        )
    damaged = [str(one["name"]) for one in entry["packages"] if one.get("damaged")]
    if damaged:
        yield finding(
            "metadata-damaged",
            "warning",
            path,
            f"metadata without a name: {listed(damaged)}",
            "install the package again",
        )
    known = (
        [(one, advisories.of_package(one["name"], one["version"])) for one in entry["packages"]] if advisories else []
    )
    hit = [f"{one['name']} {one['version']}: {_advisory_text(entries)}" for one, entries in known if entries]
    if hit:
        yield finding(
            "package-advisory",
            "error" if entry["services"] else "warning",
            path,
            listed(hit),
            "move to versions in which they are fixed; the report lists them",
        )


def of_dependents(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings about processes and embedders."""
    found = []
    for entry in entries:
        if entry["kind"] == "process" and entry["deleted"]:
            found.append(
                finding(
                    "deleted-files-mapped",
                    "warning",
                    f"process {entry['name']}",
                    f"{entry['unit'] or entry['program'] or 'it'} still uses deleted files: {listed(entry['deleted'])}",
                    "restart it",
                )
            )
        if entry["kind"] in ("embedder", "mod_wsgi"):
            found.append(
                finding(
                    "embedded-interpreter",
                    "warning",
                    str(entry["name"]),
                    f"is bound to {entry['interpreter'] or entry['environment'] or 'an unknown Python'}",
                    "it must be built again for another minor version",
                )
            )
        if entry["kind"] in ("login-shell", "alternative") and not entry["os_package"]:
            found.append(
                finding(
                    "system-link",
                    "warning",
                    f"{entry['kind']} {entry['name']}",
                    f"points to {entry['environment'] or entry['interpreter']}",
                    "point it elsewhere before that Python is removed",
                )
            )
    return found


def of_inventory(inventory: Mapping[str, Any], advisories: Advisories | None) -> list[dict[str, Any]]:
    """Findings about the inventory itself: what it does not know."""
    found = []
    reasons: dict[str, list[str]] = {}
    for entry in inventory["not_seen"]:
        reasons.setdefault(entry["reason"], []).append(entry["path"])
    for reason, paths in sorted(reasons.items()):
        if reason != "excluded" and not reason.startswith("cache"):
            found.append(
                finding(
                    "not-seen",
                    "info" if "file system" in reason else "warning",
                    reason,
                    f"{len(paths)} places: {listed(paths)}",
                    "run with become"
                    if "ermission" in reason
                    else "raise oxzep7_time_budget"
                    if "budget" in reason
                    else "look at them by hand",
                )
            )
    if not inventory["host"]["privileged"]:
        found.append(
            finding(
                "unprivileged",
                "warning",
                "this host",
                "the inventory was taken without root; other users' files were not seen",
                "run with become",
            )
        )
    if not inventory["verified"]:
        found.append(
            finding(
                "content-not-verified",
                "info",
                "this host",
                "files were not compared with their recorded hashes",
                "set oxzep7_verify",
            )
        )
    if advisories is None or not advisories.has_packages:
        found.append(
            finding(
                "advisories-unknown",
                "info",
                "packages",
                "no advisories of packages were given, so none are known",
                "set oxzep7_advisories",
            )
        )
    if advisories is None or not advisories.has_interpreters:
        found.append(
            finding(
                "advisories-unknown",
                "info",
                "interpreters",
                "no advisories of interpreters were given, so none are known",
                "set oxzep7_advisories",
            )
        )
    return found


def of_backups(applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Applications that could not be restored today, as far as anybody has shown."""
    found = []
    for entry in applications:
        backups = entry.get("backups") or []
        newest = backups[-1] if backups else None
        if newest is None:
            found.append(
                finding(
                    "backup-missing",
                    "info",
                    entry["name"],
                    "no backup of it is recorded on this host",
                    "run oxzep7.python.backup",
                )
            )
        elif not newest["verified"]:
            failed = newest.get("drill") and f"its drill failed: {listed(newest['drill']['problems'])}"
            found.append(
                finding(
                    "backup-unverified",
                    "error" if failed else "warning",
                    entry["name"],
                    f"backup {newest['backup']} is unverified: {failed or 'nobody has restored it'}",
                    "run oxzep7.python.drill",
                )
            )
    return found


def of_host(inventory: Mapping[str, Any], advisories: Advisories | None, today: datetime.date) -> list[dict[str, Any]]:
    """Every finding of one host, errors first."""
    users: dict[str, list[str]] = {}
    bases = {entry["resolved"]: entry["path"] for entry in inventory["interpreters"]}
    for environment in inventory["environments"]:
        base = bases.get(environment["interpreter"] or "")
        if base and environment["kind"] not in ("prefix", "conda"):
            users.setdefault(base, []).append(environment["path"])
    dependents: dict[str, list[Mapping[str, Any]]] = {}
    for entry in inventory["dependents"]:
        if entry["environment"]:
            dependents.setdefault(entry["environment"], []).append(entry)
        elif entry["interpreter"]:
            users.setdefault(bases.get(entry["interpreter"], entry["interpreter"]), []).append(
                f"{entry['kind']} {entry['name']}"
            )
    found = (
        of_inventory(inventory, advisories)
        + of_dependents(inventory["dependents"])
        + of_backups(inventory["applications"])
    )
    for interpreter in inventory["interpreters"]:
        found += of_interpreter(
            interpreter, inventory["host"]["os"], advisories, today, users.get(interpreter["path"], [])
        )
    for environment in inventory["environments"]:
        found += of_environment({**environment, "dependents": dependents.get(environment["path"], [])}, advisories)
    for application in inventory["applications"]:
        found += [{**entry, "where": application["name"]} for entry in application["findings"]]
    return sorted(found, key=lambda entry: (SEVERITIES.index(entry["severity"]), entry["key"], entry["where"]))
