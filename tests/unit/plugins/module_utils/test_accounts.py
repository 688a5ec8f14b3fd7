# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As which account the code of an application runs."""

import os
import pwd

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import UndeclaredAccountError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import parse_application
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._applications import collect_application_findings
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._services import unit
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import Service
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root must own the environment")
SOMEBODY, SOMEBODY_ELSE = (entry.pw_name for entry in [entry for entry in pwd.getpwall() if entry.pw_uid != 0][:2])


class AccountService(Service):
    """A service of a kind that knows the account of each, and how often it was asked."""

    asked = 0

    def __init__(self, name, account):
        super().__init__(name)
        self.account = account

    @classmethod
    def find_accounts(cls, services):
        cls.asked += 1
        return {service: service.account for service in services if service.account}


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("version = 3.8.1\n")
    return tmp_path / "venv"


def declare(environment, *accounts, **options):
    application = parse_application(dict({"name": "x", "environment": str(environment)}, **options))
    services = [AccountService("%d.service" % number, account) for number, account in enumerate(accounts)]
    return application._replace(services=services)


def test_the_services_decide_where_root_owns_the_environment(environment):
    assert declare(environment, SOMEBODY).resolve_account().name == SOMEBODY
    assert declare(environment, SOMEBODY, None, SOMEBODY).resolve_account().name == SOMEBODY


def test_services_are_asked_once(environment):
    application = declare(environment, SOMEBODY, SOMEBODY)
    before = AccountService.asked
    assert [application.resolve_account().name for _time in range(3)] == [SOMEBODY] * 3
    assert AccountService.asked == before + 1


@pytest.mark.parametrize(
    ("accounts", "reason"),
    [
        ((), "none of its services says what it runs as"),
        ((None,), "none of its services says what it runs as"),
        (("root",), "its services run as root"),
        (("root", SOMEBODY), "its services run as different users: %s" % SOMEBODY),
        ((SOMEBODY, SOMEBODY_ELSE), "its services run as different users: "),
    ],
)
def test_root_runs_nothing_without_consent(environment, accounts, reason):
    application = declare(environment, *accounts)
    with pytest.raises(UndeclaredAccountError) as caught:
        application.resolve_account()
    assert reason in str(caught.value) and "user: root" in str(caught.value)
    keys = [finding["key"] for finding in collect_application_findings(application, "/opt/oxzep7/interpreters")]
    assert keys == ["account-undeclared"]
    assert declare(environment, *accounts, user="root").resolve_account().uid == 0


def test_the_owner_decides_where_it_is_not_root(environment):
    os.chown(str(environment), 12345, 12345)
    assert declare(environment, SOMEBODY).resolve_account().uid == 12345


def test_an_account_that_does_not_exist_is_not_replaced(environment):
    with pytest.raises(IdentityError) as caught:
        declare(environment, "nobody-has-this-name").resolve_account()
    assert not isinstance(caught.value, UndeclaredAccountError)


def test_units_say_their_account_by_their_properties(monkeypatch):
    shown = {
        "a.service": {"User": "billing", "LoadState": "loaded", "DynamicUser": "no"},
        "b.service": {"User": "", "LoadState": "loaded", "DynamicUser": "no"},
        "c.service": {"User": "c", "LoadState": "loaded", "DynamicUser": "yes"},
        "d.service": {"User": "", "LoadState": "not-found", "DynamicUser": "no"},
    }
    monkeypatch.setattr(unit, "is_systemd_running", lambda: True)
    monkeypatch.setattr(
        unit, "read_unit_properties", lambda names, _keys, _user=None: {name: shown[name] for name in names}
    )
    services = [UnitService(name) for name in sorted(shown)]
    services += [UnitService("e.timer"), UnitService("f.service", user="f")]
    accounts = {service.name: account for service, account in UnitService.find_accounts(services).items()}
    assert accounts == {"a.service": "billing", "b.service": "root", "f.service": "f"}
