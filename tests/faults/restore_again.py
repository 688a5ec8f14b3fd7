# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores the same backup in place again and again, and kills each second restore at another system call.

What was written since the last restore is there afterwards, or all of the backup. What the restores keep stays.
"""

from __future__ import annotations

import sys

from tests.faults.promotion import HOSTS, KILLED, choose_undo
from tests.faults.steady_host import (
    APPLICATION,
    BrokenHostError,
    SteadyHost,
    require_module_success,
    spread_over_hosts,
)
from tests.fleet.paths import FleetError

DATA = "/srv/steady/data"
SAVED = "saved"
DATABASES = [
    {"sqlite": f"{DATA}/db.sqlite3"},
    {
        "name": "words",
        "command": {"dump": ["cat", f"{DATA}/words"], "load": ["dd", "status=none", f"of={DATA}/words"]},
    },
]
KEEPING = {**APPLICATION, "backup": {"paths": [f"{DATA}/file"], "databases": DATABASES}}
LAYERS = ["configuration", "databases"]
KEEP = {"application": KEEPING, "layers": LAYERS, "run_id": "manual"}
REPLACE = {
    "application": KEEPING,
    "layers": LAYERS,
    "replace": True,
    "databases": "in_place",
    "timeout": 20,
    "stability_window": 0.2,
}
NEVER = {**KEEPING, "checks": [{"name": "never", "command": {"cmd": ["grep", "-q", "work", f"{DATA}/words"]}}]}
FAIL = {**REPLACE, "application": NEVER, "timeout": 0.5}


def kill_second_restore(host: SteadyHost, point: int) -> bool:
    """Kill a restore at its call *point*; returns whether it reached that. Raises BrokenHostError."""
    work = f"work {point}"
    undos = choose_undo(point)
    _written, killed, *closed, recovered, found, seen, again, restored, _more, failed, data = host.run_actions(
        ["write", work],
        ["trace", point, "kill", REPLACE, "restore"],
        *undos,
        ["module", "recovery", {}],
        ["read"],
        ["look"],
        ["module", "restore", REPLACE],
        ["read"],
        ["write", work],
        ["module", "restore", FAIL],
        ["read"],
    )
    called = f"{killed['calls'][-1].split(None, 2)[2]}: " if killed["calls"] else ""
    if not all(closed):
        raise BrokenHostError(f"{called}it is still open after one of {undos}")
    require_module_success(recovered)
    require_module_success(again)
    if found not in ([work], [SAVED]):
        raise BrokenHostError(f"{called}the data are {found}, and not {work!r} alone")
    kept = [name for name in seen["left"] if ".before-" in name and not name.endswith(".part")]
    left = sorted(set(seen["left"]) - {"backups.json", *kept})
    if not seen["answer"].get("python") or seen["timers"] or seen["strange"] or left:
        raise BrokenHostError(f"{called}the application does not run, or files are left: {seen}")
    if restored != [SAVED]:
        raise BrokenHostError(f"{called}the restored data are {restored}")
    if failed.get("outcome") != "reverted" or data != [work]:
        raise BrokenHostError(f"{called}a restore that failed left {data}: {failed.get('msg')}")
    return bool(killed["status"] == KILLED)


def count_restore_points(host: SteadyHost) -> int:
    """Number of points of a restore of a backup that was restored before. Raises FleetError, BrokenHostError."""
    _reset, _written, made, _changed, first, _more, second = host.run_actions(
        ["reset"],
        ["write", SAVED],
        ["module", "backup", KEEP],
        ["write", "work 0"],
        ["module", "restore", REPLACE],
        ["write", "work"],
        ["trace", 0, "kill", REPLACE, "restore"],
    )
    require_module_success(made)
    require_module_success(first)
    if second["status"] != 0:
        raise FleetError(f"a restore that was not killed ended with {second['status']}: {second['said']}")
    return len(second["calls"])


def try_restore_points(host: SteadyHost, numbers: list[int]) -> tuple[int, int]:
    """Number of points tried and survived, at each of *numbers*."""
    tried = survived = 0
    for number in numbers:
        try:
            reached = kill_second_restore(host, number)
            tried += reached
            survived += reached
        except BrokenHostError as error:
            tried += 1
            print(f"faults restore-again: {number}: {error}", file=sys.stderr, flush=True)
    return tried, survived


def run_all(every: int = 1) -> tuple[int, int]:
    """Points tried, and points survived; with *every*, only one of so many points."""
    parts = spread_over_hosts(HOSTS, count_restore_points, try_restore_points, every)
    return sum(tried for tried, _survived in parts), sum(survived for _tried, survived in parts)
