# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: the outcome of every host, and the budgets of failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._amount import Amount, round_amount_down

UPGRADED, REVERTED, FAILED = "upgraded", "reverted", "failed"
UNREACHABLE, INTERRUPTED, SKIPPED, UNKNOWN = "unreachable", "interrupted", "skipped", "unknown"
UPGRADE, ROLLBACK = "upgrade", "rollback"
# The good outcome depends on the kind of the run. A host without steps to take is in no wave, so skipped is never good.
SUCCESS_OUTCOMES = {UPGRADE: UPGRADED, ROLLBACK: REVERTED}
BUDGET, BUDGET_OF_WAVE = "oxzep7_max_failed", "oxzep7_max_failed_per_wave"


def list_failed_hosts(rows: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    """The hosts among *rows* of ended waves whose outcome is not good for the *kind* of run, in order."""
    return [row["host"] for row in rows if row["outcome"] not in (SUCCESS_OUTCOMES[kind], None)]


def sort_by_urgency(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """*rows* with the hosts first on which an application is down, then those that failed otherwise."""
    return sorted(rows, key=lambda row: (not row.get("down"), row["outcome"] != FAILED))


def describe_failures(rows: Sequence[Mapping[str, Any]], wave: int, kind: str) -> str:
    """What is wrong in *wave* by its *rows*, the most urgent first; empty where nothing is."""
    failed = list_failed_hosts(sort_by_urgency(rows), kind)
    down = [row["host"] for row in rows if row.get("down")]
    first = f"an application is down on {', '.join(down)}; " if down else ""
    return f"{first}hosts of wave {wave} have failed: {', '.join(failed)}" if failed else ""


def check_failure_budget(
    rows: Sequence[Mapping[str, Any]], wave: int, kind: str, hosts: int, per_run: Amount, per_wave: Amount | None
) -> str:
    """Why no wave may begin after *wave*, by the *rows* of all that ended; empty where one may.

    *hosts* are all of the rollout, of which *per_run* may fail; *per_wave* of those of a wave. Raises AmountError.
    """
    bad = list_failed_hosts(rows, kind)
    allowed = round_amount_down(per_run, hosts, BUDGET)
    if len(bad) > allowed:
        text = f"{', '.join(bad)} {_choose_verb(bad)} not {SUCCESS_OUTCOMES[kind]}"
        return f"{text}, and {BUDGET} allows {allowed} of {hosts} hosts ({per_run})"
    if per_wave is None:
        return ""
    own = [row for row in rows if row["wave"] == wave]
    bad, allowed = list_failed_hosts(own, kind), round_amount_down(per_wave, len(own), BUDGET_OF_WAVE)
    if len(bad) > allowed:
        text = f"{', '.join(bad)} of wave {wave} {_choose_verb(bad)} not {SUCCESS_OUTCOMES[kind]}"
        return f"{text}, and {BUDGET_OF_WAVE} allows {allowed} of {len(own)} hosts ({per_wave})"
    return ""


def _choose_verb(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def list_doubtful_hosts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The hosts among *rows* that may be without their applications, in order."""
    return [row["host"] for row in rows if row["outcome"] in (FAILED, UNREACHABLE, INTERRUPTED, UNKNOWN)]


def list_doubtful_applications(row: Mapping[str, Any]) -> Sequence[str]:
    """The applications of a host that may be down, by its *row*: all of them where it is not known which failed."""
    found: Sequence[str] = row.get("affected", row.get("applications")) or []
    return found


def split_returning_hosts(
    rows: Sequence[Mapping[str, Any]], hosts: Sequence[str], limits: Mapping[str, int]
) -> list[list[str]]:
    """Return *hosts*, which go back, in groups that are interrupted one after the other.

    The hosts of a group, and those of *rows* that may be without an application, are not more than *limits* says of
    any application; but one host may always go back.
    """
    applications = {row["host"]: row["applications"] for row in rows}
    doubtful = set(list_doubtful_hosts(rows))
    groups: list[list[str]] = []
    waiting = list(hosts)
    while waiting:
        missing: dict[str, int] = {}
        for host in doubtful:
            for name in applications[host]:
                missing[name] = missing.get(name, 0) + 1
        group: list[str] = []
        for host in waiting:
            more = [] if host in doubtful else applications.get(host, [])
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
    doubtful = list_doubtful_hosts(rows)
    for name, limit in sorted(limits.items()):
        down = [host for host in doubtful if name in applications.get(host, ())]
        taken = [host for host in wave if name in applications.get(host, ()) and host not in down]
        if down and taken and len(down) + len(taken) > limit:
            return (
                f"{', '.join(down)} may be without {name}, and this wave interrupts {len(taken)} more of its hosts; "
                f"oxzep7_max_unavailable allows {limit} at once"
            )
    return ""
