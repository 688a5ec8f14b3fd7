# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rollout over many hosts: against an expert's script over parallel SSH, and how it grows to a thousand hosts."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

from tests.benchmark.measure import Measure
from tests.benchmark.step import EXPERT, IN_MEMORY, PIPELINED, RESET
from tests.fleet import fleet, hosts

HOSTS = 24
# What docs/rollouts.md advises for many hosts; the script has as many at once.
FORKS = HOSTS
SETTINGS = "[defaults]\ninternal_poll_interval = 0.01\ninject_facts_as_vars = false\n"
OPTIONS: dict[str, Any] = {
    "oxzep7_target": "3.9",
    "oxzep7_stability_window": 0,
    "oxzep7_backup": False,
    "oxzep7_waves": ["100%"],
    "oxzep7_canaries": False,
    "oxzep7_max_unavailable": "100%",
}
SSH = [
    "ssh",
    "-i",
    str(fleet.KEY),
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
]
ROUNDS = 3


def _run_everywhere(script: pathlib.Path) -> None:
    """Run *script* as root on every host, as many at once as Ansible has forks; every one must succeed."""
    addresses = [str(fleet.SUBNET[10 + number]) for number in range(HOSTS)]
    words = " ".join(["timeout 600", *SSH, 'ops@"$1"', "sudo bash -s", f"<{script}"])
    subprocess.run(
        ["xargs", "-P", str(FORKS), "-I", "{}", "sh", "-c", words, "sh", "{}"],
        input="\n".join(addresses),
        text=True,
        check=True,
        capture_output=True,
    )


def _time_upgrade(folder: pathlib.Path, *options: str) -> tuple[float, float, str]:
    """Seconds, CPU seconds of this machine's controller, and output of one upgrade."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    words = [
        "ansible-playbook",
        "-i",
        str(fleet.INVENTORY),
        "-f",
        str(FORKS),
        "oxzep7.python.upgrade",
        "-e",
        json.dumps(OPTIONS),
        *options,
    ]
    done = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **PIPELINED, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")},
    )
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def measure_rollout() -> list[Measure]:
    """Wall time over 24 hosts against the expert's script, and the cost of a host among a thousand and a hundred."""
    fleet.start_fleet(["debian12:sqlite"] * HOSTS, options=IN_MEMORY)
    try:
        with tempfile.TemporaryDirectory(prefix="oxzep7-benchmark-") as directory:
            measured = _measure_over_ssh(pathlib.Path(directory))
    finally:
        fleet.stop_fleet()
    return [*measured, *_measure_simulated()]


def _measure_over_ssh(folder: pathlib.Path) -> list[Measure]:
    (folder / "ansible.cfg").write_text(SETTINGS, encoding="utf-8")
    reset = folder / "reset.sh"
    reset.write_text(RESET, encoding="utf-8")
    # One run before: interpreters, wheels and uv are on the hosts for both.
    _time_upgrade(folder)
    generation = json.loads(hosts.run_on_host("host1", "cat /var/lib/oxzep7/applications/ledger/state.json"))[
        "generations"
    ][-1]
    uv = hosts.run_on_host("host1", "ls /opt/oxzep7/wheelhouse/uv-*").strip()
    expert = folder / "expert.sh"
    expert.write_text(EXPERT.format(uv=uv, python=generation["interpreter"], lock=generation["lock"]), encoding="utf-8")
    ours, theirs, cpu = [], [], []
    for _round in range(ROUNDS):
        _run_everywhere(reset)
        seconds, used, _said = _time_upgrade(folder)
        ours.append(seconds)
        cpu.append(used / HOSTS)
        _run_everywhere(reset)
        began = time.monotonic()
        _run_everywhere(expert)
        theirs.append(time.monotonic() - began)
    _run_everywhere(reset)
    modules = _time_upgrade(folder, "-vvv")[2].count("Using module file") / HOSTS
    print(
        f"controller CPU seconds for each host and step: {cpu}; module executions for each host: {modules:.1f}",
        file=sys.stderr,
    )
    return [Measure("wall", tuple(ours), tuple(theirs), f"the expert's script over xargs -P {FORKS} ssh", 2.0)]


def _measure_simulated() -> list[Measure]:
    """Seconds for each host of planning, waves, ledger and report among 1,000 hosts, against 100; and memory."""
    from tests.benchmark.simulated import measure_upgrade_cost

    small, large = measure_upgrade_cost(100), measure_upgrade_cost(1000)
    return [
        Measure("growth", (large.seconds_each,), (small.seconds_each,), "the same for each of 100 hosts", 1.3),
        Measure("memory", (float(large.memory),), (float(2 << 30),), "2 GiB", 1.0),
    ]
