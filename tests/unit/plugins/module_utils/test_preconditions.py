# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each precondition of a promotion is made false: preflight finds it, and the promotion refuses with the same text."""

import fcntl
import json
import os
import pwd
import shutil
import tempfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils import _preflight
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import parse_application
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import KEYS
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _preconditions
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import PromotionPolicy
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._promote import (
    PromotionOptions,
    promote_generation,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services import _service, _units
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    ServiceError,
    describe_missing_service,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._units import Unit, find_setup_problems
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import TransactionOptions

LOCK = "a" * 64
OTHER_FILE_SYSTEM = "/dev/shm"
FAILED = {"name": "answers", "kind": "http", "passed": False, "evidence": "no answer", "seconds": 0.0}


class Host:
    """An application with its live environment as a real directory, and a complete generation beside it."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.monkeypatch = monkeypatch
        self.policy = PromotionPolicy()
        self.held = None
        self.elsewhere = []
        self.generation = root / "app" / "venv.generations" / "1-py3.9"
        self.live = root / "app" / "venv"
        for environment in (self.live, self.generation):
            environment.mkdir(parents=True)
            (environment / "pyvenv.cfg").write_text("version = 3.8.20\n")
        user = pwd.getpwuid(os.geteuid()).pw_name
        self.application = parse_application({"name": "x", "environment": str(self.live), "user": user})
        self.state = ApplicationState(str(root / "state"), "x")
        built = {"id": "1-py3.9", "path": str(self.generation), "lock": LOCK, "complete": True, "target": "t"}
        self.state.write(dict(self.state.read(), generations=[built]))
        monkeypatch.setattr(_preconditions, "run_health_checks", lambda *_arguments, **_options: [])

    def replace(self, name, value):
        self.monkeypatch.setattr(_preconditions, name, value)

    def collect_findings(self):
        """What preflight finds."""
        directory = str(self.root)
        asked = _preflight.PreflightOptions("run", self.state.root, directory, directory, [], self.policy)
        interpreter = {"source": "existing", "version": "3", "path": "/bin/sh"}
        step = {"application": "x", "lock": LOCK, "interpreter": interpreter}
        found, _rooms = _preflight.run_preflight([self.application], [step], asked, [])
        return [finding for finding in found if finding["key"] not in ("disk-space-short", "inodes-short")]

    def promote(self):
        """The text with which the promotion refuses, in check mode; None if it would promote."""
        options = PromotionOptions(TransactionOptions("run", 1.0, 1.0), self.policy, "upgrade", True)
        try:
            promote_generation(self.application, self.state, "1-py3.9", options, Changes())
        except (CollectionError, OSError) as error:
            return str(error)
        return None


@pytest.fixture
def host(tmp_path, monkeypatch):
    found = Host(tmp_path, monkeypatch)
    yield found
    if found.held:
        os.close(found.held)
    for path in found.elsewhere:
        shutil.rmtree(path)


def hold_lease(host):
    with open(host.state.lease_path, "w") as stream:
        json.dump({"run": "other", "pid": 1, "since": "today"}, stream)
    host.held = os.open(host.state.lease_path, os.O_RDWR)
    fcntl.flock(host.held, fcntl.LOCK_EX)


def change_live_path(host):
    host.state.write(dict(host.state.read(), current="1-py3.9"))


def demand_dead_man(host):
    host.policy = PromotionPolicy(dead_man="required")
    host.replace("detect_dead_man", lambda: "process")


def mount_environment(host):
    host.monkeypatch.setattr(os.path, "ismount", lambda path: path == str(host.live))


def report_problem(host, *problems):
    host.monkeypatch.setattr(_preconditions._services, "find_service_problems", lambda _services: list(problems))


def put_generations_elsewhere(host):
    other = tempfile.mkdtemp(dir=OTHER_FILE_SYSTEM)
    host.elsewhere.append(other)
    generations = str(host.generation.parent)
    shutil.copytree(generations, other + "/generations")
    shutil.rmtree(generations)
    os.symlink(other + "/generations", generations)


def occupy_original(host):
    os.mkdir(str(host.generation.parent / "0-py3.8"))


def lose_service(host):
    report_problem(host, describe_missing_service("x.service"))


def mask_service(host):
    report_problem(host, *find_setup_problems("x.service", Unit({"LoadState": "masked"})))


def change_unit_file(host):
    report_problem(host, *find_setup_problems("x.service", Unit({"LoadState": "loaded", "NeedDaemonReload": "yes"})))


def lose_user(host):
    """As on a host whose root owns the environment, and no service says as which account it runs."""
    host.application = host.application._replace(user=None)
    host.monkeypatch.setattr(os, "stat", make_owned_by_root(os.stat, str(host.live)))


def make_owned_by_root(stat, path):
    def call(name, *arguments, **options):
        found = stat(name, *arguments, **options)
        return os.stat_result(found[:4] + (0,) + found[5:10]) if name == path else found

    return call


def forbid_renames(host):
    host.replace("find_fixed_path", lambda paths: "%s is immutable; run chattr -i it" % paths[0])


def lose_privilege(host):
    host.replace("can_become", lambda _owner: False)


def lose_setpriv(host):
    host.replace("find_entry_controller", lambda _path: Identity("other", 12345, 12345, (12345,), "/nowhere"))
    host.replace("can_become", lambda _owner: True)
    host.monkeypatch.setattr(_preconditions.shutil, "which", lambda _name: None)


def lose_generation(host):
    (host.generation / "pyvenv.cfg").unlink()


def fail_checks(host):
    host.replace("run_health_checks", lambda *_arguments, **_options: [FAILED])


CASES = {
    "account-undeclared": lose_user,
    "lease-held": hold_lease,
    "live-path-changed": change_live_path,
    "dead-man-missing": demand_dead_man,
    "environment-mounted": mount_environment,
    "service-masked": mask_service,
    "generations-elsewhere": put_generations_elsewhere,
    "original-occupied": occupy_original,
    "service-not-found": lose_service,
    "unit-file-changed": change_unit_file,
    "path-immutable": forbid_renames,
    "privilege-missing": lose_privilege,
    "setpriv-missing": lose_setpriv,
    "generation-missing": lose_generation,
    "unhealthy": fail_checks,
}


def test_a_host_on_which_everything_holds_is_not_refused(host):
    assert host.collect_findings() == [] and host.promote() is None


@pytest.mark.parametrize("key", sorted(CASES))
def test_a_promotion_refuses_with_what_preflight_finds(host, key):
    CASES[key](host)
    (finding,) = host.collect_findings()
    assert finding["key"] == key and finding["blocking"]
    assert host.promote() == "%s; %s" % (finding["detail"], finding["remediation"])


def test_what_does_not_block_is_found_and_refuses_nothing(host):
    off = find_setup_problems("x.service", Unit({"LoadState": "loaded", "UnitFileState": "disabled"}))
    report_problem(host, *off)
    (finding,) = host.collect_findings()
    assert (finding["key"], finding["severity"]) == ("service-not-enabled", "warning")
    assert finding["detail"].startswith("application x: x.service is disabled")
    assert host.promote() is None


def test_several_findings_are_named_together(host):
    mount_environment(host)
    fail_checks(host)
    found = host.collect_findings()
    assert [finding["key"] for finding in found] == ["environment-mounted", "unhealthy"]
    assert host.promote() == "\n".join("%s; %s" % (entry["detail"], entry["remediation"]) for entry in found)


def raise_error(error):
    def act(*_arguments, **_options):
        raise error

    return act


def damage_environment(host):
    (host.live / "pyvenv.cfg").unlink()


def confuse_owner(host):
    host.replace("find_entry_controller", raise_error(IdentityError("directories of different users")))


def stop_user_manager(host):
    host.monkeypatch.setattr(_preconditions._services, "find_service_problems", raise_error(ServiceError("no systemd")))


@pytest.mark.parametrize("case", [damage_environment, confuse_owner, stop_user_manager])
def test_an_error_stops_both_with_the_same_text(host, case):
    case(host)
    (finding,) = host.collect_findings()
    assert finding["key"] == "preflight-failed" and finding["blocking"]
    refused = host.promote()
    assert refused and finding["detail"] == "x: %s" % refused


def test_every_precondition_has_a_case():
    """A precondition added to the source needs a case here."""
    text = ""
    for module in (_preconditions, _service, _units):
        with open(module.__file__) as stream:
            text += stream.read()
    keys = {key for key in KEYS if 'key="%s"' % key in text} - {"service-not-enabled"}
    assert keys == set(CASES)


def test_generations_elsewhere_do_not_matter_once_the_live_path_is_a_symlink(host):
    put_generations_elsewhere(host)
    host.live.rename(host.live.with_name("original"))
    os.symlink("original", str(host.live))
    assert host.collect_findings() == [] and host.promote() is None


def test_the_record_of_another_application_refuses_in_both(host):
    other = ApplicationState(host.state.root, "y")
    other.write(dict(other.read(), live=str(host.live)))
    (finding,) = host.collect_findings()
    assert finding["key"] == "environment-claimed" and finding["blocking"]
    assert "the record of application y" in finding["detail"] and "`formerly: y`" in finding["remediation"]
    assert host.promote() == "%s; %s" % (finding["detail"], finding["remediation"])
