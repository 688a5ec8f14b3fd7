# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every host is doing right now, as a table and as lines. Data in, text out; times are seconds of one clock."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import MARK, format_elapsed

PREFIX = "oxzep7.python."
# Phases that the modules of the collection are shown as.
PHASES = {
    "host_info": "inventory",
    "recovery": "recover",
    "plan": "plan",
    "plan_delivery": "deliver",
    "rehearse": "rehearse",
    "backup": "back up",
    "interpreter": "interpreter",
    "wheelhouse": "wheels",
    "environment": "build",
    "promotion": "promote",
    "restore": "restore",
    "drill": "drill",
    "fleet_report": "report",
    "report": "report",
    "drill_report": "report",
    "source_info": "source",
    "package_copy": "copy packages",
    "preflight": "preflight",
    "rollback_plan": "plan",
    "run_info": "record",
}
WAITING, FAILED, UNREACHABLE, DONE = "waits", "failed", "unreachable", "done"
# The name of the stage ends where its counts begin.
ACTIVITY_LINE = re.compile(re.escape(MARK) + r"(.+?): \d")
# Seconds for which the last line of a stage is shown; it says more before, or it has ended.
ACTIVITY_LIFETIME = 45.0
MAXIMUM_ACTIVITIES = 3
COLUMNS = ("host", "application", "step", "phase", "elapsed")
ELLIPSIS = "…"


def find_phase(action: str) -> str | None:
    """Return the phase that the module *action* is shown as; None for one that is not shown."""
    return PHASES.get(action.removeprefix(PREFIX)) if action.startswith(PREFIX) else None


@dataclasses.dataclass
class HostProgress:
    """One host: what it works on, in which phase, since when, and why it failed if it did."""

    phase: str = WAITING
    since: float = 0.0
    application: str = ""
    step: str = ""
    reason: str = ""

    def has_ended(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.phase in (FAILED, UNREACHABLE, DONE)


class ProgressBoard:
    """All hosts of a play, with their phases and failures."""

    def __init__(self) -> None:
        self.rows: dict[str, HostProgress] = {}
        self.play = ""
        self.gate = ""
        # The last line of each long stage, and when it came.
        self.activities: dict[str, tuple[str, float]] = {}

    def begin_play(self, play: str, hosts: list[str], now: float) -> list[str]:
        """A *play*, or a batch of one, begins with *hosts*; return the line for it. Other hosts stay as they are."""
        self.play = play
        for host in hosts:
            known = self.rows.get(host)
            if known is None or not known.has_ended() or known.phase == DONE:
                self.rows[host] = HostProgress(since=now)
        return [f"{play}: {len(hosts)} host{'' if len(hosts) == 1 else 's'}{self._list_hosts(hosts)}"]

    @staticmethod
    def _list_hosts(hosts: list[str]) -> str:
        return f" ({', '.join(hosts)})" if 0 < len(hosts) <= 5 else ""

    def start_phase(self, host: str, phase: str, now: float) -> list[str]:
        """*host* begins a *phase*; returns the line for it, if it is another one."""
        row = self.rows.setdefault(host, HostProgress(since=now))
        if row.phase == phase or row.has_ended():
            return []
        before = f" (after {format_elapsed(now - row.since)} of {row.phase})" if row.phase != WAITING else ""
        row.phase, row.since = phase, now
        return [f"{self._describe_host(host, row)}: {phase}{before}"]

    def pass_gate(self, wave: Mapping[str, Any], opened: bool, reason: str) -> list[str]:
        """The gate before *wave* has *opened*, or is closed for *reason*; return the line for it, if new."""
        hosts = [str(host) for host in wave.get("hosts") or []]
        gate = (
            f"wave {wave.get('number')}: {len(hosts)} host{'' if len(hosts) == 1 else 's'}{self._list_hosts(hosts)}"
            if opened
            else f"gate closed: {reason}"
        )
        if gate == self.gate:
            return []
        self.gate = gate
        return [gate]

    def note_activity(self, line: str, now: float) -> bool:
        """Keep *line* as what its stage is doing; returns False for any other line."""
        match = ACTIVITY_LINE.match(line)
        if match:
            self.activities[match[1]] = (line, now)
        return bool(match)

    def _list_activities(self, now: float) -> list[str]:
        current = [(since, text) for text, since in self.activities.values() if now - since < ACTIVITY_LIFETIME]
        return [text for _since, text in sorted(current)[-MAXIMUM_ACTIVITIES:]]

    def update_step(self, host: str, facts: Mapping[str, Any]) -> None:
        """*host* has begun a step, with ``application``, ``from`` and ``to``."""
        row = self.rows.setdefault(host, HostProgress())
        row.application = str(facts.get("application") or row.application)
        if facts.get("to"):
            row.step = f"{facts.get('from') or '?'}→{facts['to']}"

    def record_failure(self, host: str, phase: str, reason: str, now: float) -> list[str]:
        """*host* has failed, or cannot be reached, for *reason*; returns the lines for it."""
        row = self.rows.setdefault(host, HostProgress(since=now))
        at = "" if row.has_ended() or row.phase == WAITING else f" in {row.phase}"
        row.phase, row.since, row.reason = phase, now, reason
        return [f"{self._describe_host(host, row)}: {phase}{at}: {reason}"]

    def finish_hosts(self, now: float) -> list[str]:
        """Everything has ended; return how many hosts ended in each phase."""
        for row in self.rows.values():
            if not row.has_ended():
                row.phase, row.since = DONE, now
        counts = self.count_phases()
        return [", ".join(f"{count} {phase}" for phase, count in counts.items())] if counts else []

    def count_phases(self) -> dict[str, int]:
        """How many hosts are in each phase, those that failed first."""
        found: dict[str, int] = {}
        for row in sorted(self.rows.values(), key=lambda row: (row.phase not in (FAILED, UNREACHABLE), row.phase)):
            found[row.phase] = found.get(row.phase, 0) + 1
        return found

    @staticmethod
    def _describe_host(host: str, row: HostProgress) -> str:
        return " ".join(part for part in (host, row.application, row.step) if part)

    def render_table(self, now: float, width: int, height: int) -> list[str]:
        """Return the hosts as at most *height* lines of at most *width* characters, working and failed hosts first."""
        order = sorted(
            self.rows, key=lambda host: (self.rows[host].phase in (WAITING, DONE), self.rows[host].phase == DONE)
        )
        activities = self._list_activities(now)[: max(0, height - 4)]
        shown = order[: max(1, height - 3 - len(activities))]
        cells = [COLUMNS] + [self._format_cells(host, now) for host in shown]
        widths = [max(len(line[index]) for line in cells) for index in range(len(COLUMNS))]
        lines = []
        for line in cells:
            lines.append("  ".join(text.ljust(size) for text, size in zip(line, widths, strict=True)).rstrip())
        if len(shown) < len(order):
            lines.append(f"and {len(order) - len(shown)} more")
        lines += activities
        lines.append(
            f"{self.play}: "
            + ", ".join(f"{count} {phase}" for phase, count in self.count_phases().items())
            + (f"; {self.gate}" if self.gate else "")
        )
        return [line if len(line) <= width else line[: max(0, width - 1)] + ELLIPSIS for line in lines]

    def _format_cells(self, host: str, now: float) -> tuple[str, ...]:
        row = self.rows[host]
        return (
            host,
            row.application or "-",
            row.step or "-",
            row.phase,
            "-" if row.has_ended() else format_elapsed(now - row.since),
        )
