# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases of a rollout over twelve hosts: ``python -m tests.fleet.rollout CASE`` fails with what differs.

The cases build on one another, in the order of `CASES`: three applications, two criticalities, waves of one host, then
of all that may be interrupted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tests.fleet import fleet
from tests.fleet.hosts import run_on_host
from tests.fleet.output import find_unexpected_warnings
from tests.fleet.paths import ANSIBLE_CONF, WORK
from tests.fleet.prober import Prober

PORTS = {"board": 8101, "tickets": 8102, "feeds": 8103}
NAMES = [f"host{number}" for number in range(1, 13)]
APPLICATION = {name: application for number, name in enumerate(NAMES) for application in [list(PORTS)[number // 4]]}
FOLDER = WORK / "rollout"
UNAVAILABLE = 3
OLD, NEW = "3.8", "3.9"
LOW, HIGH = NAMES[:8], NAMES[8:]
WAVES = [
    ["host1"],
    ["host5", "host2", "host3", "host4"],
    ["host6", "host7", "host8"],
    ["host9"],
    ["host10", "host11", "host12"],
]
OPTIONS: dict[str, Any] = {
    "oxzep7_target": NEW,
    "oxzep7_waves": [1, "100%"],
    "oxzep7_max_unavailable": "75%",
    # The cases are about hosts of different applications that stop together.
    "oxzep7_budget": "run",
    "oxzep7_stability_window": 0,
    "oxzep7_timeout": 20,
    "oxzep7_backup": False,
}


class ExpectationError(Exception):
    """An expectation of a case that does not hold."""


def expect_condition(condition: bool, *details: object) -> None:
    """Raise ExpectationError with *details* unless *condition* holds."""
    if not condition:
        raise ExpectationError("\n".join(map(str, details)))


def declare_applications(name: str) -> list[dict[str, Any]]:
    """Applications that an operator declares for the host *name*."""
    application = APPLICATION[name]
    return [
        {
            "name": application,
            "environment": f"/srv/{application}/venv",
            "source": f"/srv/{application}/app",
            "user": application,
            "criticality": "low" if name in LOW else "high",
            "services": [{"name": f"{application}.service"}],
            "checks": [{"name": "answers", "http": {"url": f"http://127.0.0.1:{PORTS[application]}/health"}}],
            "tests": [f"python -c 'import {application}'"],
        }
    ]


def start_rollout_hosts() -> None:
    """Start the hosts, each with one application, and declare them; nothing of earlier runs is known."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    fleet.start_fleet(["debian12:trio"] * len(NAMES))
    inventory = json.loads(fleet.INVENTORY.read_text(encoding="utf-8"))
    for name in NAMES:
        inventory["all"]["hosts"][name]["oxzep7_applications"] = declare_applications(name)
        run_on_host(name, f"systemctl enable --now --quiet {APPLICATION[name]}.service")
    fleet.INVENTORY.write_text(json.dumps(inventory, indent=2), encoding="utf-8")
    for name in NAMES:
        run_on_host(
            name,
            f"timeout 30 sh -c 'until curl -fsS -o /dev/null http://127.0.0.1:{PORTS[APPLICATION[name]]}/health;"
            " do sleep 0.1; done'",
        )


def build_command(playbook: str, options: Iterable[str], variables: Mapping[str, Any]) -> list[str]:
    """The words that run *playbook*."""
    return [
        "ansible-playbook",
        "-i",
        str(fleet.INVENTORY),
        f"oxzep7.python.{playbook}",
        *options,
        "-e",
        json.dumps({**OPTIONS, **variables}),
    ]


def build_controller_environment() -> dict[str, str]:
    """The process environment of a controller."""
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ANSIBLE_CONF),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORKS": "6",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s "
        "-o ServerAliveInterval=2 -o ServerAliveCountMax=2",
    }


class FinishedRun:
    """One finished run: exit status, what it printed, and its record."""

    def __init__(self, playbook: str, run_id: str, *options: str, **variables: Any) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        words = build_command(playbook, options, {"oxzep7_run_id": run_id, **variables})
        done = subprocess.run(
            words,
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            env=build_controller_environment(),
        )
        self.rc, self.said = done.returncode, done.stdout + done.stderr
        unexpected = find_unexpected_warnings(self.said, {})
        expect_condition(not unexpected, f"{playbook} {run_id} should not have printed:", *unexpected)
        self.record = read_run_record(run_id)

    def outcomes(self) -> dict[str, str]:
        """The outcome of every host that is not skipped."""
        return {row["host"]: row["outcome"] for row in self.record["ledger"] if row["outcome"] != "skipped"}

    def waves(self) -> list[list[str]]:
        """The hosts of each wave."""
        return [wave["hosts"] for wave in self.record["waves"]]

    def expect_outcomes(self, rc: int, **outcomes: Iterable[str]) -> FinishedRun:
        """Expect the exit status to be 0 or not, and exactly these hosts to have these outcomes."""
        wanted = {host: outcome for outcome, hosts in outcomes.items() for host in hosts}
        expect_condition(
            (self.rc == 0) == (rc == 0) and self.outcomes() == wanted,
            f"ended with {self.rc}",
            self.outcomes(),
            f"not {wanted}",
            self.said[-6000:],
        )
        return self


def read_run_record(run_id: str) -> dict[str, Any]:
    """The record of a run; an empty one where there is none."""
    path = FOLDER / "oxzep7" / "report" / "runs" / run_id / "run.json"
    found: dict[str, Any] = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"ledger": [], "waves": []}
    )
    return found


def read_python_versions() -> dict[str, str]:
    """The minor version that each host's application answers with, and that its live path leads to."""
    found = {}
    for name in NAMES:
        application = APPLICATION[name]
        said = json.loads(run_on_host(name, f"curl -fsS http://127.0.0.1:{PORTS[application]}/health"))
        live = run_on_host(name, f"readlink -f /srv/{application}/venv").strip()
        minor = said["python"].rpartition(".")[0]
        expect_condition(live.endswith(f"-py{minor}") or live == f"/srv/{application}/venv", name, said, live)
        found[name] = minor
    return found


def expect_python_version(minor: str, but: Mapping[str, str] | None = None) -> None:
    """Expect every host to run *minor*, and those in *but* what that says."""
    found, wanted = read_python_versions(), {**dict.fromkeys(NAMES, minor), **(but or {})}
    expect_condition(found == wanted, found, f"not {wanted}")


def expect_untouched(names: Iterable[str], run_id: str) -> None:
    """Expect the hosts *names* to have written down nothing of a run."""
    for name in names:
        expect_condition(
            run_on_host(name, f"ls /var/lib/oxzep7/runs/{run_id}.jsonl 2>/dev/null || true") == "",
            f"{name} was touched by {run_id}",
        )


def break_releases(*names: str) -> None:
    """Deploy a release that cannot run on the new Python."""
    for name in names:
        run_on_host(name, f"touch /srv/{APPLICATION[name]}/broken")


def repair_releases(*names: str) -> None:
    """Deploy a working release again."""
    for name in names:
        run_on_host(name, f"rm -f /srv/{APPLICATION[name]}/broken")


def happy() -> None:
    """Every host in its wave, never too many of an application down at once."""
    targets = {}
    for name, address in fleet.read_addresses().items():
        targets[name] = (APPLICATION[name], address, PORTS[APPLICATION[name]])
    with Prober(targets) as prober:
        done = FinishedRun(
            "upgrade", "happy", oxzep7_backup=True, oxzep7_backup_layers=["environment"]
        ).expect_outcomes(0, upgraded=NAMES)
    expect_condition(
        done.waves() == WAVES and re.search(r"5 +host10, host11, host12 +3 +3 +5 min", done.said) is not None,
        done.waves(),
        done.said[:9000],
    )
    most = prober.count_most_down()
    expect_condition(all(0 < count <= UNAVAILABLE for count in most.values()), most)
    expect_python_version(NEW)
    print(f"at most at once without an answer: {most}")


def run_back() -> None:
    """A run is taken back, the last wave first."""
    done = FinishedRun("rollback", "run-back", oxzep7_rollback_run="happy").expect_outcomes(0, reverted=NAMES)
    expect_condition(done.waves() == WAVES[::-1], done.waves())
    expect_python_version(OLD)


def one_fails() -> None:
    """One host fails its check in wave 2: it goes back by itself, and wave 3 does not begin."""
    break_releases("host3")
    done = FinishedRun("upgrade", "one").expect_outcomes(
        2, upgraded=["host1", "host2", "host4", "host5"], reverted=["host3"]
    )
    expect_condition("oxzep7_max_failed allows 0 of 12 hosts" in done.record["closed"], done.record["closed"])
    expect_untouched(NAMES[5:], "one")
    expect_python_version(OLD, dict.fromkeys(["host1", "host2", "host4", "host5"], NEW))
    repair_releases("host3")


def wave_back() -> None:
    """The other hosts of a wave go back with the one that failed, and are well."""
    break_releases("host7")
    done = FinishedRun("upgrade", "wave", oxzep7_on_failure="rollback_wave").expect_outcomes(
        2, upgraded=["host3", "host6"], reverted=["host7", "host8"]
    )
    expect_condition(done.waves()[:3] == [["host3"], ["host6"], ["host7", "host8"]], done.waves())
    expect_condition("rolled back, because host7 is not upgraded" in str(done.record["ledger"]), done.record["ledger"])
    expect_untouched(HIGH, "wave")
    expect_python_version(NEW, dict.fromkeys(["host7", "host8", *HIGH], OLD))
    repair_releases("host7")


def all_fail() -> None:
    """All hosts of a wave fail, and the whole run goes back."""
    break_releases(*WAVES[1])
    done = FinishedRun("upgrade", "all", oxzep7_max_failed=3, oxzep7_on_failure="rollback_run").expect_outcomes(
        2, reverted=["host1", *WAVES[1]]
    )
    expect_condition(
        "rolled back, because host5, host2, host3, host4 are not upgraded" in str(done.record["ledger"]),
        done.record["ledger"],
    )
    expect_untouched(NAMES[5:], "all")
    expect_python_version(OLD)
    repair_releases(*WAVES[1])


def begin_upgrade(run_id: str, name: str, **variables: Any) -> subprocess.Popen[str]:
    """Start an upgrade; returns it once a promotion is open on the host *name* and the new generation is live there."""
    words = build_command("upgrade", [], {"oxzep7_run_id": run_id, **variables})
    with (FOLDER / f"{run_id}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            words,
            cwd=FOLDER,
            stdout=log,
            stderr=log,
            text=True,
            env=build_controller_environment(),
            start_new_session=True,
        )
    application = APPLICATION[name]
    run_on_host(
        name,
        f"timeout 300 sh -c 'until [ -e /var/lib/oxzep7/applications/{application}/state.next.json ] && "
        f"readlink /srv/{application}/venv | grep -q 1-py; do sleep 0.1; done'",
    )
    return process


def lost() -> None:
    """A host is lost during its promotion: it is counted, it decides by itself, and the next run learns how."""
    process = begin_upgrade("lost", "host8", oxzep7_stability_window=8)
    fleet.disconnect_host("host8")
    expect_condition(process.wait(timeout=300) != 0, "the run ended well")
    found = {row["host"]: row["outcome"] for row in read_run_record("lost")["ledger"] if row["outcome"] != "skipped"}
    expect_condition(
        found == {"host7": "upgraded", "host8": "unknown"},
        found,
        (FOLDER / "lost.log").read_text(encoding="utf-8")[-3000:],
    )
    run_on_host(
        "host8",
        "timeout 100 sh -c 'while [ -e /var/lib/oxzep7/applications/tickets/state.next.json ]; do sleep 0.2; done'",
    )
    fleet.connect_host("host8")
    expect_untouched(HIGH, "lost")
    learned = FinishedRun("upgrade", "learned", "--limit", "host7,host8")
    expect_condition(learned.rc == 0 and not learned.record["ledger"], learned.said[-3000:])
    expect_python_version(NEW, dict.fromkeys(HIGH, OLD))
    seen = FinishedRun("record", "unseen", "--limit", "host7,host8", oxzep7_record_run="lost")
    expect_condition(
        seen.rc == 0
        and {row["host"]: row["outcome"] for row in read_run_record("lost")["ledger"]}
        == {"host7": "upgraded", "host8": "upgraded"},
        seen.said[-3000:],
    )


def killed() -> None:
    """The controller is killed in wave 2; the same run again closes what was open and goes on."""
    process = begin_upgrade("killed", "host10", oxzep7_stability_window=8, oxzep7_waves=[1])
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    run_on_host(
        "host10",
        "timeout 100 sh -c 'while [ -e /var/lib/oxzep7/applications/feeds/state.next.json ]; do sleep 0.2; done'",
    )
    # What a host committed by itself after its controller was gone is done.
    left = [name for name in HIGH if "1-py3.9" not in run_on_host(name, "readlink /srv/feeds/venv || true")]
    expect_condition({"host11", "host12"} <= set(left), left)
    again = FinishedRun("upgrade", "killed", oxzep7_waves=[1])
    expect_condition(
        again.rc == 0 and again.outcomes() == dict.fromkeys(left, "upgraded"),
        again.rc,
        again.outcomes(),
        left,
        again.said[-3000:],
    )
    expect_python_version(NEW)
    for name in HIGH:
        events = run_on_host(name, "cat /var/lib/oxzep7/runs/killed.jsonl")
        expect_condition('"event": "promoted"' in events, name, events)


def budget() -> None:
    """A budget of 1 lets the run continue after a wave whose only host fails; the job still fails.

    The next run upgrades that host, and the next nothing.
    """
    FinishedRun(
        "rollback", "two-back", "--limit", "host9,host10", oxzep7_generation="0-py3.8", oxzep7_max_unavailable="100%"
    ).expect_outcomes(0, reverted=["host9", "host10"])
    break_releases("host9")
    FinishedRun("upgrade", "budget", oxzep7_max_failed=1).expect_outcomes(2, upgraded=["host10"], reverted=["host9"])
    expect_python_version(NEW, {"host9": OLD})
    repair_releases("host9")
    FinishedRun("upgrade", "rest").expect_outcomes(0, upgraded=["host9"])
    again = FinishedRun("upgrade", "again")
    expect_condition(
        again.rc == 0 and again.said.count("changed=0") == len(NAMES) and not again.record["ledger"], again.said[-3000:]
    )
    expect_python_version(NEW)


CASES = [happy, run_back, all_fail, one_fails, wave_back, lost, killed, budget]


def main() -> None:
    """The command line: the name of a case, ``up``, or ``all``."""
    asked = sys.argv[1] if len(sys.argv) == 2 else ""
    chosen = {
        "up": [start_rollout_hosts],
        "all": [start_rollout_hosts, *CASES],
        **{case.__name__: [case] for case in CASES},
    }.get(asked)
    if chosen is None:
        sys.exit(f"rollout: give one of up, all, {', '.join(case.__name__ for case in CASES)}")
    for case in chosen:
        began = time.monotonic()
        try:
            case()
        except ExpectationError as error:
            sys.exit(f"rollout {case.__name__}: {error}")
        print(f"rollout {case.__name__}: as it must be, after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
