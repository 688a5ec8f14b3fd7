# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that name the interpreter that a plan replaces."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._units import parse_unit
from ansible_collections.oxzep7.python.plugins.plugin_utils._pinned_settings import (
    check_inventory_settings,
    find_pinned_settings,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._notes import build_notes

OLD = "/opt/acme/python-3.8.18"
ENVIRONMENT = {
    "path": "/srv/a/venv",
    "interpreter": f"{OLD}/bin/python3.8",
    "services": ["web.service"],
    "packages": [],
}
INTERPRETERS = [{"path": f"{OLD}/bin/python3.8", "prefix": OLD}, {"path": "/usr/bin/python3.11", "prefix": "/usr"}]
STEPS = [
    {"to": "3.9", "changes": [], "doubts": {}, "built": [], "interpreter": {"source": "archive", "version": "3.9.18"}},
    {"to": "3.10", "changes": [], "doubts": {}, "built": [], "interpreter": {"source": "uv", "version": "3.10"}},
    {"to": "3.11", "changes": [], "doubts": {}, "built": [], "interpreter": {"path": "/opt/b/bin/python3.11"}},
]


def dependent(**values):
    return {
        "kind": "service",
        "name": "web.service",
        "source": "/etc/systemd/system/web.service",
        "line": None,
        "environment": "/srv/a/venv",
        "interpreter": f"{OLD}/bin/python3.8",
        "variables": {},
        **values,
    }


def find(entry, environment=ENVIRONMENT):
    return find_pinned_settings(environment, INTERPRETERS, [entry])


def test_a_library_path_in_a_unit_is_found_as_the_inventory_reads_it():
    text = f"[Service]\nEnvironment=LD_LIBRARY_PATH={OLD}/lib LANG=C\nExecStart=/srv/a/venv/bin/uwsgi --ini a.ini\n"
    unit = parse_unit("web.service", ["/etc/systemd/system/web.service"], [text])
    (row,) = find(dependent(variables=unit.variables))
    assert (row["setting"], row["named"], row["source"]) == (
        "LD_LIBRARY_PATH",
        f"{OLD}/lib",
        "/etc/systemd/system/web.service",
    )


@pytest.mark.parametrize(
    "values, setting",
    [
        ({"variables": {"PYTHONHOME": OLD}}, "PYTHONHOME"),
        ({"variables": {"PATH": f"{OLD}/bin:/usr/bin"}}, "PATH"),
        ({"variables": {"LD_PRELOAD": "/usr/local/lib/libpython3.8.so.1.0"}}, "LD_PRELOAD"),
        ({"variables": {"LD_LIBRARY_PATH": f"/opt/x/lib:{OLD}/lib"}, "environment": None}, "LD_LIBRARY_PATH"),
        ({"kind": "mod_wsgi", "name": "WSGIPythonHome", "line": 3, "environment": None}, "WSGIPythonHome"),
    ],
)
def test_other_settings_are_found(values, setting):
    (row,) = find(dependent(**values))
    assert row["setting"] == setting


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"variables": {"LD_LIBRARY_PATH": "/opt/oracle/lib", "PYTHONPATH": "/srv/a/app"}},
        {"variables": {"LD_LIBRARY_PATH": f"{OLD}.1/lib"}},
        {"variables": {"PYTHONHOME": OLD}, "kind": "process"},
        {"variables": {"PYTHONHOME": OLD}, "name": "x.service", "environment": "/srv/b/venv", "interpreter": None},
        {"variables": {"PYTHONHOME": OLD}, "name": "x.service", "environment": "/srv/b/venv"},
        {"kind": "mod_wsgi", "name": "WSGIPythonHome", "environment": "/srv/a/venv"},
    ],
)
def test_what_does_not_name_it_and_what_is_of_others_is_left_out(values):
    assert find(dependent(**values)) == []


def test_interpreters_of_the_system_stay_where_they_are():
    environment = {**ENVIRONMENT, "interpreter": "/usr/bin/python3.11"}
    assert (
        find(dependent(variables={"LD_LIBRARY_PATH": "/usr/lib"}), environment) == [] and find(dependent(), None) == []
    )


def test_the_finding_has_the_line_to_write():
    pinned = find(dependent(variables={"LD_LIBRARY_PATH": f"{OLD}/lib"}))
    pinned += find(dependent(kind="mod_wsgi", name="WSGIPythonHome", source="/etc/a.conf", line=3, environment=None))
    application = {"name": "a", "environment": ENVIRONMENT, "scan": None, "pinned": pinned}
    notes = build_notes(
        application,
        {"name": "a", "from": "3.8", "environment": "/srv/a/venv", "steps": STEPS},
        True,
        datetime.date(2026, 1, 1),
    )
    library, home = [row for row in notes["findings"] if row["key"] == "interpreter-named"]
    place = "/opt/oxzep7/interpreters"
    libraries = f"{OLD}/lib:{place}/3.9.18/lib:{place}/VERSION/lib:/opt/b/lib"
    assert f"LD_LIBRARY_PATH={libraries};" in library["remediation"]
    assert "web.service (/etc/systemd/system/web.service) sets LD_LIBRARY_PATH" in library["detail"]
    assert "WSGIPythonHome /srv/a/venv" in home["remediation"] and "/etc/a.conf:3" in home["detail"]


def test_an_audit_has_each_setting_once():
    inventory = {
        "environments": [ENVIRONMENT, {**ENVIRONMENT, "path": "/srv/b/venv", "services": []}],
        "interpreters": INTERPRETERS,
        "dependents": [dependent(variables={"PATH": f"{OLD}/bin:/bin"}, environment=None)],
    }
    (entry,) = check_inventory_settings(inventory)
    assert entry["key"] == "interpreter-named" and entry["where"] == "web.service"
    assert f"sets PATH={OLD}/bin:/bin: {OLD}/bin is of the interpreter that an upgrade replaces" in entry["detail"]
    assert entry["remediation"].endswith("PATH=/srv/a/venv/bin:/bin")
