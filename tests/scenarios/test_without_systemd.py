# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host without systemd: cron undoes a promotion that died, and without cron a promotion can be refused."""

from __future__ import annotations

import time

import pytest

from tests.faults.steady_host import FIRST, SteadyHost, build_promotion_options, require_module_success
from tests.fleet import images
from tests.fleet.hosts import name_container, write_file
from tests.fleet.paths import prepare_podman, run_checked

NAME = "oxzep7-plain"
SERVICE = """#!/bin/sh
# Starts, stops and asks for the web service of "steady".
case $1 in
    start) setsid runuser -u steady -- /srv/steady/venv/bin/python /srv/steady/app.py >/dev/null 2>&1 &
        echo $! >/run/steady.pid ;;
    stop) pkill -f /srv/steady/app.py; while pgrep -f /srv/steady/app.py >/dev/null; do sleep 0.05; done ;;
    status) pgrep -f /srv/steady/app.py >/dev/null ;;
esac
"""
WEB = {
    "name": "web",
    "start": "/srv/steady/service start",
    "stop": "/srv/steady/service stop",
    "status": "/srv/steady/service status",
}


@pytest.fixture(scope="module")
def plain():
    """A host whose first process is no systemd, with the application in two generations."""
    prepare_podman()
    container = name_container(NAME)
    command = ["podman", "run", "--detach", "--replace", "--name", container, "--network", "none"]
    run_checked(*command, "--cap-add", "SYS_PTRACE", images.build_base_image("debian12"), "sleep", "infinity")
    host = SteadyHost(NAME)
    # What the setup asks of systemd is not there.
    host.run_script("printf '#!/bin/sh\\nexit 0\\n' >/usr/local/bin/systemctl && chmod 755 /usr/local/bin/systemctl")
    host.prepare(services=[WEB])
    host.run_script("rm /usr/local/bin/systemctl")
    write_file(NAME, "/srv/steady/service", SERVICE, "755")
    host.run_script("/srv/steady/service start")
    yield host
    run_checked("podman", "rm", "--force", "--time", "0", container)


def options(**changed):
    asked = build_promotion_options(FIRST, "upgrade")
    return {**asked, "application": {**asked["application"], "services": [WEB]}, **changed}


def test_a_promotion_can_be_refused_where_nothing_would_undo_it(plain):
    (answer,) = plain.run_actions(["module", "promotion", options(dead_man="required")])
    assert answer["failed"] and "neither systemd nor cron" in answer["msg"] and answer["outcome"] == "refused"
    assert plain.run_script(
        "ls /var/lib/oxzep7/applications/steady; [ -L /srv/steady/venv ] || echo directory"
    ).split() == [
        "state.json",
        "directory",
    ]


def test_a_restore_can_be_refused_where_nothing_would_undo_it(plain):
    application = options()["application"]
    replace = {"application": application, "layers": ["environment"], "replace": True, "dead_man": "required"}
    made, spoilt, refused, seen = plain.run_actions(
        ["module", "backup", {"application": application, "layers": ["environment"]}],
        ["spoil"],
        ["module", "restore", replace],
        ["fingerprint", "/srv/steady/venv"],
    )
    plain.run_script("rm /srv/steady/venv/spoilt; rm -r /var/lib/oxzep7/backups")
    require_module_success(made)
    assert refused["failed"] and refused["outcome"] == "refused" and "neither systemd nor cron" in refused["msg"]
    assert seen == spoilt


def test_cron_undoes_a_promotion_that_died(plain):
    plain.run_script("cron")
    forward, back = options(dead_man="required"), options(generation="previous", kind="rollback")
    adopted, returned, counted, again = plain.run_actions(
        ["module", "promotion", forward],
        ["module", "promotion", back],
        ["trace", 0, "kill", forward],
        ["module", "promotion", back],
    )
    for answer in (adopted, returned, again):
        require_module_success(answer)
    assert counted["status"] == 0, counted["said"]
    calls = [line.partition(" rename ")[2] for line in counted["calls"]]
    swapped = calls.index("/srv/steady/venv") + 1
    (killed,) = plain.run_actions(["trace", swapped + 1, "kill", forward])
    assert killed["status"] == 137 and plain.run_script("ls /etc/cron.d | grep -c oxzep7-undo-steady").strip() == "1"
    deadline = time.monotonic() + 90
    while plain.run_script("ls /var/lib/oxzep7/applications/steady").find("state.next.json") >= 0:
        assert time.monotonic() < deadline, "cron has not undone it"
        time.sleep(1)
    assert plain.run_script("readlink /srv/steady/venv").strip() == "venv.generations/0-py3.8"
    recovered, promoted = plain.run_actions(
        ["module", "recovery", {}], ["module", "promotion", options(dead_man="required")]
    )
    assert require_module_success(recovered)["closed"] and require_module_success(promoted)["dead_man"] == "cron"
    assert plain.run_script(
        "ls /etc/cron.d | grep -c oxzep7-undo || true"
    ).strip() == "0" and "3.9" in plain.run_script("curl -fsS http://127.0.0.1:8003/")
