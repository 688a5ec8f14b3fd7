# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which applications a run is about."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import (
    Selection,
    choose_names,
    list_undeclared,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("billing", "billing-web", "wiki")
APPLICATIONS = [{"name": name} for name in NAMES]


@pytest.mark.parametrize(
    "only, skip, expected",
    [
        ([], [], NAMES),
        (["wiki"], [], ("wiki",)),
        (["billing"], [], ("billing",)),
        (["billing*"], [], ("billing", "billing-web")),
        ([], ["billing*"], ("wiki",)),
        (["billing*", "wiki"], ["*-web"], ("billing", "wiki")),
        (["wiki"], ["wiki"], ()),
        (["Wiki"], [], ()),
    ],
)
def test_names_and_patterns_choose(only, skip, expected):
    assert choose_names(APPLICATIONS, only, skip) == list(expected)


patterns = st.lists(st.sampled_from([*NAMES, "b*", "*-web", "?iki", "none"]))


@given(patterns, patterns)
def test_an_application_is_either_chosen_or_left_out(only, skip):
    chosen = choose_names(APPLICATIONS, only, skip)
    left = [name for name in NAMES if name not in chosen]
    assert all(Selection(only, skip).includes(name) for name in chosen)
    assert choose_names(APPLICATIONS, [], chosen) == left
    assert not chosen or choose_names(APPLICATIONS, chosen, left) == chosen


def test_a_name_that_no_host_declares_is_listed_wherever_the_run_is_limited_to():
    hosts = {"a": {"oxzep7_applications": [{"name": "billing"}]}, "b": {"oxzep7_applications": [{"name": "wiki"}]}}
    assert list_undeclared(hosts, ["wiki", "bill*", "nosuch", "x-*", "nosuch"]) == ["nosuch", "x-*"]
    assert list_undeclared({**hosts, "c": {}}, ["wiki"]) == []


def test_nothing_is_said_where_a_declaration_cannot_be_read_yet():
    class Facts(dict):
        def get(self, name, default=None):
            raise AnsibleUndefinedVariable("audit_result is undefined")

    assert list_undeclared({"a": Facts()}, ["nosuch"]) == []
