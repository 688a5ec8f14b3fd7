# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the applications of a host stand, by its records."""

import json
import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._backups import record_backups, record_drill
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._application._status import read_status

GENERATIONS = [
    {"id": "0-py3.8", "python": "3.8.18", "path": "/srv/web/venv.generations/0-py3.8"},
    {"id": "1-py3.9", "python": "3.9.18", "path": "/srv/web/venv.generations/1-py3.9"},
]
PROMOTED = {"time": "2026-11-01T10:00:00Z", "run": "one", "event": "promoted", "kind": "upgrade", "from": "0-py3.8"}
PROMOTED["to"] = "1-py3.9"
REVERTED = {
    "time": "2026-11-02T10:00:00Z",
    "run": "two",
    "event": "reverted",
    "kind": "upgrade",
    "from": "1-py3.9",
    "to": "2-py3.10",
    "cause": "ImportError: no",
}
BLOCKED = {"key": "unresolvable", "cause": "no wheel", "remediation": "build one"}


@pytest.fixture
def state(tmp_path):
    state = ApplicationState(str(tmp_path), "web")
    record = dict(state.read(), current="1-py3.9", generations=GENERATIONS, history=[PROMOTED, REVERTED])
    state.write(dict(record, live="/srv/web/venv"))
    return state


def write_plan(root, *applications):
    with open(os.path.join(str(root), "plan.json"), "w") as stream:
        json.dump({"schema": 1, "target": "3.11", "applications": list(applications)}, stream)


def test_a_host_without_records_has_no_application(tmp_path):
    assert read_status(str(tmp_path / "absent")) == []


def test_a_record_tells_what_is_live_since_when_and_what_came_last(state):
    (row,) = read_status(state.root)
    assert (row["name"], row["current"], row["python"], row["since"]) == (
        "web",
        "1-py3.9",
        "3.9.18",
        "2026-11-01T10:00:00Z",
    )
    assert row["environment"] == "/srv/web/venv" and not row["open"] and row["holder"] is None
    assert row["last"] == REVERTED and row["drill"] is None
    assert (row["target"], row["steps"], row["blocked"]) == (None, [], [])


def test_of_a_plan_the_steps_that_are_left_are_told(state):
    steps = [{"from": "3.8", "to": "3.9.18"}, {"from": "3.9", "to": "3.10.13"}]
    write_plan(state.root, {"name": "web", "from": "3.8.18", "steps": steps, "blocked": [BLOCKED]})
    (row,) = read_status(state.root)
    assert (row["target"], row["steps"], row["blocked"]) == ("3.11", ["3.10.13"], [BLOCKED])


def test_a_target_of_its_own_is_that_of_the_application(state):
    stay = {"reason": "vendor", "until": "2027-01-31"}
    write_plan(
        state.root,
        {"name": "web", "from": "3.8.18", "target": "3.9", "steps": []},
        {"name": "x", "steps": [], "stay": stay},
    )
    web, other = read_status(state.root)
    assert (web["target"], web["stay"]) == ("3.9", None) and (other["target"], other["stay"]) == ("3.11", stay)


def test_a_dead_process_holds_nothing_although_its_lease_is_there(state):
    state.open_promotion(state.read())
    with open(state.lease_path, "w") as stream:
        json.dump({"run": "dead", "pid": 1}, stream)
    (row,) = read_status(state.root)
    assert row["open"] and row["holder"] is None


def test_an_application_that_is_only_planned_has_a_row(state):
    write_plan(state.root, {"name": "api", "environment": "/srv/api", "from": "3.8.18", "steps": [{"to": "3.9.18"}]})
    api, web = read_status(state.root)
    assert (api["name"], api["current"], api["python"], api["steps"]) == ("api", None, "3.8.18", ["3.9.18"])
    assert (api["environment"], api["last"], web["target"]) == ("/srv/api", None, None)


def test_an_open_promotion_names_the_run_that_holds_the_lease(state):
    state.open_promotion(state.read())
    with state.hold_lease("three"):
        (row,) = read_status(state.root)
        assert row["open"] and row["holder"] == "three"
    (row,) = read_status(state.root)
    assert row["open"] and row["holder"] is None


def test_the_newest_drill_counts(state):
    record_backups(state, {"a": {"created": "1"}, "b": {"created": "2"}, "c": {"created": "3"}})
    record_drill(state, "a", {"time": "2026-11-03T00:00:00Z", "passed": False})
    record_drill(state, "b", {"time": "2026-11-02T00:00:00Z", "passed": True})
    (row,) = read_status(state.root)
    assert row["drill"] == {"backup": "a", "time": "2026-11-03T00:00:00Z", "passed": False}


def test_a_damaged_record_is_an_error_that_names_it(state):
    with open(state.path, "w") as stream:
        stream.write("{")
    with pytest.raises(ValueError, match="state.json"):
        read_status(state.root)
