# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One step of the ledger on a real host over SSH, against the script that an expert would write by hand."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Callable

from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import DowntimeProbe

from tests.benchmark.measure import Measure
from tests.fleet import fleet

ROUNDS = 5
HOST = "host1"
ADDRESS = str(fleet.SUBNET[10])
PIPELINED = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1"}
# The expert makes no backup either.
OPTIONS = ["-e", "oxzep7_target=3.9", "-e", "oxzep7_stability_window=0", "-e", "oxzep7_backup=false"]

# The applications lie in memory: ext4 takes a millisecond of CPU for each new file where many were deleted within the
# last minutes, as rounds do and real hosts do not.
IN_MEMORY = ("--tmpfs", "/srv:rw,exec,suid,dev,mode=755")
RESET = """
set -eu
cd /srv/ledger
systemctl stop ledger-web ledger-worker
if [ -L venv ]; then rm venv; mv venv.generations/0-py3.8 venv; fi
rm -rf venv.generations venv-3.9 .cache /var/lib/oxzep7/applications
sync
# uv's cache of unpacked wheels is cold for both: a step is taken once on a host.
systemctl start ledger-web ledger-worker
until curl -fsS -o /dev/null http://127.0.0.1:8001/health; do sleep 0.05; done
"""

EXPERT = """
set -eu
as() {{ setpriv --reuid=ledger --regid=ledger --clear-groups env HOME=/srv/ledger PATH="$PATH" "$@"; }}
cd /srv/ledger
as {uv} venv --quiet --offline --no-project --system-site-packages --python {python} venv-3.9
cp /var/lib/oxzep7/locks/{lock}.txt /tmp/lock.txt && chmod a+r /tmp/lock.txt
wheels=/opt/oxzep7/wheelhouse
as {uv} pip sync --quiet --offline --no-index --find-links $wheels --python venv-3.9/bin/python /tmp/lock.txt
cd app
PATH=/srv/ledger/venv-3.9/bin:$PATH as python -m pytest -q >/dev/null
cd ..
mkdir -p venv.generations
mv venv venv.generations/0-py3.8
ln -sfn venv-3.9 venv
systemctl restart ledger-web ledger-worker
until curl -fsS -o /dev/null http://127.0.0.1:8001/health; do sleep 0.05; done
"""


def run_over_ssh(script: str) -> str:
    """Standard output of *script*, run as root on the host over SSH."""
    command = [
        "ssh",
        "-i",
        str(fleet.KEY),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
        f"ops@{ADDRESS}",
        "sudo",
        "bash",
        "-s",
    ]
    return subprocess.run(command, input=script, text=True, capture_output=True, check=True).stdout


def run_playbook(folder: pathlib.Path, name: str, *options: str) -> None:
    """Run one of the collection's playbooks; raises CalledProcessError with its output."""
    subprocess.run(
        ["ansible-playbook", "-i", str(fleet.INVENTORY), name, *options],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **PIPELINED},
    )


def time_action(action: Callable[[], object]) -> float:
    """Seconds that *action* took."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def measure_downtime(action: Callable[[], object]) -> float:
    """Seconds in which the service did not answer requests from this machine during *action*."""
    check = {
        "name": "answers",
        "http": {"url": f"http://{ADDRESS}:8001/health", "status": 200, "timeout": 5.0, "validate_certs": True},
    }
    probe = DowntimeProbe([check]).start()
    time.sleep(0.3)
    action()
    time.sleep(0.3)
    return (probe.stop() or 0) / 1000


def measure_step() -> list[Measure]:
    """Measure a step of ours and of the expert's, and the downtime of a promotion and of a plain restart."""
    fleet.start_fleet(["debian12:sqlite"], options=IN_MEMORY)
    try:
        with tempfile.TemporaryDirectory(prefix="oxzep7-benchmark-") as directory:
            return _measure_rounds(pathlib.Path(directory))
    finally:
        fleet.stop_fleet()


def _measure_rounds(folder: pathlib.Path) -> list[Measure]:
    # One run before: interpreter, wheels and uv are on the host for both, and caches are warm.
    run_playbook(folder, "oxzep7.python.upgrade", *OPTIONS)
    record = json.loads(run_over_ssh("cat /var/lib/oxzep7/applications/ledger/state.json"))
    generation = record["generations"][-1]
    uv = run_over_ssh("ls /opt/oxzep7/wheelhouse/uv-*").strip()
    expert = EXPERT.format(uv=uv, python=generation["interpreter"], lock=generation["lock"])
    ours, theirs, down_ours, down_restart = [], [], [], []
    for _round in range(ROUNDS):
        run_over_ssh(RESET)
        ours.append(time_action(lambda: run_playbook(folder, "oxzep7.python.upgrade", *OPTIONS)))
        # The generations exist now, so these promote and nothing else: back, and forward again.
        down_ours.append(measure_downtime(lambda: run_playbook(folder, "oxzep7.python.rollback", *OPTIONS[2:])))
        down_restart.append(measure_downtime(lambda: run_over_ssh("systemctl restart ledger-web ledger-worker")))
        down_ours.append(measure_downtime(lambda: run_playbook(folder, "oxzep7.python.upgrade", *OPTIONS)))
        down_restart.append(measure_downtime(lambda: run_over_ssh("systemctl restart ledger-web ledger-worker")))
        run_over_ssh(RESET)
        theirs.append(time_action(lambda: run_over_ssh(expert)))
    return [
        Measure("wall", tuple(ours), tuple(theirs), "the expert's script over SSH", 2.0),
        Measure("downtime", tuple(down_ours), tuple(down_restart), "systemctl restart of the same services", 1.2),
    ]
