# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""undo.sh as a unit of systemd: before its file systems are mounted, and with services that commands start."""

from __future__ import annotations

import time

import pytest

from tests.faults.restart import freeze_promotion
from tests.faults.steady_host import (
    FIRST,
    ORIGINAL,
    PATIENCE,
    BrokenHostError,
    build_promotion_options,
    expect_generation,
    require_module_success,
    start_steady_hosts,
)
from tests.fleet import fleet
from tests.fleet.hosts import cut_power, restore_power, write_file

MOUNT = """[Unit]
Description=The disk of steady
AssertPathExists=/disk/steady/venv
[Mount]
What=/disk/steady
Where=/srv/steady
Type=none
Options=bind
[Install]
WantedBy=multi-user.target
"""
SERVICE = """#!/bin/sh
alive() { [ -s /run/steady.pid ] && kill -0 "$(cat /run/steady.pid)" 2>/dev/null; }
case $1 in
    start) alive && exit 0
        setsid /srv/steady/venv/bin/python /srv/steady/app.py >/dev/null 2>&1 </dev/null &
        echo $! >/run/steady.pid ;;
    stop) alive && kill "$(cat /run/steady.pid)"; rm -f /run/steady.pid; sleep 0.2 ;;
    status) alive ;;
esac
"""
DAEMON = {
    "name": "web",
    "pidfile": "/run/steady.pid",
    **{verb: f"/root/service {verb}" for verb in ("start", "stop", "status")},
}
FORWARD, BACK = build_promotion_options(FIRST, "upgrade"), build_promotion_options("previous", "rollback")


@pytest.fixture
def host():
    (started,) = start_steady_hosts()
    yield started
    fleet.stop_fleet()


def wait_until(host, script):
    deadline = time.monotonic() + PATIENCE
    while host.run_script(f"{script} && echo yes || true").strip() != "yes":
        assert time.monotonic() < deadline, f"never true: {script}"
        time.sleep(0.3)


def find_point_after_swap(host, options):
    """A point of the promotion with *options* at which the new generation is live and not committed."""
    _started, adopted, returned, counted, again = host.run_actions(
        ["look"],
        ["module", "promotion", options],
        ["module", "promotion", {**options, "generation": "previous", "kind": "rollback"}],
        ["trace", 0, "kill", options],
        ["module", "promotion", {**options, "generation": "previous", "kind": "rollback"}],
    )
    for answer in (adopted, returned, again):
        require_module_success(answer)
    assert counted["status"] == 0, counted["said"]
    calls = [line.partition(" rename ")[2] for line in counted["calls"]]
    return calls.index("/srv/steady/venv") + 3


def move_to_a_disk(host):
    host.run_script(
        "systemctl stop steady-web steady-worker && mkdir /disk && mv /srv/steady /disk/steady && mkdir /srv/steady"
    )
    write_file(host.name, "/etc/systemd/system/srv-steady.mount", MOUNT)
    host.run_script(
        "systemctl daemon-reload && systemctl enable --quiet --now srv-steady.mount"
        " && systemctl start steady-web steady-worker"
    )


@pytest.mark.parametrize("unit", ["with a unit for the mount", "mounted by hand"])
def test_it_waits_for_its_file_system_and_undoes_then(host, unit):
    move_to_a_disk(host)
    number = find_point_after_swap(host, FORWARD)
    with freeze_promotion(host, number, FIRST, "upgrade"):
        assert host.run_script("readlink /srv/steady/venv").strip() == f"venv.generations/{FIRST}"
        host.run_script("mv /disk/steady /disk/late")
        if unit == "mounted by hand":
            host.run_script("rm /etc/systemd/system/srv-steady.mount /etc/systemd/system/*/srv-steady.mount")
        cut_power(host.name)
    restore_power(host.name)
    # Several tries of the timer later it has neither written into the empty directory nor given up.
    wait_until(host, "systemctl is-active --quiet oxzep7-undo@steady.timer")
    tries = "journalctl -q -b --output=cat -u oxzep7-undo@steady.service -u srv-steady.mount | grep -c ."
    wait_until(host, f"[ $({tries}) -ge 6 ]")
    assert host.run_script("ls -A /srv/steady; ls /var/lib/oxzep7/applications/steady").split().count("state.next.json")
    assert host.run_script("ls -A /srv/steady") == ""
    host.run_script("mv /disk/late /disk/steady")
    if unit == "mounted by hand":
        host.run_script("mount --bind /disk/steady /srv/steady")
    wait_until(host, "[ ! -e /var/lib/oxzep7/applications/steady/state.next.json ]")
    recovered, seen = host.run_actions(["module", "recovery", {}], ["look"])
    assert [entry["event"] for entry in require_module_success(recovered)["closed"]] == ["reverted"]
    expect_generation(seen, ORIGINAL)


def test_a_daemon_outlives_the_unit_that_starts_it_again(host):
    write_file(host.name, "/root/service", SERVICE, "755")
    host.run_script("systemctl disable --quiet --now steady-web && /root/service start")
    options = {**FORWARD, "application": {**FORWARD["application"], "services": [DAEMON]}}
    number = find_point_after_swap(host, options)
    (killed, undone) = host.run_actions(["trace", number, "kill", options], ["wait", PATIENCE])
    assert killed["status"] == 137 and undone
    wait_until(host, "! systemctl is-active --quiet oxzep7-undo@steady.service")
    host.run_script("/root/service status")
    unit = host.run_script("cat /proc/$(cat /run/steady.pid)/cgroup")
    assert ".scope" in unit and "oxzep7-undo" not in unit, unit
    assert "python3.8" in host.run_script("readlink -f /proc/$(cat /run/steady.pid)/exe")
    recovered, seen = host.run_actions(["module", "recovery", {"applications": [options["application"]]}], ["look"])
    assert [entry["event"] for entry in require_module_success(recovered)["closed"]] == ["reverted"]
    if seen["strange"] or seen["timers"] or set(seen["left"]) - {"backups.json"}:
        raise BrokenHostError(str(seen))


def test_a_service_that_does_not_start_again_is_found_by_the_next_run(host):
    """The dead man undoes alone, and one service stays down: the next run tells, and names it."""
    number = find_point_after_swap(host, FORWARD)
    host.run_script(
        "mkdir -p /etc/systemd/system/steady-worker.service.d && printf '[Service]\\nExecStartPre=/bin/sh -c \"[ ! -e "
        "/run/broken ]\"\\n' >/etc/systemd/system/steady-worker.service.d/broken.conf && systemctl daemon-reload"
    )
    host.run_script("touch /run/broken")
    killed, undone = host.run_actions(["trace", number, "kill", FORWARD], ["wait", PATIENCE])
    assert killed["status"] == 137 and undone
    application = FORWARD["application"]
    (recovered,) = host.run_actions(["module", "recovery", {"applications": [application]}])
    (entry,) = require_module_success(recovered)["closed"]
    assert entry["event"] == "failed" and "steady-worker.service" in entry["problem"], entry
    assert any("steady-worker.service" in str(warning) for warning in recovered["warnings"]), recovered
