# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the applications of a host."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration import _order

hypothesis = pytest.importorskip("hypothesis")
given, st = hypothesis.given, hypothesis.strategies

NAMES = "abcdef"
LEVELS = st.sampled_from([None, *_order.CRITICALITIES])
anything = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(LEVELS, st.lists(st.sampled_from(NAMES), max_size=3)), max_size=6
)


def declare(rows):
    return [{"name": name, "criticality": level, "after": after} for name, (level, after) in rows.items()]


def is_sound(declarations):
    try:
        _order.check_order(declarations)
    except ApplicationError:
        return False
    return True


@given(anything, st.randoms())
def test_every_application_is_there_once_in_an_order_that_does_not_depend_on_the_list(rows, random):
    declarations = declare(rows)
    order = _order.order_applications(declarations)
    assert sorted(order) == sorted(rows)
    random.shuffle(declarations)
    assert _order.order_applications(declarations) == order


@given(anything)
def test_what_an_application_comes_after_stands_before_it(rows):
    order = _order.order_applications(declare(rows))
    if is_sound(declare(rows)):
        for name, (_level, after) in rows.items():
            assert all(order.index(other) < order.index(name) for other in after)


@given(anything)
def test_without_dependencies_criticality_decides_and_then_the_name(rows):
    free = {name: (level, []) for name, (level, _after) in rows.items()}

    def rank(name):
        return _order.CRITICALITIES.index(free[name][0] or "normal"), name

    assert _order.order_applications(declare(free)) == sorted(free, key=rank)


@given(anything)
def test_exactly_unknown_names_and_circles_are_refused(rows):
    known = {name: set(after) for name, (_level, after) in rows.items()}
    left = dict(known)
    while True:
        ready = [name for name, after in left.items() if not after & set(left)]
        if not ready:
            break
        for name in ready:
            del left[name]
    unknown = any(after - set(known) for after in known.values())
    assert is_sound(declare(rows)) == (not unknown and not left)


def test_refusals_name_what_is_wrong():
    with pytest.raises(ApplicationError, match="application web: `after` names db, which is not declared on this host"):
        _order.check_order([{"name": "web", "after": ["db"]}])
    circle = [{"name": "a", "after": ["b"]}, {"name": "b", "after": ["c"]}, {"name": "c", "after": ["a"]}]
    with pytest.raises(
        ApplicationError, match="application a: `after` leads back to itself: a after b after c after a"
    ):
        _order.check_order(circle)
    with pytest.raises(ApplicationError, match="a after a"):
        _order.check_order([{"name": "a", "after": ["a"]}])
