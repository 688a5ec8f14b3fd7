# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generation an operator means, by identifier, by the order of promotions, and by date."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._errors import PromotionRefused
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import (
    choose_generation,
    describe_choice,
    find_live_at,
    list_promoting_runs,
)


def promoted(time, old, new, kind="upgrade", run="r"):
    return {"time": time, "event": "promoted", "kind": kind, "from": old, "to": new, "run": run}


GENERATIONS = [
    {"id": "0-py3.8", "complete": True},
    {"id": "1-py3.9", "complete": True},
    {"id": "2-py3.10", "complete": True},
    {"id": "3-py3.11", "complete": False},
]
HISTORY = [
    promoted("2026-11-01T10:00:00Z", "0-py3.8", "1-py3.9"),
    {"time": "2026-11-02T10:00:00Z", "event": "reverted", "from": "1-py3.9", "to": "2-py3.10"},
    promoted("2026-11-03T10:00:00Z", "1-py3.9", "2-py3.10"),
]
RECORD = {"application": "billing", "current": "2-py3.10", "generations": GENERATIONS, "history": HISTORY}
LIVE = GENERATIONS[2]


@pytest.mark.parametrize(
    "when, expected",
    [
        ("2026-10-31", "0-py3.8"),
        ("2026-11-01", "1-py3.9"),
        ("2026-11-01T09:59:59Z", "0-py3.8"),
        ("2026-11-01T10:00:00Z", "1-py3.9"),
        ("2026-11-02", "1-py3.9"),
        ("2026-11-03", "2-py3.10"),
        ("2030-01-01", "2-py3.10"),
    ],
)
def test_a_date_means_what_was_live_then(when, expected):
    assert find_live_at(RECORD, when) == expected and choose_generation(RECORD, when, LIVE)["id"] == expected


def test_before_a_run_means_what_was_live_before_its_first_promotion():
    later = promoted("2026-11-05T10:00:00Z", "2-py3.10", "1-py3.9", "rollback", "s")
    record = dict(RECORD, current="1-py3.9", history=HISTORY + [later])
    assert list_promoting_runs(record) == ["r", "s"]
    assert [choose_generation(record, wanted, GENERATIONS[1])["id"] for wanted in ("before:r", "before:s")] == [
        "0-py3.8",
        "2-py3.10",
    ]
    with pytest.raises(PromotionRefused, match="run t promoted nothing of billing; its runs are r, s"):
        choose_generation(record, "before:t", GENERATIONS[1])


def test_previous_is_the_one_before_the_newest_promotion_once():
    assert choose_generation(RECORD, "previous", LIVE)["id"] == "1-py3.9"
    back = dict(
        RECORD,
        current="1-py3.9",
        history=HISTORY + [promoted("2026-11-04T10:00:00Z", "2-py3.10", "1-py3.9", "rollback")],
    )
    assert choose_generation(back, "previous", GENERATIONS[1]) is None


@pytest.mark.parametrize(
    "record, wanted, expected",
    [
        (RECORD, "7-py3.12", "it has 0-py3.8, 1-py3.9"),
        (RECORD, "3-py3.11", "is not complete"),
        (dict(RECORD, history=[]), "previous", "no promotion of billing is recorded"),
        (dict(RECORD, current=None, history=[]), "2026-11-20", "no promotion"),
        (dict(RECORD, generations=GENERATIONS[1:]), "2026-10-31", "has no generation 0-py3.8"),
    ],
)
def test_what_is_not_there_is_refused_by_name(record, wanted, expected):
    with pytest.raises(PromotionRefused, match=expected):
        choose_generation(record, wanted, LIVE)


def follow(record, wanted, run):
    """*record* after a rollback to *wanted* by *run*, and what it went to; None if nothing changed."""
    live = next(entry for entry in record["generations"] if entry["id"] == record["current"])
    chosen = choose_generation(record, wanted, live)
    if chosen is None or chosen["id"] == live["id"]:
        return record, None
    entry = promoted("2026-12-01T00:00:00Z", live["id"], chosen["id"], "rollback", run)
    return dict(record, current=chosen["id"], history=record["history"] + [entry]), chosen["id"]


def test_before_the_newest_run_is_several_steps_back_and_a_second_time_nothing():
    record, went = follow(RECORD, "before_newest_run", "back")
    assert went == "0-py3.8" and describe_choice(record, "before_newest_run") == "before run r"
    assert follow(record, "before_newest_run", "again") == (record, None)


def test_before_the_newest_run_after_one_step_back_goes_the_rest_of_the_way():
    record, went = follow(RECORD, "previous_step", "one")
    assert went == "1-py3.9"
    assert follow(record, "before_newest_run", "rest")[1] == "0-py3.8"


def test_a_run_before_the_newest_one_is_not_rolled_back():
    history = [
        promoted("2026-11-01T10:00:00Z", "0-py3.8", "1-py3.9", run="first"),
        promoted("2026-11-02T10:00:00Z", "1-py3.9", "2-py3.10", run="second"),
    ]
    record, went = follow(dict(RECORD, history=history), "before_newest_run", "back")
    assert went == "1-py3.9" and follow(record, "before_newest_run", "again")[1] is None
    # A host of an upgrade that was rolled back with others has both in one run.
    within = dict(
        RECORD, current="1-py3.9", history=history + [promoted("t", "2-py3.10", "1-py3.9", "rollback", "second")]
    )
    assert follow(within, "before_newest_run", "back")[1] is None


def test_without_an_upgrade_there_is_none_to_go_back_before():
    only = dict(RECORD, history=[promoted("t", "1-py3.9", "2-py3.10", "rollback")])
    with pytest.raises(PromotionRefused, match="oxzep7_rollback_run"):
        choose_generation(only, "before_newest_run", LIVE)
    assert describe_choice(only, "before_newest_run") == "before the newest run"


@pytest.mark.parametrize(
    "wanted, expected",
    [
        ("previous", "one step back"),
        ("previous_step", "one step back"),
        ("before:s", "before run s"),
        ("2026-11-20", "as of 2026-11-20"),
        ("1-py3.9", "generation 1-py3.9"),
    ],
)
def test_what_was_chosen_is_told_in_words(wanted, expected):
    assert describe_choice(RECORD, wanted) == expected
