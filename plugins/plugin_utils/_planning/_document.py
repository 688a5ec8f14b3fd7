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

PLAN_SCHEMA = 1


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
        counts = {}
        for name, part in self.document["hosts"].items():
            counts[name] = sum(len(application["steps"]) for application in part["applications"])
        return counts


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
    document["id"] = hashlib.sha256(format_json(document).encode()).hexdigest()[:16]
    # What changes with time alone is no part of the identity.
    notes: dict[str, dict[str, Any]] = {}
    minors: set[_lifecycle.Minor] = set()
    for host in hosts:
        notes[host.name] = {}
        for application, part in zip(host.applications, parts[host.name]["applications"], strict=True):
            notes[host.name][application["name"]] = build_notes(application, part, audited)
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
