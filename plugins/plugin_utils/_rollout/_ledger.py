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


def check_availability(
    rows: Sequence[Mapping[str, Any]],
    wave: Sequence[str],
    applications: Mapping[str, Sequence[str]],
    limits: Mapping[str, int],
) -> str:
    """Return why *wave* may not begin because of hosts with a bad or uncertain outcome; empty where it may.

    *applications* of each host; of each application *limits* says how many hosts may be interrupted at once.
    """
    doubtful = [row["host"] for row in rows if row["outcome"] in (FAILED, UNREACHABLE, INTERRUPTED, UNKNOWN)]
    for name, limit in sorted(limits.items()):
        down = [host for host in doubtful if name in applications.get(host, ())]
        taken = [host for host in wave if name in applications.get(host, ())]
        if down and taken and len(down) + len(taken) > limit:
            return (
                f"{', '.join(down)} may be without {name}, and this wave interrupts {len(taken)} more of its hosts; "
                f"oxzep7_max_unavailable allows {limit} at once"
            )
    return ""
