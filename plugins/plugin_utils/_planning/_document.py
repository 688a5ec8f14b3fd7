# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a plan: what is written and delivered."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._demands import check_target_lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._notes import build_notes
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import hash_parts
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names

PLAN_SCHEMA = 1
# Names and ranges of hosts in a line of a message.
MAXIMUM_HOSTS = 40


@dataclasses.dataclass
class Plan:
    """The plan: ``document`` is what is written and delivered, ``locks`` the text of each lock by identifier."""

    document: dict[str, Any]
    locks: dict[str, str]
    # The first hosts, in order, that together have every different environment.
    representatives: list[str] = dataclasses.field(default_factory=list)

    @property
    def identifier(self) -> str | None:
        """Digest of the plan; None when there is nothing to do, and nothing is blocked."""
        return self.document["id"] if any(self.count_steps().values()) or self.list_blocked() else None

    def list_blocked(self) -> list[dict[str, str]]:
        """A row for each reason why an application of a host is blocked."""
        return list_blocked_rows(self.document)

    def count_steps(self) -> dict[str, int]:
        """Number of steps by host."""
        counts = {}
        for name, part in self.document["hosts"].items():
            counts[name] = sum(len(application["steps"]) for application in part["applications"])
        return counts


def list_blocked_rows(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each reason of the plan's *document* why an application is blocked, with its ``host`` and ``application``."""
    rows = []
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            for reason in application.get("blocked") or []:
                told = {key: str(reason[key]) for key in ("key", "cause", "remediation")}
                own = str(application["name"])
                # Findings name their application themselves.
                told["cause"] = told["cause"].removeprefix("application ").removeprefix(f"{own}: ")
                rows.append({"host": str(name), "application": own, **told})
    return rows


def describe_blocked(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """A line for each reason among *rows*, with all hosts of it."""
    hosts: dict[str, list[str]] = {}
    for row in rows:
        named = row["cause"].startswith((f"{row['application']}:", f"{row['application']} "))
        about = "" if named else f"{row['application']}: "
        hosts.setdefault(f"{about}{row['cause']} ({row['key']}); {row['remediation']}", []).append(row["host"])
    lines = []
    for text, names in hosts.items():
        lines.append(f"{compress_names(list(dict.fromkeys(names)), MAXIMUM_HOSTS)}: {text}")
    return lines


def _identify(document: Mapping[str, Any]) -> str:
    """The digest of what is done by *document*; what is blocked is no part of it."""
    hosts = {}
    for name, part in document["hosts"].items():
        applications = []
        for application in part["applications"]:
            applications.append({key: value for key, value in application.items() if key != "blocked"})
        hosts[name] = {**part, "applications": applications}
    return hashlib.sha256(format_json({**document, "hosts": hosts}).encode()).hexdigest()[:16]


def collect_start_pins(
    hosts: Sequence[PlannedHost], parts: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """The packages that environments with steps have now: a digest by host and application, and the pins by digest."""
    starts: dict[str, dict[str, str]] = {}
    pins: dict[str, dict[str, str]] = {}
    for host in hosts:
        for application, part in zip(host.applications, parts[host.name]["applications"], strict=True):
            if part["steps"]:
                own = {}
                for package in application["environment"]["packages"]:
                    own[normalize_name(package["name"])] = str(package["version"])
                known = hash_parts(sorted(own.items()))
                starts.setdefault(host.name, {})[application["name"]] = known
                pins[known] = own
    return starts, pins


def choose_representatives(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Hosts that together have every different chain of steps and, of each application by name, at least one."""
    covered: set[tuple[str, ...]] = set()
    chosen = []
    for name, part in parts.items():
        own = set()
        for application in part["applications"]:
            if application["steps"]:
                own.add((application["name"], *(step["asked"] for step in application["steps"])))
        if own - covered:
            chosen.append(name)
            covered |= own
    return chosen


def build_document(
    target: str,
    hosts: Sequence[PlannedHost],
    parts: dict[str, dict[str, Any]],
    audited: bool,
    today: datetime.date,
) -> dict[str, Any]:
    """The document for *parts*, the part of each host by its name, which get the identifier of the plan.

    *audited* tells whether advisories were read; *today* decides what is supported.
    """
    document: dict[str, Any] = {"schema": PLAN_SCHEMA, "target": target, "hosts": parts}
    document["id"] = _identify(document)
    # What changes with time alone is no part of the identity.
    notes: dict[str, dict[str, Any]] = {}
    minors: set[_lifecycle.Minor] = set()
    for host in hosts:
        notes[host.name] = {}
        for application, part in zip(host.applications, parts[host.name]["applications"], strict=True):
            notes[host.name][application["name"]] = build_notes(application, part, audited, today)
            minors.update(_lifecycle.parse_version(step["to"])[0] for step in part["steps"])
    starts, pins = collect_start_pins(hosts, parts)
    releases = _lifecycle.load_releases()
    document.update(
        notes=notes,
        starts=starts,
        pins=pins,
        findings=check_target_lifecycle(_lifecycle.check_target(target)[0], today),
        release_data=_lifecycle.read_data_date().isoformat(),
        phases={format_minor(minor): releases[minor].get_phase(today) for minor in sorted(minors)},
    )
    for part in parts.values():
        part["id"] = document["id"]
    return document
