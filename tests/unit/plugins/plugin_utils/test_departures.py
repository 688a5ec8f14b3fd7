# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Constraints that drop or replace a package: what they say, and the locks that they lead to."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_left_out, parse_pins
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import ResolvedLock
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import (
    append_constraints,
    read_constraints,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import InvalidLimitError, select_limits

from .test_locking import step
from .world import Made

NONE = range(0)


@pytest.mark.parametrize(
    "entry, said",
    [
        ({"drop": True, "replaced_by": "pynose"}, "`drop` and `replaced_by` exclude each other"),
        ({"drop": True, "install": True}, "`install` excludes `drop`"),
        ({"drop": "perhaps"}, "`drop` is 'perhaps'; set it to true or false"),
        ({"requirement": "nose<2", "drop": True}, "with `drop`, `requirement` is the name of a package alone"),
        ({"requirement": "nose[x]", "replaced_by": "b"}, "with `replaced_by`, `requirement` is the name"),
        ({"replaced_by": "Nose==2"}, "nose cannot replace itself"),
        ({"replaced_by": "pynose[all]"}, "set it to NAME or NAME==VERSION"),
        ({"replaced_by": "not a name"}, "not a name"),
    ],
)
def test_contradictions_are_refused_with_the_entry_and_what_to_set(entry, said):
    with pytest.raises(InvalidLimitError, match=said) as caught:
        select_limits([{"requirement": "nose", **entry}], (3, 10))
    assert "oxzep7_constraints: {" in str(caught.value)


def test_an_entry_without_a_requirement_says_what_it_lacks():
    with pytest.raises(InvalidLimitError, match="it has no 'requirement'"):
        select_limits([{"drop": True}], (3, 10))


@pytest.mark.parametrize("value", [True, "true", "yes"])
def test_flags_are_read_as_ansible_reads_them(value):
    (limit,) = select_limits([{"requirement": "Nose", "drop": value}], (3, 10))
    assert limit.drop and limit.name == "nose" and limit.is_departure()


NOSE = {
    "app": {"1.0": Made(requires=("nose",))},
    "nose": {"1.3.7": Made(NONE, True, False)},
    "pynose": {"1.4.8": Made(), "1.5.4": Made()},
    "sole": {"0.9": Made(NONE, True)},
}
PINS = {"app": "1.0", "nose": "1.3.7"}


def test_a_dropped_package_leaves_though_another_requires_it_and_is_never_built():
    rows, found, world = step(NOSE, PINS, constraints=[{"requirement": "nose", "drop": True, "reason": "tests only"}])
    assert set(found.after.pins) == {"app"} and world.wanted == []
    assert rows["nose"]["move"] == "left" and rows["nose"]["evidence"] == "constraint"
    assert rows["nose"]["reason"] == "constraint nose (left out): tests only"
    assert world.questions[-1].excluded == ("nose",)


def test_the_lock_names_what_it_leaves_out_and_is_read_as_any_other():
    _rows, found, _world = step(NOSE, PINS, constraints=[{"requirement": "nose", "drop": True}])
    assert parse_left_out(found.text) == ["nose"] and parse_pins(found.text) == {"app": "1.0"}
    assert ResolvedLock.parse(found.text).requirers == {"app": frozenset()}


@pytest.mark.parametrize("by, version", [("pynose", "1.5.4"), ("pynose==1.4.8", "1.4.8"), ("sole", "0.9")])
def test_a_replacement_comes_in_its_newest_or_named_version_and_is_built_without_a_wheel(by, version):
    limit = {"requirement": "nose", "replaced_by": by, "reason": "is dead", "date": "2026-11-01"}
    rows, found, _world = step(NOSE, PINS, constraints=[limit])
    name = by.partition("=")[0]
    assert found.after.pins == {"app": "1.0", name: version}
    assert rows["nose"]["reason"] == f"constraint nose (replaced by {by}): is dead"
    assert rows[name]["reason"] == f"constraint {by}: replaces nose 1.3.7: is dead" and rows[name]["move"] == "added"
    assert rows[name]["date"] == "2026-11-01"


def test_a_replacement_is_not_installed_where_the_package_is_not():
    _rows, found, _world = step(
        NOSE | {"other": {"1.0": Made()}}, {"other": "1.0"}, constraints=[{"requirement": "nose", "replaced_by": "x"}]
    )
    assert set(found.after.pins) == {"other"}


def test_a_replacement_that_no_source_has_is_told_with_its_constraint():
    with pytest.raises(NoLockError, match="a constraint wants gone.* that fits gone==9; correct the constraint"):
        step(NOSE, PINS, constraints=[{"requirement": "nose", "replaced_by": "gone==9"}])


def test_it_holds_from_its_python_on():
    limit = {"requirement": "nose", "drop": True, "python": ">=3.12"}
    with pytest.raises(NoLockError, match="nose"):
        step(NOSE, PINS, minor=(3, 11), constraints=[limit])
    assert set(step(NOSE, PINS, minor=(3, 12), constraints=[limit])[1].after.pins) == {"app"}


def test_a_rehearsal_keeps_what_operators_wrote_and_adds_what_is_another_constraint(tmp_path):
    (tmp_path / "constraints.yml").write_text(
        "# ours\n- {requirement: nose, replaced_by: pynose, reason: dead}\n- {requirement: six, drop: true}\n"
    )
    rows = [{"requirement": "nose", "replaced_by": "pynose"}, {"requirement": "six"}]
    assert append_constraints(tmp_path, rows) == [{"requirement": "six"}]
    assert "# ours" in (tmp_path / "constraints.yml").read_text()
    assert read_constraints(tmp_path) == [
        {"requirement": "nose", "replaced_by": "pynose", "reason": "dead"},
        {"requirement": "six", "drop": True},
        {"requirement": "six"},
    ]
