# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host fixture of every verification."""

import json

import pytest

PORTS = {"board": 8101, "tickets": 8102, "feeds": 8103}


class Host:
    """One host, seen with root's rights, with the one application that runs there."""

    def __init__(self, host):
        self.host = host
        active = [name for name in PORTS if self.run(f"systemctl is-active {name} || true").strip() == "active"]
        self.application = active[0]

    def run(self, command):
        """Standard output of a shell command that must succeed, run as root."""
        with self.host.sudo():
            return self.host.check_output(command)

    def assert_whole(self, generation, minor):
        """Expect the application to run on *generation*, with no open promotion."""
        home = f"/srv/{self.application}"
        assert self.run(f"readlink {home}/venv").strip() == f"venv.generations/{generation}"
        state = json.loads(self.run(f"cat /var/lib/oxzep7/applications/{self.application}/state.json"))
        assert state["current"] == generation
        assert set(self.run(f"ls /var/lib/oxzep7/applications/{self.application}").split()) <= {
            "backups.json",
            "state.json",
        }
        main = self.run(f"systemctl show --value --property=MainPID {self.application}").strip()
        assert self.run(f"readlink /proc/{main}/exe").strip().endswith(f"/python{minor}")
        answer = json.loads(self.run(f"curl -fsS http://127.0.0.1:{PORTS[self.application]}/health"))
        assert answer["application"] == self.application and answer["python"].startswith(minor + ".")
        assert "oxzep7-undo" not in self.run("systemctl list-timers --all --no-legend")


@pytest.fixture
def one(host):
    return Host(host)
