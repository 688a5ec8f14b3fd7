# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions and approvals between waves."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _gate, _host_record
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._gate import GateQuestion
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._preflight import list_blocking_lines

FIRING = '{"alerts": [{"severity": "page"}, {"severity": "info"}]}'


@pytest.mark.parametrize(
    "answer, expression, expected",
    [
        (FIRING, "", ""),
        (FIRING, "length(alerts) == `2`", ""),
        (FIRING, "length(alerts[?severity=='page']) == `0`", "is false, not true"),
        (FIRING, "alerts[0].severity", 'is "page", not true'),
        (FIRING, "nothing", "is null, not true"),
    ],
)
def test_answers(answer, expression, expected):
    assert expected in _gate.evaluate_gate_answer(answer, expression) and bool(expected) == bool(
        _gate.evaluate_gate_answer(answer, expression)
    )


@pytest.mark.parametrize(
    "answer, expression, expected",
    [
        ("no json", "a", "its answer is not JSON"),
        (FIRING, "a[", "cannot be used"),
        (FIRING, "sum(alerts)", "cannot be used"),
    ],
)
def test_questions_that_cannot_be_asked(answer, expression, expected):
    with pytest.raises(_gate.GateError, match=expected):
        _gate.evaluate_gate_answer(answer, expression)


def command(program, **options):
    return GateQuestion((sys.executable, "-c", program), **options)


@pytest.mark.parametrize(
    "question, expected",
    [
        (command("print('{\"up\": true}')", expression="up"), ""),
        (command("print('{}')", expression="up"), "up is null, not true"),
        (command("import sys; sys.exit('it burns')"), "ended with 1: it burns"),
        (command("import time; time.sleep(60)", timeout=0.2), "gave no answer within 0.2 seconds"),
        (GateQuestion(("/nowhere/at/all",)), "could not be run"),
        (GateQuestion(url="http://127.0.0.1:1/?token=nobody-may-see"), "its URL gave no answer"),
    ],
)
def test_commands_and_urls(question, expected):
    why = _gate.poll_gate(question)
    assert expected in why and bool(expected) == bool(why) and "nobody-may-see" not in why


def test_an_answer_may_become_good_while_one_waits(tmp_path):
    path = tmp_path / "answer"
    path.write_text("{}")
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        path.write_text('{"up": true}')

    question = GateQuestion(("cat", str(path)), expression="up", wait=30.0, interval=7.0)
    assert _gate.poll_gate(question, sleep) == "" and waited == [7.0]
    path.write_text("{}")
    times = iter([0.0, 10.0, 31.0, 31.0])
    assert "not true" in _gate.poll_gate(question, lambda seconds: None, lambda: next(times))


def test_approvals(tmp_path):
    path = tmp_path / "approvals"
    assert not _gate.is_wave_approved("run", 2, [], path) and not _gate.is_wave_approved("run", 2, ["1"], None)
    assert _gate.is_wave_approved("run", 2, [2], None) and _gate.is_wave_approved("run", 7, ["all"], None)
    path.write_text("other all\nother 2\nrun  3\n")
    assert [_gate.is_wave_approved("run", wave, [], path) for wave in (2, 3)] == [
        False,
        True,
    ] and _gate.is_wave_approved("other", 9, [], path)


def test_what_stops_a_run_before_its_first_wave():
    blocking = {"key": "inodes-short", "detail": "too few", "remediation": "remove files"}
    hostvars = {
        "a": {"preflight_result": {"blocking": [blocking]}},
        "b": {"preflight_result": {"skipped": True}},
        "c": {},
    }
    assert list_blocking_lines(hostvars, ["b"], ["b"], []) == []
    lines = list_blocking_lines(hostvars, ["a", "b", "c"], ["a", "b"], [])
    assert (
        lines[0] == "a: too few (inodes-short); remove files"
        and len(lines) == 2
        and "c: it could not be reached" in lines[1]
    )
    assert len(list_blocking_lines(hostvars, ["a", "c"], ["a"], ["host-unreachable"])) == 1


@pytest.mark.parametrize(
    "result, kind, expected",
    [
        ({"outcome": "reverted"}, "upgrade", "reverted"),
        ({"outcome": "reverted"}, "rollback", "failed"),
        ({"outcome": "refused"}, "upgrade", "failed"),
        ({"outcome": "failed"}, "upgrade", "failed"),
        ({"msg": "no"}, "upgrade", "failed"),
        ({"msg": "MODULE FAILURE", "module_stdout": ""}, "upgrade", "interrupted"),
        ({"msg": "an unexpected error", "crashed": True}, "upgrade", "interrupted"),
    ],
)
def test_how_a_host_ended_its_wave(result, kind, expected):
    assert _host_record.classify_failure(result, kind) == expected
