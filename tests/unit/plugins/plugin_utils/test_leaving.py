# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No package leaves that something installed or declared still wants."""

from __future__ import annotations

import json

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import find_requirers
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import select_limits
from hypothesis import given
from hypothesis import strategies as some
from packaging.requirements import InvalidRequirement, Requirement

from tests.benchmark.plan.sets import LOCKS, load_sets

from .world import EVERY, Made, World

PLATFORM = "x86_64-manylinux_2_36"
NAMES = ["app", "lib", "tool", "shim", "fast"]
VERSIONS = ["1.0", "2.0"]
MARKERS = [
    "",
    " ; python_version < '3.10'",
    " ; python_version >= '3.12'",
    " ; python_full_version < '3.12.4'",
    " ; extra == 'x'",
    " ; extra == 'x' and python_version < '3.10'",
]
requirements = some.builds(
    "{}{}{}{}".format,
    some.sampled_from(NAMES),
    some.sampled_from(["", "", "[x]"]),
    some.sampled_from(["", ">=1", "<3"]),
    some.sampled_from(MARKERS),
)
versions = some.builds(
    Made,
    wheels=some.sampled_from([range(6, 10), EVERY, EVERY]),
    requires=some.lists(requirements, max_size=3).map(tuple),
)
worlds = some.fixed_dictionaries(
    {name: some.fixed_dictionaries({version: versions for version in VERSIONS}) for name in NAMES}
)


@given(
    worlds,
    some.sets(some.sampled_from(NAMES), min_size=1),
    some.sets(some.sampled_from(NAMES)),
    some.sets(some.sampled_from(NAMES)),
    some.sets(some.sampled_from(NAMES), max_size=1),
)
def test_what_leaves_is_wanted_by_nothing(packages, installed, wanted, requested, constrained):
    rows = []
    for name in sorted(installed):
        requires = list(packages[name]["1.0"].requires)
        rows.append({"name": name, "version": "1.0", "requires": requires, "requested": name in requested})
    start = build_package_set({"packages": rows}, wanted, (3, 8), "x86_64")
    limits = select_limits([{"requirement": f"{name}>=1"} for name in constrained], (3, 12))
    try:
        after = World(packages).locker().lock(start, limits, (3, 12), PLATFORM).after
    except NoLockError:
        return
    requires = {name: packages[name][version].requires for name, version in after.pins.items()}
    required = find_requirers(requires, (3, 12), "x86_64", start.extras)
    # Everything that a package of the lock requires, with the extras that it is used with, is in the lock.
    assert set(required) <= set(after.pins)
    gone = set(start.pins) - set(after.pins)
    assert not gone & (set(required) | wanted | constrained | start.roots)
    # What leaves, nothing but the Python or what leaves with it ended the need for.
    for name in gone:
        assert start.required_by.get(name), name
    assert {name: set(who) for name, who in after.required_by.items() if who} == {
        name: who for name, who in required.items() if name in after.pins
    }


def read_set(name):
    """Pins of the set *name*, and what they require of each other."""
    pins, minor = load_sets(LOCKS)[name]
    known = json.loads((LOCKS / "requires.json").read_text(encoding="utf-8"))
    requires = {}
    for package, version in pins.items():
        lines = []
        for line in known.get(f"{package}=={version}", ()):
            try:
                entry = Requirement(line)
            except InvalidRequirement:
                entry = Requirement(line.split()[0])
            wanted = normalize_name(entry.name)
            if wanted in pins and entry.specifier.contains(pins[wanted], prereleases=True):
                # The world of these tests reads requirements that are valid alone.
                lines.append(f"{entry}")
        requires[package] = tuple(lines)
    return pins, minor, requires


@pytest.mark.parametrize("asked", ["everything", "nothing"])
@pytest.mark.parametrize("name", sorted(path.stem for path in LOCKS.glob("*.txt")))
def test_what_leaves_the_pins_of_an_application_is_wanted_by_nothing(name, asked):
    pins, minor, requires = read_set(name)
    packages = {package: {pins[package]: Made(requires=requires[package])} for package in pins}
    rows = []
    for package, version in pins.items():
        requested = asked == "everything"
        rows.append({"name": package, "version": version, "requires": list(requires[package]), "requested": requested})
    start = build_package_set({"packages": rows}, set(), minor, "x86_64")
    before = start
    for target in range(minor[1] + 1, 14):
        after = World(packages).locker().lock(before, (), (3, target), PLATFORM).after
        left = {package: requires[package] for package in after.pins}
        required = find_requirers(left, (3, target), "x86_64", after.extras)
        gone = set(before.pins) - set(after.pins)
        assert not gone & (set(required) | start.roots), target
        assert set(required) <= set(after.pins), target
        for package in gone:
            assert start.required_by.get(package), (package, target)
        before = after
    assert {package: before.pins[package] for package in before.pins} == {
        package: version for package, version in pins.items() if package in before.pins
    }
