# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpreters that the operating system's packages bring, and upgrades from one patch to the next."""

from __future__ import annotations

import json
import sys

import pytest

from tests.fleet import fleet
from tests.fleet.hosts import run_on_host

# A package with Debian's name for it; it installs a link to the interpreter that is already unpacked under /opt/packed.
BUILD = r"""
set -eu
mkdir -p /root/repository/python3.9/DEBIAN /root/repository/python3.9/usr/bin
cat >/root/repository/python3.9/DEBIAN/control <<CONTROL
Package: python3.9
Version: 3.9.18-1
Architecture: all
Maintainer: tests <tests@example.org>
Description: Python 3.9
CONTROL
ln -s /opt/packed/bin/python3.9 /root/repository/python3.9/usr/bin/python3.9
dpkg-deb --build /root/repository/python3.9 /root/repository/python3.9.deb >/dev/null
cd /root/repository && dpkg-scanpackages --multiversion . >Packages 2>/dev/null
rm -f /etc/apt/sources.list.d/* /etc/apt/sources.list
echo 'deb [trusted=yes] file:/root/repository ./' >/etc/apt/sources.list
apt-get update -q >/dev/null
"""


@pytest.fixture(scope="module")
def host():
    fleet.start_fleet([fleet.EQUIPPED_KIND])
    inventory = json.loads(fleet.INVENTORY.read_text())
    sources = {entry["version"]: entry["url"] for entry in inventory["all"]["vars"]["oxzep7_interpreters"]}
    run_on_host(
        "host1", f"mkdir -p /opt/packed && curl -fsS {sources['3.9']} | tar -xz -C /opt/packed --strip-components 1"
    )
    run_on_host("host1", BUILD)
    # Debian's own Python 3.11 is of an older patch than the archive.
    run_on_host(
        "host1",
        "useradd --system --create-home --home-dir /srv/clock --shell /usr/sbin/nologin clock; chmod 755 /srv/clock;"
        "runuser -u clock -- python3.11 -m venv --without-pip /srv/clock/venv",
    )
    yield "host1"
    fleet.stop_fleet()


APPLICATION = {"name": "clock", "environment": "/srv/clock/venv", "user": "clock"}


def test_packages_are_installed_by_the_hosts_package_manager(host, controller, tmp_path):
    playbook = tmp_path / "have.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "become": True,
                    "tasks": [
                        {
                            "name": "Have it",
                            "oxzep7.python.interpreter": {
                                "source": "package",
                                "version": "3.9",
                                "path": "/usr/bin/python3.9",
                                "packages": ["python3.9"],
                            },
                        }
                    ],
                }
            ]
        )
    )

    def play(*options):
        done = controller.run_program("ansible-playbook", str(playbook), *options)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    assert "changed=1" in play("--check") and run_on_host(host, "ls /usr/bin/python3.9 2>/dev/null || true") == ""
    assert "changed=1" in play() and run_on_host(host, "python3.9 --version").strip() == "Python 3.9.18"
    assert "changed=0" in play() and "changed=0" in play("--check")


def test_packages_that_nobody_has_name_the_cause(host, controller, tmp_path):
    playbook = tmp_path / "have.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "become": True,
                    "tasks": [
                        {
                            "name": "Have it",
                            "oxzep7.python.interpreter": {
                                "source": "package",
                                "version": "3.7",
                                "path": "/usr/bin/python3.7",
                                "packages": ["python3.7"],
                            },
                        }
                    ],
                }
            ]
        )
    )
    done = controller.run_program("ansible-playbook", str(playbook))
    assert done.returncode != 0 and "the packages python3.7 could not be installed" in done.stdout, done.stdout[-3000:]


def test_a_newer_patch_is_promoted_like_any_step(host, controller):
    before = run_on_host(host, "/srv/clock/venv/bin/python --version").split()[1]
    sources = json.loads(fleet.INVENTORY.read_text())["all"]["vars"]["oxzep7_interpreters"]
    known = next(entry for entry in sources if entry["version"] == "3.11")
    newer = known["url"].split("oxzep7-")[1].split("-linux")[0]
    assert before.startswith("3.11.") and before != newer
    noted = controller.folder / "noted"
    for name in ("drain", "undrain"):
        task = {
            "name": "Note it",
            "ansible.builtin.shell": f"echo {name} {{{{ step_entry.application | default('back') }}}} >>{noted}",
            "delegate_to": "localhost",
            "become": False,
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        }
        (controller.folder / f"{name}.yml").write_text(json.dumps([task]))
    common = {
        "oxzep7_applications": [APPLICATION],
        "oxzep7_target": newer,
        "oxzep7_stability_window": 0,
        "oxzep7_drain_tasks": str(controller.folder / "drain.yml"),
        "oxzep7_undrain_tasks": str(controller.folder / "undrain.yml"),
    }
    planned = controller("plan", **common)
    assert (
        planned.returncode == 0
        and f"{before} -> {newer}" in (controller.folder / "oxzep7" / "plan" / "plan.md").read_text()
    ), planned.stdout[-3000:]
    done = controller("upgrade", **common, oxzep7_run_id="first")
    assert done.returncode == 0, done.stdout[-3000:]
    assert run_on_host(host, "/srv/clock/venv/bin/python --version").split()[1] == newer
    assert noted.read_text().splitlines() == ["drain clock", "undrain clock"]
    again = controller("upgrade", **common)
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout[-3000:]
    assert controller("backup", **common).returncode == 0
    kept = run_on_host(host, "ls /var/lib/oxzep7/backups/clock").split()
    # One from before the first step of the upgrade, and one of what that made.
    assert len(kept) == 2
    for backup in kept:
        assert "environment" in run_on_host(host, f"cat /var/lib/oxzep7/backups/clock/{backup}/RESTORE.md")
    wrong = controller("rollback", **common, oxzep7_rollback_run="never")
    assert wrong.returncode != 0 and "run never promoted nothing of any application" in wrong.stdout, wrong.stdout[
        -3000:
    ]
    back = controller("rollback", **common, oxzep7_rollback_run="first", oxzep7_rollback_wave=1)
    assert back.returncode == 0 and run_on_host(host, "/srv/clock/venv/bin/python --version").split()[1] == before, (
        back.stdout[-3000:]
    )
