# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rehearsal on a real host: breakages of Python 3.10 to 3.12 are attributed, and avoided by the nearest versions."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from tests.fleet import fleet
from tests.fleet.hosts import copy_to_host, run_on_host
from tests.scenarios.conftest import PlaybookController

# A rehearsal finds these as well, by as many trials as all that is examined here takes.
INSTALLERS = [
    {"requirement": "setuptools>=66.1.0", "python": ">=3.12", "reason": "the first with the standard library of 3.12"},
    {"requirement": "pip>=23.1", "python": ">=3.12", "reason": "the first without distutils"},
]
OPTIONS = {
    "oxzep7_target": "3.12",
    "oxzep7_constraints": INSTALLERS,
    "oxzep7_stability_window": 0,
    "oxzep7_scan_wheels": True,
}
ADDED = ("jinja2==2.11.3", "markupsafe==1.1.1")
LIVE = "readlink /srv/ledger/venv; ls /srv/ledger/venv/lib; systemctl show -p MainPID --value ledger-web ledger-worker"


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A host whose environment has packages that break, and what a rehearsal on it did."""
    folder = tmp_path_factory.mktemp("rehearsal")
    fleet.start_fleet(["debian12:sqlite"])
    wheels = folder / "wheels"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--python-version",
            "3.8",
            "--dest",
            str(wheels),
            *ADDED,
        ],
        check=True,
    )
    copy_to_host(wheels, "host1", "/var/tmp/wheels")
    run_on_host(
        "host1",
        "runuser -u ledger -- /srv/ledger/venv/bin/pip install --quiet --no-deps --no-index --find-links "
        f"/var/tmp/wheels {' '.join(ADDED)}",
    )
    before = run_on_host("host1", LIVE)
    done = PlaybookController(folder)("rehearse", **OPTIONS)
    yield PlaybookController(folder), done, before
    fleet.stop_fleet()


def test_what_breaks_is_attributed_and_freed_to_the_nearest_that_works(rehearsed):
    controller, done, _before = rehearsed
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    lines = yaml.safe_load((controller.folder / "oxzep7" / "plan" / "constraints.yml").read_text())
    learned = {line["requirement"]: line for line in lines}
    assert learned["jinja2>=3.0.0"]["python"] == ">=3.11" and "soft_unicode" in learned["jinja2>=3.0.0"]["reason"]
    assert (
        learned["six>=1.16.0"]["python"] == ">=3.12" and "No module named 'six.moves'" in learned["six>=1.16.0"]["seen"]
    )
    (urllib3,) = [line for line in lines if line["requirement"].startswith("urllib3>=1.26.")]
    assert urllib3["python"] == ">=3.12" and "urllib3.packages.six.moves" in urllib3["seen"]
    assert all(line["host"] == "host1" and line["date"] and line["evidence"] in ("import", "test") for line in lines)


def test_the_plan_was_made_again_with_what_was_learned(rehearsed):
    controller, _done, _before = rehearsed
    plan = json.loads((controller.folder / "oxzep7" / "plan" / "plan.json").read_text())
    steps = plan["hosts"]["host1"]["applications"][0]["steps"]
    rows = {(step["to"], row["package"]): row for step in steps for row in step["changes"]}
    assert rows["3.11", "jinja2"]["to"] == "3.0.0" and rows["3.11", "jinja2"]["evidence"] == "import"
    assert rows["3.12", "six"]["to"] == "1.16.0"
    evidence = json.loads((controller.folder / "oxzep7" / "plan" / "evidence.json").read_text())["evidence"]
    assert {(row["package"], row["version"], row["python"], row["state"]) for row in evidence} >= {
        ("six", "1.15.0", "3.12", "breaks"),
        ("six", "1.16.0", "3.12", "works"),
        ("jinja2", "3.0.0", "3.11", "works"),
    }
    scanned = {(row["package"], row["python"]): row for row in evidence if row["kind"] == "scan"}
    assert set(scanned) >= {("six", "3.12"), ("jinja2", "3.11")} and all(row["detail"] for row in scanned.values())


def test_nothing_live_was_touched(rehearsed):
    _controller, _done, before = rehearsed
    assert run_on_host("host1", LIVE) == before
    assert run_on_host("host1", "ls -A /srv/ledger/venv.generations").split() == [
        "1-py3.9",
        "2-py3.10",
        "3-py3.11",
        "4-py3.12",
    ]


def test_an_upgrade_uses_the_generations_of_the_rehearsal(rehearsed):
    controller, _done, _before = rehearsed
    done = controller("upgrade", **OPTIONS)
    assert done.returncode == 0, done.stdout[-4000:]
    assert '"3.12.' in run_on_host("host1", "curl -fsS http://127.0.0.1:8001/health")
    assert run_on_host("host1", "ls -A /srv/ledger/venv.generations").split() == [
        "0-py3.8",
        "2-py3.10",
        "3-py3.11",
        "4-py3.12",
    ]


def test_what_was_promoted_is_evidence_and_the_matrix_is_a_page_of_the_report(rehearsed):
    controller, _done, _before = rehearsed
    matrix = json.loads((controller.folder / "oxzep7" / "plan" / "matrix.json").read_text())
    kinds = set()
    for cells in matrix["packages"].values():
        kinds |= {cell["kind"] for cell in cells.values() if cell["state"] in ("works", "moves")}
    assert kinds == {"run"}
    done = controller("audit", **OPTIONS)
    assert done.returncode == 0, done.stdout[-4000:]
    page = (controller.folder / "oxzep7" / "report" / "matrix.html").read_text()
    assert "Compatibility" in page and "1.16.0 (run, " in page


def test_only_the_last_minor_is_promoted_where_that_is_asked_for(rehearsed):
    controller, _done, _before = rehearsed
    assert controller("rollback", **OPTIONS, oxzep7_generation="0-py3.8").returncode == 0
    done = controller("upgrade", **OPTIONS, oxzep7_promote="final", oxzep7_run_id="final", oxzep7_backup=False)
    assert done.returncode == 0 and '"3.12.' in run_on_host("host1", "curl -fsS http://127.0.0.1:8001/health"), (
        done.stdout[-4000:]
    )
    history = json.loads(run_on_host("host1", "cat /var/lib/oxzep7/applications/ledger/state.json"))["history"]
    assert [(entry["from"], entry["to"]) for entry in history if entry["run"] == "final"] == [("0-py3.8", "4-py3.12")]
    rows = json.loads((controller.folder / "oxzep7" / "report" / "runs" / "final" / "run.json").read_text())["results"]
    assert [(row["to"], row["result"]) for row in rows] == [
        ("3.9", "built"),
        ("3.10", "built"),
        ("3.11", "built"),
        ("3.12", "promoted"),
    ]
    assert "5-py3.9" not in run_on_host("host1", "ls -A /srv/ledger/venv.generations").split()
