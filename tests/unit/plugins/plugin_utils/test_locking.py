# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of one step: what stays, moves, leaves, is built, and is freed."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import is_python_allowed
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import NoLockError, UncopiedPackagesError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import list_package_changes
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from .world import EVERY, Made, World

PLATFORM = "x86_64-manylinux_2_36"
OLD = range(6, 10)
NONE = range(0)


def environment(pins, packages, requested=()):
    rows = []
    for name, version in pins.items():
        requires = list(packages[name][version].requires)
        rows.append({"name": name, "version": version, "requires": requires, "requested": name in requested})
    return {"packages": rows}


def step(packages, pins, minor=(3, 12), before=(3, 8), constraints=(), wanted=(), requested=None, imported=None):
    world = World(packages)
    rows = environment(pins, packages, pins if requested is None else requested)
    start = build_package_set(rows, {*wanted, *(imported or ())}, before, "x86_64", imported=imported)
    found = world.locker().lock(start, select_limits(constraints, minor), minor, PLATFORM)
    return (
        {row["package"]: row for row in list_package_changes(start.pins, found.after.pins, found.reasons)},
        found,
        world,
    )


def test_a_version_that_excludes_the_python_is_left_for_one_that_does_not_though_uv_ignores_upper_bounds():
    packages = {
        "a": {
            "1.0": Made(python=">=3.6,<3.10"),
            "1.1": Made(python=">=3.6,<3.11"),
            "1.2": Made(python=">=3.7"),
            "2.0": Made(),
        }
    }
    rows, _found, world = step(packages, {"a": "1.0"})
    assert (rows["a"]["to"], rows["a"]["evidence"]) == ("1.2", "requires-python") and "<3.10" in rows["a"]["reason"]
    assert "a!=1.1" in world.questions[-1].constraints


def test_a_package_of_which_every_version_excludes_the_python_is_kept_in_doubt():
    rows, found, world = step({"a": {"1.0": Made(python="<3.10"), "1.1": Made(python="<3.11")}}, {"a": "1.0"})
    assert rows == {} and found.doubts == {"a": "<3.10"} and world.questions[-1].constraints == ("a!=1.1",)


def test_newly_required_packages_that_exclude_the_python_are_passed_over():
    packages = {
        "a": {"1.0": Made(OLD), "2.0": Made(requires=("new",))},
        "new": {"1.0": Made(), "2.0": Made(python="<3.12"), "3.0": Made(python="<3.11")},
    }
    rows, _found, _world = step(packages, {"a": "1.0"})
    assert rows["new"]["to"] == "1.0" and rows["new"]["reason"] == "now required by a"


@pytest.mark.parametrize("version, date", [("2.0", "2021-01-02")])
def test_every_row_has_reason_evidence_date_and_distance(version, date):
    rows, _found, _world = step({"a": {"1.0": Made(OLD), version: Made()}}, {"a": "1.0"})
    assert rows["a"] == {
        "package": "a",
        "from": "1.0",
        "to": version,
        "move": "major",
        "evidence": "no-wheel",
        "date": date,
        "reason": f"1.0 has no wheel for Python 3.12 on {PLATFORM}",
    }


def test_a_constraint_gives_its_own_reason_evidence_and_date():
    limit = {"requirement": "a>=1.1", "reason": "import fails", "evidence": "import", "date": "2026-11-01"}
    rows, _found, _world = step({"a": {"1.0": Made(), "1.1": Made(), "1.2": Made()}}, {"a": "1.0"}, constraints=[limit])
    assert (rows["a"]["to"], rows["a"]["evidence"], rows["a"]["date"]) == ("1.1", "import", "2026-11-01")


BACKPORT = {
    "app": {"1.0": Made(requires=("backport; python_version < '3.10'",))},
    "backport": {"1.0": Made(requires=("shim",))},
    "shim": {"1.0": Made()},
    "other": {"1.0": Made()},
}
PINS = {"app": "1.0", "backport": "1.0", "shim": "1.0", "other": "1.0"}


def test_what_only_the_old_python_needed_leaves_with_what_only_that_needed():
    rows, found, _world = step(BACKPORT, PINS)
    assert {name: row["move"] for name, row in rows.items()} == {"backport": "left", "shim": "left"}
    assert rows["backport"]["reason"] == "was required by app only, and is not any more" and set(found.after.pins) == {
        "app",
        "other",
    }


def test_what_the_application_imports_or_asks_for_stays():
    assert set(step(BACKPORT, PINS, wanted={"backport"})[1].after.pins) == set(PINS)
    assert set(step(BACKPORT, PINS, requested={"app", "backport", "other"})[1].after.pins) == set(PINS)
    assert set(step(BACKPORT, PINS, requested={"app", "other"})[1].after.pins) == {"app", "other"}


def test_it_stays_while_it_is_required():
    assert set(step(BACKPORT, PINS, minor=(3, 9))[1].after.pins) == set(PINS)


def test_what_a_newer_requirer_dropped_stays_since_the_old_python_was_not_its_reason():
    packages = {"app": {"1.0": Made(OLD, requires=("lib",)), "2.0": Made()}, "lib": {"1.0": Made()}}
    rows, found, _world = step(packages, {"app": "1.0", "lib": "1.0"})
    assert set(rows) == {"app"} and found.after.roots == {"app", "lib"}


def test_what_is_required_by_an_extra_only_stays():
    packages = {"app": {"1.0": Made(requires=("fast; extra == 'speed'",))}, "fast": {"1.0": Made()}}
    assert set(step(packages, {"app": "1.0", "fast": "1.0"})[1].after.pins) == {"app", "fast"}


def test_without_metadata_nothing_leaves():
    start = build_package_set(
        {"packages": [{"name": name, "version": version} for name, version in PINS.items()]}, set(), (3, 8), "x86_64"
    )
    assert start.roots == set(PINS)


def test_what_never_had_a_wheel_is_built_as_it_is():
    rows, found, world = step(
        {"a": {"1.0": Made(range(0), source=True), "2.0": Made(range(0), source=True)}}, {"a": "1.0"}
    )
    assert (
        rows == {}
        and found.built == ("a",)
        and [(wanted.name, wanted.version) for wanted in world.wanted] == [("a", "1.0")]
    )


def test_a_source_that_needs_no_compiler_is_built_rather_than_moved():
    packages = {
        "a": {"1.0": Made(range(0), True), "2.0": Made(plain=True)},
        "b": {"1.0": Made(range(0), True, False), "2.0": Made(plain=True)},
    }
    rows, found, _world = step(packages, {"a": "1.0", "b": "1.0"})
    assert set(rows) == {"b"} and found.built == ("a",) and rows["b"]["evidence"] == "not-built"


def test_what_cannot_be_built_gives_way_to_the_next_version_that_can():
    rows, _found, _world = step(
        {"a": {"1.0": Made(range(0), True, False), "1.1": Made(range(0), True, False), "1.2": Made(range(0), True)}},
        {"a": "1.0"},
    )
    assert rows["a"]["to"] == "1.2" and rows["a"]["evidence"] == "not-built" and "mysql.h" in rows["a"]["reason"]


def test_a_build_that_fails_names_what_it_needs():
    with pytest.raises(NoLockError, match="needs mysql.h") as caught:
        step({"a": {"1.0": Made(range(0), True, False)}}, {"a": "1.0"})
    assert caught.value.key == "package-not-built"


def test_a_pin_of_another_package_keeps_a_source_that_later_versions_have_wheels_for():
    packages = {
        "tool": {"1.0": Made(requires=("lib<2",))},
        "lib": {"1.0": Made(range(0), True), "2.0": Made()},
        "free": {"1.0": Made(range(0), True), "1.1": Made()},
    }
    rows, found, _world = step(packages, {"tool": "1.0", "lib": "1.0", "free": "1.0"})
    assert set(rows) == {"free"} and found.built == ("lib",)


def test_a_source_that_does_not_fit_gives_way_to_a_later_one():
    packages = {
        "tool": {"1.0": Made(range(0), True, requires=("lib<2",)), "1.1": Made(range(0), True, requires=("lib",))},
        "lib": {"1.0": Made(OLD), "2.0": Made()},
    }
    rows, _found, _world = step(packages, {"tool": "1.0", "lib": "1.0"})
    assert {name: row["to"] for name, row in rows.items()} == {"tool": "1.1", "lib": "2.0"}


def test_a_required_package_without_wheels_is_built():
    packages = {
        "a": {"1.0": Made(OLD), "2.0": Made(requires=("raw",))},
        "raw": {"0.1": Made(range(0), True), "0.2": Made(range(0), True)},
    }
    rows, found, _world = step(packages, {"a": "1.0"})
    assert rows["raw"]["to"] == "0.2" and found.built == ("raw",)


def test_where_nothing_fits_the_smallest_set_to_free_is_named_with_who_holds_it():
    packages = {
        "a": {"1.0": Made(OLD), "2.0": Made(requires=("b<2",))},
        "b": {"1.0": Made(), "2.0": Made()},
        "c": {"1.0": Made()},
    }
    with pytest.raises(NoLockError) as caught:
        step(packages, {"a": "1.0", "b": "2.0", "c": "1.0"})
    text = str(caught.value)
    assert caught.value.key == "unresolvable" and "it takes freeing b: b is at 2.0, and a would have 1.0" in text


VERSIONS = ["1.0", "1.1", "2.0", "3.0"]
NAMES = ["a", "b", "c", "d", "e"]
made = st.builds(
    Made,
    wheels=st.sampled_from([OLD, range(6, 12), range(8, 20), EVERY]),
    source=st.booleans(),
    builds=st.booleans(),
    python=st.sampled_from(["", "", ">=3.6", "<3.10", ">=3.6,<3.12", "!=3.11.*"]),
)
worlds = st.fixed_dictionaries({name: st.fixed_dictionaries({version: made for version in VERSIONS}) for name in NAMES})
pins = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS), min_size=1)


def outcome(packages, chosen, minor):
    try:
        return step(packages, chosen, minor)
    except NoLockError:
        return None


@given(worlds, pins, st.sampled_from([(3, 9), (3, 10), (3, 11), (3, 12)]))
def test_locks_keep_the_promises(packages, chosen, minor):
    result = outcome(packages, chosen, minor)
    if result is None:
        return
    rows, found, _world = result
    for name, version in found.after.pins.items():
        assert Version(version) >= Version(chosen[name]), "no package goes down"
        later = [entry for number, entry in packages[name].items() if Version(number) >= Version(chosen[name])]
        assert is_python_allowed(packages[name][version].python, minor) or name in found.doubts, (
            "upper bounds are honoured"
        )
        assert name not in found.doubts or not any(is_python_allowed(entry.python, minor) for entry in later), (
            "or nothing lifts them"
        )
        assert minor[1] in packages[name][version].wheels or name in found.built
    for name, row in rows.items():
        before = packages[name][chosen[name]]
        usable = minor[1] in before.wheels and is_python_allowed(before.python, minor)
        assert not usable, "what has no reason does not move"
        for version in VERSIONS[VERSIONS.index(chosen[name]) : VERSIONS.index(row["to"])]:
            entry = packages[name][version]
            assert not (
                minor[1] in entry.wheels and (is_python_allowed(entry.python, minor) or name in found.doubts)
            ), "it moves to the nearest"


@given(worlds, pins, st.sampled_from([(3, 10), (3, 12)]))
def test_an_unrelated_package_changes_no_row(packages, chosen, minor):
    alone = {name: version for name, version in chosen.items() if name != "e"}
    whole, part = outcome(packages, {**alone, "e": "3.0"}, minor), outcome(packages, alone, minor) if alone else None
    if whole and part:
        assert {name: row for name, row in whole[0].items() if name != "e"} == part[0]


@given(worlds, pins)
def test_equal_questions_have_equal_answers(packages, chosen):
    first, second = outcome(packages, chosen, (3, 12)), outcome(packages, dict(reversed(list(chosen.items()))), (3, 12))
    assert (first and (first[0], first[1].text)) == (second and (second[0], second[1].text))


SOLE = {"a": {"1.0": Made(NONE, True), "2.0": Made(NONE, True)}, "b": {"1.0": Made(requires=("a",))}}
ROW = {
    "wheel": "a-1.0-0_ab-py3-none-any.whl",
    "sha256": "a" * 64,
    "version": "1.0",
    "requires": [],
    "requires_python": None,
}


def copying(packages, pins, copies=None, constraints=(), modified=(), minor=(3, 12), copying=True):
    world = World(packages)
    rows = {**environment(pins, packages, pins), "modified": [{"package": name} for name in modified]}
    start = build_package_set(rows, set(), (3, 8), "x86_64", copies, copying=copying)
    return world.locker().lock(start, select_limits(constraints, minor), minor, PLATFORM), world


def test_installed_files_are_asked_for_before_anything_is_built():
    with pytest.raises(UncopiedPackagesError) as caught:
        copying(SOLE, {"a": "1.0", "b": "1.0"})
    assert caught.value.names == ["a"]


def test_installed_files_stand_for_a_wheel_that_no_index_has():
    found, world = copying(SOLE, {"a": "1.0", "b": "1.0"}, {"a": ROW})
    assert world.wanted == [] and found.kept == ("a",) and found.built == found.copied == ()
    block = found.text.split("b==1.0")[0]
    assert block.startswith("a==1.0") and block.count("--hash") == 1 and "a" * 64 in block


@pytest.mark.parametrize(
    "given",
    [
        {"copies": {"a": {"reason": "it has compiled code (a.so)"}}},
        {"copies": {"a": {**ROW, "modified": ["a.py"]}}},
        {"modified": ["a"]},
        {"copying": False},
    ],
)
def test_they_are_built_where_files_cannot_be_copied_or_were_changed(given):
    found, world = copying(SOLE, {"a": "1.0", "b": "1.0"}, **given)
    assert [wanted.version for wanted in world.wanted] == ["1.0"] and found.built == ("a",) and found.kept == ()


def test_a_copy_gives_way_where_the_target_needs_another_version():
    found, world = copying(SOLE, {"a": "1.0"}, {"a": ROW}, [{"requirement": "a>=2"}])
    assert found.after.pins == {"a": "2.0"} and found.kept == () and found.built == ("a",)
    packages = {"a": {"1.0": Made(NONE, True), "2.0": Made()}, "b": {"1.0": Made(OLD), "2.0": Made(requires=("a>=2",))}}
    found, world = copying(packages, {"a": "1.0", "b": "1.0"}, {"a": ROW})
    assert found.after.pins == {"a": "2.0", "b": "2.0"} and found.kept == () and "9" * 64 in found.text


def test_a_published_wheel_is_preferred_to_a_copy():
    found, _world = copying({"a": {"1.0": Made(source=True)}}, {"a": "1.0"}, {"a": ROW})
    assert found.kept == () and found.built == () and "9" * 64 in found.text
