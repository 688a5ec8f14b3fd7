# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host fixture of every verification."""

import json

import pytest

LIVE = "/srv/ledger/venv"
UNITS = ("ledger-web.service", "ledger-worker.service")


class Ledger:
    """The ledger on one host, seen with root's rights."""

    def __init__(self, host):
        self.host = host

    def run(self, command):
        """Standard output of a shell command that must succeed, run as root."""
        with self.host.sudo():
            return self.host.check_output(command)

    def state(self):
        """The application's record on the host."""
        return json.loads(self.run("cat /var/lib/oxzep7/applications/ledger/state.json"))

    def files(self):
        """Names of the files in the application's state directory."""
        return set(self.run("ls /var/lib/oxzep7/applications/ledger").split())

    def health(self):
        """The answer of the service's health check."""
        return json.loads(self.run("curl -fsS http://127.0.0.1:8001/health"))

    def executables(self):
        """The executables of all Python processes of the services."""
        found = set()
        for unit in UNITS:
            main = self.run(f"systemctl show --value --property=MainPID {unit}").strip()
            for pid in [main, *self.run(f"pgrep -P {main} || true").split()]:
                found.add(self.run(f"readlink /proc/{pid}/exe").strip())
        return found


@pytest.fixture
def ledger(host):
    return Ledger(host)


def assert_whole(ledger, generation, version):
    """Expect the application to run on *generation*, without an open promotion, on an otherwise unchanged host."""
    interpreter = f"/opt/oxzep7/interpreters/{version}/bin/python{version.rpartition('.')[0]}"
    assert ledger.host.file(LIVE).is_symlink
    assert ledger.run(f"readlink {LIVE}").strip() == f"venv.generations/{generation}"
    assert ledger.state()["current"] == generation
    assert ledger.files() == {"backups.json", "state.json"}
    assert all(ledger.run(f"systemctl is-active {unit}").strip() == "active" for unit in UNITS)
    assert ledger.executables() == {interpreter}
    health = ledger.health()
    assert (health["python"], health["vendor"]) == (version, "8a75")
    assert "oxzep7-undo" not in ledger.run("systemctl list-timers --all --no-legend")
    assert ledger.run("sha256sum /usr/bin/python3.*; readlink -f /usr/bin/python3") == ledger.run(
        "cat /root/before.system"
    )
    original = ledger.run(
        "cd /srv/ledger/venv.generations/0-py3.8 && find . -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 "
        "sha256sum"
    )
    assert original == ledger.run("cat /root/before.environment")
