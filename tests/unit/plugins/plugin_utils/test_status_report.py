# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where every application of the fleet stands."""

import xml.etree.ElementTree

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _status, _status_picture

ENTRY = {
    "name": "web",
    "environment": "/srv/web/venv",
    "current": "1-py3.9",
    "python": "3.9.18",
    "since": "2026-11-01T10:00:00Z",
    "target": "3.11",
    "stay": None,
    "steps": [],
    "blocked": [],
    "open": False,
    "holder": None,
    "last": {"time": "2026-11-01T10:00:00Z", "run": "one", "event": "promoted", "cause": None},
    "drill": {"backup": "b", "time": "2026-11-02T00:00:00Z", "passed": True},
}
REVERTED = {**ENTRY["last"], "event": "reverted", "cause": "ImportError: no"}


def collect(entry, target="", declared=("web",)):
    facts = {"status_result": {"applications": [entry] if entry else []}}
    facts["oxzep7_applications"] = [{"name": name} for name in declared]
    return _status.collect_status({"host1": facts}, ["host1"], target)


@pytest.mark.parametrize(
    ("changes", "target", "state", "why"),
    [
        ({}, "", "below target", ""),
        ({"steps": ["3.10.13"]}, "", "planned", ""),
        ({"python": "3.11.2"}, "", "on target", ""),
        ({"python": "3.12.1"}, "3.11", "on target", ""),
        (
            {"stay": {"reason": "vendor", "until": "2027-01-31"}},
            "",
            "no target",
            "it stays until 2027-01-31: vendor",
        ),
        ({"target": None}, "", "no target", ""),
        ({"target": None}, "3.9", "on target", ""),
        ({"last": REVERTED}, "", "below target", "ImportError: no"),
        ({"open": True}, "", "open", "a process that changed it has died; run oxzep7.python.recover"),
        ({"open": True, "holder": "two"}, "", "open", "run two changes it now"),
        ({"blocked": [{"cause": "no wheel", "remediation": "build one"}]}, "", "blocked", "no wheel; build one"),
    ],
)
def test_the_state_of_an_application(changes, target, state, why):
    (row,) = collect({**ENTRY, **changes}, target)
    assert (row["state"], row["why"]) == (state, why)


def test_what_is_declared_and_never_changed_has_a_row():
    (row,) = collect(None, "3.11")
    assert (row["application"], row["state"], row["target"]) == ("web", "no record", "3.11")


def test_what_is_not_declared_any_more_says_so():
    (row,) = collect(ENTRY, declared=())
    assert row["why"] == "it is not declared any more"


@pytest.mark.parametrize(("facts", "why"), [({}, "it did not answer"), ({"status_result": {"msg": "no"}}, "no")])
def test_a_host_without_an_answer_is_unknown(facts, why):
    (row,) = _status.collect_status({"host1": facts}, ["host1"], "")
    assert (row["host"], row["application"], row["state"], row["why"]) == ("host1", None, "unknown", why)


def test_what_an_operator_has_to_look_at_comes_first():
    hosts = {
        "host1": {"status_result": {"applications": [{**ENTRY, "python": "3.11.2"}]}},
        "host2": {"status_result": {"applications": [{**ENTRY, "open": True}]}},
        "host3": {},
    }
    rows = _status.collect_status(hosts, list(hosts), "")
    assert [row["state"] for row in rows] == ["unknown", "open", "on target"]
    assert _status.count_states(rows) == {"unknown": 1, "open": 1, "on target": 1}


def test_the_table_and_the_page_say_the_same():
    rows = collect({**ENTRY, "last": {**REVERTED, "cause": "<b>no</b>"}})
    assert _status.format_status(rows) == [
        "host   application  python  target  state         since       last run                 drill",
        "host1  web          3.9.18  3.11    below target  2026-11-01  reverted 2026-11-01 one  passed 2026-11-02",
        "1 below target",
        "host1: web: <b>no</b>",
    ]
    page = _status.render_status_page(rows)
    for text in ("below target", "reverted 2026-11-01 one", "passed 2026-11-02", "&lt;b&gt;no&lt;/b&gt;"):
        assert text in page
    assert "<b>no" not in page


def test_nothing_to_tell_is_told():
    assert _status.format_status([]) == ["no application is declared, and no host has a record"]


def test_the_page_draws_a_mark_for_each_application_of_each_host():
    rows = []
    for number in range(130):
        state = "on target" if number % 10 else "blocked"
        rows.append(_status._build_row(f"host{number:03}", "web<b>", state, target="3.11"))
    rows.append(_status._build_row("host001", "wiki", "planned"))
    rows.append(_status._build_row("lost", None, "unknown", why="it did not answer"))
    page = _status.render_status_page(rows)
    picture = xml.etree.ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == "unknown: 1; blocked: 13; planned: 1; on target: 117"
    marks = {
        path.get("class"): path.get("d").count("M") for path in picture.findall("path") if path.get("d").count("M") > 1
    }
    assert marks == {"blocked": 13, "on-target": 117}
    texts = [text.text for text in picture.findall("text")]
    assert texts[-3:] == ["hosts without an answer", "web<b>", "wiki"]
    assert "on target 117 (89 %)" in texts
    # The second line of an application with many hosts does not reach the next application.
    tops = [float(text.get("y")) for text in picture.findall("text")][-3:]
    assert tops[2] - tops[1] > 3 * 12 and float(picture.get("height")) > tops[2]


def test_every_state_has_a_mark():
    assert set(_status_picture.SHAPES) == set(_status.STATES)
    assert _status_picture.draw_status([], {}) == ""
