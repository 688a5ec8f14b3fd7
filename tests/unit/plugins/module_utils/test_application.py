# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator may declare."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._registry import get_service_name
from ansible_collections.oxzep7.python.plugins.module_utils._services.commands import CommandService
from ansible_collections.oxzep7.python.plugins.module_utils._services.supervisor import SupervisorService
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService


def declared(**options):
    return validate_declaration(dict({"name": "billing", "environment": "/srv/billing/venv"}, **options))


def test_defaults():
    application = parse_application(declared(services=[{"name": "a.service"}]))
    assert application.services[0].action == "stop-start" and isinstance(application.services[0], UnitService)
    assert application.generation_path("1-py3.9") == "/srv/billing/venv.generations/1-py3.9"
    assert application.tests_timeout == 900.0


def test_the_options_of_a_service_choose_its_kind():
    commands = {"name": "c", "start": "a b", "stop": ["c"], "status": "d", "pidfile": "/run/c"}
    entries = [commands, {"supervisor": "web:*"}, {"name": "p", "supervisor": "web", "supervisorctl": "s -c x"}]
    first, second, third = parse_application(declared(services=entries)).services
    assert isinstance(first, CommandService) and first.commands["start"] == ["a", "b"] and first.pidfile == "/run/c"
    assert isinstance(second, SupervisorService) and (second.name, second.control) == ("web:*", ["supervisorctl"])
    assert isinstance(third, SupervisorService) and (third.name, third.program, third.control[1:]) == (
        "p",
        "web",
        ["-c", "x"],
    )
    assert [get_service_name(entry) for entry in entries] == ["c", "web:*", "p"]


def test_commands_are_split_like_a_shell_would_but_nothing_is_expanded():
    application = parse_application(declared(tests=["python -c 'print(\"$HOME; `id`\")'", ["a b", "c"]]))
    assert application.tests == [["python", "-c", 'print("$HOME; `id`")'], ["a b", "c"]]


def test_an_application_goes_to_a_version_or_stays():
    stay = {"reason": "its vendor ends it", "until": "2027-03-31"}
    assert parse_application(declared(target="3.11")).stay is None
    assert parse_application(declared(stay=stay)).stay == stay
    for options, said in [
        ({"stay": dict(stay, until="soon")}, "stay.until 'soon'"),
        ({"stay": dict(stay, until="2027-02-30")}, "stay.until '2027-02-30'"),
        ({"stay": stay, "target": "3.11"}, "target and stay exclude each other"),
        ({"stay": {"until": "2027-03-31"}}, "reason"),
    ]:
        with pytest.raises(ApplicationError) as caught:
            parse_application(declared(**options))
        assert said in str(caught.value)


def test_empty_readings_of_a_drill_are_none():
    application = parse_application(declared(drill={"reads": [{"pickle": ""}, {"command": []}, {"command": "true"}]}))
    assert application.drill.pickles == () and application.drill.reads == (["true"],)


@pytest.mark.parametrize(
    "options",
    [
        {"name": "Billing"},
        {"name": "../x"},
        {"name": ""},
        {"name": "a/b"},
        {"name": "a" * 64},
        {"name": "-a"},
        {"environment": "venv"},
        {"environment": "/srv/../etc"},
        {"environment": "/srv/a\n"},
        {"source": "app"},
        {"tests": ["unbalanced 'quote"]},
    ],
)
def test_invalid_values_are_refused(options):
    with pytest.raises(ApplicationError):
        parse_application(declared(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"services": [{"name": "x", "start": "true"}]},
        {"services": [{"name": "x", "action": "kill"}]},
        {"services": [{"action": "restart"}]},
        {"services": [{"name": "x", "supervisorctl": "supervisorctl -c x"}]},
        {"services": [{"supervisor": "x", "user": "y"}]},
        {"services": [{"supervisor": "x", "start": "a", "stop": "b", "status": "c"}]},
        {"services": [{"name": "x", "user": "y", "start": "a", "stop": "b", "status": "c"}]},
        {"checks": [{"name": "none"}]},
        {"checks": [{"name": "two", "tcp": {"port": 1}, "systemd": {"unit": "x"}}]},
        {"checks": [{"name": "x", "http": {}}]},
        {"surprise": 1},
    ],
)
def test_wrong_options_are_refused_by_name(options):
    with pytest.raises(ApplicationError) as caught:
        declared(**options)
    assert "billing" in str(caught.value)
