# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that are a part of Python now, or dead: the table, its remedies, and what leaves a lock."""

from __future__ import annotations

import datetime
import importlib.util
import re
import sys

import pytest
import yaml
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._notes import build_notes
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._retired import (
    describe_remedies,
    load_retired_packages,
)
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement

from .test_locking import step
from .world import Made

ROWS = load_retired_packages()
NONE = range(0)
DEAD = Made(NONE, True, False)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_row_is_complete_and_its_remedy_is_a_constraint(row):
    assert row.name == normalize_name(row.name) and row.source.startswith("https://") and row.module
    assert row.kind in ("in-stdlib", "dead", "renamed")
    assert (row.kind == "in-stdlib") == (row.since is not None)
    assert row.date is None or datetime.date.fromisoformat(row.date) < datetime.date(2026, 12, 1)
    minor = max((3, 12), row.since or (3, 12))
    (line,) = re.findall(r"`- (\{.*?\})`", row.describe_remedy(minor))
    (limit,) = select_limits([yaml.safe_load(line)], minor)
    assert limit.name == row.name and limit.is_departure() and not select_limits([yaml.safe_load(line)], (3, 0))


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.since], ids=lambda row: row.name)
def test_what_python_has_since_then_this_python_has_and_the_marker_leaves_it_out(row):
    if row.since <= sys.version_info[:2]:
        assert importlib.util.find_spec(row.successor)
    marker = Requirement(row.format_marker()).marker
    assert marker == Marker(f"python_version < '{row.since[0]}.{row.since[1]}'")


def test_remedies_are_told_of_packages_of_the_table_only():
    text = describe_remedies(["nose", "requests", "aioredis", "pathtools"], (3, 11))
    assert '`- {requirement: nose, replaced_by: pynose, python: ">=3.11"}`' in text and "pytest" in text
    assert "change the program to redis, whose interface is another one, then add" in text
    assert (
        'change the program to do without, then add `- {requirement: pathtools, drop: true, python: ">=3.11"}`' in text
    )
    assert describe_remedies(["requests"], (3, 11)) == ""


ENUM = {"app": {"1.0": Made()}, "enum34": {"1.1.10": DEAD}}
PINS = {"app": "1.0", "enum34": "1.1.10"}


@pytest.mark.parametrize("imported", [None, (), ("app", "enum34")])
def test_a_backport_whose_module_python_has_leaves_unbuilt_though_it_was_asked_for(imported):
    rows, found, world = step(ENUM, PINS, wanted={"enum34"}, imported=imported)
    assert set(found.after.pins) == {"app"} and world.wanted == []
    assert rows["enum34"]["evidence"] == "in-stdlib" and rows["enum34"]["date"] == "2014-03-16"
    assert "enum34; python_version < '3.4'" in rows["enum34"]["reason"]


def test_it_stays_where_a_package_requires_it_on_that_python_or_a_constraint_speaks_of_it():
    packages = {"app": {"1.0": Made(requires=("enum34",))}, "enum34": {"1.1.10": Made()}}
    assert set(step(packages, PINS)[1].after.pins) == set(PINS)
    limit = [{"requirement": "enum34>=1"}]
    assert set(step(ENUM | {"enum34": {"1.1.10": Made()}}, PINS, constraints=limit)[1].after.pins) == set(PINS)


ZONE = {"app": {"1.0": Made()}, "backports-zoneinfo": {"0.2.1": Made()}}
ZONE_PINS = {"app": "1.0", "backports-zoneinfo": "0.2.1"}


@pytest.mark.parametrize(
    "minor, imported, stays",
    [
        ((3, 12), None, True),
        ((3, 12), ("backports-zoneinfo",), True),
        ((3, 12), (), False),
        ((3, 9), (), False),
        ((3, 8), (), True),
    ],
)
def test_a_backport_of_another_name_leaves_where_the_source_is_known_not_to_import_it(minor, imported, stays):
    _rows, found, _world = step(ZONE, ZONE_PINS, minor=minor, wanted={"backports-zoneinfo"}, imported=imported)
    assert ("backports-zoneinfo" in found.after.pins) is stays


def test_what_only_the_old_python_needed_is_never_built():
    packages = {
        "app": {"1.0": Made(requires=("shim; python_version < '3.9'",))},
        "shim": {"1.0": Made(NONE, True, False, requires=("deep",))},
        "deep": {"1.0": Made(NONE, True)},
    }
    rows, found, world = step(packages, {"app": "1.0", "shim": "1.0", "deep": "1.0"})
    assert set(found.after.pins) == {"app"} and world.wanted == [] and rows["shim"]["evidence"] == "not-required"


def test_what_a_later_version_requires_again_comes_back_at_its_own_version():
    packages = {
        "app": {"1.0": Made(range(6, 10), requires=("shim; python_version < '3.9'",)), "2.0": Made(requires=("shim",))},
        "shim": {"1.0": Made(), "2.0": Made()},
    }
    rows, found, _world = step(packages, {"app": "1.0", "shim": "1.0"})
    assert found.after.pins == {"app": "2.0", "shim": "1.0"} and set(rows) == {"app"}


CRYPTO = {"app": {"1.0": Made()}, "pycrypto": {"2.6.1": DEAD}}
CRYPTO_PINS = {"app": "1.0", "pycrypto": "2.6.1"}


def test_a_dead_package_that_blocks_and_that_nothing_wants_leaves():
    rows, found, _world = step(CRYPTO, CRYPTO_PINS, imported=("app",))
    assert set(found.after.pins) == {"app"} and rows["pycrypto"]["evidence"] == "retired"
    assert "nothing that is imported or declared needs it" in rows["pycrypto"]["reason"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"imported": ("pycrypto",)},
        {"imported": (), "wanted": ("pycrypto",)},
        {"imported": (), "constraints": [{"requirement": "pycrypto>=2"}]},
    ],
)
def test_it_blocks_with_the_constraint_to_add_where_it_may_be_wanted(given):
    with pytest.raises(NoLockError) as caught:
        step(CRYPTO, CRYPTO_PINS, **given)
    assert caught.value.key == "package-not-built" and caught.value.packages == ("pycrypto",)
    assert 'add `- {requirement: pycrypto, replaced_by: pycryptodome, python: ">=3.12"}`' in str(caught.value)


def test_it_blocks_where_another_package_requires_it():
    packages = CRYPTO | {"app": {"1.0": Made(requires=("pycrypto",))}}
    with pytest.raises(NoLockError, match="pycryptodome"):
        step(packages, CRYPTO_PINS, imported=("app",))


def test_a_dead_package_that_stays_is_a_finding_with_its_remedy():
    application = {
        "name": "a",
        "environment": {"packages": [{"name": name, "version": "1.0"} for name in ("nose", "PyCrypto", "bs4")]},
        "scan": None,
    }
    changes = [{"package": "pycrypto", "to": None, "move": "left"}]
    steps = [{"to": "3.9", "changes": changes, "doubts": {}, "built": [], "copied": []}]
    notes = build_notes(application, {"name": "a", "from": "3.8", "steps": steps}, True, datetime.date(2026, 1, 1))
    (found,) = [row for row in notes["findings"] if row["key"] == "package-retired"]
    assert "nose has no release since 2015-06-02" in found["detail"] and not found["blocking"]
    assert "{requirement: nose, replaced_by: pynose," in found["remediation"]


NAMES = ["a", "b", "c", "enum34", "pathlib2", "nose"]
lines = st.builds(
    "{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(["", "; python_version < '3.9'", "; python_version >= '3.9'"]),
)
released = st.builds(Made, wheels=st.just(range(6, 20)), requires=st.lists(lines, max_size=3).map(tuple))


@given(
    st.fixed_dictionaries({name: st.fixed_dictionaries({"1.0": released}) for name in NAMES}),
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from([None, (), ("pathlib2",), ("a", "nose")]),
)
def test_nothing_leaves_that_what_remains_requires_or_that_is_wanted(packages, requested, wanted, imported):
    pins = dict.fromkeys(NAMES, "1.0")
    _rows, found, _world = step(packages, pins, wanted=wanted, requested=requested, imported=imported)
    kept = found.after.pins
    for name in kept:
        for line in packages[name]["1.0"].requires:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"python_version": "3.12"}):
                assert requirement.name in kept
    spared = {"enum34"} | ({"pathlib2"} if imported is not None and "pathlib2" not in imported else set())
    assert (wanted | set(imported or ())) - spared <= set(kept)
