# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet in one document: the newest inventory of every host, its findings, and totals. Pure functions of data."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._finding import SEVERITIES
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _findings

SCHEMA = 1
# Kinds of dependents that name a Python and run nothing, and processes, whose units and jobs have rows of their own.
NO_PROGRAMS = ("process", "alternative", "login-shell")

ENVIRONMENT_KEYS = (
    "path",
    "kind",
    "state",
    "points_to",
    "python",
    "implementation",
    "interpreter",
    "owner",
    "mount",
    "nested_in",
    "fingerprint",
    "size",
    "counts",
    "services",
    "unmanaged",
    "missing",
    "modified",
    "libraries",
    "unresolved",
    "extensions",
    "long_shebangs",
    "packages",
)


def _summarize_interpreter(
    entry: Mapping[str, Any], system: Mapping[str, Any], advisories: Advisories | None
) -> dict[str, Any]:
    end = _lifecycle.find_interpreter_end(entry, system)
    matched = (
        []
        if entry["os_package"] or entry["implementation"] != "CPython" or advisories is None
        else advisories.find_for_interpreter(entry["version"])
    )
    known = advisories is not None and advisories.has_interpreters and not entry["os_package"]
    return {
        **{key: entry[key] for key in entry if key not in ("packages", "unmanaged")},
        "packages": len(entry["packages"]),
        "end_of_life": end.date.isoformat() if end.date else None,
        "end_of_life_of": end.basis,
        "newest_patch": _lifecycle.find_newest_patch(entry["version"]),
        "advisories": matched if known else None,
    }


def _summarize_environment(entry: Mapping[str, Any], advisories: Advisories | None) -> dict[str, Any]:
    known = advisories is not None and advisories.has_packages
    matched = []
    for one in entry["packages"]:
        for advisory in advisories.find_for_package(one["name"], one["version"]) if advisories else []:
            matched.append({"package": one["name"], "version": one["version"], **advisory})
    return {
        **{key: entry[key] for key in ENVIRONMENT_KEYS},
        "advisories": matched if known else None,
    }


def _summarize_application(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": entry["name"],
        "current": entry["current"],
        "generations": entry["generations"],
        "backups": entry.get("backups") or [],
        "python": entry["environment"]["python"] if entry["environment"] else None,
    }


def summarize_host(inventory: Mapping[str, Any], advisories: Advisories | None, today: datetime.date) -> dict[str, Any]:
    """One host of the fleet, from its inventory."""
    system = inventory["host"]["os"]
    return {
        "taken": inventory["taken"],
        "complete": inventory["complete"],
        "host": inventory["host"],
        "interpreters": [_summarize_interpreter(entry, system, advisories) for entry in inventory["interpreters"]],
        "environments": [_summarize_environment(entry, advisories) for entry in inventory["environments"]],
        "dependents": inventory["dependents"],
        "projects": inventory["projects"],
        "applications": [_summarize_application(entry) for entry in inventory["applications"]],
        "findings": _findings.collect_host_findings(inventory, advisories, today),
        "not_seen": inventory["not_seen"],
    }


def summarize_fleet(
    inventories: Mapping[str, Mapping[str, Any]],
    seen_now: Sequence[str],
    expected: Sequence[str],
    advisories: Advisories | None,
    today: datetime.date,
) -> dict[str, Any]:
    """Summarize *inventories* by host, of which *seen_now* are of this run; an *expected* host without is unknown."""
    hosts = {}
    for name, inventory in sorted(inventories.items()):
        hosts[name] = {**summarize_host(inventory, advisories, today), "seen": "now" if name in seen_now else "earlier"}
    return {
        "schema": SCHEMA,
        "made": _lifecycle.get_utc_timestamp(),
        "advisories": {"date": advisories.date, "records": advisories.count} if advisories else None,
        "hosts": hosts,
        "unknown": sorted(set(expected) - set(hosts)),
        "end_of_life": _list_ended_versions(hosts, today),
        "ended_users": _list_ended_users(inventories, hosts, today),
        "locks": _group_shared_locks(hosts),
        "totals": _count_totals(hosts),
    }


def _list_ended_versions(hosts: Mapping[str, Mapping[str, Any]], today: datetime.date) -> list[dict[str, Any]]:
    """Each version past its end, with the hosts that have it, oldest end first."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for name, entry in hosts.items():
        for interpreter in entry["interpreters"]:
            end = _find_past_end(interpreter, today)
            if end:
                found.setdefault(end, set()).add(name)
    rows = []
    for (date, python, basis), names in sorted(found.items()):
        rows.append({"python": python, "end_of_life": date, "of": basis, "hosts": sorted(names)})
    return rows


def _find_past_end(interpreter: Mapping[str, Any], today: datetime.date) -> tuple[str, str, str] | None:
    """End, minor version and what ended of *interpreter*; None unless that is past."""
    end = interpreter["end_of_life"]
    if not end or end >= today.isoformat():
        return None
    return end, ".".join(str(interpreter["version"] or "?").split(".")[:2]), interpreter["end_of_life_of"]


def _list_ended_users(
    inventories: Mapping[str, Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]], today: datetime.date
) -> list[dict[str, Any]]:
    """The applications, services and jobs that run on a version past its end, with their hosts, oldest end first."""
    found: dict[tuple[str, str, str, str, str], set[str]] = {}
    for host, inventory in inventories.items():
        ended = _map_ended_places(hosts[host], today)
        for kind, name, place in _list_users(inventory):
            if place in ended:
                date, python, basis = ended[place]
                found.setdefault((date, python, basis, kind, name), set()).add(host)
    rows = []
    for (date, python, basis, kind, name), names in sorted(found.items()):
        rows.append(
            {"kind": kind, "name": name, "python": python, "end_of_life": date, "of": basis, "hosts": sorted(names)}
        )
    return rows


def _map_ended_places(host: Mapping[str, Any], today: datetime.date) -> dict[str, tuple[str, str, str]]:
    """End, minor version and what ended, by the path of each interpreter and environment of *host* past its end."""
    found: dict[str, tuple[str, str, str]] = {}
    for entry in host["interpreters"]:
        end = _find_past_end(entry, today)
        if end:
            found[entry["path"]] = found[entry.get("resolved") or entry["path"]] = end
    for environment in host["environments"]:
        if environment["interpreter"] in found:
            found[environment["path"]] = found[environment["interpreter"]]
    return found


def _list_users(inventory: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Kind, name and the Python or environment of each application, and of each service and job of no application."""
    taken = set()
    for application in inventory["applications"]:
        environment = application["environment"] or {}
        places = {environment.get("resolved"), environment.get("path")} - {None}
        taken |= places
        for place in places:
            yield "application", str(application["name"]), str(place)
    for entry in inventory["dependents"]:
        place = entry["environment"] or entry["interpreter"]
        if place and place not in taken and entry["kind"] not in NO_PROGRAMS:
            yield str(entry["kind"]), str(entry["name"]), str(place)


def _group_shared_locks(hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Environments that can share a lock, the largest group first; an environment alone is no group."""
    groups: dict[str, list[dict[str, str]]] = {}
    about: dict[str, Mapping[str, Any]] = {}
    for name, entry in hosts.items():
        for environment in entry["environments"]:
            if environment["kind"] not in ("prefix", "user") and environment["packages"]:
                groups.setdefault(environment["fingerprint"], []).append({"host": name, "path": environment["path"]})
                about[environment["fingerprint"]] = environment
    found = []
    for fingerprint, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(members) > 1:
            found.append(
                {
                    "fingerprint": fingerprint,
                    "python": about[fingerprint]["python"],
                    "packages": len(about[fingerprint]["packages"]),
                    "environments": members,
                }
            )
    return found


def _count_totals(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    totals = {
        "hosts": len(hosts),
        "interpreters": 0,
        "environments": 0,
        "dependents": 0,
        **{severity: 0 for severity in SEVERITIES},
    }
    for entry in hosts.values():
        for part in ("interpreters", "environments", "dependents"):
            totals[part] += len(entry[part])
        for one in entry["findings"]:
            totals[one["severity"]] += 1
    return totals
