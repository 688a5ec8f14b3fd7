# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A promotion whose module, connection or host dies: the application ends wholly on the old environment."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from tests.fleet import fleet
from tests.fleet.hosts import cut_power, restore_power, run_on_host
from tests.fleet.paths import ANSIBLE_CONF

# Longer than anything here takes, on a busy machine too; nothing that is measured.
PATIENCE = 600
LONG = {"oxzep7_target": "3.9", "oxzep7_timeout": 150, "oxzep7_stability_window": 30}


@pytest.fixture
def host():
    fleet.start_fleet(["debian12:sqlite"])
    yield "host1"
    fleet.stop_fleet()


def start(folder):
    """Start an upgrade that stays in its stability window for a while."""
    return subprocess.Popen(
        ["ansible-playbook", "-i", str(fleet.INVENTORY), "oxzep7.python.upgrade", "-e", json.dumps(LONG)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ANSIBLE_CONF),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_ARGS": "-o ServerAliveInterval=2 -o ServerAliveCountMax=2",
        },
    )


def begin(folder):
    """Start an upgrade; returns it once the new generation is live but not committed."""
    process = start(folder)
    run_on_host("host1", f"timeout {PATIENCE} sh -c 'until [ -L /srv/ledger/venv ]; do sleep 0.1; done'")
    assert "venv.generations/1-py3.9" in run_on_host("host1", "readlink /srv/ledger/venv")
    assert "state.next.json" in run_on_host("host1", "ls /var/lib/oxzep7/applications/ledger")
    return process


def wait_until(script):
    deadline = time.monotonic() + PATIENCE
    while run_on_host("host1", f"{script} && echo yes || true").strip() != "yes":
        assert time.monotonic() < deadline, f"never true: {script}"
        time.sleep(0.3)


def assert_on_old():
    wait_until("curl -fsS http://127.0.0.1:8001/health | grep -q 3.8.18")
    assert run_on_host("host1", "readlink /srv/ledger/venv").strip() == "venv.generations/0-py3.8"
    assert run_on_host("host1", "systemctl is-active ledger-web ledger-worker").split() == ["active", "active"]


def assert_next_run_reaches_the_target(controller):
    done = controller("upgrade", oxzep7_target="3.9", oxzep7_stability_window=0)
    assert done.returncode == 0, done.stdout[-3000:]
    assert '"3.9.18"' in run_on_host("host1", "curl -fsS http://127.0.0.1:8001/health")
    record = json.loads(run_on_host("host1", "cat /var/lib/oxzep7/applications/ledger/state.json"))
    assert [entry["event"] for entry in record["history"]] == ["reverted", "promoted"]
    assert run_on_host("host1", "ls /var/lib/oxzep7/applications/ledger").split() == ["backups.json", "state.json"]


def test_killed_module_is_undone_by_the_timers_unit(host, controller, tmp_path):
    process = begin(tmp_path)
    assert "oxzep7-undo@ledger.timer" in run_on_host(host, "systemctl list-timers --all --no-legend")
    assert run_on_host(host, "sh /var/lib/oxzep7/applications/ledger/undo.sh 2>/dev/null; echo $?").strip() == "75", (
        "it must wait for a living module"
    )
    assert "1-py3.9" in run_on_host(host, "readlink /srv/ledger/venv")
    run_on_host(host, "pkill -KILL -f '[A]nsiballZ|python3.*[a]nsible' || true; pkill -KILL -x python3 || true")
    assert process.wait(timeout=PATIENCE) != 0
    wait_until("[ ! -e /var/lib/oxzep7/applications/ledger/state.next.json ]")
    assert_on_old()
    assert_next_run_reaches_the_target(controller)


def test_a_module_that_hangs_is_killed_and_undone_when_its_deadline_passes(host, controller, tmp_path):
    process = begin(tmp_path)
    run_on_host(host, "pkill -STOP -x python3")
    # What it promised is minutes away; the clock that it is measured by cannot be set, so the promise is.
    run_on_host(
        host,
        "cd /var/lib/oxzep7/applications/ledger && read -r until holder began <deadline"
        " && echo 1 $holder $began >deadline",
    )
    wait_until("[ ! -e /var/lib/oxzep7/applications/ledger/state.next.json ]")
    assert process.wait(timeout=PATIENCE) != 0
    assert_on_old()
    recovered, again = controller("recover"), controller("recover")
    assert (
        recovered.returncode == 0 and "Show the closed promotions" in recovered.stdout and "1-py3.9" in recovered.stdout
    ), recovered.stdout[-3000:]
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout[-3000:]
    assert_next_run_reaches_the_target(controller)


def test_killed_controller_leaves_the_promotion_to_the_host(host, controller, tmp_path):
    process = begin(tmp_path)
    process.kill()
    process.wait()
    wait_until("[ ! -e /var/lib/oxzep7/applications/ledger/state.next.json ]")
    assert run_on_host(host, "readlink /srv/ledger/venv").strip() == "venv.generations/1-py3.9"
    again = controller("upgrade", oxzep7_target="3.9")
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout[-3000:]


@pytest.mark.parametrize(
    "when",
    [
        "[ -e /var/lib/oxzep7/applications/ledger/undo.sh ]",
        "[ -L /srv/ledger/venv ]",
        "[ -L /srv/ledger/venv ] && curl -fsS http://127.0.0.1:8001/health | grep -q 3.9.18",
    ],
)
def test_a_host_that_is_cut_off_ends_its_promotion_and_the_next_run_learns_of_it(host, controller, tmp_path, when):
    process = start(tmp_path)
    run_on_host("host1", f"timeout {PATIENCE} sh -c 'until {when}; do sleep 0.05; done' 2>/dev/null")
    fleet.disconnect_host(host)
    said, _nothing = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0 and ("unreachable=1" in said or "UNREACHABLE" in said), said[-3000:]
    wait_until("[ ! -e /var/lib/oxzep7/applications/ledger/state.next.json ]")
    fleet.connect_host(host)
    assert run_on_host(host, "readlink /srv/ledger/venv").strip() == "venv.generations/1-py3.9"
    again = controller("upgrade", oxzep7_target="3.9")
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout[-3000:]
    assert '"3.9.18"' in run_on_host(host, "curl -fsS http://127.0.0.1:8001/health")


def test_restarted_host_undoes_the_open_promotion_at_boot(host, controller, tmp_path):
    process = begin(tmp_path)
    cut_power(host)
    process.kill()
    process.wait()
    restore_power(host)
    assert_on_old()
    assert_next_run_reaches_the_target(controller)
