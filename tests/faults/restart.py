# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cuts a host's power during promotions, at points spread over adoption, forward promotion and rollback."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.faults.promotion import JOURNEYS, count_promotion_points, expect_recovery
from tests.faults.steady_host import (
    PATIENCE,
    BrokenHostError,
    SteadyHost,
    build_promotion_options,
    start_steady_hosts,
)
from tests.fleet import fleet, hosts
from tests.fleet.paths import FleetError, get_podman_environment

HOSTS, ROUNDS = 3, 7


@contextlib.contextmanager
def freeze_promotion(host: SteadyHost, number: int, generation: str, kind: str) -> Iterator[None]:
    """Freeze a promotion before its call *number* for the block, and kill it then.

    Raises FleetError when it does not reach that call.
    """
    asked = json.dumps([["trace", number, "freeze", build_promotion_options(generation, kind)]])
    host.run_script("rm -f /root/trace.frozen")
    with subprocess.Popen(
        host.build_driver(),
        env=get_podman_environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as working:
        assert working.stdin
        working.stdin.write(asked)
        working.stdin.close()
        deadline = time.monotonic() + PATIENCE
        while host.run_script("ls /root").find("trace.frozen") < 0:
            if time.monotonic() > deadline:
                raise FleetError(f"the promotion has no call {number}")
            time.sleep(0.1)
        yield
        # The host may be gone by now.
        with contextlib.suppress(FleetError):
            host.run_script("pkill -KILL -f /root/faults/tracer.py")


def stop_during_promotion(host: SteadyHost, number: int, generation: str, kind: str) -> None:
    """Cut the host's power during a promotion, before its call *number*, and restore it. Raises FleetError."""
    with freeze_promotion(host, number, generation, kind):
        hosts.cut_power(host.name)
    hosts.restore_power(host.name)


def try_restart_rounds(host: SteadyHost, rounds: list[int], points: int) -> tuple[int, list[str]]:
    """Stop *host* once in each journey, in each of *rounds*, which spread over so many *points*."""
    tried, wrong = 0, []
    for number in rounds:
        host.run_actions(["reset"])
        for index, journey in enumerate(JOURNEYS):
            # Each journey at another point, so that together they cover every third.
            at = 1 + (number * len(JOURNEYS) + index) * (points - 1) // (ROUNDS * len(JOURNEYS))
            tried += 1
            try:
                stop_during_promotion(host, at, journey[1], journey[2])
                expect_recovery(host, journey, [["wait", PATIENCE], ["undo", 2]])
            except (BrokenHostError, FleetError) as error:
                wrong.append(f"{journey[0]} {at}: {error}")
                print(f"faults restart: {wrong[-1]}", file=sys.stderr, flush=True)
                break
    return tried, wrong


def run_all() -> tuple[int, int]:
    """Points tried, and points survived."""
    try:
        started = start_steady_hosts(HOSTS)
        with concurrent.futures.ThreadPoolExecutor(max_workers=HOSTS) as pool:
            points = min(pool.map(count_promotion_points, started, [min] * HOSTS))
            rounds = [list(range(index, ROUNDS, HOSTS)) for index in range(HOSTS)]
            parts = list(pool.map(try_restart_rounds, started, rounds, [points] * HOSTS))
    finally:
        fleet.stop_fleet()
    tried = sum(points for points, _wrong in parts)
    return tried, tried - sum(len(wrong) for _points, wrong in parts)
