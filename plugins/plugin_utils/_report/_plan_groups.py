# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan as people review it: equal environments once for all their hosts, and a row for each of their steps."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names

COLUMNS = (
    "",
    "application",
    "hosts",
    "step",
    "moves (major)",
    "new",
    "leave",
    "built",
    "proof",
    "findings",
    "to decide",
)
BLOCKED_COLUMNS = ("application", "hosts", "from step", "key", "why", "remedy")
UNTRIED = "index only"
MAXIMUM_NAMED = 12
# Hosts and ranges of hosts in a cell of the first table.
MAXIMUM_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class GroupMember:
    """One application on one host: its part of the plan and its notes."""

    host: str
    part: Mapping[str, Any]
    note: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class GroupedFinding:
    """A finding with the members of the group that have it."""

    entry: Mapping[str, Any]
    members: list[GroupMember]


@dataclasses.dataclass
class EnvironmentGroup:
    """Applications whose environments are equal and take the same steps. ``number`` is its place in the plan."""

    number: int
    members: list[GroupMember] = dataclasses.field(default_factory=list)

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """The steps, which only differ by the sources of interpreters."""
        steps: Sequence[Mapping[str, Any]] = self.members[0].part["steps"]
        return steps

    @property
    def python(self) -> str:
        """The version that it has now."""
        return str(self.members[0].part["from"])

    @property
    def names(self) -> str:
        """The names of its applications."""
        return compress_names(list(dict.fromkeys(member.part["name"] for member in self.members)), MAXIMUM_NAMED)

    @property
    def hosts(self) -> str:
        """Its hosts, with ranges of numbers in brackets."""
        return list_hosts(self.members)

    def describe_size(self) -> str:
        """How many hosts, and the first of them."""
        hosts = list(dict.fromkeys(member.host for member in self.members))
        shown = compress_names(hosts, MAXIMUM_SHOWN)
        return shown if len(hosts) <= MAXIMUM_SHOWN else f"{len(hosts)}: {shown}"

    def list_places(self) -> list[tuple[str, str, str]]:
        """Application, path of the environment and hosts, each pair of the first two once."""
        places: dict[tuple[str, str], list[GroupMember]] = {}
        for member in self.members:
            places.setdefault((member.part["name"], member.part["environment"]), []).append(member)
        return [(name, path, list_hosts(members)) for (name, path), members in places.items()]

    def list_sources(self, number: int) -> list[str]:
        """Where the interpreters of the step *number* come from."""
        found: dict[str, None] = {}
        for member in self.members:
            interpreter = member.part["steps"][number]["interpreter"]
            found[str(interpreter.get("url") or interpreter.get("path") or interpreter["source"])] = None
        return list(found)

    def list_findings(self, number: int | None = None) -> list[GroupedFinding]:
        """The findings of all members, equal ones once; with *number* those that this step is the first to meet."""
        found: dict[tuple[str, str, str], GroupedFinding] = {}
        for member in self.members:
            known = member.note["findings"]
            met = (member.note.get("met") or [])[number : number + 1] if number is not None else [range(len(known))]
            for at in met[0] if met else ():
                entry = known[at]
                key = (entry["key"], entry["detail"], entry["remediation"])
                found.setdefault(key, GroupedFinding(entry, [])).members.append(member)
        return list(found.values())

    def list_local_changes(self) -> list[tuple[str, str, list[GroupMember]]]:
        """A line for each file that differs from its package, what becomes of it, and the members that have it."""
        found: dict[tuple[str, str], list[GroupMember]] = {}
        for member in self.members:
            policy = (member.part.get("cargo") or {}).get("policy") or "drop"
            for line in member.note.get("local") or []:
                found.setdefault((line, policy), []).append(member)
        return [(line, policy, members) for (line, policy), members in found.items()]

    def find_proof(self, document: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        """The proof of the step *number*; empty where the *document* has none."""
        step = self.steps[number]
        by_python = (document.get("proofs") or {}).get(step["lock"]) or {}
        proof: Mapping[str, Any] = by_python.get(format_minor(parse_version(step["to"])[0])) or {}
        return proof


@dataclasses.dataclass(frozen=True)
class StepRow:
    """A row of the first table: the values by column, and whether a decision is due."""

    values: tuple[str, ...]
    urgent: bool


def list_hosts(members: Iterable[GroupMember]) -> str:
    """The hosts of *members*, with ranges of numbers in brackets."""
    return compress_names(list(dict.fromkeys(member.host for member in members)), MAXIMUM_NAMED)


def group_environments(document: Mapping[str, Any]) -> list[EnvironmentGroup]:
    """The applications with steps of the plan's *document*, equal environments together, in its order."""
    groups: dict[tuple[Any, ...], EnvironmentGroup] = {}
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            if application["steps"]:
                key = (
                    application["from"],
                    *((step["to"], step["lock"], step.get("start")) for step in application["steps"]),
                )
                group = groups.setdefault(key, EnvironmentGroup(len(groups) + 1))
                group.members.append(GroupMember(name, application, document["notes"][name][application["name"]]))
    return list(groups.values())


def list_idle(document: Mapping[str, Any]) -> str:
    """The applications that have nothing to do, and neither are blocked nor stay, with their hosts."""
    idle: dict[str, list[str]] = {}
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            if not application["steps"] and not application.get("blocked") and not application.get("stay"):
                idle.setdefault(application["name"], []).append(name)
    return "; ".join(f"{name} on {compress_names(hosts, MAXIMUM_NAMED)}" for name, hosts in idle.items())


def describe_proof(proof: Mapping[str, Any]) -> str:
    """What is proven, for a cell of a table."""
    if not proof.get("proven"):
        return UNTRIED
    what = "ran" if proof["kind"] == "run" else "rehearsed"
    part = "" if proof["proven"] == proof["packages"] else f": {proof['proven']} of {proof['packages']} packages"
    return f"{what} on {proof['date']}{part}"


def describe_doubt(proof: Mapping[str, Any], python: str) -> str:
    """Which packages nothing speaks for but an index that knew no such Python; empty where there is none."""
    if not proof.get("older"):
        return ""
    names = proof["older"]
    packages = "1 package" if len(names) == 1 else f"{len(names)} packages"
    return (
        f"{packages} unproven on {python}, youngest release {proof['youngest']}: {compress_names(names, MAXIMUM_NAMED)}"
    )


def _select_serious(findings: Iterable[GroupedFinding]) -> list[Mapping[str, Any]]:
    """The findings about which something is to be decided."""
    return [found.entry for found in findings if found.entry["severity"] != "info"]


def summarize_step(document: Mapping[str, Any], group: EnvironmentGroup, number: int) -> StepRow:
    """The row of the step *number* of *group*."""
    step, proof = group.steps[number], group.find_proof(document, number)
    moved = [row for row in step["changes"] if row["from"] and row["to"]]
    major = sum(row["move"] == "major" for row in moved)
    findings = group.list_findings(number)
    decisions = collections.Counter(entry["remediation"] for entry in _select_serious(findings))
    due = [text if count == 1 else f"{text} ({count})" for text, count in decisions.items()]
    if proof.get("broken"):
        due.append(f"replace or constrain {compress_names(proof['broken'], MAXIMUM_NAMED)}, which broke there")
    local = group.list_local_changes() if number == 0 else []
    if local:
        policies = ", ".join(dict.fromkeys(policy for _line, policy, _members in local))
        due.append(f"{len(local)} file{'s' if len(local) > 1 else ''} changed by hand: carry is {policies}")
    if not proof or proof["proven"] < proof["packages"]:
        due.append("rehearse")
    return StepRow(
        (
            str(group.number),
            group.names,
            group.describe_size(),
            f"{step['from']} -> {step['to']}",
            f"{len(moved)} ({major})" if moved else "0",
            str(sum(row["from"] is None for row in step["changes"])),
            str(sum(row["to"] is None for row in step["changes"])),
            str(len(step.get("built") or [])),
            describe_proof(proof),
            str(len(findings)),
            "; ".join(due) or "nothing",
        ),
        any(found.entry["severity"] == "error" for found in findings) or bool(proof.get("broken")),
    )


def summarize_steps(document: Mapping[str, Any], groups: Iterable[EnvironmentGroup]) -> list[StepRow]:
    """The rows of the first table."""
    return [summarize_step(document, group, number) for group in groups for number in range(len(group.steps))]


def list_blocked(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The rows about applications that cannot be planned, each reason once for all its hosts: see ``BLOCKED_COLUMNS``.

    An application without a step of it is blocked from its first one on.
    """
    hosts: dict[tuple[str, ...], list[str]] = {}
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            for reason in application.get("blocked") or []:
                step = f"{reason['from']} -> {reason['to']}" if reason.get("to") else "the first"
                told = (application["name"], step, reason["key"], reason["cause"], reason["remediation"])
                hosts.setdefault(told, []).append(name)
    rows = []
    for (application_name, step, *rest), names in hosts.items():
        rows.append((application_name, compress_names(list(dict.fromkeys(names)), MAXIMUM_NAMED), step, *rest))
    return rows


def list_stays(document: Mapping[str, Any]) -> list[str]:
    """A line for each application that stays at its version, with its hosts, the last day, the reason and findings."""
    hosts: dict[str, list[str]] = {}
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            stay = application.get("stay")
            if stay:
                line = f"{application['name']} stays at Python {application['from']} until {stay['until']}"
                line += f": {stay['reason']}"
                for entry in document["notes"][name][application["name"]]["findings"]:
                    line += f"; {entry['title']} ({entry['key']})"
                hosts.setdefault(line, []).append(name)
    return [f"{compress_names(names, MAXIMUM_NAMED)}: {line}" for line, names in hosts.items()]


def describe_unknown(document: Mapping[str, Any]) -> str:
    """The hosts without an inventory, of which nothing is known; empty where there is none."""
    return compress_names(document.get("unknown") or [], MAXIMUM_NAMED)


def describe_risk(group: EnvironmentGroup) -> str:
    """The scores of *group*, and the terms of the highest."""
    scores = sorted({member.note["risk"]["score"] for member in group.members})
    worst = max(group.members, key=lambda member: float(member.note["risk"]["score"])).note["risk"]["terms"]
    terms = ", ".join(f"{name} {term['count']} ({term['points']:g})" for name, term in worst.items())
    span = f"{scores[0]:g}" if len(scores) == 1 else f"{scores[0]:g} to {scores[-1]:g}"
    return f"Risk {span}: {terms or 'nothing counts'}."


def describe_downtime(group: EnvironmentGroup) -> str:
    """Restarts of one host, and how long the last promotions took."""
    restarts = sorted({member.note["restarts"] for member in group.members})
    services = list(dict.fromkeys(name for member in group.members for name in member.note["services"]))
    known = [note["last_downtime_ms"] for note in (member.note for member in group.members) if note["last_downtime_ms"]]
    count = str(restarts[0]) if len(restarts) == 1 else f"{restarts[0]} to {restarts[-1]}"
    took = f"the last promotion took {max(known)} ms" if known else "its downtime is not known yet"
    return f"Restarts: {count} ({compress_names(services, MAXIMUM_NAMED) or 'no service is declared'}); {took}."


def list_success_criteria(group: EnvironmentGroup) -> list[str]:
    """When the steps have succeeded, each criterion once."""
    return list(dict.fromkeys(line for member in group.members for line in member.note["success"]))


def list_python_changes(group: EnvironmentGroup) -> list[tuple[str, list[str], list[str]]]:
    """For each step: its version, what it removes that a source uses, and what behaves otherwise that one imports."""
    rows: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for member in group.members:
        unknown = any(entry["key"] == "source-unknown" for entry in member.note["findings"])
        for row in [] if unknown else member.note["python"]:
            gone, other = rows.setdefault(row["to"], ({}, {}))
            gone.update(dict.fromkeys(row.get("used", [])))
            other.update(dict.fromkeys(row["changed"]))
    return [(version, list(gone), list(other)) for version, (gone, other) in rows.items() if gone or other]


def describe_members(members: Sequence[GroupMember], group: EnvironmentGroup) -> str:
    """Which of *group* the *members* are, in parentheses; empty for all."""
    return "" if len(members) == len(group.members) else f" (on {list_hosts(members)})"
