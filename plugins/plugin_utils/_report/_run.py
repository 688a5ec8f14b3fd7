# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run as it is reported: the outcome of every host and of every step. Pure functions of the hosts' variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record, _ledger
from ansible_collections.oxzep7.python.plugins.plugin_utils._table import align_columns
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

COLUMNS = ("host", "application", "from", "to", "backup", "downtime_ms", "result")
GOOD_RESULTS = ("promoted", "built", "unchanged", "restored")
SUMMARY_LINES, LINE_LENGTH = 20, 2000


def list_step_rows(host: str, facts: Mapping[str, Any], ended: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each step of *host*, and one for its failure.

    *facts* are the variables of the host, *ended* is its row of the ledger.
    """
    record, kept = _host_record.get_host_record(facts), _host_record.list_backup_names(facts)
    rows = []
    for row in record.get("results", []):
        rows.append({"host": host, **row, "backup": kept.get(row["application"])})
    for failure in record.get("failures", []):
        row = {key: failure[key] for key in ("application", "from", "to", "reason", "cause")}
        name = str(failure["application"])
        rows.append({"host": host, **row, "downtime_ms": None, "result": failure["outcome"], "backup": kept.get(name)})
    last = record.get("step") or {}
    good = ended["outcome"] == _ledger.UPGRADED or (ended["outcome"] == _ledger.REVERTED and last.get("ended"))
    if not rows or not (good or record.get("failures")):
        rows.append(
            {
                "host": host,
                "application": last.get("application"),
                "from": last.get("from"),
                "to": last.get("to"),
                "downtime_ms": None,
                "result": ended["outcome"],
                "reason": ended["reason"],
                "cause": ended.get("cause"),
                "backup": kept.get(str(last.get("application"))),
            }
        )
    return rows


def list_ended_rows(
    hostvars: Mapping[str, Any], wave: Mapping[str, Any], reachable: Sequence[str]
) -> list[dict[str, Any]]:
    """The ledger's rows of *wave*, which has ended; *reachable* are the hosts that are still there."""
    there = set(reachable)
    rows = []
    for host in wave["hosts"]:
        record = _host_record.get_host_record(hostvars[host])
        outcome, reason = _host_record.determine_outcome(record, host in there)
        row = {
            "host": host,
            "wave": wave["number"],
            "outcome": outcome,
            "reason": reason,
            "applications": wave["applications"].get(host, []),
        }
        row.update({key: record[key] for key in ("cause", "down") if record.get(key)})
        if record.get("failures"):
            row["affected"] = _host_record.list_affected_applications(record)
        rows.append(row)
    return rows


def split_by_application(
    rows: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], kind: str
) -> list[dict[str, Any]]:
    """Return the ledger's *rows* for each application: those that failed, were treated, or were not reached."""
    found = []
    for row in rows:
        own = [one for one in results if one["host"] == row["host"]]
        failed = {one["application"]: one for one in own if one["result"] not in GOOD_RESULTS}
        treated = {one["application"] for one in own}
        names = list(row["applications"]) or [None]
        # What failed without an application concerns the first that had no result yet.
        first = next((name for name in names if name not in treated), names[0])
        for name in names:
            if row["outcome"] == _ledger.SUCCESS_OUTCOMES[kind]:
                outcome = row["outcome"]
            elif name in failed:
                outcome = failed[name]["result"]
            elif name in treated:
                outcome = _ledger.SUCCESS_OUTCOMES[kind]
            else:
                outcome = row["outcome"] if name == first and not set(failed) & set(names) else _ledger.SKIPPED
            reason = failed[name].get("reason") if name in failed else row["reason"]
            found.append(
                {
                    "host": row["host"],
                    "application": name,
                    "wave": row["wave"],
                    "outcome": outcome,
                    "reason": reason or "" if outcome not in (_ledger.SUCCESS_OUTCOMES[kind], _ledger.SKIPPED) else "",
                }
            )
    return found


def list_skipped_rows(waves: Sequence[Mapping[str, Any]], after: int, why: str) -> list[dict[str, Any]]:
    """The ledger's rows of the hosts whose waves come *after* the last one that began, because of *why*."""
    found = []
    for wave in waves:
        if wave["number"] > after:
            for host in wave["hosts"]:
                found.append(
                    {
                        "host": host,
                        "wave": wave["number"],
                        "outcome": _ledger.SKIPPED,
                        "reason": f"its wave did not begin: {why}",
                        "applications": wave["applications"].get(host, []),
                    }
                )
    return found


def list_unreachable_rows(hosts: Sequence[str]) -> list[dict[str, Any]]:
    """The ledger's rows of *hosts* that no wave has, because they could not be reached."""
    found: list[dict[str, Any]] = []
    for host in hosts:
        found.append(
            {
                "host": host,
                "wave": None,
                "outcome": _ledger.UNREACHABLE,
                "reason": "it could not be reached when the run began",
                "applications": [],
            }
        )
    return found


def select_rollback_hosts(
    rows: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    wave: int,
    on_failure: str,
    limits: Mapping[str, int],
    lost: Sequence[Mapping[str, Any]] = (),
    kind: str = _ledger.UPGRADE,
) -> list[list[str]]:
    """Return the hosts to roll back, now that the gate after *wave* is closed, the last wave first.

    Every host with a promotion goes back, also if a later step failed there; an unreachable host cannot. In a run of
    the *kind* rollback none does: its hosts are where it should bring them, or it failed there. *limits* say
    how many hosts of each application may be interrupted at once; *lost* are rows of hosts that no wave has.
    """
    if on_failure == "stop" or kind == _ledger.ROLLBACK:
        return []
    promoted = {row["host"] for row in results if row["result"] == "promoted"}
    present = (_ledger.UPGRADED, _ledger.REVERTED, _ledger.FAILED)
    returning = [row for row in rows if row["host"] in promoted and row["outcome"] in present]
    numbers = [wave] if on_failure == "rollback_wave" else sorted({row["wave"] for row in returning}, reverse=True)
    groups = []
    for number in numbers:
        own = [row["host"] for row in returning if row["wave"] == number]
        groups += _ledger.split_returning_hosts([*rows, *lost], own, limits)
    return groups


def list_ways_back(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each application of *results* that was rolled back and each way, with the hosts."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for row in results:
        if row.get("chosen"):
            hosts.setdefault((row["application"], row["chosen"]), []).append(row["host"])
    return [f"rollback of {name}, {chosen}: {join_names(there)}" for (name, chosen), there in sorted(hosts.items())]


def format_run_summary(
    rows: Sequence[Mapping[str, Any]],
    lines: Sequence[str],
    closed: str,
    folder: str,
    results: Sequence[Mapping[str, Any]] = (),
) -> str:
    """What a run came to, in a few lines."""
    told = [
        ", ".join(f"{count} {outcome}" for outcome, count in count_outcomes(rows).items()),
        *list_ways_back(results),
        *([f"no wave began any more: {closed}"] if closed else []),
        *(line if len(line) <= LINE_LENGTH else line[: LINE_LENGTH - 1] + "…" for line in lines[:SUMMARY_LINES]),
    ]
    more = len(lines) - SUMMARY_LINES
    return "\n".join([*told, *([f"and {more} more"] if more > 0 else []), f"the record is in {folder}"])


def list_off_target(rows: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    """A line for each of *rows* that is not where the *kind* of run should have brought it, the most urgent first."""
    found = []
    for row in _ledger.sort_by_urgency(rows):
        if row["outcome"] != _ledger.SUCCESS_OUTCOMES[kind]:
            found.append(f"{row['host']}: {row['outcome']}" + (f": {row['reason']}" if row["reason"] else ""))
    return found


def count_outcomes(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many hosts have each outcome."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["outcome"]] = found.get(row["outcome"], 0) + 1
    return dict(sorted(found.items()))


def format_step_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """*results* as aligned lines of text, with a heading; then where applications were rolled back to."""
    return [*align_columns(results, choose_columns(results)), *list_ways_back(results)]


def choose_columns(results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns for *results*: causes only where something failed."""
    return (*COLUMNS, "cause") if any(row.get("cause") for row in results) else COLUMNS
