# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run as it is reported: the outcome of every host and of every step. Pure functions of the hosts' variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record, _ledger
from ansible_collections.oxzep7.python.plugins.plugin_utils._table import align_columns
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names, shorten

COLUMNS = ("host", "application", "from", "to", "backup", "downtime_ms", "result")
SUMMARY_LINES, LINE_LENGTH = 20, 2000
# Outcomes of applications of which nothing was tried.
UNTRIED = (_ledger.BLOCKED, _ledger.SKIPPED)
# The keys of a row of the ledger, in order.
ROW_KEYS = ("host", "wave", "outcome", "reason", "cause", "down", "host_failed", "applications", "outcomes")


def list_step_rows(host: str, facts: Mapping[str, Any], ended: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each step of *host*, and one for its failure.

    *facts* are the variables of the host, *ended* is its row of the ledger.
    """
    record, kept = _host_record.get_host_record(facts), _host_record.list_backup_names(facts)
    rows = []
    for row in record.get("results", []):
        rows.append({"host": host, **row, "backup": kept.get(row["application"])})
    for failure in record.get("failures", []):
        row = {key: failure[key] for key in ("application", "from", "to", "lock", "reason", "cause")}
        name = str(failure["application"])
        rows.append({"host": host, **row, "downtime_ms": None, "result": failure["outcome"], "backup": kept.get(name)})
    last = record.get("step") or {}
    good = ended["outcome"] in (_ledger.UPGRADED, *UNTRIED) or (
        ended["outcome"] == _ledger.REVERTED and last.get("ended")
    )
    # What was left out with its host has the cause of that.
    untried = [part for part in ended.get("outcomes", []) if part["outcome"] in UNTRIED and part.get("cause")]
    if not (rows or untried) or not (good or record.get("failures")):
        rows.append(
            {
                "host": host,
                "application": last.get("application"),
                "from": last.get("from"),
                "to": last.get("to"),
                "lock": last.get("lock"),
                "downtime_ms": None,
                "result": ended["outcome"],
                "reason": ended["reason"],
                "cause": ended.get("cause"),
                "backup": kept.get(str(last.get("application"))),
            }
        )
    return [*rows, *_list_untried_steps(host, untried)]


def list_blocked_steps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each blocked application of the ledger's *rows*, of hosts without any other rows."""
    found = []
    for row in rows:
        blocked = [part for part in _ledger.list_application_rows(row) if part["outcome"] == _ledger.BLOCKED]
        found += _list_untried_steps(row["host"], blocked)
    return found


def _list_untried_steps(host: str, parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each of *parts*, applications of *host* that were blocked or left out."""
    found = []
    for part in parts:
        told = {key: part.get(key) for key in ("application", "from", "to", "reason", "cause", "remediation")}
        found.append({"host": host, **told, "downtime_ms": None, "result": part["outcome"], "backup": None})
    return found


def list_ended_rows(
    hostvars: Mapping[str, Any],
    wave: Mapping[str, Any],
    reachable: Sequence[str],
    kind: str = _ledger.UPGRADE,
    closed: Mapping[str, Mapping[str, Any]] | None = None,
    blocked: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The ledger's rows of *wave*, which has ended; *reachable* are the hosts that are still there.

    *closed* are the applications that were left out after a wave, *blocked* are rows of the plan.
    """
    there = set(reachable)
    closed_before = {}
    for name, entry in (closed or {}).items():
        if entry["wave"] < wave["number"]:
            closed_before[name] = str(entry["reason"])
    rows = []
    for host in wave["hosts"]:
        record = _host_record.get_host_record(hostvars[host])
        names = list(wave["applications"].get(host, []))
        asked = [name for name in names if name not in closed_before]
        outcome, reason = _host_record.determine_outcome(record, host in there)
        parts = _host_record.list_application_outcomes(record, asked, outcome, reason, kind)
        parts += [_describe_closed_application(name, closed_before[name]) for name in names if name not in asked]
        row: dict[str, Any] = {"host": host, "wave": wave["number"]}
        if asked or not names:
            row.update(outcome=outcome, reason=reason)
            row.update({key: record[key] for key in ("cause", "down") if record.get(key)})
            if record.get("host_failed") or not record.get("outcome"):
                row["host_failed"] = True
        rows.append(_complete_row({**row, "applications": names}, parts, blocked, kind))
    return rows


def _describe_closed_application(name: str, reason: str) -> dict[str, Any]:
    text = f"no further host of it was begun: {reason}"
    return {"application": name, "outcome": _ledger.SKIPPED, "reason": text, "cause": text}


def _complete_row(
    row: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    blocked: Sequence[Mapping[str, Any]],
    kind: str,
) -> dict[str, Any]:
    """*row* with its applications, *parts* and those that are *blocked*; its outcome is the worst of all."""
    own: dict[str, list[Mapping[str, Any]]] = {}
    for entry in blocked:
        if entry["host"] == row["host"]:
            own.setdefault(str(entry["application"]), []).append(entry)
    outcomes = []
    for part in parts:
        untried = part["outcome"] in (_ledger.SUCCESS_OUTCOMES[kind], _ledger.SKIPPED)
        entries = own.pop(part["application"], [])
        outcomes.append(_describe_blocked_application(entries) if entries and untried else dict(part))
    outcomes += map(_describe_blocked_application, own.values())
    worst = _ledger.find_worst_outcome(
        [*([row["outcome"]] if "outcome" in row else []), *(part["outcome"] for part in outcomes)], kind
    )
    complete = {**row, "outcome": worst, "outcomes": outcomes}
    if worst != row.get("outcome"):
        found = [part for part in outcomes if part["outcome"] == worst]
        complete["reason"] = "; ".join(f"{part['application']}: {part['reason']}" for part in found)
        complete.update({"cause": found[0]["cause"]} if "cause" in found[0] else {})
    return {key: complete[key] for key in sorted(complete, key=_rank_key)}


def _rank_key(key: str) -> int:
    return ROW_KEYS.index(key)


def _describe_blocked_application(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the plan says of an application that cannot be planned, as an application of the ledger."""
    told = {key: entries[0][key] for key in ("application", "from", "to") if entries[0].get(key)}
    told["remediation"] = "; ".join(dict.fromkeys(str(entry["remediation"]) for entry in entries))
    causes = [str(entry["cause"]) for entry in entries]
    reasons = [f"{entry['cause']} ({entry['key']})" for entry in entries]
    return {**told, "outcome": _ledger.BLOCKED, "reason": "; ".join(reasons), "cause": "; ".join(causes)}


def list_blocked_rows(hosts: Sequence[str], blocked: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The ledger's rows of hosts with *blocked* applications that are not among *hosts*, which have rows."""
    names = dict.fromkeys(str(entry["host"]) for entry in blocked)
    rows: list[dict[str, Any]] = []
    for name in names:
        if name not in hosts:
            rows.append({"host": name, "wave": None, "applications": []})
    return [_complete_row(row, [], blocked, kind) for row in rows]


def split_by_application(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the ledger's *rows* for each application: those that failed, were treated, or were not reached."""
    found = []
    for row in rows:
        parts = _ledger.list_application_rows(row) or [
            {"application": None, "outcome": row["outcome"], "reason": row["reason"]}
        ]
        found += [{"host": row["host"], "wave": row["wave"], **part} for part in parts]
    return found


def list_skipped_rows(
    waves: Sequence[Mapping[str, Any]],
    after: int,
    why: str,
    kind: str = _ledger.UPGRADE,
    closed: Mapping[str, Mapping[str, Any]] | None = None,
    blocked: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The ledger's rows of the hosts whose waves come *after* the last one that began, because of *why*.

    Where that is not known, the *closed* applications say it.
    """
    found = []
    for wave in waves:
        if wave["number"] > after:
            for host in wave["hosts"]:
                names = list(wave["applications"].get(host, []))
                told = [str((closed or {})[name]["reason"]) for name in names if name in (closed or {})]
                reasons = [why] if why else list(dict.fromkeys(told)) or ["the run ended"]
                row = {
                    "host": host,
                    "wave": wave["number"],
                    "outcome": _ledger.SKIPPED,
                    "reason": f"its wave did not begin: {'; '.join(reasons)}",
                    "applications": names,
                }
                parts = [{"application": n, "outcome": row["outcome"], "reason": row["reason"]} for n in names]
                found.append(_complete_row(row, parts, blocked, kind))
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
    names: Sequence[str] | None = None,
    without: Mapping[str, Sequence[str]] | None = None,
) -> list[list[str]]:
    """Return the hosts to roll back, now that the gate after *wave* is closed, the last wave first.

    Every host with a promotion, of an application with one of *names* if these are given, goes back, also if a later
    step failed there; an unreachable host cannot. In a run of the *kind* rollback none does: its hosts are where it
    should bring them, or it failed there. *limits* say how many hosts of each application may be interrupted at once;
    *lost* are rows of hosts that no wave has, and hosts *without* an application have left no row because of it.
    """
    if on_failure == "stop" or kind == _ledger.ROLLBACK:
        return []
    promoted = set()
    for row in results:
        if row["result"] == "promoted" and (names is None or row["application"] in names):
            promoted.add(row["host"])
    away = (_ledger.UNREACHABLE, _ledger.INTERRUPTED, _ledger.UNKNOWN)
    returning = [row for row in rows if row["host"] in promoted and row["outcome"] not in away]
    numbers = [wave] if on_failure == "rollback_wave" else sorted({row["wave"] for row in returning}, reverse=True)
    groups = []
    for number in numbers:
        own = [row["host"] for row in returning if row["wave"] == number]
        groups += _ledger.split_returning_hosts([*rows, *lost], own, limits, names, without)
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
    closed_applications: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """What a run came to, in a few lines."""
    told = [
        ", ".join(f"{count} {outcome}" for outcome, count in count_outcomes(rows).items()),
        *list_ways_back(results),
        *([f"no wave began any more: {closed}"] if closed else []),
        *describe_closed_applications(closed_applications or {}),
        *(shorten(line, LINE_LENGTH) for line in lines[:SUMMARY_LINES]),
    ]
    more = len(lines) - SUMMARY_LINES
    return "\n".join([*told, *([f"and {more} more"] if more > 0 else []), f"the record is in {folder}"])


def describe_closed_applications(closed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each application of which no further host was begun, with the reason."""
    return [f"{name}: closed after wave {entry['wave']}: {entry['reason']}" for name, entry in sorted(closed.items())]


def list_off_target(rows: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    """A line for each of *rows* that is not where the *kind* of run should have brought it, the most urgent first.

    Applications that were blocked, or left out on a host that was not, have lines of their own.
    """
    found = []
    good = _ledger.SUCCESS_OUTCOMES[kind]
    for row in _ledger.sort_by_urgency(rows):
        if row["outcome"] == good:
            continue
        own = []
        for part in _ledger.list_application_rows(row):
            if part["outcome"] in UNTRIED and part["reason"] != row["reason"]:
                own.append(_format_off_target(f"{row['host']}: {part['outcome']}: {part['application']}", part))
        if not own or row["outcome"] not in UNTRIED or row["reason"].startswith("its wave did not begin"):
            found.append(_format_off_target(f"{row['host']}: {row['outcome']}", row))
        found += own
    return found


def _format_off_target(subject: str, row: Mapping[str, Any]) -> str:
    told = f"{subject}: {row['reason']}" if row["reason"] else subject
    return f"{told}; {row['remediation']}" if row.get("remediation") else told


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
