# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What planning reads of a host; what cannot be read of it costs what it is about."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_planned_host
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._later_wheels import note_clean_versions
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner

from .test_plan import PACKAGES, World, make_archive_source

GIVEN = {"inventories": "inventory_result", "copies": "plan_copies"}


def make_inventory(*names):
    applications = []
    for name in names:
        package = {"name": "stable", "version": "1.0", "editable": False, "direct_url": None}
        environment = {"path": f"/srv/{name}/venv", "python": "3.8.18", "packages": [package]}
        applications.append({"name": name, "findings": [], "environment": environment})
    host = {"architecture": "x86_64", "libc": {"name": "glibc", "version": "2.36"}}
    return {"host": host, "applications": applications, "interpreters": [], "dependents": [], "sources": []}


def make_facts(inventory, **variables):
    sources = [make_archive_source(9)]
    return {"inventory_result": inventory, "oxzep7_interpreters": sources, "oxzep7_applications": [], **variables}


def plan(facts, **given):
    host = build_planned_host("web1", facts, {**GIVEN, **given}, [])
    return Planner("3.9", World(PACKAGES).locker()).plan([host])


def test_without_an_inventory_a_host_is_unknown():
    for inventory in (None, {"failed": True}, {"unreachable": True}, {"msg": "x"}):
        assert build_planned_host("web1", make_facts(inventory), GIVEN, []) is None


def test_variables_that_cannot_be_read_block_the_applications_of_their_host():
    class Facts(dict):
        def get(self, name, default=None):
            if name == "oxzep7_applications":
                raise AnsibleUndefinedVariable("'vault_path' is undefined")
            return super().get(name, default)

    made = plan(Facts(make_facts(make_inventory("billing", "wiki"))))
    rows = made.list_blocked()
    assert [row["application"] for row in rows] == ["billing", "wiki"] and made.identifier
    assert all("the variables of web1" in row["cause"] and "'vault_path' is undefined" in row["cause"] for row in rows)


@pytest.mark.parametrize("damage", [{"packages": [{}]}, {"packages": None}, {"python": "three"}])
def test_an_application_with_damaged_data_is_blocked_alone(damage):
    inventory = make_inventory("billing", "wiki")
    inventory["applications"][0]["environment"].update(damage)
    inventory["sources"] = [{"name": "billing", "imports": {}, "required": [], "uses": [], "extras": {}}]
    made = plan(make_facts(inventory))
    (row,) = made.list_blocked()
    assert row["application"] == "billing" and row["key"] == "application-not-planned" and row["cause"]
    assert made.count_steps() == {"web1": 1}


def test_later_versions_are_looked_for_where_data_can_be_read():
    inventory = make_inventory("billing", "wiki")
    inventory["applications"][0]["environment"]["python"] = "three"
    host = build_planned_host("web1", make_facts(inventory), GIVEN, [])
    note_clean_versions([host], None, "3.9")
    assert not any("clean" in application for application in host.applications)


def test_only_the_chosen_applications_are_planned():
    made = plan(make_facts(make_inventory("billing", "wiki")), only_applications=["w*"], skip_applications=[])
    assert [part["name"] for part in made.document["hosts"]["web1"]["applications"]] == ["wiki"]


@pytest.mark.parametrize(
    "result, reason",
    [
        ({"failed": True, "msg": "no space left"}, "no space left"),
        (None, "could not be reached"),
        ({"copies": {"billing": {"own": {"reason": "it has compiled code"}}}}, "it has compiled code"),
    ],
)
def test_what_a_host_did_not_copy_blocks_what_needs_it_and_is_not_asked_for_again(result, reason):
    inventory = make_inventory("billing", "wiki")
    package = {"name": "own", "version": "1.0", "editable": False, "direct_url": "file:///srv/own"}
    inventory["applications"][0]["environment"]["packages"].append(package)
    facts = make_facts(inventory, plan_copies=result)
    made = plan(facts, copied={"web1": {"billing": ["own"]}})
    (row,) = made.list_blocked()
    assert (row["application"], row["key"]) == ("billing", "package-not-from-index") and reason in row["cause"]
    assert made.count_steps() == {"web1": 1}
