# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills a backup, the removal of an old one, a restore, and a restore in place at every system call with an effect.

Calls with an effect change a file or a service. Listed backups and restored trees are complete afterwards, and the live
environment is the old one or the restored one.
"""

from __future__ import annotations

import sys
from typing import Any

from tests.faults.promotion import HOSTS, KILLED, choose_undo
from tests.faults.steady_host import (
    APPLICATION,
    BrokenHostError,
    SteadyHost,
    require_module_success,
    spread_over_hosts,
)
from tests.fleet.paths import FleetError

LIVE = "/srv/steady/venv"
BACKUPS = "/var/lib/oxzep7/backups/steady"
SCRATCH = "/srv/steady/back"
# Each backup but the first also removes the one before it.
# What a run has made stays while it is at work; these are of no run.
KEEP = {"application": APPLICATION, "layers": ["environment"], "keep_last": 1, "run_id": "manual"}
REPLACE = {
    "application": APPLICATION,
    "layers": ["environment"],
    "replace": True,
    "timeout": 20,
    "stability_window": 0.2,
}
RESTORE = {"application": APPLICATION, "layers": ["environment"], "scratch": SCRATCH}
INFO = ["module", "backup_info", {"application": "steady", "prove": True, "state_dir": None, "run_id": None}]


def list_intact_backups(answer: dict[str, Any]) -> list[str]:
    """Names of the listed backups. Raises BrokenHostError for a damaged one, or without any."""
    rows = require_module_success(answer)["backups"]
    damaged = [f"{row['backup']}: {'; '.join(row['damage'])}" for row in rows if row["damage"]]
    if damaged or not rows:
        raise BrokenHostError("; ".join(damaged) or "no backup is left")
    return [row["backup"] for row in rows]


def kill_backup(host: SteadyHost, point: int) -> bool:
    """Kill a backup at its call *point*; returns whether it reached that. Raises BrokenHostError."""
    killed, listed, again, after, folders = host.run_actions(
        ["trace", point, "kill", KEEP, "backup"], INFO, ["module", "backup", KEEP], INFO, ["list", BACKUPS]
    )
    list_intact_backups(listed)
    require_module_success(again)
    kept = list_intact_backups(after)
    if folders != kept or kept != [again["backup"]]:
        raise BrokenHostError(f"the backups are {', '.join(folders)}, expected {again['backup']} alone")
    return bool(killed["status"] == KILLED)


def kill_restore(host: SteadyHost, point: int) -> bool:
    """Kill a restore at its call *point*; returns whether it reached that. Raises BrokenHostError."""
    killed, found, live, listed, _gone, again, complete = host.run_actions(
        ["trace", point, "kill", RESTORE, "restore"],
        ["fingerprint", SCRATCH + "/environment"],
        ["fingerprint", LIVE],
        INFO,
        ["forget", SCRATCH],
        ["module", "restore", RESTORE],
        ["fingerprint", SCRATCH + "/environment"],
    )
    host.run_actions(["forget", SCRATCH])
    list_intact_backups(listed)
    require_module_success(again)
    if found not in ([], live):
        raise BrokenHostError(f"the restore is partial: {len(found)} of {len(live)} paths")
    if complete != live:
        raise BrokenHostError("the restored tree differs from the backup")
    return bool(killed["status"] == KILLED)


def kill_replacement(host: SteadyHost, point: int) -> bool:
    """Kill a restore in place at its call *point*; returns whether it reached that. Raises BrokenHostError."""
    undos = choose_undo(point)
    original, spoilt, killed, *closed, recovered, found, seen, again, complete, well = host.run_actions(
        ["fingerprint", LIVE],
        ["spoil"],
        ["trace", point, "kill", REPLACE, "restore"],
        *undos,
        ["module", "recovery", {}],
        ["fingerprint", LIVE],
        ["look"],
        ["module", "restore", REPLACE],
        ["fingerprint", LIVE],
        ["look"],
    )
    called = f"{killed['calls'][-1].split(None, 2)[2]}: " if killed["calls"] else ""
    if not all(closed):
        raise BrokenHostError(f"{called}it is still open after one of {undos}")
    require_module_success(recovered)
    require_module_success(again)
    if found not in (original, spoilt):
        raise BrokenHostError(f"{called}the live tree is partial: {len(found)} of {len(original)} paths")
    if complete != original:
        raise BrokenHostError(f"{called}the live tree differs from the backup")
    for look in (seen, well):
        left = [*look["timers"], *look["strange"], *sorted(set(look["left"]) - {"backups.json"})]
        if not look["answer"].get("python") or left:
            raise BrokenHostError(f"{called}the application does not run, or files are left: {look}")
    return bool(killed["status"] == KILLED)


KINDS = {"backup": kill_backup, "restore": kill_restore, "replace": kill_replacement}


def count_backup_points(host: SteadyHost) -> int:
    """Number of points of the longest module run. Raises FleetError, BrokenHostError."""
    host.run_actions(["reset"])
    first, kept, back, _gone, _spoilt, placed = host.run_actions(
        ["module", "backup", KEEP],
        ["trace", 0, "kill", KEEP, "backup"],
        ["trace", 0, "kill", RESTORE, "restore"],
        ["forget", SCRATCH],
        ["spoil"],
        ["trace", 0, "kill", REPLACE, "restore"],
    )
    require_module_success(first)
    for traced in (kept, back, placed):
        if traced["status"] != 0:
            raise FleetError(f"a module that was not killed ended with {traced['status']}: {traced['said']}")
    return max(len(kept["calls"]), len(back["calls"]), len(placed["calls"]))


def try_backup_points(host: SteadyHost, numbers: list[int]) -> tuple[int, int]:
    """Number of points tried and survived, of every kind, at each of *numbers*."""
    tried = survived = 0
    for number in numbers:
        for name, attempt in KINDS.items():
            try:
                reached = attempt(host, number)
                tried += reached
                survived += reached
            except BrokenHostError as error:
                tried += 1
                print(f"faults backup: {name} {number}: {error}", file=sys.stderr, flush=True)
    return tried, survived


def run_all(every: int = 1) -> tuple[int, int]:
    """Points tried, and points survived; with *every*, only one of so many points."""
    parts = spread_over_hosts(HOSTS, count_backup_points, try_backup_points, every)
    return sum(tried for tried, _survived in parts), sum(survived for _tried, survived in parts)
