# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suggests what to declare: an application for each environment that services use. Pure functions of data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import yaml

NAME_SEPARATORS = re.compile(r"[^a-z0-9_.-]+")
GENERIC_DIRECTORIES = {
    "venv",
    ".venv",
    "env",
    ".env",
    "virtualenv",
    "current",
    "live",
    "python",
    "app",
    "srv",
    "opt",
    "www",
    "home",
}
HEADING = """\
# What oxzep7.python.audit suggests to declare: an application for each environment that services use.
# Paste it into group_vars, then add to each application what no inventory can know: tests, and a health check
# that would notice when it does not work. A suggested check knows no more than that a unit is active or a port open.
# `source` is where the services start; remove it where that directory has data and no code of the application.
"""
# How an application selects services that were found as dependents of a kind.
SELECTORS = {"service": "name", "supervisor": "supervisor"}
SUGGESTED_KINDS = ("venv", "virtualenv", "poetry")
SUGGESTED_STATES = ("live", "generation")
LOCAL_ADDRESSES = ("127.0.0.1", "0.0.0.0", "[::]", "[::1]")


def _suggest_name(path: str, services: list[str]) -> str:
    """A name by the environment's path, or by its first service where the path says nothing."""
    parts = [part for part in path.split("/") if part and part.lower() not in GENERIC_DIRECTORIES]
    base = parts[-1] if parts else services[0].removesuffix(".service")
    return NAME_SEPARATORS.sub("-", base.lower()).strip("-._")[:63] or "application"


def _suggest_source(inventory: Mapping[str, Any], path: str, directories: list[str]) -> str | None:
    """The directory that the services start in, or the one project beside the environment."""
    known = {project["path"] for project in inventory["projects"]}
    above = os.path.dirname(path)
    for directory in directories:
        if directory not in ("/", "~") and not directory.startswith(path + "/"):
            return directory
    beside = sorted(project for project in known if project == above or os.path.dirname(project) == above)
    return beside[0] if len(beside) == 1 else None


def _suggest_port_checks(inventory: Mapping[str, Any], path: str, units: list[str]) -> list[dict[str, Any]]:
    """A check of each local port of *units*, and of other services' processes in the environment *path*."""
    ports = set()
    for entry in inventory["dependents"]:
        if entry["kind"] == "process" and (entry["unit"] in units or entry["unit"] and entry["environment"] == path):
            for address in entry["listens"]:
                host, _separator, port = address.rpartition(":")
                if host in LOCAL_ADDRESSES:
                    ports.add(int(port))
    return [{"name": f"port {port}", "tcp": {"port": port}} for port in sorted(ports)]


def suggest_applications(inventory: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Suggest the applications of one host, by name."""
    found: list[dict[str, Any]] = []
    declared: dict[str, str] = {}
    for entry in inventory["applications"]:
        if entry["environment"]:
            declared.setdefault(entry["environment"]["resolved"], entry["name"])
    for environment in inventory["environments"]:
        suggestion = _suggest_application(inventory, environment)
        if suggestion:
            suggestion["name"] = declared.get(environment["path"], suggestion["name"])
            found.append(suggestion)
    taken: dict[str, int] = {}
    for suggestion in found:
        count = taken[suggestion["name"]] = taken.get(suggestion["name"], 0) + 1
        if count > 1:
            suggestion["name"] = f"{suggestion['name'][:60]}-{count}"
    return sorted(found, key=lambda entry: str(entry["name"]))


def _suggest_application(inventory: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Suggest an application for *environment*; None where no service uses it."""
    if environment["kind"] not in SUGGESTED_KINDS or environment["state"] not in SUGGESTED_STATES:
        return None
    path = environment["path"]
    users = []
    for entry in inventory["dependents"]:
        if entry["kind"] in SELECTORS and entry["environment"] == path and "@." not in entry["name"]:
            users.append(entry)
    services = sorted({(entry["kind"], entry["name"]) for entry in users})
    if not services:
        return None
    units = [name for kind, name in services if kind == "service"]
    live = environment["points_to"] if environment["state"] == "generation" else path
    suggestion: dict[str, Any] = {"name": _suggest_name(live, [name for _kind, name in services]), "environment": live}
    source = _suggest_source(inventory, path, [entry["directory"] for entry in users if entry["directory"]])
    if source:
        suggestion["source"] = source
    accounts = {entry["user"] for entry in users if entry["user"]}
    if len(accounts) == 1 and accounts != {environment["owner"]}:
        suggestion["user"] = accounts.pop()
    suggestion["services"] = [{SELECTORS[kind]: name} for kind, name in services]
    active = [{"name": f"{name} is active", "systemd": {"unit": name}} for name in units]
    checks = _suggest_port_checks(inventory, path, units) or active
    if checks:
        suggestion["checks"] = checks
    return suggestion


def format_suggestions(inventories: Mapping[str, Mapping[str, Any]]) -> str:
    """The suggestion for all hosts as YAML: one list where all agree, and otherwise a list for each host."""
    by_host = {name: suggest_applications(inventory) for name, inventory in sorted(inventories.items())}
    lists = list(by_host.values())
    if lists and all(entry == lists[0] for entry in lists):
        content: dict[str, Any] = {"oxzep7_applications": lists[0]}
    else:
        content = {
            "oxzep7_suggested": {name: entry for name, entry in by_host.items() if entry},
            "oxzep7_applications": "{{ oxzep7_suggested[inventory_hostname] | default([]) }}",
        }
    return "---\n" + HEADING + yaml.safe_dump(content, sort_keys=False, width=140, default_flow_style=False)
