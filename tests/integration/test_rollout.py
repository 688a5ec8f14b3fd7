# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates between waves on every supported release of ansible-core: real roles, hosts that fail or are lost."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from tests.integration.cores import NEWEST, OLDER_RELEASES, can_run_release, install_core
from tests.integration.test_notifications import web

HOSTS = [f"h{number}" for number in range(1, 6)]
WAVES = [["h1"], ["h2", "h3", "h4"], ["h5"]]
every_core = pytest.mark.parametrize("rollout", [NEWEST, *OLDER_RELEASES], indirect=True)
# Everything of a run but what its steps do: those have scenarios on hosts of their own.
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact: {oxzep7_run: the-run, plan_delivered: {steps: []}}
      run_once: true
    - ansible.builtin.include_role: {name: oxzep7.python.rollout, tasks_from: line_up, rolespec_validate: false}
      run_once: true
      vars: {line_up_kind: upgrade, line_up_plan: "{{ plan }}"}
- hosts: oxzep7_rollout
  gather_facts: false
  any_errors_fatal: false
  tasks:
    - ansible.builtin.import_role: {name: oxzep7.python.rollout, rolespec_validate: false}
"""
TASKS = """
- ansible.builtin.raw: >-
    echo {{ inventory_hostname }} >> {{ noted }}/begun{{ '; false' if inventory_hostname in bad else '' }}
  vars:
    # Nothing listens there, so the connection is refused.
    ansible_connection: "{{ 'ssh' if inventory_hostname in lost else 'local' }}"
    ansible_port: 1
"""
NOTE = """
- ansible.builtin.raw: "echo {} {{{{ rollout_wave.number }}}} >> {{{{ noted }}}}/hooks{}"
"""
ENDED = """
- ansible.builtin.raw: "echo {{ inventory_hostname }} ended NAME >> {{ noted }}/hooks"
  delegate_to: localhost
"""


@dataclasses.dataclass
class Ended:
    """How a run ended: exit status, what was printed, ledger, and the hosts that had begun."""

    rc: int
    said: str
    run: dict
    begun: list
    hooks: list

    def outcomes(self):
        return {row["host"]: row["outcome"] for row in self.run["ledger"]}


@pytest.fixture(params=[NEWEST])
def rollout(request, tmp_path):
    if request.param != NEWEST and not can_run_release(request.param):
        pytest.skip(f"ansible-core {request.param} does not run on this Python")
    bin_directory = install_core(request.param)

    def run(bad=(), lost=(), waves=WAVES, environment=None, options=(), having=None, blocked=(), **variables):
        applications = having or {host: ["billing"] for wave in waves for host in wave}
        plan = {
            "waves": [
                {
                    "number": number,
                    "hosts": wave,
                    "applications": {host: applications[host] for host in wave},
                    "steps": 0,
                    "restarts": 0,
                    "seconds": 60.0,
                    "basis": "nothing was measured yet",
                }
                for number, wave in enumerate(waves, 1)
            ],
            "placed": [{"host": host, "wave": number} for number, wave in enumerate(waves, 1) for host in wave],
            "wave_table": ["three waves"],
            "population": {"billing": len(applications)},
            "unknown": [],
            "blocked": list(blocked),
        }
        (tmp_path / "play.yml").write_text(PLAY)
        (tmp_path / "tasks.yml").write_text(TASKS)
        for name, then in (("before", ""), ("after", ""), ("failed", ""), ("refuse", "; false")):
            (tmp_path / f"{name}.yml").write_text(NOTE.format(name, then))
        given = {
            "bad": list(bad),
            "lost": list(lost),
            "noted": str(tmp_path),
            "plan": plan,
            "oxzep7_backup": False,
            "oxzep7_max_unavailable": "100%",
            "oxzep7_before_host_tasks": str(tmp_path / "tasks.yml"),
            "ansible_python_interpreter": sys.executable,
            "oxzep7_before_wave_tasks": str(tmp_path / "before.yml"),
            "oxzep7_after_wave_tasks": str(tmp_path / "after.yml"),
            "oxzep7_failed_wave_tasks": str(tmp_path / "failed.yml"),
            "oxzep7_state_dir": str(tmp_path / "state"),
            "oxzep7_become": False,
            **variables,
        }
        inventory = {
            "all": {"hosts": {host: {"ansible_host": "127.0.0.1", "ansible_connection": "local"} for host in HOSTS}}
        }
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        for name in ("begun", "hooks"):
            (tmp_path / name).unlink(missing_ok=True)
        done = subprocess.run(
            [bin_directory / "ansible-playbook", "-i", "inventory.json", "play.yml", "-e", json.dumps(given), *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "9", **(environment or {})},
        )
        record = tmp_path / "oxzep7" / "report" / "runs" / "the-run"
        lines = [
            (tmp_path / name).read_text().splitlines() if (tmp_path / name).exists() else []
            for name in ("begun", "hooks")
        ]
        return Ended(
            done.returncode,
            done.stdout + done.stderr,
            json.loads((record / "run.json").read_text()) if record.exists() else {},
            sorted(lines[0]),
            lines[1],
        )

    run.folder = tmp_path
    return run


def test_every_host_is_upgraded_in_its_wave(rollout):
    ended = rollout()
    assert ended.rc == 0, ended.said
    assert set(ended.outcomes().values()) == {"upgraded"} and [row["wave"] for row in ended.run["ledger"]] == [
        1,
        2,
        2,
        2,
        3,
    ]
    assert (
        ended.hooks == ["before 1", "after 1", "before 2", "after 2", "before 3", "after 3"]
        and ended.run["closed"] == ""
    )
    record = (rollout.folder / "oxzep7" / "report" / "runs" / "the-run" / "change-record.md").read_text()
    assert "5 upgraded" in record and "oxzep7_rollback_run=the-run" in record


def test_budget_0_stops_before_the_next_wave(rollout):
    ended = rollout(bad=["h3"])
    assert ended.rc != 0 and ended.begun == ["h1", "h2", "h3", "h4"], ended.said
    assert ended.outcomes() == {"h1": "upgraded", "h2": "upgraded", "h3": "failed", "h4": "upgraded", "h5": "skipped"}
    assert ended.hooks[-1] == "failed 2" and "oxzep7_max_failed allows 0" in ended.said and "h3: failed" in ended.said


@every_core
def test_who_fails_while_another_one_is_lost_in_the_same_task(rollout):
    ended = rollout(bad=["h2"], lost=["h3"], oxzep7_max_failed=1)
    assert ended.rc != 0 and ended.begun == ["h1", "h2", "h4"], ended.said
    assert ended.outcomes() == {
        "h1": "upgraded",
        "h2": "failed",
        "h3": "unreachable",
        "h4": "upgraded",
        "h5": "skipped",
    }
    assert "h2, h3 are not upgraded" in ended.said


@every_core
def test_a_budget_that_is_kept_lets_the_run_go_on_beyond_a_wave_that_failed_wholly_and_the_job_still_fails(rollout):
    ended = rollout(bad=["h2", "h3", "h4"], oxzep7_max_failed=3)
    assert ended.rc != 0 and ended.begun == HOSTS, ended.said
    assert ended.outcomes() == {"h1": "upgraded", "h2": "failed", "h3": "failed", "h4": "failed", "h5": "upgraded"}


@every_core
def test_a_wave_that_is_lost_wholly_counts(rollout):
    ended = rollout(lost=WAVES[1], oxzep7_max_failed=2)
    assert ended.rc != 0 and ended.begun == ["h1"], ended.said
    assert [ended.outcomes()[host] for host in WAVES[1]] == ["unreachable"] * 3


@every_core
def test_every_host_is_lost_and_there_still_is_a_report(rollout):
    ended = rollout(lost=HOSTS, waves=[HOSTS], oxzep7_max_failed="100%")
    assert ended.rc != 0 and ended.begun == [] and set(ended.outcomes().values()) == {"unreachable"}, ended.said


@every_core
def test_an_application_whose_budget_is_used_up_stops_alone(rollout):
    having = {"h1": ["wiki"], "h2": ["wiki"], "h3": ["wiki", "billing"], "h4": ["billing"], "h5": ["billing"]}
    waves = [["h1"], ["h2"], ["h3", "h4"], ["h5"]]
    ended = rollout(bad=["h1"], waves=waves, having=having)
    # The second wave has nothing else, so it stays closed, and the others begin.
    assert ended.rc != 0 and ended.begun == ["h1", "h3", "h4", "h5"], ended.said
    assert ended.outcomes() == {"h1": "failed", "h2": "skipped", "h3": "skipped", "h4": "upgraded", "h5": "upgraded"}
    assert ended.hooks == ["before 1", "failed 1", "before 3", "after 3", "before 4", "after 4"]
    told = {(row["host"], row["application"]): row["outcome"] for row in ended.run["applications"]}
    assert told["h3", "billing"] == "upgraded" and told["h3", "wiki"] == told["h2", "wiki"] == "skipped"
    reason = "h1 is not upgraded, and for wiki oxzep7_max_failed allows 0 of 3 hosts (0)"
    assert ended.run["closed_applications"] == {"wiki": {"wave": 1, "reason": reason}}
    assert ended.said.count(reason) >= 2 and ended.run["closed"] == ""
    together = rollout(bad=["h1"], waves=waves, having=having, oxzep7_budget="run")
    assert together.rc != 0 and together.begun == ["h1"] and "allows 0 of 5 hosts (0)" in together.run["closed"]


def test_what_is_blocked_is_reported_and_fails_the_job_at_its_end(rollout):
    row = {"host": "h2", "application": "wiki", "key": "the-key", "cause": "no wheel", "remediation": "pin it"}
    line = "blocked: wiki: no wheel (the-key); pin it"
    blocked = [row, {**row, "host": "h5"}]
    with web(204) as server:
        ended = rollout(
            waves=[["h1"], ["h2"]],
            blocked=blocked,
            environment={"ANSIBLE_SHOW_CUSTOM_STATS": "1"},
            oxzep7_notifications=[{"kind": "webhook", "url": server.url, "events": ["finish"]}],
        )
    assert ended.rc != 0 and ended.begun == ["h1", "h2"], ended.said
    assert ended.outcomes() == {"h1": "upgraded", "h2": "blocked", "h5": "blocked"} and ended.run["closed"] == ""
    said, statistics = ended.said.split("CUSTOM STATS")
    record = (rollout.folder / "oxzep7" / "report" / "runs" / "the-run" / "change-record.md").read_text()
    for text in (said, statistics, record):
        assert f"h2: {line}" in text and f"h5: {line}" in text, text
    (news,) = [json.loads(body) for _headers, body in server.sent]
    assert news["outcomes"]["blocked"] == ["h2", "h5"]
    assert news["causes"] == {"wiki is blocked: no wheel; pin it": ["h2", "h5"]}
    # Also where nothing is left to be done, and where the controller is left out.
    for options in ([], ["--limit", "h5"]):
        ended = rollout(waves=[], blocked=blocked[1:], options=options)
        assert ended.rc != 0 and ended.begun == [] and ended.outcomes() == {"h5": "blocked"}, ended.said
        assert f"h5: {line}" in ended.said


def test_budgets_of_a_wave_and_percentages(rollout):
    ended = rollout(bad=["h2", "h3"], oxzep7_max_failed="50%", oxzep7_max_failed_per_wave="34%")
    assert (
        ended.rc != 0
        and not set(WAVES[2]) & set(ended.begun)
        and "oxzep7_max_failed_per_wave allows 1 of 3 hosts (34%)" in ended.said
    ), ended.said


def test_hooks_of_waves_that_fail_close_the_gate(rollout):
    ended = rollout(oxzep7_before_wave_tasks=str(rollout.folder / "refuse.yml"))
    assert ended.rc != 0 and ended.begun == [] and "oxzep7_before_wave_tasks: " in ended.run["closed"], ended.said
    assert set(ended.outcomes().values()) == {"skipped"} and ended.hooks == ["refuse 1"]
    after = rollout(oxzep7_after_wave_tasks=str(rollout.folder / "refuse.yml"))
    assert after.rc != 0 and after.begun == ["h1"] and after.outcomes()["h1"] == "upgraded", after.said
    host = rollout(bad=["h1"], oxzep7_failed_host_tasks=str(rollout.folder / "refuse.yml"), waves=[["h1"]])
    assert host.rc != 0 and "and oxzep7_failed_host_tasks failed" in host.said, host.said


def test_hooks_of_hosts(rollout):
    for name in ("well", "badly"):
        (rollout.folder / f"{name}.yml").write_text(ENDED.replace("NAME", name))
    ended = rollout(
        bad=["h2"],
        lost=["h3"],
        waves=[["h1", "h2", "h3"]],
        oxzep7_after_host_tasks=str(rollout.folder / "well.yml"),
        oxzep7_failed_host_tasks=str(rollout.folder / "badly.yml"),
    )
    # Who is lost has nobody who could do anything for it.
    assert sorted(line for line in ended.hooks if "ended" in line) == ["h1 ended well", "h2 ended badly"]


def test_a_wave_is_watched_before_the_next_and_the_ledger_is_left_for_later_jobs(rollout):
    ended = rollout(oxzep7_soak=0.1, environment={"ANSIBLE_SHOW_CUSTOM_STATS": "1"})
    watched = [f"wave {number - 1} is watched for 0.1 seconds before wave {number}" for number in (1, 2, 3)]
    assert ended.rc == 0 and [line in ended.said for line in watched] == [False, True, True], ended.said
    told = ended.said.split("CUSTOM STATS")[1]
    assert "oxzep7_run" in told and "oxzep7_ledger" in told and told.count("upgraded") >= len(HOSTS), told


def test_one_application_goes_back_and_the_others_are_left_alone(tmp_path):
    applications = [{"name": name, "environment": str(tmp_path / name / "venv")} for name in ("billing", "mail")]
    for name in ("billing", "mail"):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / name / "venv")], check=True)
    given = {
        "oxzep7_become": False,
        "oxzep7_state_dir": str(tmp_path / "state"),
        "ansible_python_interpreter": "/usr/bin/python3",
        "oxzep7_applications": applications,
        "oxzep7_rollback_applications": ["mail"],
        "oxzep7_run_id": "back",
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", "h1,", "-c", "local", "oxzep7.python.rollback", "-e", json.dumps(given)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    ledger = json.loads((tmp_path / "oxzep7" / "report" / "runs" / "back" / "run.json").read_text())["ledger"]
    # Nothing was ever promoted here, so what is meant cannot go back; what is not meant is not even looked at.
    assert done.returncode != 0 and [row["applications"] for row in ledger] == [["mail"]], done.stdout
    assert ledger[0]["outcome"] == "failed" and "no promotion of mail is recorded" in ledger[0]["reason"], ledger
    assert os.listdir(tmp_path / "state" / "applications") == ["mail"]


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategies_without_a_barrier_are_refused(tmp_path, strategy):
    done = subprocess.run(
        [
            "ansible-playbook",
            "-i",
            "h1,h2",
            "-c",
            "local",
            "oxzep7.python.rollback",
            "-e",
            json.dumps(
                {
                    "oxzep7_become": False,
                    "oxzep7_state_dir": str(tmp_path / "state"),
                    "ansible_python_interpreter": sys.executable,
                }
            ),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "ANSIBLE_STRATEGY": strategy, "ANSIBLE_NOCOLOR": "1"},
    )
    assert (
        done.returncode != 0
        and f"the strategy {strategy} lets every host go on without the others" in done.stdout + done.stderr
    ), done.stdout


def test_questions_approvals_and_windows(rollout):
    answer = rollout.folder / "answer.json"
    answer.write_text('{"alerts": [{"severity": "page"}]}')
    gate = {"command": ["cat", str(answer)], "expression": "length(alerts[?severity=='page']) == `0`"}
    closed = rollout(oxzep7_gate=gate)
    assert closed.rc != 0 and closed.begun == [] and "is false, not true" in closed.run["closed"], closed.said
    assert closed.outcomes() == dict.fromkeys(HOSTS, "skipped")
    answer.write_text('{"alerts": []}')
    approvals = rollout.folder / "approvals"
    approvals.write_text("another-run all\nthe-run 1\n")
    half = rollout(
        oxzep7_gate=gate, oxzep7_approval=True, oxzep7_approval_file=str(approvals), oxzep7_approved_waves=["2"]
    )
    assert half.rc != 0 and half.begun == ["h1", "h2", "h3", "h4"] and "wave 3 is not approved" in half.run["closed"], (
        half.said
    )
    never = rollout(oxzep7_window=["2020-01-01T00:00Z/2020-01-02T00:00Z"])
    assert never.rc != 0 and never.begun == [] and "no change window is open" in never.run["closed"], never.said


def test_in_check_mode_the_waves_are_told_and_nothing_is_written(rollout):
    ended = rollout(options=["--check"], oxzep7_approval=True)
    assert ended.rc == 0 and "three waves" in ended.said and ended.run == {}, ended.said


def test_what_is_told_while_it_goes_on(rollout):
    with web(204) as server:
        ended = rollout(
            bad=["h3"],
            environment={"ANSIBLE_STDOUT_CALLBACK": "oxzep7.python.progress"},
            oxzep7_notifications=[
                {"kind": "webhook", "url": server.url},
                {"kind": "webhook", "url": "http://127.0.0.1:1/", "tries": 1},
            ],
        )
    events = [json.loads(body) for _headers, body in server.sent]
    assert [event["event"] for event in events] == ["run", "wave", "wave", "revert", "gate", "finish"], ended.said
    assert events[-1]["outcomes"] == {"failed": ["h3"], "skipped": ["h5"], "upgraded": ["h1", "h2", "h4"]} and {
        event["run"] for event in events
    } == {"the-run"}
    assert ended.rc != 0 and "oxzep7_notifications: channel 2 (webhook) did not get 'run'" in ended.said
    lines = [line[9:] for line in ended.said.splitlines()]
    assert "wave 2: 3 hosts (h2, h3, h4)" in lines and any(
        line.startswith("gate closed: h3 is not upgraded") for line in lines
    ), ended.said
    assert not any("oxzep7-controller" in line for line in lines) and "nobody-may-see" not in ended.said


def test_with_a_limit_the_first_host_does_what_is_done_once(rollout):
    ended = rollout(bad=["h3"], waves=WAVES[:2], options=["--limit", "h1,h2,h3,h4"])
    assert ended.rc != 0 and ended.outcomes() == {
        "h1": "upgraded",
        "h2": "upgraded",
        "h3": "failed",
        "h4": "upgraded",
    }, ended.said
    assert ended.hooks == ["before 1", "after 1", "before 2", "failed 2"]


def test_with_a_limit_another_host_goes_on_with_the_ledger(rollout):
    ended = rollout(
        bad=["h2", "h3"],
        lost=["h1"],
        waves=[["h1", "h2"], ["h3"], ["h4"]],
        options=["--limit", "h1,h2,h3,h4"],
        oxzep7_max_failed=2,
    )
    assert ended.rc != 0 and ended.begun == ["h2", "h3"], ended.said
    assert ended.outcomes() == {"h1": "unreachable", "h2": "failed", "h3": "failed", "h4": "skipped"}
