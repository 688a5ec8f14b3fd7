# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: the outcome of every application on every host, and of the host; the budgets of failures.

A row is a host: ``host``, ``wave``, ``outcome``, ``reason``, and the names of its ``applications``. ``outcomes`` are
its applications, each with ``application``, ``outcome``, ``reason``, and where known ``cause``, ``remediation`` and
``down``; the outcome of the host is the worst of them. ``host_failed`` is there when the host itself failed or was
lost, which counts for each of its applications. Without ``outcomes`` every application has the outcome of its host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._amount import Amount, round_amount_down

UPGRADED, REVERTED, FAILED = "upgraded", "reverted", "failed"
UNREACHABLE, INTERRUPTED, SKIPPED, UNKNOWN = "unreachable", "interrupted", "skipped", "unknown"
BLOCKED = "blocked"
UPGRADE, ROLLBACK = "upgrade", "rollback"
# The good outcome depends on the kind of the run. A host without steps to take is in no wave, so skipped is never good.
SUCCESS_OUTCOMES = {UPGRADE: UPGRADED, ROLLBACK: REVERTED}
# From the worst.
SEVERITY = (FAILED, INTERRUPTED, UNKNOWN, UNREACHABLE, REVERTED, BLOCKED, SKIPPED, UPGRADED)
# Of a host or an application that may be down.
DOUBTFUL_OUTCOMES = (FAILED, UNREACHABLE, INTERRUPTED, UNKNOWN)
BUDGET, BUDGET_OF_WAVE = "oxzep7_max_failed", "oxzep7_max_failed_per_wave"
PER_APPLICATION, PER_RUN = "application", "run"


def list_failed_hosts(rows: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    """The hosts among *rows* on which something was tried, and did not end well for the *kind* of run, in order."""
    # Nothing was tried where it was skipped or blocked.
    return [row["host"] for row in rows if row["outcome"] not in (SUCCESS_OUTCOMES[kind], SKIPPED, BLOCKED, None)]


def list_application_rows(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The applications of the host with *row*, each with its outcome."""
    if "outcomes" in row:
        return list(row["outcomes"])
    told = {key: row[key] for key in ("outcome", "reason", "cause", "down") if key in row}
    return [{"application": name, **told} for name in row.get("applications") or []]


def list_failed_applications(row: Mapping[str, Any], kind: str) -> list[str]:
    """The applications that count as failed on the host with *row*: all of them where the host itself failed."""
    untried = (SUCCESS_OUTCOMES[kind], SKIPPED, BLOCKED, None)
    every = [one for one in list_application_rows(row) if row.get("host_failed") or one["outcome"] not in untried]
    return [one["application"] for one in every]


def list_causes(row: Mapping[str, Any]) -> list[str]:
    """A line for each cause that is known of what went wrong on the host with *row*, or was left out there."""
    untried = (BLOCKED, SKIPPED)
    found = [str(row["cause"])] if row.get("cause") and row["outcome"] not in untried else []
    for one in list_application_rows(row):
        if one.get("cause"):
            subject = f"{one['application']} is {one['outcome']}: " if one["outcome"] in untried else ""
            advice = f"; {one['remediation']}" if one.get("remediation") else ""
            found.append(f"{subject}{one['cause']}{advice}")
    return list(dict.fromkeys(found))


def find_worst_outcome(outcomes: Sequence[str], kind: str) -> str:
    """The worst of *outcomes*, of which there is at least one, in a run of *kind*."""
    return min(outcomes, key=lambda outcome: (outcome == SUCCESS_OUTCOMES[kind], SEVERITY.index(outcome)))


def sort_by_urgency(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """*rows* with the hosts first on which an application is down, then those that failed otherwise."""
    return sorted(rows, key=lambda row: (not row.get("down"), row["outcome"] != FAILED))


def describe_failures(rows: Sequence[Mapping[str, Any]], wave: int, kind: str) -> str:
    """What is wrong in *wave* by its *rows*, the most urgent first; empty where nothing is."""
    failed = list_failed_hosts(sort_by_urgency(rows), kind)
    down = [row["host"] for row in rows if row.get("down")]
    first = f"an application is down on {', '.join(down)}; " if down else ""
    return f"{first}hosts of wave {wave} have failed: {', '.join(failed)}" if failed else ""


@dataclasses.dataclass(frozen=True)
class FailureBudget:
    """How many hosts may fail: of all that are meant, and of those in one wave, where that is limited, too."""

    per_run: Amount
    per_wave: Amount | None = None


def check_failure_budget(
    rows: Sequence[Mapping[str, Any]], wave: int, kind: str, hosts: int, per_run: Amount, per_wave: Amount | None
) -> str:
    """Why no wave may begin after *wave*, by the *rows* of all that ended; empty where one may.

    *hosts* are all of the rollout, of which *per_run* may fail; *per_wave* of those of a wave. Raises AmountError.
    """
    own = [row for row in rows if row["wave"] == wave]
    bad, bad_of_wave = list_failed_hosts(rows, kind), list_failed_hosts(own, kind)
    return _compare_with_budget(bad, hosts, bad_of_wave, len(own), wave, kind, FailureBudget(per_run, per_wave))


def check_application_budgets(
    rows: Sequence[Mapping[str, Any]],
    wave: int,
    kind: str,
    waves: Sequence[Mapping[str, Any]],
    budget: FailureBudget,
) -> dict[str, str]:
    """The applications of which no host may begin after *wave*, each with the reason, by the *rows* that ended.

    Hosts count for each application that they have in *waves*; a percentage is of these. Raises AmountError.
    """
    found = {}
    failed = {row["host"]: list_failed_applications(row, kind) for row in rows}
    for name, (hosts, of_wave) in sorted(_count_planned_hosts(waves, wave).items()):
        bad = [row for row in rows if name in failed[row["host"]]]
        reason = _compare_with_budget(
            [row["host"] for row in bad],
            hosts,
            [row["host"] for row in bad if row["wave"] == wave],
            of_wave,
            wave,
            kind,
            budget,
            f"for {name} ",
        )
        if reason:
            found[name] = reason
    return found


def _count_planned_hosts(waves: Sequence[Mapping[str, Any]], number: int) -> dict[str, tuple[int, int]]:
    """How many hosts have each application in all *waves*, and in the wave with *number*."""
    found: dict[str, tuple[int, int]] = {}
    for wave in waves:
        for names in wave["applications"].values():
            for name in names:
                hosts, own = found.get(name, (0, 0))
                found[name] = (hosts + 1, own + (wave["number"] == number))
    return found


def _compare_with_budget(
    bad: Sequence[str],
    hosts: int,
    bad_of_wave: Sequence[str],
    hosts_of_wave: int,
    wave: int,
    kind: str,
    budget: FailureBudget,
    subject: str = "",
) -> str:
    """Why the *bad* hosts of *hosts*, or those of *wave*, are too many; empty where they are not."""
    allowed = round_amount_down(budget.per_run, hosts, BUDGET)
    if len(bad) > allowed:
        text = f"{', '.join(bad)} {_choose_verb(bad)} not {SUCCESS_OUTCOMES[kind]}"
        return f"{text}, and {subject}{BUDGET} allows {allowed} of {hosts} hosts ({budget.per_run})"
    if budget.per_wave is None:
        return ""
    allowed = round_amount_down(budget.per_wave, hosts_of_wave, BUDGET_OF_WAVE)
    if len(bad_of_wave) > allowed:
        text = f"{', '.join(bad_of_wave)} of wave {wave} {_choose_verb(bad_of_wave)} not {SUCCESS_OUTCOMES[kind]}"
        amount = f"{allowed} of {hosts_of_wave} hosts ({budget.per_wave})"
        return f"{text}, and {subject}{BUDGET_OF_WAVE} allows {amount}"
    return ""


def _choose_verb(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def list_doubtful_hosts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The hosts among *rows* that may be without their applications, in order."""
    return [row["host"] for row in rows if row["outcome"] in DOUBTFUL_OUTCOMES]


def list_doubtful_applications(row: Mapping[str, Any]) -> list[str]:
    """The applications of a host that may be down, by its *row*: all of them where the host itself failed."""
    if row["outcome"] not in DOUBTFUL_OUTCOMES:
        return []
    every = [one for one in list_application_rows(row) if row.get("host_failed") or one["outcome"] in DOUBTFUL_OUTCOMES]
    return [one["application"] for one in every]


def split_returning_hosts(
    rows: Sequence[Mapping[str, Any]],
    hosts: Sequence[str],
    limits: Mapping[str, int],
    names: Sequence[str] | None = None,
    without: Mapping[str, Sequence[str]] | None = None,
) -> list[list[str]]:
    """Return *hosts*, which go back, in groups that are interrupted one after the other.

    The hosts of a group, those of *rows* that may be without an application, and those *without* one, by its name, are
    not more than *limits* says of any application; but one host may always go back. Of a host, only the applications
    with one of *names* go back, or all of them.
    """
    applications: dict[str, list[str]] = {}
    doubtful: dict[str, list[str]] = {}
    for row in rows:
        applications[row["host"]] = [name for name in row["applications"] if names is None or name in names]
        doubtful[row["host"]] = list_doubtful_applications(row)
    for name, there in (without or {}).items():
        for host in there:
            own = doubtful.setdefault(host, [])
            own += [name] if name not in own else []
    groups: list[list[str]] = []
    waiting = list(hosts)
    while waiting:
        missing: dict[str, int] = {}
        for host in doubtful:
            for name in doubtful[host]:
                missing[name] = missing.get(name, 0) + 1
        group: list[str] = []
        for host in waiting:
            more = [name for name in applications.get(host, ()) if name not in doubtful[host]]
            if group and any(missing.get(name, 0) >= limits[name] for name in more if name in limits):
                continue
            group.append(host)
            for name in more:
                missing[name] = missing.get(name, 0) + 1
        groups.append(group)
        waiting = [host for host in waiting if host not in group]
    return groups


def check_availability(
    rows: Sequence[Mapping[str, Any]],
    wave: Sequence[str],
    applications: Mapping[str, Sequence[str]],
    limits: Mapping[str, int],
) -> str:
    """Return why *wave* may not begin because of hosts with a bad or uncertain outcome; empty where it may.

    *applications* of each host; of each application *limits* says how many hosts may be interrupted at once.
    """
    return next(iter(find_unavailable_applications(rows, wave, applications, limits).values()), "")


def find_unavailable_applications(
    rows: Sequence[Mapping[str, Any]],
    wave: Sequence[str],
    applications: Mapping[str, Sequence[str]],
    limits: Mapping[str, int],
    without: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, str]:
    """The applications that *wave* may not interrupt, each with the reason, as `check_availability` decides it.

    The hosts *without* an application, by its name, are in no wave because of it.
    """
    doubtful = list_doubtful_hosts(rows)
    found = {}
    for name, limit in sorted(limits.items()):
        down = [host for host in doubtful if name in applications.get(host, ())]
        down += [host for host in (without or {}).get(name, ()) if host not in down]
        taken = [host for host in wave if name in applications.get(host, ()) and host not in down]
        if down and taken and len(down) + len(taken) > limit:
            found[name] = (
                f"{', '.join(down)} may be without {name}, and this wave interrupts {len(taken)} more of its hosts; "
                f"oxzep7_max_unavailable allows {limit} at once"
            )
    return found
