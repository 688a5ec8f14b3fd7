# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host costs the controller, among many: everything is real but the far end of the connection."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
APPLICATION = {"name": "app", "environment": "/srv/app/venv", "services": [{"name": "app.service"}]}


@dataclasses.dataclass(frozen=True)
class UpgradeCost:
    """Seconds of a whole upgrade for each host, and bytes of the largest process of the controller."""

    seconds_each: float
    memory: int


def measure_upgrade_cost(hosts: int) -> UpgradeCost:
    """The cost of upgrading *hosts* simulated hosts by one step, in the default waves.

    Raises RuntimeError with the output of a run that fails.
    """
    with tempfile.TemporaryDirectory(prefix="oxzep7-simulated-") as directory:
        folder = pathlib.Path(directory)
        names = {f"host{number}": {"oxzep7_applications": [APPLICATION]} for number in range(1, hosts + 1)}
        variables = {
            "ansible_connection": "far_end",
            "ansible_python_interpreter": "/usr/bin/python3",
            "oxzep7_target": "3.9",
            "oxzep7_backup": False,
            "oxzep7_become": False,
            "oxzep7_cache_dir": str(folder / "cache"),
            "oxzep7_interpreters": [
                {"source": "archive", "version": "3.9", "url": "http://127.0.0.1:1/x.tar.gz", "sha256": "0" * 64}
            ],
        }
        (folder / "inventory.json").write_text(
            json.dumps({"all": {"hosts": names, "vars": variables}}), encoding="utf-8"
        )
        began = time.monotonic()
        with (folder / "log").open("wb") as log:
            environment = {
                **os.environ,
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "far_end"),
                "ANSIBLE_FORKS": "10",
                "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "0",
            }
            program = str(pathlib.Path(sys.executable).with_name("ansible-playbook"))
            command = [program, "-i", str(folder / "inventory.json"), "oxzep7.python.upgrade"]
            actions = [(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)]
            here = pathlib.Path.cwd()
            os.chdir(folder)
            try:
                child = os.posix_spawn(program, command, environment, file_actions=actions)
            finally:
                os.chdir(here)
            _pid, status, usage = os.wait4(child, 0)
        seconds = time.monotonic() - began
        if status:
            raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-4000:])
        print(f"{hosts} simulated hosts: {seconds:.0f} s, {usage.ru_maxrss >> 10} MiB", file=sys.stderr)
        return UpgradeCost(seconds / hosts, usage.ru_maxrss << 10)
