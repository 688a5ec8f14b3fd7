# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit in which hosts cannot be reached, or fail, on every supported release of ansible-core."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.integration.cores import NEWEST, OLDER_RELEASES, can_run_release, install_core

# Nothing listens there, so the connection is refused.
LOST = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
HERE = {"ansible_connection": "local"}


@pytest.fixture(params=[NEWEST, *OLDER_RELEASES])
def audit(request, tmp_path):
    if request.param != NEWEST and not can_run_release(request.param):
        pytest.skip(f"ansible-core {request.param} does not run on this Python")
    program = install_core(request.param) / "ansible-playbook"

    def run(hosts, *options):
        (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        given = {
            "oxzep7_become": False,
            "oxzep7_state_dir": str(tmp_path / "state"),
            "oxzep7_roots": [str(tmp_path / "nothing")],
            "oxzep7_homes": False,
            "oxzep7_time_budget": 5,
            "ansible_python_interpreter": sys.executable,
        }
        done = subprocess.run(
            [program, "-i", "inventory.json", "oxzep7.python.audit", "-e", json.dumps(given), *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )
        path = tmp_path / "oxzep7" / "report" / "fleet.json"
        return done, json.loads(path.read_text()) if path.exists() else None

    return run


@pytest.mark.parametrize("options", [[], ["--limit", "lost1,lost2"]])
def test_a_report_is_written_when_no_host_can_be_reached(audit, options):
    done, fleet = audit({"lost1": LOST, "lost2": LOST}, *options)
    assert done.returncode != 0 and fleet is not None, done.stdout + done.stderr
    assert fleet["unknown"] == ["lost1", "lost2"] and fleet["hosts"] == {}
    assert done.stdout.index("fleet.html") < done.stdout.index("lost1 was not audited: "), done.stdout


def test_hosts_that_are_lost_or_fail_are_unknown_and_the_others_are_reported(audit):
    declared = [{"name": "web", "environment": "/srv/web/venv", "after": ["db"]}]
    done, fleet = audit({"lost": LOST, "wrong": {**HERE, "oxzep7_applications": declared}, "here": HERE})
    assert done.returncode != 0 and fleet is not None, done.stdout + done.stderr
    assert fleet["unknown"] == ["lost", "wrong"] and list(fleet["hosts"]) == ["here"]
    assert "wrong was not audited: application web: `after` names db, which is not declared on this host" in done.stdout
    assert "here was not audited" not in done.stdout
