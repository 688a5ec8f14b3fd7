# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three applications on each of two hosts, of which one fails on one host: what that costs the others."""

from __future__ import annotations

import html
import json

import pytest

from tests.fleet import fleet
from tests.fleet.hosts import run_on_host
from tests.scenarios.conftest import PlaybookController

PORTS = {"board": 8101, "tickets": 8102, "feeds": 8103}
HOSTS = ("host1", "host2")
OPTIONS = {
    "oxzep7_target": "3.10",
    "oxzep7_waves": ["100%"],
    "oxzep7_canaries": False,
    "oxzep7_max_unavailable": "100%",
    "oxzep7_max_failed": "100%",
    "oxzep7_stability_window": 0,
    "oxzep7_timeout": 20,
    "oxzep7_backup": False,
}
BROKEN = "import sys\nif sys.version_info >= (3, 10):\n    import licence_for_tickets\n"
CAUSE = "ModuleNotFoundError: No module named 'licence_for_tickets' (/srv/tickets/app/licence.py, line 3)"


def declare_application(name):
    return {
        "name": name,
        "environment": f"/srv/{name}/venv",
        "user": name,
        "services": [{"name": f"{name}.service"}],
        "checks": [{"name": "answers", "http": {"url": f"http://127.0.0.1:{PORTS[name]}/health"}}],
    }


def read_versions(host):
    found = {}
    for name, port in PORTS.items():
        answer = run_on_host(host, f"curl -fsS http://127.0.0.1:{port}/health")
        found[name] = ".".join(json.loads(answer)["python"].split(".")[:2])
    return found


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    fleet.start_fleet(["debian12:trio"] * len(HOSTS))
    inventory = json.loads(fleet.INVENTORY.read_text(encoding="utf-8"))
    for host in HOSTS:
        inventory["all"]["hosts"][host]["oxzep7_applications"] = [declare_application(name) for name in PORTS]
        run_on_host(host, f"systemctl enable --now --quiet {' '.join(PORTS)}")
    fleet.INVENTORY.write_text(json.dumps(inventory, indent=2), encoding="utf-8")
    # The service imports it before it listens, and nothing that a build proves does.
    run_on_host("host1", f"cat >/srv/tickets/app/licence.py <<'END'\n{BROKEN}END\n")
    run_on_host("host1", "sed -i '0,/^import json/s//import licence, json/' /srv/tickets/app/tickets.py")
    run_on_host("host1", "systemctl restart tickets")
    for host in HOSTS:
        for port in PORTS.values():
            run_on_host(
                host,
                f"timeout 30 sh -c 'until curl -fsS -o /dev/null http://127.0.0.1:{port}/health; do sleep 0.1; done'",
            )
    yield PlaybookController(tmp_path_factory.mktemp("independence"))
    fleet.stop_fleet()


def test_an_application_that_fails_costs_only_itself(controller):
    done = controller("upgrade", **OPTIONS, oxzep7_run_id="first")
    assert done.returncode != 0
    assert read_versions("host1") == {"board": "3.10", "tickets": "3.9", "feeds": "3.10"}, done.stdout[-5000:]
    assert set(read_versions("host2").values()) == {"3.10"}
    folder = controller.folder / "oxzep7" / "report" / "runs" / "first"
    run = json.loads((folder / "run.json").read_text())
    assert {row["host"]: row["outcome"] for row in run["ledger"]} == {"host1": "reverted", "host2": "upgraded"}
    failed = [row for row in run["results"] if row["result"] != "promoted"]
    assert [(row["host"], row["application"], row["from"], row["to"], row["result"]) for row in failed] == [
        ("host1", "tickets", "3.9", "3.10", "reverted")
    ]
    assert failed[0]["cause"] == CAUSE
    # Where people look: the table and the end of the job, and the record for the ticket.
    assert done.stdout.count(CAUSE) >= 2
    record = (folder / "change-record.md").read_text()
    assert CAUSE in record
    applications = {(row["host"], row["application"]): row["outcome"] for row in run["applications"]}
    assert applications.pop(("host1", "tickets")) == "reverted" and set(applications.values()) == {"upgraded"}


def test_the_status_shows_where_every_application_stands(controller):
    done = controller("status", oxzep7_target="3.10")
    assert done.returncode == 0, done.stdout[-5000:]
    status = json.loads((controller.folder / "oxzep7" / "report" / "status.json").read_text())
    rows = {(row["host"], row["application"]): row for row in status["applications"]}
    live = {host: read_versions(host) for host in HOSTS}
    assert {key: row["python"].rpartition(".")[0] for key, row in rows.items()} == {
        (host, name): live[host][name] for host in HOSTS for name in PORTS
    }
    left = rows.pop(("host1", "tickets"))
    assert (left["state"], left["why"]) == ("planned", CAUSE) and status["counts"] == {"planned": 1, "on target": 5}
    assert {row["state"] for row in rows.values()} == {"on target"}
    assert f"host1: tickets: {CAUSE}" in done.stdout
    assert CAUSE in html.unescape((controller.folder / "oxzep7" / "report" / "status.html").read_text())


def test_a_rerun_does_what_is_left(controller):
    run_on_host("host1", "rm /srv/tickets/app/licence.py && touch /srv/tickets/app/licence.py")
    done = controller("upgrade", **OPTIONS, oxzep7_run_id="second")
    assert done.returncode == 0, done.stdout[-5000:]
    run = json.loads((controller.folder / "oxzep7" / "report" / "runs" / "second" / "run.json").read_text())
    assert [(row["host"], row["application"], row["to"], row["result"]) for row in run["results"]] == [
        ("host1", "tickets", "3.10", "promoted")
    ]
    assert set(read_versions("host1").values()) == {"3.10"}


def test_a_rollback_goes_on_behind_an_application_that_cannot_go_back(controller):
    # Its first generation is damaged by hand, and the others go back all the same.
    run_on_host("host1", "mv /srv/board/venv.generations/0-py3.8/bin /srv/board/venv.generations/0-py3.8/gone")
    done = controller("rollback", **OPTIONS, oxzep7_rollback_run="first", oxzep7_run_id="third")
    assert done.returncode != 0
    assert read_versions("host1") == {"board": "3.10", "tickets": "3.8", "feeds": "3.8"}, done.stdout[-5000:]
    assert set(read_versions("host2").values()) == {"3.8"}


def test_a_budget_that_is_used_up_costs_the_other_applications_nothing(controller):
    # What the test before this one damaged is mended, and goes back, too.
    run_on_host("host1", "cd /srv/board/venv.generations/0-py3.8 && mv gone bin || true")
    controller("rollback", "--limit", "host1", **OPTIONS, oxzep7_rollback_run="first", oxzep7_run_id="mended")
    assert read_versions("host1")["board"] == "3.8"
    run_on_host("host1", f"cat >/srv/tickets/app/licence.py <<'END'\n{BROKEN.replace('10', '9')}END\n")
    inventory = json.loads(fleet.INVENTORY.read_text(encoding="utf-8"))
    for host in HOSTS:
        for application in inventory["all"]["hosts"][host]["oxzep7_applications"]:
            application["after"] = ["tickets"] if application["name"] == "feeds" else []
    fleet.INVENTORY.write_text(json.dumps(inventory, indent=2), encoding="utf-8")
    options = {**OPTIONS, "oxzep7_target": "3.9", "oxzep7_waves": [["host1"], "100%"], "oxzep7_max_failed": 0}
    done = controller("upgrade", **options, oxzep7_run_id="fourth")
    assert done.returncode != 0
    # On the first host feeds wait for tickets, which failed; on the second host, tickets are closed.
    assert read_versions("host1") == {"board": "3.9", "tickets": "3.8", "feeds": "3.8"}, done.stdout[-5000:]
    assert read_versions("host2") == {"board": "3.9", "tickets": "3.8", "feeds": "3.8"}, done.stdout[-5000:]
    folder = controller.folder / "oxzep7" / "report" / "runs" / "fourth"
    run = json.loads((folder / "run.json").read_text())
    told = {(row["host"], row["application"]): row["outcome"] for row in run["applications"]}
    assert told == {
        ("host1", "board"): "upgraded",
        ("host1", "tickets"): "reverted",
        ("host1", "feeds"): "skipped",
        ("host2", "board"): "upgraded",
        ("host2", "tickets"): "skipped",
        ("host2", "feeds"): "skipped",
    }
    reason = "host1 is not upgraded, and for tickets oxzep7_max_failed allows 0 of 2 hosts (0)"
    assert run["closed_applications"] == {"tickets": {"wave": 1, "reason": reason}}
    record = (folder / "change-record.md").read_text()
    for line in (
        f"tickets: closed after wave 1: {reason}",
        "host1: skipped: feeds: after: tickets, which was reverted; run again when tickets is on target",
        f"host2: skipped: tickets: no further host of it was begun: {reason}",
    ):
        assert line in record and line in done.stdout, line
