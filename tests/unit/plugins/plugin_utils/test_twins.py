# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that load the same C library: found by what they say, and cured together."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import InvalidLimitError, select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    Rehearsal,
    TrialFailure,
    TrialOutcome,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._twins import (
    find_twins,
    iterate_twin_orders,
    load_twins,
)
from packaging.version import Version

from .test_locking import step
from .test_rehearsal import PLATFORM, TODAY, rehearse
from .world import Made, World

# The digest of what the builder of these tests makes.
BUILT_HERE = "0" * 64
MISMATCH = "xmlsec.InternalError: (-1, 'lxml & xmlsec libxml2 library version mismatch')"


@pytest.mark.parametrize(
    "text, suspects, pins, library, packages",
    [
        (MISMATCH, ["xmlsec"], ["lxml", "xmlsec", "six"], "libxml2", ("lxml", "xmlsec")),
        (
            "UserWarning: h5py is running against HDF5 1.12.1 when it was built against 1.10.4",
            [],
            ["h5py", "netcdf4", "numpy"],
            "HDF5",
            ("h5py", "netcdf4"),
        ),
        (
            "ImportError: x.so: undefined symbol: H5Pset_fapl_ros3",
            ["netcdf4"],
            ["h5py", "netcdf4"],
            "HDF5",
            ("h5py", "netcdf4"),
        ),
        (
            "acme-a and acme-b: libacme library version mismatch",
            [],
            ["acme-a", "acme-b"],
            "the same library",
            ("acme-a", "acme-b"),
        ),
    ],
)
def test_twins_are_found_by_what_they_say(text, suspects, pins, library, packages):
    found = find_twins(text, suspects, pins)
    assert found and (found.library, found.packages) == (library, packages)


@pytest.mark.parametrize(
    "text, suspects, pins",
    [
        (MISMATCH, ["xmlsec"], ["xmlsec"]),
        ("ModuleNotFoundError: No module named 'lxml'", ["lxml"], ["lxml", "xmlsec"]),
        ("libacme library version mismatch", ["six"], ["six", "lxml", "xmlsec"]),
    ],
)
def test_one_package_alone_and_other_failures_are_none(text, suspects, pins):
    assert find_twins(text, suspects, pins) is None


def test_the_table_has_normalized_names_of_at_least_two_packages():
    for members in load_twins().values():
        assert len(members) > 1 and all(name == normalize_name(name) for name in members)


def test_both_move_to_the_nearest_versions_first_and_are_built_last():
    twins = find_twins(MISMATCH, [], ["lxml", "xmlsec"])
    versions = {"lxml": ["lxml>=4.7", "lxml>=4.9", "lxml>=5"], "xmlsec": ["xmlsec>=1.3.13"]}
    orders = list(iterate_twin_orders(twins, versions, ["lxml", "xmlsec"]))
    assert orders[0] == [{"requirement": "lxml>=4.7"}, {"requirement": "xmlsec>=1.3.13"}]
    assert orders[-1] == [{"requirement": name, "build": "true"} for name in ("lxml", "xmlsec")]
    assert len(list(iterate_twin_orders(twins, versions, ["lxml"]))) == len(orders) - 1
    assert list(iterate_twin_orders(twins, {"lxml": ["lxml>=5"]}, [])) == []


PINS = {"lxml": "4.6", "xmlsec": "1.0"}
OWNERS = {"lxml": "lxml", "xmlsec": "xmlsec"}


def test_where_moving_one_alone_does_not_help_both_move_and_are_told_as_one_cause():
    packages = {"lxml": {"4.6": Made(), "5.0": Made()}, "xmlsec": {"1.0": Made(), "1.3": Made()}}

    def breaks(pins):
        agree = Version(pins["lxml"]) >= Version("5") and Version(pins["xmlsec"]) >= Version("1.3")
        return {} if agree else {"xmlsec": TrialFailure(MISMATCH, ("/v/site-packages/xmlsec/x.so",))}

    ended, _trials = rehearse(packages, PINS, breaks, OWNERS)
    assert not ended.failures and ended.found.after.pins == {"lxml": "5.0", "xmlsec": "1.3"}
    assert [entry.requirement for entry in ended.learned] == ["lxml>=5.0", "xmlsec>=1.3"]
    assert len({entry.reason for entry in ended.learned}) == 1
    assert ended.learned[0].reason.startswith("lxml 4.6 and xmlsec 1.0 load different builds of libxml2, so they move")


class BuiltAlike:
    """Fails unless both packages are builds of this controller."""

    def run_trial(self, lock, only):
        failure = TrialFailure(MISMATCH, ("/v/site-packages/xmlsec/x.so",))
        return TrialOutcome({} if lock.count(BUILT_HERE) == 2 else {"xmlsec": failure}, OWNERS)


def test_where_no_versions_agree_both_are_built():
    packages = {"lxml": {"4.6": Made(source=True)}, "xmlsec": {"1.0": Made(source=True)}}
    world = World(packages)
    start = build_package_set(
        {"packages": [{"name": name, "version": PINS[name]} for name in PINS]}, set(), (3, 8), "x86_64"
    )
    ended = Rehearsal(world.locker(), world, BuiltAlike(), "host1", TODAY).rehearse_step(start, [], (3, 12), PLATFORM)
    assert not ended.failures and ended.found.built == ("lxml", "xmlsec") and ended.found.after.pins == PINS
    rows = [entry.to_row() for entry in ended.learned]
    assert [(row["requirement"], row["build"]) for row in rows] == [("lxml", "true"), ("xmlsec", "true")]
    assert "so they are built alike" in rows[0]["reason"]


BUILT = {"lxml": {"4.6": Made(source=True), "5.0": Made(source=True)}}


def test_a_package_is_built_on_demand_although_it_has_a_wheel_and_no_other_wheel_may_stand_for_it():
    limit = [{"requirement": "lxml", "build": True}]
    rows, found, world = step(BUILT, {"lxml": "4.6"}, constraints=limit)
    assert rows == {} and found.built == ("lxml",) and [wanted.version for wanted in world.wanted] == ["4.6"]
    assert BUILT_HERE in found.text and "9" * 64 not in found.text
    _rows, found, world = step(BUILT, {"lxml": "4.6"})
    assert found.built == () and world.wanted == [] and "9" * 64 in found.text


def test_what_leaves_is_not_built():
    with pytest.raises(InvalidLimitError, match="`build` excludes `drop`"):
        select_limits([{"requirement": "lxml", "build": True, "drop": True}], (3, 10))
