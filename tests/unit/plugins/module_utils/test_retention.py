# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generations stay, and that what is in use does."""

import datetime
import os
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._retention import (
    RetentionPolicy,
    find_expendable_generations,
    find_generations_of_runs,
    is_recent,
    list_good_generations,
    prune_generations,
)

NAMES = ["0-py3.8", "1-py3.9", "2-py3.10", "3-py3.11", "4-py3.12"]


def generation(name):
    origin = "adopted" if name.startswith("0") else "built"
    return {"id": name, "path": "/x/" + name, "complete": True, "origin": origin}


def record(current, promotions):
    return {
        "application": "a",
        "current": current,
        "generations": [generation(name) for name in NAMES],
        "history": [
            {
                "event": event,
                "from": NAMES[old],
                "to": NAMES[new],
                "run": "long-ago-%d" % number,
                "time": "2020-01-0%dT00:00:00Z" % (number + 1),
            }
            for number, (event, old, new) in enumerate(promotions)
        ],
    }


UP = [("promoted", 0, 1), ("promoted", 1, 2), ("reverted", 2, 3), ("promoted", 2, 3)]


@pytest.mark.parametrize(
    "current, promotions, keep, forget, expected",
    [
        (3, UP, 2, False, ["1-py3.9"]),
        (3, UP, 2, True, ["0-py3.8", "1-py3.9"]),
        (3, UP, 3, False, []),
        (3, UP, 1, False, ["1-py3.9", "2-py3.10"]),
        (3, UP, 0, True, ["0-py3.8", "1-py3.9", "2-py3.10"]),
        (1, UP[:1], 2, True, []),
        (None, [], 2, True, []),
        # Back to 1: it and 3 are the last two good ones.
        (1, UP + [("promoted", 3, 1)], 2, False, ["2-py3.10"]),
    ],
)
def test_the_last_good_ones_the_original_and_steps_to_come_stay(current, promotions, keep, forget, expected):
    given = record(NAMES[current] if current is not None else None, promotions)
    assert [entry["id"] for entry in find_expendable_generations(given, keep, forget)] == expected
    assert given["current"] is None or list_good_generations(given)[0] == given["current"]


def test_steps_that_were_built_on_the_way_and_never_promoted_go():
    given = record("3-py3.11", [("promoted", 0, 3)])
    for entry in given["generations"]:
        entry["python"] = entry["id"].partition("py")[2] + ".7"
    assert [entry["id"] for entry in find_expendable_generations(given, 2, False)] == ["1-py3.9", "2-py3.10"]
    back = dict(given, current="0-py3.8")
    assert find_expendable_generations(back, 2, False) == []


@pytest.fixture
def application(tmp_path):
    """An application with three generations on disk; 2 is live."""
    state = ApplicationState(str(tmp_path / "state"), "a")
    live = tmp_path / "venv"
    for name in NAMES[:3]:
        (tmp_path / "venv.generations" / name).mkdir(parents=True)
        (tmp_path / "venv.generations" / name / "file").write_bytes(b"x" * 5000)
    os.symlink("venv.generations/2-py3.10", str(live))
    given = record(NAMES[2], UP[:2])
    del given["generations"][3:]
    for entry in given["generations"]:
        entry["path"] = str(tmp_path / "venv.generations" / entry["id"])
    os.makedirs(state.directory)
    state.write(given)
    return (
        parse_application(validate_declaration({"name": "a", "environment": str(live)})),
        state,
        tmp_path / "venv.generations",
    )


def pruned(application, keep, check_mode, warnings=None):
    declared, state, folder = application
    changes = Changes()
    kept = prune_generations(
        declared, state, {"outcome": "unchanged"}, RetentionPolicy(keep, False, 7.0), "r", check_mode, changes, warnings
    )
    return (
        kept,
        changes.result()["actions"],
        sorted(os.listdir(str(folder))),
        [entry["id"] for entry in state.read()["generations"]],
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root removes generations")
def test_what_is_not_needed_goes_and_a_second_time_nothing_does(application):
    action = ["remove generation 1-py3.9 of a"]
    assert pruned(application, 1, True) == ({}, action, NAMES[:3], NAMES[:3])
    assert pruned(application, 1, False) == ({}, action, ["0-py3.8", "2-py3.10"], ["0-py3.8", "2-py3.10"])
    assert pruned(application, 1, False) == ({}, [], ["0-py3.8", "2-py3.10"], ["0-py3.8", "2-py3.10"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root removes generations")
def test_what_a_process_maps_stays_and_is_named(application):
    path = str(application[2] / "1-py3.9" / "file")
    script = (
        "import mmap, sys; f = open(sys.argv[1], 'rb'); held = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); "
        "print('ready', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        kept, actions, there, _recorded = pruned(application, 1, False)
        process.communicate(b"\n")
    assert (
        kept == {"1-py3.9": "process %d still maps %s" % (process.pid, path)} and actions == [] and there == NAMES[:3]
    )
    assert pruned(application, 1, False)[2] == ["0-py3.8", "2-py3.10"]


NOW = datetime.datetime(2026, 11, 20, tzinfo=datetime.timezone.utc)


def entry(run, old, new, day, event="promoted"):
    return {"event": event, "from": NAMES[old], "to": NAMES[new], "run": run, "time": "2026-11-%02dT00:00:00Z" % day}


def needed(history, run="now", window=7.0, ended=None):
    found = find_generations_of_runs(
        dict(record(NAMES[4], []), history=history), run, ended or {}, RetentionPolicy(1, True, window), NOW
    )
    return sorted(found)


STEPS = [entry("now", 1, 2, 20), entry("now", 2, 3, 20), entry("now", 3, 4, 20)]


def test_what_the_present_run_started_from_is_needed_however_many_steps_it_has():
    assert needed(STEPS) == [NAMES[1]]
    assert needed(STEPS, window=0.0) == [NAMES[1]]


@pytest.mark.parametrize(
    "day, window, expected", [(14, 7.0, True), (13, 7.0, False), (12, 7.0, False), (1, 30.0, True), (19, 0.0, False)]
)
def test_what_another_run_started_from_is_needed_until_its_window_is_over(day, window, expected):
    history = [entry("before", 0, 1, day)] + STEPS
    assert needed(history, window=window) == ([NAMES[0]] if expected else []) + [NAMES[1]]


def test_the_window_begins_with_the_last_that_is_known_of_a_run():
    history = [entry("before", 0, 1, 1)] + STEPS
    assert needed(history) == [NAMES[1]]
    assert needed(history, ended={"before": "2026-11-18T00:00:00Z"}) == [NAMES[0], NAMES[1]]
    undone = [entry("before", 0, 1, 1), entry("before", 1, 2, 19, "reverted")] + STEPS
    assert needed(undone) == [NAMES[0], NAMES[1]]


def test_a_run_that_promoted_nothing_started_from_nothing():
    assert needed([entry("before", 0, 1, 19, "reverted")] + STEPS) == [NAMES[1]]


@pytest.mark.parametrize(
    "time", ["2030-01-01T00:00:00Z", "", "None", "yesterday", "2026-11-20", "9999-12-31T23:59:59Z"]
)
def test_a_time_in_the_future_or_unreadable_is_recent(time):
    assert is_recent(time, 7.0, NOW) and is_recent(time, 0.0, NOW)


def test_a_generation_of_a_record_that_was_made_again_is_needed_for_a_window():
    made = record(NAMES[4], [])
    made["generations"][2]["found"] = "2026-11-19T00:00:00Z"
    made["generations"][1]["found"] = "2026-11-01T00:00:00Z"
    assert sorted(find_generations_of_runs(made, "now", {}, RetentionPolicy(1, True, 7.0), NOW)) == [NAMES[2]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root removes generations")
def test_the_generation_from_before_the_run_is_not_removed_by_a_later_step_of_it(application):
    declared, state, folder = application
    given = state.read()
    for one in given["history"]:
        one["run"] = "r"
    given["generations"][0]["origin"] = "built"
    state.write(given)
    warnings = []
    kept, actions, there, _recorded = pruned(application, 1, False, warnings)
    assert warnings == []
    assert kept == {"0-py3.8": "run r started from it"} and actions == ["remove generation 1-py3.9 of a"]
    assert there == ["0-py3.8", "2-py3.10"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root removes generations")
def test_what_cannot_be_removed_is_told_and_forgotten_by_no_one(application, monkeypatch):
    """A promotion has committed by then, so that a failure is no failure of it."""
    declared, state, folder = application
    target = folder / "1-py3.9" / "held"
    target.mkdir()
    subprocess.check_call(["mount", "-t", "tmpfs", "tmpfs", str(target)])
    try:
        warnings = []
        kept, _actions, there, _recorded = pruned(application, 1, False, warnings)
        assert kept["1-py3.9"].startswith("it could not be removed: ") and "1-py3.9" in there
        assert warnings == ["generation 1-py3.9 of a stays: " + kept["1-py3.9"]]
    finally:
        subprocess.check_call(["umount", str(target)])
