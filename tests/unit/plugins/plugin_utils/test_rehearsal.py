# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop of a rehearsal, on packages in memory that break in known ways."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins as pins_of
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import (
    Evidence,
    build_matrix,
    build_matrix_rows,
    read_evidence,
    record_evidence,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    Rehearsal,
    TrialFailure,
    TrialOutcome,
    find_suspects,
    iterate_positions,
)
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from .test_plan import host
from .world import Made, World

PLATFORM = "x86_64-manylinux_2_36"
TODAY = datetime.date(2026, 11, 21)


class Trials:
    """Fails as *breaks* says of the pins: a mapping of failing module to `Failure`."""

    def __init__(self, breaks, owners):
        self.breaks = breaks
        self.owners = owners
        self.locks = []
        # The numbers of those of which everything was tried.
        self.whole = []

    def run_trial(self, lock, only):
        if only is None:
            self.whole.append(len(self.locks))
        self.locks.append(lock)
        failures = self.breaks(pins_of(lock))
        gone = frozenset(name for name, failure in failures.items() if failure is None)
        return TrialOutcome(
            {name: failure for name, failure in failures.items() if failure and (only is None or name in only)},
            self.owners,
            gone,
        )


def rehearse(packages, pins, breaks, owners=None, minor=(3, 12)):
    world = World(packages)
    rows = []
    for name, version in pins.items():
        requires = list(packages[name][version].requires)
        rows.append({"name": name, "version": version, "requires": requires, "requested": True})
    environment = {"packages": rows}
    trials = Trials(breaks, owners or {name: name for name in packages})
    start = build_package_set(environment, set(), (3, 8), "x86_64")
    return Rehearsal(world.locker(), world, trials, "host1", TODAY).rehearse_step(start, [], minor, PLATFORM), trials


SIX = {
    "six": {"1.15": Made(), "1.16": Made(), "1.17": Made()},
    **{f"lib{number}": {"1.0": Made(requires=("six",)), "2.0": Made()} for number in range(10)},
}
SIX_PINS = {"six": "1.15", **{f"lib{number}": "1.0" for number in range(10)}}


def six_moves(pins):
    if Version(pins["six"]) >= Version("1.16"):
        return {}
    failures = {}
    for number in range(10):
        failures[f"lib{number}"] = TrialFailure(
            "lib/__init__.py:1: ModuleNotFoundError: No module named 'six.moves'",
            (f"/x/site-packages/lib{number}/__init__.py",),
            "six.moves",
        )
    return failures


def test_the_owner_of_what_is_missing_is_freed_and_not_its_ten_importers():
    ended, _trials = rehearse(SIX, SIX_PINS, six_moves)
    assert [entry.requirement for entry in ended.learned] == ["six>=1.16"] and ended.failures == {}
    assert pins_of(ended.found.text)["six"] == "1.16" and pins_of(ended.found.text)["lib0"] == "1.0"
    learned = ended.learned[0].to_row()
    assert (
        learned["python"] == ">=3.12"
        and learned["host"] == "host1"
        and learned["date"] == "2026-11-21"
        and "six.moves" in learned["seen"]
    )


def test_the_nearest_version_is_found_however_far_it_is():
    packages = {"far": {f"1.{number}": Made() for number in range(40)}}

    def breaks(pins):
        fails = Version(pins["far"]) < Version("1.29")
        return {"far": TrialFailure("far.py:1: boom", ("/x/site-packages/far.py",))} if fails else {}

    ended, trials = rehearse(packages, {"far": "1.0"}, breaks)
    assert [entry.requirement for entry in ended.learned] == ["far>=1.29"] and len(trials.locks) < 16


def test_several_faults_are_freed_one_after_the_other():
    packages = {"a": {"1.0": Made(), "2.0": Made()}, "b": {"1.0": Made(), "1.1": Made(), "2.0": Made()}}

    def breaks(pins):
        found = {}
        if pins["a"] == "1.0":
            found["a"] = TrialFailure(
                "a.py:1: AttributeError: module 'inspect' has no attribute 'getargspec'", ("/x/site-packages/a.py",)
            )
        if pins["b"] == "1.0":
            found["b"] = TrialFailure("b.py:1: boom", ("/x/site-packages/b.py",))
        return found

    ended, _trials = rehearse(packages, {"a": "1.0", "b": "1.0"}, breaks)
    assert sorted(entry.requirement for entry in ended.learned) == ["a>=2.0", "b>=1.1"] and ended.rounds == 2


FAULTS = {f"lib{number}": {f"1.{minor}": Made() for minor in range(6)} for number in range(4)}


def break_low_minors(pins):
    failures = {}
    for number in range(4):
        if Version(pins[f"lib{number}"]) < Version("1.1"):
            failures[f"lib{number}"] = TrialFailure(f"boom {number}", (f"/x/site-packages/lib{number}.py",))
    return failures


class Kept:
    """What a rehearsal had kept, with the number of locks that were tried by then; others learn *rows* meanwhile."""

    def __init__(self, trials, rows=()):
        self.trials = trials
        self.rows = list(rows)
        self.told = []

    def read(self):
        return self.rows

    def keep(self, learned, minor):
        self.told += [(len(self.trials.locks), entry.requirement, minor) for entry in learned]


def build_rehearsal(packages, pins, breaks, ahead=0):
    world = World(packages)
    rows = [{"name": name, "version": version, "requires": [], "requested": True} for name, version in pins.items()]
    trials = Trials(breaks, {name: name for name in packages})
    kept = Kept(trials)
    start = build_package_set({"packages": rows}, set(), (3, 8), "x86_64")
    trials.world = world
    return Rehearsal(world.locker(), world, trials, "host1", TODAY, keeper=kept, ahead=ahead), start, trials, kept


@pytest.mark.parametrize("ahead", [0, 2])
def test_all_faults_of_one_trial_are_cured_before_everything_is_tried_again(ahead):
    pins = dict.fromkeys(FAULTS, "1.0")
    rehearsal, start, trials, kept = build_rehearsal(FAULTS, pins, break_low_minors, ahead)
    ended = rehearsal.rehearse_step(start, [], (3, 12), PLATFORM)
    assert ended.failures == {} and set(ended.found.after.pins.values()) == {"1.1"}
    assert ended.rounds == 2 and trials.whole == [0, len(trials.locks) - 1]
    # A trial for each cure, and one of everything before and after.
    assert len(trials.locks) == 4 + 2
    # The locks that are tried, and those of next candidates that are made meanwhile.
    asked = {(question.requirements, question.constraints) for question in trials.world.questions}
    assert 5 <= len(asked) <= 5 + bool(ahead) * 4


def test_what_is_learned_is_kept_before_anything_else_is_tried():
    rehearsal, start, _trials, kept = build_rehearsal(FAULTS, dict.fromkeys(FAULTS, "1.0"), break_low_minors)
    rehearsal.rehearse_step(start, [], (3, 12), PLATFORM)
    assert kept.told == [(2 + number, f"lib{number}>=1.1", (3, 12)) for number in range(4)]


def test_a_rehearsal_that_dies_has_kept_what_it_learned_and_the_next_one_goes_on():
    class Killed(Exception):
        pass

    rehearsal, start, trials, kept = build_rehearsal(FAULTS, dict.fromkeys(FAULTS, "1.0"), break_low_minors)
    run, trials.run_trial = trials.run_trial, lambda lock, only: run(lock, only) if len(trials.locks) < 4 else die()

    def die():
        raise Killed

    with pytest.raises(Killed):
        rehearsal.rehearse_step(start, [], (3, 12), PLATFORM)
    again, start, trials, later = build_rehearsal(FAULTS, dict.fromkeys(FAULTS, "1.0"), break_low_minors)
    later.rows = [{"requirement": requirement, "python": ">=3.12"} for _count, requirement, _minor in kept.told]
    assert len(later.rows) == 3
    ended = again.rehearse_step(start, [], (3, 12), PLATFORM)
    assert [entry.requirement for entry in ended.learned] == ["lib3>=1.1"] and len(trials.locks) == 3


def test_what_others_learn_meanwhile_counts_from_the_next_round_on():
    rehearsal, start, trials, kept = build_rehearsal(FAULTS, dict.fromkeys(FAULTS, "1.0"), break_low_minors)
    kept.rows = [{"requirement": f"lib{number}>=1.2", "python": ">=3.12"} for number in range(4)]
    ended = rehearsal.rehearse_step(start, [], (3, 12), PLATFORM)
    assert (ended.learned, ended.rounds, len(trials.locks)) == ((), 1, 1)
    assert set(ended.found.after.pins.values()) == {"1.2"}


def test_versions_that_did_not_cure_are_not_tried_again_for_the_failures_that_are_left():
    packages = {
        "a": {"1.0": Made(), "2.0": Made()},
        "b": {"1.0": Made(), "1.1": Made()},
        "shared": {f"1.{minor}": Made() for minor in range(8)},
    }

    def breaks(pins):
        found = {}
        for name, cured in (("a", "2.0"), ("b", "1.1")):
            if pins[name] != cured:
                paths = (f"/x/site-packages/{name}.py", "/x/site-packages/shared.py")
                found[name] = TrialFailure(f"{name} is broken", paths)
        return found

    ended, trials = rehearse(packages, {"a": "1.0", "b": "1.0", "shared": "1.0"}, breaks)
    assert sorted(entry.requirement for entry in ended.learned) == ["a>=2.0", "b>=1.1"] and not ended.failures
    tried = [pins_of(lock)["shared"] for lock in trials.locks]
    assert sorted(version for version in tried if version != "1.0") == ["1.1", "1.2", "1.4", "1.7"]


def test_a_package_that_moved_and_lost_a_name_is_tried_after_those_that_use_the_name():
    packages = {
        "jinja2": {"2.11": Made(), "3.0": Made()},
        "markupsafe": {"1.1": Made(range(6, 11)), **{f"2.{minor}": Made() for minor in range(1, 9)}},
    }
    failure = TrialFailure(
        "filters.py:13: ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/x/markupsafe/__init__.py)",
        ("/x/site-packages/jinja2/filters.py",),
        "markupsafe",
    )
    ended, trials = rehearse(
        packages,
        {"jinja2": "2.11", "markupsafe": "1.1"},
        lambda pins: {"jinja2": failure} if pins["jinja2"] == "2.11" and pins["markupsafe"] != "1.1" else {},
        minor=(3, 11),
    )
    assert [entry.requirement for entry in ended.learned] == ["jinja2>=3.0"] and len(trials.locks) == 3


def test_where_no_version_helps_it_ends_and_says_what_fails():
    ended, _trials = rehearse(
        {"a": {"1.0": Made(), "2.0": Made()}},
        {"a": "1.0"},
        lambda pins: {"a": TrialFailure("boom", ("/x/site-packages/a.py",))},
    )
    assert ended.learned == () and set(ended.failures) == {"a"} and pins_of(ended.found.text) == {"a": "1.0"}


def test_a_module_that_left_python_is_given_back_where_no_version_does_without():
    packages = {"old": {"1.0": Made()}, "zombie-imp": {"0.1": Made(), "0.2": Made()}}

    def breaks(pins):
        return (
            {}
            if "zombie-imp" in pins
            else {"old": TrialFailure("old.py:1: No module named 'imp'", ("/x/site-packages/old.py",), "imp")}
        )

    ended, _trials = rehearse(packages, {"old": "1.0"}, breaks)
    assert pins_of(ended.found.text) == {"old": "1.0", "zombie-imp": "0.2"}
    assert (
        ended.learned[0].to_row()["install"] == "true"
        and "gives back the module imp" in ended.found.reasons["zombie-imp"].text
    )


def test_a_package_that_left_and_is_missed_is_kept():
    packages = {"app": {"1.0": Made(requires=("shim; python_version < '3.10'",))}, "shim": {"1.0": Made()}}

    def breaks(pins):
        return (
            {}
            if "shim" in pins
            else {"app": TrialFailure("app.py:1: No module named 'shim'", ("/x/site-packages/app.py",), "shim")}
        )

    ended, _trials = rehearse(packages, {"app": "1.0", "shim": "1.0"}, breaks)
    assert pins_of(ended.found.text) == {"app": "1.0", "shim": "1.0"} and ended.learned[0].requirement == "shim>=1.0"


def test_a_new_package_whose_newest_version_breaks_gives_way_to_an_earlier_one():
    packages = {
        "app": {"1.0": Made(range(6, 10)), "2.0": Made(requires=("new",))},
        "new": {"1.0": Made(), "2.0": Made(), "3.0": Made()},
    }
    ended, _trials = rehearse(
        packages,
        {"app": "1.0"},
        lambda pins: {"new": TrialFailure("boom", ("/x/site-packages/new.py",))} if pins["new"] == "3.0" else {},
    )
    assert [entry.requirement for entry in ended.learned] == ["new<=2.0"]


def test_suspects_are_the_owner_of_what_is_missing_then_the_way_to_it():
    owners = {"jinja2": "jinja2", "markupsafe": "markupsafe", "flask": "flask", "pytest": "pytest"}
    failure = TrialFailure(
        "ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/x)",
        ("/x/site-packages/flask/__init__.py", "/x/site-packages/jinja2/filters.py"),
        "markupsafe",
    )
    assert find_suspects(failure, owners) == ["markupsafe", "jinja2", "flask"]
    assert find_suspects(TrialFailure("E boom", runner="pytest"), owners) == ["pytest"]


def test_a_namespace_is_nobodys_and_what_lies_below_it_somebodys():
    owners = {"google.auth": "google-auth", "google.cloud.storage": "google-cloud-storage", "six": "six"}
    failure = TrialFailure(
        "http.py:1: ModuleNotFoundError: No module named 'six.moves'",
        (
            "/x/site-packages/google/cloud/storage/client.py",
            "/x/site-packages/google/auth/transport/http.cpython-312-x86_64-linux-gnu.so",
        ),
        "six.moves",
    )
    assert find_suspects(failure, owners) == ["six", "google-auth", "google-cloud-storage"]
    assert find_suspects(TrialFailure("boom", missing="google.other"), owners) == []
    named = TrialFailure("a 1.0 requires b, which is not installed.", packages=("a", "b"))
    assert find_suspects(named, owners) == ["a", "b"]


def test_a_package_that_is_at_fault_again_is_freed_to_where_most_is_cured():
    packages = {"tools": {f"{number}.0": Made() for number in range(1, 60)}, "user": {"1.0": Made()}}

    def breaks(pins):
        version = Version(pins["tools"]).major
        if version >= 30:
            return {}
        # One module fails on every other version only.
        names = ["first"] if version == 1 else ["second", "third", *(["odd"] if version % 2 == 0 else [])]
        return {name: TrialFailure(f"{name}.py:1: KeyError", ("/x/site-packages/tools/__init__.py",)) for name in names}

    ended, _trials = rehearse(packages, {"tools": "1.0", "user": "1.0"}, breaks)
    assert ended.failures == {} and [entry.requirement for entry in ended.learned] == ["tools>=2.0", "tools>=30.0"]


def test_a_version_that_works_is_found_between_strides_before_one_that_lacks_the_module():
    packages = {"tools": {f"{number}.0": Made() for number in range(1, 130)}}

    def breaks(pins):
        version = Version(pins["tools"]).major
        broken = TrialFailure("ImportError", ("/x/site-packages/tools/__init__.py",))
        return {} if 70 <= version < 90 else {"old": None} if version >= 120 else {"old": broken}

    ended, trials = rehearse(packages, {"tools": "1.0"}, breaks)
    assert (
        [entry.requirement for entry in ended.learned] == ["tools>=70.0"]
        and ended.failures == {}
        and len(trials.locks) < 30
    )


def test_a_module_that_no_version_has_and_works_with_is_given_up():
    packages = {"tools": {f"{number}.0": Made() for number in range(1, 20)}}
    ended, _trials = rehearse(
        packages,
        {"tools": "1.0"},
        lambda pins: (
            {"old": None}
            if Version(pins["tools"]).major >= 12
            else {"old": TrialFailure("ImportError", ("/x/site-packages/tools/__init__.py",))}
        ),
    )
    assert [entry.requirement for entry in ended.learned] == ["tools>=12.0"] and ended.failures == {}


@given(st.integers(0, 400))
def test_versions_are_tried_once_each_from_the_nearest_on(count):
    tried = list(iterate_positions(count, 8))
    assert len(tried) == len(set(tried)) and all(0 <= number < count for number in tried)
    assert (tried[0] == 0 and count - 1 in tried) if count else tried == []


def test_evidence_is_merged_and_the_matrix_tells_what_is_known_and_how_old(tmp_path):
    path = tmp_path / "evidence.json"
    record_evidence(
        path,
        [
            Evidence("stable", "1.0", "3.9", "breaks", "import", "2026-01-01", "a"),
            Evidence("ages", "1.0", "3.9", "works", "import", "2026-01-01", "a"),
        ],
    )
    record_evidence(path, [Evidence("stable", "1.0", "3.9", "works", "import", "2026-11-20", "a")])
    record_evidence(path, [Evidence("stable", "1.0", "3.9", "works", "import", "2026-11-19", "b")])
    assert [(entry.package, entry.state, entry.date) for entry in read_evidence(path)] == [
        ("ages", "works", "2026-01-01"),
        ("stable", "breaks", "2026-01-01"),
        ("stable", "works", "2026-11-19"),
    ]
    record_evidence(path, [Evidence("stable", "1.0", "3.9", "works", "import", "2026-11-20", "a")])
    from .test_plan import PACKAGES

    plan = Planner("3.10", World(PACKAGES).locker()).plan(
        [host("a"), host("b", packages=(("ages", "1.1"), ("odd", "1.0")))]
    )
    table = build_matrix(plan.document, plan.locks, read_evidence(path), TODAY)
    cells = table["packages"]
    assert table["pythons"] == ["3.9", "3.10"]
    assert (cells["stable"]["3.9"]["state"], cells["stable"]["3.9"]["kind"], cells["stable"]["3.9"]["stale"]) == (
        "works",
        "import",
        False,
    )
    assert (
        cells["odd"]["3.9"]["state"] == "unknown"
        and cells["ages"]["3.9"]["state"] == "mixed"
        and cells["ages"]["3.9"]["hosts"] == 2
    )
    assert ["stable", "3.9", "works", "1.0", "1.0", "import", "2026-11-20", "no", "1", ""] in build_matrix_rows(table)
    ran = {"host": "a", "to": "3.9", "lock": "l", "result": "promoted"}
    told = Evidence.from_run(
        [ran, {**ran, "host": "b"}, {**ran, "lock": "m", "result": "reverted"}, {"host": "c", "result": "unknown"}],
        {"l": "stable==1.0 \\\n    --hash=sha256:0\n", "m": "odd==1.0\n"}.get,
        "2026-11-18",
    )
    assert told == [Evidence("stable", "1.0", "3.9", "works", "run", "2026-11-18", "b")]
    cell = build_matrix(plan.document, plan.locks, [*read_evidence(path), *told], TODAY)["packages"]["stable"]["3.9"]
    assert (cell["state"], cell["kind"], cell["date"]) == ("works", "run", "2026-11-18")
    doubted = [Evidence("stable", "1.0", "3.9", state, "test", "2026-11-18", "a") for state in ("works", "breaks")]
    assert build_matrix(plan.document, plan.locks, doubted, TODAY)["packages"]["stable"]["3.9"]["state"] == "breaks"
    old = build_matrix(plan.document, plan.locks, read_evidence(path), datetime.date(2027, 6, 1))
    assert old["packages"]["stable"]["3.9"]["stale"]


NOSE = {"nose": {"1.3.7": Made()}, "pynose": {"1.4.8": Made(), "1.5.4": Made()}, "app": {"1.0": Made()}}


def test_a_dead_package_that_no_version_cures_gives_way_to_its_successor():
    def breaks(pins):
        failure = TrialFailure("module 'collections' has no attribute 'Callable'", ("/v/site-packages/nose/a.py",))
        return {"nose": failure} if "nose" in pins else {} if "pynose" in pins else {"nose": None}

    ended, _trials = rehearse(NOSE, {"app": "1.0", "nose": "1.3.7"}, breaks)
    (learned,) = ended.learned
    assert not ended.failures and ended.found.after.pins == {"app": "1.0", "pynose": "1.5.4"}
    row = learned.to_row()
    assert (row["requirement"], row["replaced_by"], row["python"]) == ("nose", "pynose", ">=3.12")
    assert row["reason"].startswith("nose 1.3.7 breaks nose on Python 3.12: ")


def test_a_successor_that_does_not_cure_is_not_learned():
    failure = TrialFailure("broken", ("/v/site-packages/nose/a.py",))
    ended, _trials = rehearse(NOSE, {"app": "1.0", "nose": "1.3.7"}, lambda pins: {"app": failure})
    assert ended.learned == () and set(ended.failures) == {"app"} and "nose" in ended.found.after.pins


def test_a_dead_package_that_left_and_is_missed_comes_back_as_its_successor():
    packages = {
        "app": {"1.0": Made()},
        "pycrypto": {"2.6.1": Made(range(0), True, False)},
        "pycryptodome": {"3.20": Made(), "3.23": Made()},
    }
    world = World(packages)
    rows = [
        {"name": name, "version": version, "requires": []} for name, version in (("app", "1.0"), ("pycrypto", "2.6.1"))
    ]
    missing = TrialFailure("No module named 'Crypto'", ("/v/site-packages/app/a.py",), "Crypto")
    trials = Trials(
        lambda pins: {} if "pycryptodome" in pins else {"app": missing}, {"app": "app", "Crypto": "pycrypto"}
    )
    start = build_package_set({"packages": rows}, {"app"}, (3, 8), "x86_64", imported=["app"])
    ended = Rehearsal(world.locker(), world, trials, "host1", TODAY).rehearse_step(start, [], (3, 12), PLATFORM)
    assert not ended.failures and ended.found.after.pins == {"app": "1.0", "pycryptodome": "3.23"}
    (row,) = [entry.to_row() for entry in ended.learned]
    assert (row["requirement"], row["replaced_by"]) == ("pycrypto", "pycryptodome")
