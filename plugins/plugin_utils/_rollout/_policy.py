# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a rollout: its hosts with the work on each, its waves, and their table. Data in, data out."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._order import CRITICALITIES
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._estimate import estimate_wave
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import Selection
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import (
    RolloutHost,
    WavePolicy,
    cut_waves,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._window import format_minutes
from ansible_collections.oxzep7.python.plugins.plugin_utils._table import align_columns

# The host of a rollout that is the controller: it is always reachable, so that what is done once is always done.
CONTROLLER = "oxzep7-controller"
EACH_STEP, FINAL = "each_step", "final"
# Findings with which an application is down, or is just being changed.
DOUBTFUL_KEYS = ("unhealthy", "lease-held")
COLUMNS = ("wave", "hosts", "steps", "restarts", "duration")


def build_wave_policy(
    given: Mapping[str, Any],
    groups: Mapping[str, Sequence[str]],
    declared: Mapping[str, Sequence[Mapping[str, Any]]],
    unknown: Sequence[str],
    blocked: Sequence[Mapping[str, str]] = (),
) -> WavePolicy:
    """The policy that the validated options *given* ask for.

    *declared* are the applications of each host, also of those that are *unknown* because they could not be reached.
    *blocked* are the rows of the plan for what it does not upgrade.
    """
    population = count_hosts_by_application(declared)
    down = count_hosts_by_application({name: declared.get(name, ()) for name in unknown})
    for name, hosts in map_doubtful_hosts(blocked).items():
        down[name] = down.get(name, 0) + len(hosts)
    return WavePolicy(given["waves"], given["max_unavailable"], population, given["canaries"], groups, down)


def map_doubtful_hosts(blocked: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """The hosts that may be without an application, by its name, according to the rows *blocked* of a plan."""
    found: dict[str, list[str]] = {}
    for row in blocked:
        if row["key"] in DOUBTFUL_KEYS and row["host"] not in found.setdefault(row["application"], []):
            found[row["application"]].append(row["host"])
    return found


def list_declared_applications(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The declared applications among the variables *facts* of a host.

    None, where these need what only a host that can be reached has.
    """
    try:
        return [entry for entry in facts.get("oxzep7_applications") or [] if entry.get("name")]
    except AnsibleError:
        return []


def list_lost_rows(hosts: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows, as the ledger has them, of *hosts* that cannot be reached, with their chosen applications."""
    rows: list[dict[str, Any]] = []
    for name in hosts:
        declared = list_declared_applications(hostvars[name])
        chosen = Selection.from_variables(hostvars[name]).choose(declared) if declared else []
        names = [entry["name"] for entry in chosen]
        rows.append({"host": name, "outcome": _ledger.UNREACHABLE, "applications": names})
    return rows


def derive_criticality(own: str, applications: Sequence[Mapping[str, Any]]) -> str:
    """How critical a host is: as it says itself, or as the most critical of its *applications*."""
    told = [str(application.get("criticality") or "normal") for application in applications]
    known = [CRITICALITIES.index(one) for one in told if one in CRITICALITIES]
    return own or (CRITICALITIES[max(known)] if known else "normal")


def count_hosts_by_application(declared: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, int]:
    """How many of the hosts have each application, by what each has *declared*."""
    found: dict[str, int] = {}
    for applications in declared.values():
        for application in applications:
            found[application["name"]] = found.get(application["name"], 0) + 1
    return found


def _identify_environment(application: Mapping[str, Any]) -> str:
    """Return what equal environments of an *application* of a plan have in common."""
    return "/".join([application["name"], *(step["asked"] for step in application["steps"])])


def list_plan_hosts(
    document: Mapping[str, Any], declared: Mapping[str, Sequence[Mapping[str, Any]]], own: Mapping[str, str]
) -> list[RolloutHost]:
    """Return the hosts with steps in the plan's *document*; *own* is the declared criticality of each."""
    found = []
    for name, part in document["hosts"].items():
        moved = [application for application in part["applications"] if application["steps"]]
        if moved:
            environments = frozenset(map(_identify_environment, moved))
            found.append(
                RolloutHost(
                    name,
                    derive_criticality(own.get(name, ""), declared.get(name, ())),
                    environments,
                    frozenset(entry["name"] for entry in moved),
                )
            )
    return found


def cut_plan_waves(
    document: Mapping[str, Any],
    declared: Mapping[str, Sequence[Mapping[str, Any]]],
    own: Mapping[str, str],
    rules: WavePolicy,
) -> list[list[str]]:
    """The waves of the plan's *document*. Raises WavesError, AmountError."""
    return cut_waves(list_plan_hosts(document, declared, own), rules)


def list_plan_work(document: Mapping[str, Any], promote: str) -> dict[str, list[dict[str, Any]]]:
    """Return the work on each host of the plan's *document*: ``application``, ``steps`` and ``restarts`` of each."""
    notes = document.get("notes") or {}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, part in document["hosts"].items():
        found[name] = []
        for entry in part["applications"]:
            if entry["steps"]:
                restarts = _count_restarts(notes.get(name, {}).get(entry["name"]), entry, promote)
                row = {"application": entry["name"], "steps": len(entry["steps"]), "restarts": restarts}
                found[name].append(row)
    return found


def _count_restarts(note: Mapping[str, Any] | None, application: Mapping[str, Any], promote: str) -> int:
    """Restarts of services that the steps of *application* cause."""
    every = int((note or {}).get("restarts") or 0)
    return every if promote == EACH_STEP else every // max(1, len(application["steps"]))


def describe_waves(
    cut: Sequence[Sequence[str]],
    work: Mapping[str, Sequence[Mapping[str, Any]]],
    measured: Mapping[str, Sequence[float]],
    forks: int,
    window: float,
) -> list[dict[str, Any]]:
    """Describe every wave of *cut*, with the estimate of its duration and the basis of that."""
    found = []
    for number, hosts in enumerate(cut, 1):
        estimate = estimate_wave(
            [[row["application"] for row in work.get(host, ()) for _step in range(row["steps"])] for host in hosts],
            measured,
            forks,
            window,
        )
        rows = [row for host in hosts for row in work.get(host, ())]
        found.append(
            {
                "number": number,
                "hosts": list(hosts),
                "applications": {host: [row["application"] for row in work.get(host, ())] for host in hosts},
                "steps": sum(row["steps"] for row in rows),
                "restarts": sum(row["restarts"] for row in rows),
                "seconds": round(estimate.seconds, 1),
                "basis": estimate.basis,
            }
        )
    return found


def list_host_waves(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ``host`` and its ``wave``, a number, for each host of the waves *rows*, in order."""
    return [{"host": host, "wave": row["number"]} for row in rows for host in row["hosts"]]


def format_wave_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The waves *rows* as aligned lines of text, with a heading and with what they take together."""
    if not rows:
        return ["there is nothing to do, so there are no waves"]
    table = []
    for row in rows:
        table.append(
            {
                "wave": row["number"],
                "hosts": ", ".join(row["hosts"]),
                "steps": row["steps"],
                "restarts": row["restarts"],
                "duration": format_minutes(row["seconds"]),
            }
        )
    lines = align_columns(table, COLUMNS)
    return [*lines, f"together about {format_minutes(sum(row['seconds'] for row in rows))} ({rows[-1]['basis']})"]


def read_step_durations(report_dir: pathlib.Path | None) -> dict[str, list[float]]:
    """Return the seconds of steps in the runs recorded in *report_dir*, by application; damaged ones do not count."""
    found: dict[str, list[float]] = {}
    for path in sorted((report_dir / "runs").glob("*/run.json"))[-20:] if report_dir else []:
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))["results"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row.get("seconds"), (int, float)) and row.get("result") == "promoted":
                found.setdefault(str(row.get("application")), []).append(float(row["seconds"]))
    return found
