# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills a backup, the removal of an old one, and a restore at every system call that changes a file: what is listed is whole, what is back is whole."""

from __future__ import annotations

import concurrent.futures
import sys
from typing import Any

from tests.faults.promotion import HOSTS, KILLED
from tests.faults.steady_host import APPLICATION, Broken, SteadyHost, succeeded
from tests.fleet import fleet
from tests.fleet.paths import FleetError

LIVE = "/srv/steady/venv"
BACKUPS = "/var/lib/oxzep7/backups/steady"
SCRATCH = "/srv/steady/back"
# Each backup but the first also removes the one before it.
KEEP = {"application": APPLICATION, "layers": ["environment"], "keep_last": 1}
RESTORE = {"application": APPLICATION, "layers": ["environment"], "scratch": SCRATCH}
INFO = ["module", "backup_info", {"application": "steady", "prove": True, "state_dir": None, "run_id": None}]


def whole(answer: dict[str, Any]) -> list[str]:
    """The backups that are listed. Raises Broken when one of them is damaged, or when there is none."""
    rows = succeeded(answer)["backups"]
    damaged = [f"{row['backup']}: {'; '.join(row['damage'])}" for row in rows if row["damage"]]
    if damaged or not rows:
        raise Broken("; ".join(damaged) or "no backup is left")
    return [row["backup"] for row in rows]


def backup(host: SteadyHost, point: int) -> bool:
    """Kill a backup at its call *point*; whether it came so far. Raises Broken when something is not as it must be."""
    killed, told, again, after, there = host.do(["trace", point, "kill", KEEP, "backup"], INFO, ["module", "backup", KEEP], INFO, ["list", BACKUPS])
    whole(told)
    succeeded(again)
    kept = whole(after)
    if there != kept or kept != [again["backup"]]:
        raise Broken(f"there is {', '.join(there)}, and {again['backup']} should be alone")
    return bool(killed["status"] == KILLED)


def restore(host: SteadyHost, point: int) -> bool:
    """Kill a restore at its call *point*; whether it came so far. Raises Broken when something is not as it must be."""
    killed, found, live, told, _gone, again, complete = host.do(
        ["trace", point, "kill", RESTORE, "restore"], ["fingerprint", SCRATCH + "/environment"], ["fingerprint", LIVE], INFO, ["forget", SCRATCH],
        ["module", "restore", RESTORE], ["fingerprint", SCRATCH + "/environment"])
    host.do(["forget", SCRATCH])
    whole(told)
    succeeded(again)
    if found not in ([], live):
        raise Broken(f"half of it is back: {len(found)} of {len(live)} paths")
    if complete != live:
        raise Broken("what is back is not what was kept")
    return bool(killed["status"] == KILLED)


KINDS = {"backup": backup, "restore": restore}


def count(host: SteadyHost) -> int:
    """How many points the longer of the two has. Raises FleetError, Broken."""
    host.do(["reset"])
    first, kept, back, _gone = host.do(["module", "backup", KEEP], ["trace", 0, "kill", KEEP, "backup"], ["trace", 0, "kill", RESTORE, "restore"],
                                       ["forget", SCRATCH])
    succeeded(first)
    for traced in (kept, back):
        if traced["status"] != 0:
            raise FleetError(f"what nobody kills ended with {traced['status']}: {traced['said']}")
    return max(len(kept["calls"]), len(back["calls"]))


def part(host: SteadyHost, numbers: list[int]) -> tuple[int, int]:
    """Points tried, and survived, of both, at each of *numbers*."""
    tried = survived = 0
    for number in numbers:
        for name, attempt in KINDS.items():
            try:
                reached = attempt(host, number)
                tried += reached
                survived += reached
            except Broken as error:
                tried += 1
                print(f"faults backup: {name} {number}: {error}", file=sys.stderr, flush=True)
    return tried, survived


def run_all() -> tuple[int, int]:
    """Points tried, and points survived."""
    fleet.up(["debian12"] * HOSTS)
    try:
        hosts = [SteadyHost(f"host{number}") for number in range(1, HOSTS + 1)]
        with concurrent.futures.ThreadPoolExecutor(max_workers=HOSTS) as pool:
            list(pool.map(SteadyHost.prepare, hosts))
            numbers = range(1, max(pool.map(count, hosts)) + 1)
            parts = list(pool.map(part, hosts, [[number for number in numbers if number % HOSTS == index] for index in range(HOSTS)]))
    finally:
        fleet.down()
    return sum(tried for tried, _survived in parts), sum(survived for _tried, survived in parts)
