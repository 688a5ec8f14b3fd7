# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host in trouble: a promotion is refused or undone, and its message names the cause."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest

from tests.faults.steady_host import (
    APPLICATION,
    FIRST,
    ORIGINAL,
    SECOND,
    build_promotion_options,
    expect_generation,
    require_module_success,
    start_steady_hosts,
)
from tests.fleet import fleet
from tests.fleet.hosts import build_command
from tests.fleet.paths import get_podman_environment

STATE = "/var/lib/oxzep7"
EMPTY = hashlib.sha256(b"").hexdigest()
NEW_SITE = f"/srv/steady/venv.generations/{FIRST}/lib/python3.9/site-packages"


@pytest.fixture(scope="module")
def prepared():
    (host,) = start_steady_hosts(kind=fleet.EQUIPPED_KIND)
    yield host
    fleet.stop_fleet()


@pytest.fixture
def host(prepared):
    """The host as it was before anything was promoted, and as it was again after the test."""
    prepared.run_actions(["reset"])
    yield prepared
    prepared.run_script(
        f"umount -q {STATE} /srv/steady 2>/dev/null; rm -f {NEW_SITE}/sitecustomize.py "
        "/srv/steady/venv/lib/python3.8/site-packages/sitecustomize.py"
        " /etc/systemd/system/steady-*.service.d/*; systemctl daemon-reload"
    )


def changed(**options):
    return {**build_promotion_options(FIRST, "upgrade"), **options}


def mounted(host, place, options):
    """Have *place* on a small file system of its own, with what is there. Whoever runs there is stopped meanwhile."""
    host.run_script(
        f"systemctl stop steady-web steady-worker; mkdir -p /run/copy && cp -a {place}/. /run/copy"
        f" && mount -t tmpfs -o {options} tmpfs {place}"
        f" && chmod --reference=/run/copy {place} && chown --reference=/run/copy {place} && cp -a /run/copy/. {place}"
        " && rm -rf /run/copy"
        "; systemctl reset-failed steady-web steady-worker; systemctl start steady-web steady-worker"
    )


FULL = {
    "no space": ("size=256k", "dd if=/dev/zero of={0}/filler bs=4k 2>/dev/null; true", "No space left on device"),
    "no inodes": (
        "size=4m,nr_inodes=64",
        "i=0; while touch {0}/filler.$i; do i=$((i+1)); done 2>/dev/null; true",
        "No space left on device",
    ),
    "read-only": ("size=4m", "mount -o remount,ro {0}", "Read-only file system"),
}


@pytest.mark.parametrize("case", FULL)
def test_a_state_that_cannot_be_written_refuses_a_promotion(host, case):
    options, spoil, expected = FULL[case]
    mounted(host, STATE, options)
    host.run_script(spoil.format(STATE))
    refused, seen = host.run_actions(["module", "promotion", changed()], ["look"])
    assert (
        refused["failed"] and refused["outcome"] == "refused" and expected in refused["msg"] and STATE in refused["msg"]
    ), refused
    expect_generation(seen, None)
    host.run_script(f"mount -o remount,rw {STATE}; rm -f {STATE}/filler*")
    promoted, seen = host.run_actions(["module", "promotion", changed()], ["look"])
    require_module_success(promoted)
    expect_generation(seen, FIRST)


def test_a_state_that_cannot_be_made_refuses_a_promotion(host):
    refused, seen = host.run_actions(["module", "promotion", changed(state_dir="/proc/oxzep7")], ["look"])
    assert refused["failed"] and refused["outcome"] == "refused" and "/proc/oxzep7" in refused["msg"], refused
    expect_generation(seen, None)


def test_a_live_path_that_cannot_be_changed_is_refused_and_nothing_is_changed(host):
    mounted(host, "/srv/steady", "size=300m")
    host.run_script("mount -o remount,ro /srv/steady")
    failed, seen = host.run_actions(["module", "promotion", changed()], ["look"])
    assert failed["failed"] and failed["outcome"] == "refused", failed
    assert "/srv/steady is on a file system that is mounted read-only" in failed["msg"]
    assert (
        seen["live"] == "directory"
        and seen["answer"]["python"].startswith("3.8.")
        and seen["left"] == [] == seen["timers"]
    )
    host.run_script("mount -o remount,rw /srv/steady")
    promoted, seen = host.run_actions(["module", "promotion", changed()], ["look"])
    require_module_success(promoted)
    expect_generation(seen, FIRST)


@pytest.mark.parametrize("case", ["no space", "no inodes"])
def test_a_build_on_a_full_disk_leaves_nothing(host, case):
    _options, spoil, expected = FULL[case]
    inodes = host.run_script("find /srv/steady | wc -l").strip()
    mounted(host, "/srv/steady", f"size=300m,nr_inodes={int(inodes) + 90}")
    before = host.run_script("ls /srv/steady/venv.generations")
    host.run_script(
        spoil.format("/srv/steady")
        if case == "no space"
        else "i=0; while [ $i -lt 80 ]; do i=$((i+1)); : >/srv/steady/filler.$i; done"
    )
    path = host.run_script("echo /opt/oxzep7/interpreters/oxzep7-3.10.*/bin/python3.10").strip()
    failed, seen = host.run_actions(
        [
            "module",
            "environment",
            {
                "application": APPLICATION,
                "interpreter": path,
                "version": "3.10.99",
                "lock": EMPTY,
                "wheels": "/nowhere",
            },
        ],
        ["look"],
    )
    assert not failed.get("failed") or expected in failed["msg"], failed
    assert host.run_script("ls /srv/steady/venv.generations") == before
    expect_generation(seen, None)


@pytest.mark.parametrize(("restart", "expected"), [("no", "not running"), ("always", "restarted 1 times by systemd")])
def test_a_service_that_dies_after_a_while_is_caught_by_the_stability_window(host, restart, expected):
    # Both services use the environment and die at the same time: which of them is seen first does not matter.
    host.run_script(
        "for unit in steady-web steady-worker; do mkdir -p /etc/systemd/system/$unit.service.d &&"
        f" printf '[Service]\\nRestart={restart}\\nRestartSec=0\\n'"
        " >/etc/systemd/system/$unit.service.d/restart.conf; done && systemctl daemon-reload"
    )
    host.run_script(
        "printf 'import os, threading\\ntimer = threading.Timer(20, os._exit, [1])\\ntimer.daemon = "
        "True\\ntimer.start()\\n'"
        f" >{NEW_SITE}/sitecustomize.py"
    )
    failed, seen = host.run_actions(["module", "promotion", changed(stability_window=40)], ["look"])
    assert failed["failed"] and failed["outcome"] == "reverted" and expected in failed["msg"], failed
    expect_generation(seen, ORIGINAL)


def test_a_service_that_never_stops_is_left_and_the_promotion_goes_back(host):
    host.run_script(
        "mkdir -p /etc/systemd/system/steady-web.service.d && printf '[Service]\\nTimeoutStopSec=infinity\\n'"
        " >/etc/systemd/system/steady-web.service.d/stop.conf && systemctl daemon-reload"
    )
    host.run_script(
        "printf 'import signal\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\n' "
        ">/srv/steady/venv/lib/python3.8/site-packages/sitecustomize.py"
        " && systemctl kill --signal=KILL steady-web; sleep 0.5; systemctl reset-failed steady-web;"
        " systemctl restart steady-web; sleep 0.5"
    )
    failed, seen = host.run_actions(["module", "promotion", changed(service_timeout=3)], ["look"])
    assert (
        failed["failed"]
        and failed["outcome"] == "reverted"
        and "stop: systemctl stop -- steady-web.service" in failed["msg"]
    ), failed
    assert "stopped after 3 seconds" in failed["msg"]
    expect_generation(seen, None)
    host.run_script("systemctl kill --signal=KILL steady-web steady-worker")


def test_a_check_that_hangs_fails(host):
    hanging = {
        "name": "hangs",
        "command": {
            "cmd": ["sh", "-c", f"readlink /srv/steady/venv | grep -q {FIRST} && sleep 1000; true"],
            "timeout": 1,
        },
    }
    failed, seen = host.run_actions(
        ["module", "promotion", changed(timeout=4, application={**APPLICATION, "checks": [hanging]})], ["look"]
    )
    assert failed["failed"] and failed["outcome"] == "reverted" and "check 'hangs' (command)" in failed["msg"], failed
    assert "stopped after 1 seconds" in failed["msg"]
    expect_generation(seen, ORIGINAL)


def test_a_clock_that_is_set_back_an_hour_changes_nothing(host):
    library = host.run_script("find / -xdev -name libfaketime.so.1").strip()
    # A newer Python sleeps by clock_nanosleep(2), to which libfaketime 0.9.10 gives a wrong time.
    older = host.run_script("echo /opt/oxzep7/interpreters/oxzep7-3.9.*/bin").strip()
    faked = {
        "PATH": f"{older}:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": "/root/clock",
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    host.run_script("echo +0 >/root/clock")
    asked = json.dumps([["module", "promotion", changed(stability_window=5), faked], ["look"]])
    with subprocess.Popen(
        host.build_driver(),
        env=get_podman_environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as working:
        working.stdin.write(asked)
        working.stdin.close()
        host.run_script("timeout 60 sh -c 'until [ -L /srv/steady/venv ]; do sleep 0.05; done'; echo -1h >/root/clock")
        promoted, seen = json.loads(working.stdout.read())
    assert require_module_success(promoted)["outcome"] == "promoted"
    expect_generation(seen, FIRST)
    back, seen = host.run_actions(
        ["module", "promotion", {**build_promotion_options("previous", "rollback")}, faked], ["look"]
    )
    assert require_module_success(back)["generation"] == ORIGINAL
    expect_generation(seen, ORIGINAL)


ATTACK = r"""
import os, shutil, sys, time
os.chdir("/srv/steady")
SPY = '#!/bin/sh\nid -u >>/tmp/who-ran\nexec /usr/bin/python3 "$@"\n'
targets = ("/etc", "/root", "/var/lib/oxzep7/applications/steady", "/usr/local/bin")
number = 0
while os.path.exists("/tmp/attack"):
    number += 1
    try:
        # The directory of the generations, the live path and what is put beside them become links to what is root's.
        for name in ("venv.generations", "venv.next", "venv.undo", "venv"):
            if number % 7 == 0 and os.path.lexists(name) and name in ("venv.generations", "venv"):
                os.rename(name, name + ".mine")
                os.symlink(targets[number % 4], name)
                os.unlink(name)
                os.rename(name + ".mine", name)
            elif name in ("venv.next", "venv.undo") and not os.path.lexists(name):
                os.symlink(targets[number % 4] + "/planted", name)
                os.unlink(name)
        for generation in os.listdir("venv.generations"):
            program = os.path.join("venv.generations", generation, "bin", "spy")
            if not os.path.exists(program):
                with open(program, "w") as stream:
                    stream.write(SPY)
                os.chmod(program, 0o6755)
    except OSError:
        for name in ("venv.generations", "venv"):
            if os.path.lexists(name + ".mine") and not os.path.lexists(name):
                os.rename(name + ".mine", name)
    time.sleep(0.001)
for name in ("venv.generations", "venv"):
    if os.path.lexists(name + ".mine"):
        if os.path.islink(name):
            os.unlink(name)
        os.rename(name + ".mine", name)
"""
OWN = (
    "/var/lib/oxzep7*",
    "/root/arguments.json",
    "/root/faults*",
    "/root/trace*",
    "/etc/systemd/system*",
    "/var/lib/systemd*",
)
GUARDED = (
    f"find /etc /root /usr /opt /var/lib -xdev {' '.join(f'-not -path {chr(39)}{path}{chr(39)}' for path in OWN)}"
    " -type f -printf '%p %i %s %m %U %C@\\n' | sort"
)
OF_ROOT = "find /srv/steady -uid 0 | sort"


def test_an_application_user_who_swaps_paths_gains_nothing(host):
    host.run_script("rm -f /tmp/who-ran; touch /tmp/attack; chmod 666 /tmp/attack")
    # Its own code, which services and proofs run as it: who else runs it is written down.
    host.run_script(
        'printf \'import os\\nopen("/tmp/who-ran", "a").write("%%d " %% os.geteuid())\\n\''
        f" >{NEW_SITE}/sitecustomize.py; : >/tmp/who-ran; chmod 666 /tmp/who-ran"
    )
    # Servers of the image that have nothing to do with it write to their own files now and then.
    host.run_script("systemctl stop 'mariadb*' 'postgresql*'")
    # What was never live goes when a later minor is, so both are live once before anybody gets in the way.
    for promoted in host.run_actions(
        *(["module", "promotion", build_promotion_options(generation, "upgrade")] for generation in (FIRST, SECOND))
    ):
        require_module_success(promoted)
    before, of_root = host.run_script(GUARDED), host.run_script(OF_ROOT)
    ended = []
    with subprocess.Popen(
        build_command(host.name, "python3", "-c", ATTACK, user="steady"),
        env=get_podman_environment(),
        stdin=subprocess.DEVNULL,
    ) as attack:
        for _round in range(6):
            for generation, kind in ((FIRST, "upgrade"), (SECOND, "upgrade"), (FIRST, "rollback")):
                ended += host.run_actions(
                    ["module", "promotion", {**build_promotion_options(generation, kind), "timeout": 5}],
                    ["module", "recovery", {}],
                )[:1]
        host.run_script("rm /tmp/attack")
        attack.wait(30)
    assert host.run_script(GUARDED) == before
    users = set(host.run_script("cat /tmp/who-ran").split())
    assert users and "0" not in users
    assert host.run_script("find / -xdev -name 'planted*'") == "" and host.run_script(OF_ROOT) == of_root
    assert {answer.get("outcome") for answer in ended} <= {"promoted", "unchanged", "reverted", "refused", "failed"}, (
        ended
    )
    recovered, promoted, seen = host.run_actions(
        ["module", "recovery", {}], ["module", "promotion", build_promotion_options(SECOND, "upgrade")], ["look"]
    )
    require_module_success(recovered)
    require_module_success(promoted)
    expect_generation(seen, SECOND)
