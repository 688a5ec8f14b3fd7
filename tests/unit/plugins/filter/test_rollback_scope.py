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
