# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit, plan, an upgrade in waves with one host that goes back by itself, and a table of what happened."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._report._run import format_step_table

from tests.demo import machine, podman
from tests.fleet.output import find_unexpected_warnings
from tests.fleet.paths import FleetError
from tests.integration.cores import NEWEST, OLDER_RELEASES, install_core

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "demo"
EXPECTED_FAILURE = 2


def run_demo_playbook(
    programs: pathlib.Path, playbook: str, inventory: pathlib.Path, options: list[str], expected: int = 0
) -> None:
    """Run one playbook of the collection with *programs* in the demo's folder; its output goes to a log."""
    print(f"{playbook} …", flush=True)
    began = time.monotonic()
    log = OUTPUT / f"{playbook}.log"
    environment = {**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}
    with log.open("w", encoding="utf-8") as stream:
        rc = subprocess.call(
            [programs / "ansible-playbook", "-i", str(inventory), f"oxzep7.python.{playbook}", *options],
            cwd=OUTPUT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    print(f"{playbook}: ended with {rc} after {time.monotonic() - began:.0f} s; {log}", flush=True)
    unexpected = find_unexpected_warnings(log.read_text(encoding="utf-8"), {})
    if unexpected:
        raise SystemExit("\n".join([f"demo: {playbook} should not have printed:", *unexpected]))
    if rc != expected:
        print("".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-30:]))
        raise SystemExit(f"demo: {playbook} should have ended with {expected}")


def read_newest_report() -> list[dict[str, Any]]:
    """The rows of the run's report."""
    records = (OUTPUT / "oxzep7" / "report" / "runs").glob("*/run.json")
    path = max(records, key=lambda candidate: candidate.stat().st_mtime)
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return rows


def check_outcomes(rows: list[dict[str, Any]], failing: str) -> None:
    """Raise SystemExit unless *failing* alone was reverted."""
    reverted = {row["host"] for row in rows if row["result"] == "reverted"}
    others = {row["host"] for row in rows if row["result"] not in ("promoted", "reverted")}
    if reverted != {failing} or others:
        raise SystemExit(
            f"demo: expected {failing} alone to be reverted; reverted: {sorted(reverted)}, failed: {sorted(others)}"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fleet", choices=["podman"])
    parser.add_argument("--core", choices=[NEWEST, *OLDER_RELEASES], default=NEWEST, help="release of ansible-core")
    given = parser.parse_args()
    programs = install_core(given.core)
    stage = podman if given.fleet else machine
    try:
        inventory, target, options = stage.start_demo_hosts()
    except (machine.DemoError, FleetError) as error:
        sys.exit(f"demo: {error}")
    try:
        run_demo_playbook(programs, "audit", inventory, [])
        run_demo_playbook(programs, "plan", inventory, ["-e", f"oxzep7_target={target}"])
        print((OUTPUT / "oxzep7" / "plan" / "plan.md").read_text(encoding="utf-8").split("\n## ")[1])
        waves = ["-e", json.dumps({"oxzep7_waves": [1, "100%"]})]
        run_demo_playbook(
            programs, "upgrade", inventory, ["-e", f"oxzep7_target={target}", *waves, *options], EXPECTED_FAILURE
        )
        rows = read_newest_report()
        print("\n" + "\n".join(format_step_table(rows)) + "\n")
        for row in rows:
            if row.get("reason"):
                print(f"{row['host']}: {row['reason'].splitlines()[0][:400]}")
        check_outcomes(rows, stage.FAILING)
        print(f"\nplan, reports, inventories and logs: {OUTPUT}")
    finally:
        if given.fleet:
            stage.stop_demo_hosts()
        else:
            for host in machine.HOSTS:
                port = machine.SCRATCH / host / "port"
                subprocess.run(
                    machine.build_service_command(host, "stop", int(port.read_text(encoding="utf-8"))), check=False
                )


if __name__ == "__main__":
    main()
