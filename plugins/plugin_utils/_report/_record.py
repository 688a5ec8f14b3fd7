# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a run for a ticket, and the timeline of each host, from its journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _run
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._window import format_minutes
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names

# Hosts that a line names.
MAX_HOSTS = 10
# What events of a host's journal tell beside their time, application and name.
COMMON_KEYS = ("time", "application", "event")


def rebuild_ledger(
    records: Mapping[str, Mapping[str, Any] | None], run: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the ledger and the step rows of *run* from the *records* of hosts alone; a host without one is unknown."""
    ledger, results = [], []
    for host, record in records.items():
        if record is None:
            ledger.append(_make_ledger_row(host, _ledger.UNKNOWN, "it gave no record", []))
            continue
        own = [application for application in record["applications"] if application["history"] or application["open"]]
        names = [application["name"] for application in own]
        if not own:
            touched = any(event["application"] for event in record["events"])
            ledger.append(
                _make_ledger_row(
                    host,
                    _ledger.SKIPPED,
                    "it changed nothing that is live" if touched else "it has no part in this run",
                    [],
                )
            )
            continue
        for application in own:
            for entry in application["history"]:
                results.append(
                    {
                        "host": host,
                        "application": application["name"],
                        "from": entry.get("from"),
                        "to": entry.get("to"),
                        "backup": None,
                        "downtime_ms": entry.get("downtime_ms"),
                        "result": entry["event"],
                        "reason": entry.get("problem") or entry.get("reason") or "",
                        "cause": entry.get("cause"),
                    }
                )
        outcomes = [{"application": one["name"], **_describe_outcome([one])} for one in own]
        ledger.append({**_make_ledger_row(host, *_derive_outcome(own), names), "outcomes": outcomes})
    return ledger, results


def _make_ledger_row(host: str, outcome: str, reason: str, applications: Sequence[str]) -> dict[str, Any]:
    return {"host": host, "wave": None, "outcome": outcome, "reason": reason, "applications": list(applications)}


def _describe_outcome(applications: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    outcome, reason = _derive_outcome(applications)
    return {"outcome": outcome, "reason": reason}


def _derive_outcome(applications: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What a run came to on a host, by the *applications* that it promoted something of."""
    opened = [application["name"] for application in applications if application["open"]]
    if opened:
        return _ledger.INTERRUPTED, f"a promotion of {', '.join(opened)} is open"
    last = [(application["name"], application["history"][-1]) for application in applications]
    down = [(name, entry) for name, entry in last if entry["event"] == _ledger.FAILED]
    if down:
        name, entry = down[0]
        return _ledger.FAILED, f"{name} is not healthy after its change was undone: {entry.get('problem')}"
    undone = [(name, entry) for name, entry in last if entry["event"] == "reverted"]
    if undone:
        return _ledger.REVERTED, f"{undone[0][0]}: {undone[0][1].get('reason') or 'it went back'}"
    if all(entry.get("kind") == _ledger.ROLLBACK for _name, entry in last):
        return _ledger.REVERTED, "it was rolled back"
    return _ledger.UPGRADED, ""


def format_change_record(run: Mapping[str, Any]) -> str:
    """The *run*'s document as Markdown, ready for a ticket."""
    ledger, kind = run["ledger"], run["kind"]
    lines = [
        f"# Change record: {kind} {run['run']}",
        "",
        f"- outcome: {_summarize_outcomes(ledger)}",
        *([f"- target: Python {run['target']}, plan {run['plan']}"] if run.get("target") else []),
        f"- from {run['began'] or 'unknown'} to {run['ended'] or 'unknown'}",
        "",
    ]
    lines += ["## Decided", ""]
    if run["waves"]:
        lines += [
            f"{len(run['waves'])} waves; budget {_describe_budget(run['budget'])}; "
            f"when a gate closes: {run['on_failure']}.",
            "",
        ]
        for wave in run["waves"]:
            lines.append(
                f"{wave['number']}. {', '.join(wave['hosts'])} ({wave['steps']} steps, "
                f"{wave['restarts']} restarts, about {format_minutes(wave['seconds'])})"
            )
    else:
        lines.append("Not known here: the hosts' own records do not say which waves there were.")
    done = [row for row in run["results"] if row["result"] in ("promoted", "restored")]
    lines += ["", "## Done", "", *(_format_steps(done) if done else ["Nothing was promoted."])]
    ways = _run.list_ways_back(run["results"])
    lines += ["", *(f"- {text}" for text in ways)] if ways else []
    left = _list_untried(done)
    lines += ["", "## Not tried by the proofs", "", *left] if left else []
    lines += ["", "## Met", ""]
    if run["closed"]:
        lines += [f"No wave began any more: {run['closed']}.", ""]
    closed = _run.describe_closed_applications(run.get("closed_applications") or {})
    lines += [*(f"- {text}" for text in closed), ""] if closed else []
    met = _run.list_off_target(ledger, kind)
    lines += [f"- {_shorten_text(text)}" for text in met] or ["Nothing that was not expected."]
    undone = [row for row in run["results"] if row["result"] == "reverted"]
    lines += [
        "",
        "## Undone",
        "",
        *(_format_steps(undone) if undone else ["Nothing."]),
        "",
        "## How it is taken back",
        "",
        "```",
        f"ansible-playbook -i inventory oxzep7.python.rollback -e oxzep7_rollback_run={run['run']}",
        "```",
    ]
    return "\n".join(lines) + "\n"


def _list_untried(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for what the proofs of *results* did not try, by application, step and reason, with the hosts."""
    hosts: dict[str, list[str]] = {}
    for row in results:
        for part in row.get("untried") or []:
            names = [*part["names"], *(["..."] if part["count"] > len(part["names"]) else [])]
            step = f"{row['application']} {row['from']} -> {row['to']}"
            text = f"{step}: {part['reason']}: {part['count']} ({', '.join(names)})"
            hosts.setdefault(text, []).append(row["host"])
    return [f"- {compress_names(names, MAX_HOSTS)}: {text}" for text, names in sorted(hosts.items())]


def _summarize_outcomes(ledger: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in _run.count_outcomes(ledger).items()) or "no host"


def _describe_budget(budget: Mapping[str, Any]) -> str:
    whole = "hosts of an application" if budget.get("counts") == _ledger.PER_APPLICATION else "hosts per run"
    per_wave = "" if budget["per_wave"] is None else f", {budget['per_wave']} per wave"
    return f"{budget['per_run']} {whole}{per_wave}"


def _format_steps(results: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = _run.choose_columns(results)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in results:
        lines.append("| " + " | ".join(_format_cell(row.get(column)) for column in columns) + " |")
    return lines


def _format_cell(value: Any) -> str:
    return "-" if value is None else str(value).replace("|", "\\|")


def _shorten_text(text: str, limit: int = 400) -> str:
    """*text* on one line of at most *limit* characters, without its middle: what to do stands at its end."""
    flat = " ".join(text.split())
    if len(flat) <= limit:
        return flat
    tail = limit // 2 - 20
    return f"{flat[: limit - tail - 3]} … {flat[-tail:]}"


def format_timeline(host: str, record: Mapping[str, Any] | None, run: str) -> str:
    """What *host* wrote down of *run*, in order."""
    lines = [f"# {host}: run {run}", ""]
    if record is None:
        return "\n".join([*lines, "The host gave no record; what it did is unknown."]) + "\n"
    for event in record["events"]:
        details = []
        for key, value in sorted(event.items()):
            if key not in COMMON_KEYS and value is not None:
                details.append(f"{key} {_shorten_text(str(value), 200)}")
        lines.append(
            f"- {event.get('time')} {event.get('application') or '-'}: {event.get('event')}"
            + (f" ({', '.join(details)})" if details else "")
        )
    lines += [] if record["events"] else ["It wrote down nothing of this run."]
    lines.append("")
    for application in record["applications"]:
        opened = ", and a promotion is open" if application["open"] else ""
        current = application["current"] or "as it was found"
        lines.append(f"- now: {application['name']} runs generation {current}{opened}")
    return "\n".join(lines).rstrip() + "\n"
