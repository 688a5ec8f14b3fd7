# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollback is for."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.oxzep7.python.plugins.filter.rollback_scope import rollback_scope

HOSTVARS = {"a": {"oxzep7_applications": [{"name": "billing"}, {"name": "mail"}]}, "b": {"oxzep7_applications": [{"name": "mail"}]}, "c": {}}


def test_every_host_has_those_of_its_applications_that_are_meant():
    assert rollback_scope(HOSTVARS, ["a", "b", "c"], []) == {"a": [{"name": "billing"}, {"name": "mail"}], "b": [{"name": "mail"}], "c": []}
    assert rollback_scope(HOSTVARS, ["a", "b", "c"], ["billing"]) == {"a": [{"name": "billing"}], "b": [], "c": []}


@pytest.mark.parametrize("hosts, names, expected", [(["b", "c"], ["billing"], "declares billing"), (["c"], [], "declares an application")])
def test_a_rollback_of_nothing_is_an_error(hosts, names, expected):
    with pytest.raises(AnsibleFilterError, match=expected):
        rollback_scope(HOSTVARS, hosts, names)


RECORDS = {**HOSTVARS, "a": {**HOSTVARS["a"], "rollback_records": {"runs": {"billing": ["one", "two"], "mail": ["two"]}}}}


def test_a_run_means_what_it_promoted():
    assert rollback_scope(RECORDS, ["a", "b", "c"], [], "one") == {"a": [{"name": "billing"}], "b": [], "c": []}
    assert rollback_scope(RECORDS, ["a", "b"], ["mail"], "two") == {"a": [{"name": "mail"}], "b": []}
    with pytest.raises(AnsibleFilterError, match="run three promoted nothing of any application"):
        rollback_scope(RECORDS, ["a", "b", "c"], [], "three")


def test_a_wave_means_the_hosts_that_the_plan_has_in_it(tmp_path):
    (tmp_path / "plan.json").write_text('{"waves": [["a"], ["b", "d"]]}')
    assert rollback_scope(HOSTVARS, ["a", "b", "c"], [], "", 2, str(tmp_path)) == {"a": [], "b": [{"name": "mail"}], "c": []}
    with pytest.raises(AnsibleFilterError, match="has 2 waves; there is no wave 3"):
        rollback_scope(HOSTVARS, ["a"], [], "", 3, str(tmp_path))
    with pytest.raises(AnsibleFilterError, match="no host of this run in wave 1 of the plan declares an application"):
        rollback_scope(HOSTVARS, ["b"], [], "", 1, str(tmp_path))
    with pytest.raises(AnsibleFilterError, match="has no waves"):
        rollback_scope(HOSTVARS, ["a"], [], "", 1, str(tmp_path / "none"))
