# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback is for, and in which order."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._scope import (
    ScopeError,
    order_rollback_waves,
    select_rollback_applications,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import Selection
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import WavePolicy

HOSTVARS = {
    "a": {"oxzep7_applications": [{"name": "billing"}, {"name": "mail"}]},
    "b": {"oxzep7_applications": [{"name": "mail"}]},
    "c": {},
}


def test_every_host_has_those_of_its_applications_that_are_meant():
    assert select_rollback_applications(HOSTVARS, ["a", "b", "c"], [], "", 0, []) == {
        "a": [{"name": "billing"}, {"name": "mail"}],
        "b": [{"name": "mail"}],
        "c": [],
    }
    assert select_rollback_applications(HOSTVARS, ["a", "b", "c"], ["billing"], "", 0, []) == {
        "a": [{"name": "billing"}],
        "b": [],
        "c": [],
    }


def test_what_a_run_leaves_out_is_not_rolled_back():
    chosen = select_rollback_applications(HOSTVARS, ["a", "b"], [], "", 0, [], Selection(skip=("mail",)))
    assert chosen == {"a": [{"name": "billing"}], "b": []}
    with pytest.raises(ScopeError, match="declares mail; correct .*oxzep7_skip_applications, or --limit"):
        select_rollback_applications(HOSTVARS, ["a", "b"], ["mail"], "", 0, [], Selection(skip=("mail",)))


@pytest.mark.parametrize(
    "hosts, names, expected", [(["b", "c"], ["billing"], "declares billing"), (["c"], [], "declares an application")]
)
def test_a_rollback_of_nothing_is_an_error(hosts, names, expected):
    with pytest.raises(ScopeError, match=expected):
        select_rollback_applications(HOSTVARS, hosts, names, "", 0, [])


RECORDS = {
    **HOSTVARS,
    "a": {**HOSTVARS["a"], "rollback_records": {"runs": {"billing": ["one", "two"], "mail": ["two"]}}},
}


def test_a_run_means_what_it_promoted():
    assert select_rollback_applications(RECORDS, ["a", "b", "c"], [], "one", 0, []) == {
        "a": [{"name": "billing"}],
        "b": [],
        "c": [],
    }
    assert select_rollback_applications(RECORDS, ["a", "b"], ["mail"], "two", 0, []) == {
        "a": [{"name": "mail"}],
        "b": [],
    }
    with pytest.raises(ScopeError, match="run three promoted nothing of any application"):
        select_rollback_applications(RECORDS, ["a", "b", "c"], [], "three", 0, [])


def test_a_wave_means_its_hosts():
    waves = [["a"], ["b", "d"]]
    assert select_rollback_applications(HOSTVARS, ["a", "b", "c"], [], "", 2, waves) == {
        "a": [],
        "b": [{"name": "mail"}],
        "c": [],
    }
    with pytest.raises(ScopeError, match="there are 2 waves; there is no wave 3"):
        select_rollback_applications(HOSTVARS, ["a"], [], "", 3, waves)
    with pytest.raises(ScopeError, match="no host of this run in wave 1 declares an application"):
        select_rollback_applications(HOSTVARS, ["b"], [], "", 1, waves)


def test_waves_go_back_in_reverse_and_never_too_many_of_an_application_at_once():
    mail = [{"name": "mail"}]
    meant = {name: mail for name in "abcdef"}
    own = dict.fromkeys("abcdef", "")
    assert order_rollback_waves(
        meant, [["a"], ["b", "c", "d"]], {**own, "e": "high"}, WavePolicy(["100%"], 2, {"mail": 6}, False)
    ) == [["d"], ["b", "c"], ["a"], ["e"], ["f"]]
    assert order_rollback_waves({"a": mail}, [], own, WavePolicy(["100%"])) == [["a"]]
