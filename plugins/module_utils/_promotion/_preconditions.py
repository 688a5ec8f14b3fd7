# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preconditions of a promotion, as findings: preflight shows them, and a promotion refuses by them."""

import os
import shutil
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import check_claims
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    UndeclaredAccountError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    load_record,
    read_live_target,
    read_python_version,
    resolve_builder,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, LeaseHeldError
from ansible_collections.oxzep7.python.plugins.module_utils._errors import PromotionRefused
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import describe_results, select_failures
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import can_become, find_entry_controller
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import check_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._file_flags import find_fixed_path
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._dead_man import detect_dead_man

REQUIRED = "required"
# Checks are run by the account and against the services that these findings miss.
PREVENTING_CHECKS = ("account-undeclared", "privilege-missing", "service-masked", "service-not-found")


class PromotionPolicy(NamedTuple):
    """The operator's policy: ``dead_man`` is ``required`` or ``preferred``; checks in ``accept_unhealthy`` may fail."""

    dead_man: str = "preferred"
    accept_unhealthy: Sequence[str] = ()


def check_record(application: Application, state: ApplicationState, run: str) -> Iterator[Dict[str, Any]]:
    """Yield a finding if another run changes *application*, another record has its environment, or the live path is
    not the recorded one.

    A promotion raises the same errors when it takes the lease and reads the record. Raises BuildError, ValueError,
    OSError.
    """
    try:
        with state.hold_lease(run, only_look=True):
            pass
    except LeaseHeldError as error:
        yield build_finding(key="lease-held", detail=error.detail, remediation=error.remediation)
        return
    claims = list(check_claims(application, state))
    yield from claims
    if claims:
        return
    try:
        record, _rebuilt = load_record(application, state)
        live = find_live_generation(application, record, read_python_version(application.environment))
    except PromotionRefused as error:
        yield build_finding(key="live-path-changed", detail=error.detail, remediation=error.remediation)
        return
    yield from check_adoption(application, live)


def check_adoption(application: Application, live: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    """Yield a finding if something is where the environment, now *live*, moves at its adoption."""
    if read_live_target(application) is None and os.path.lexists(live["path"]):
        yield build_finding(
            key="original-occupied",
            detail="application %s: %s exists, and the original environment moves there"
            % (application.name, live["path"]),
            remediation="move it away",
        )


def find_violations(
    application: Application, generations: Sequence[Dict[str, Any]], policy: PromotionPolicy
) -> Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]:
    """Return the findings about promoting *generations* of *application*, and the results of its checks now.

    A promotion refuses by the blocking ones.
    There are no results where a finding makes the checks impossible. Raises ServiceError, IdentityError, OSError.
    """
    found = list(_check_host(application, policy))
    for generation in generations:
        found += _check_generation(application, generation)
    if any(finding["key"] in PREVENTING_CHECKS for finding in found):
        return found, []
    baseline = run_health_checks(application, None, None, accepted=policy.accept_unhealthy)
    failures = select_failures(baseline)
    if failures:
        found.append(
            build_finding(
                key="unhealthy",
                detail="application %s is not healthy before the promotion: %s"
                % (application.name, describe_results(failures)),
                remediation="repair it, or name the check in oxzep7_accept_unhealthy",
            )
        )
    return found, baseline


def describe_violations(findings: Sequence[Dict[str, Any]]) -> str:
    """Return one line for each of *findings*: its detail and its remediation."""
    return "\n".join("%s; %s" % (finding["detail"], finding["remediation"]) for finding in findings)


def check_dead_man(application: Application, wanted: str) -> Iterator[Dict[str, Any]]:
    """Yield a finding if *wanted* is ``required`` and nothing would undo a change of *application* after a restart."""
    if wanted == REQUIRED and detect_dead_man() == "process":
        yield build_finding(
            key="dead-man-missing",
            detail="application %s: this host has neither systemd nor cron to undo a promotion after a restart, or the "
            "module does not run as root" % application.name,
            remediation="provide one of them, run with become, or set oxzep7_dead_man to preferred",
        )


def _check_host(application: Application, policy: PromotionPolicy) -> Iterator[Dict[str, Any]]:
    name, environment = application.name, application.environment
    yield from check_dead_man(application, policy.dead_man)
    if os.path.ismount(environment):
        yield build_finding(
            key="environment-mounted",
            detail="application %s: %s is a mount point and cannot be swapped" % (name, environment),
            remediation="mount its parent instead",
        )
    if _lie_on_different_file_systems(environment, application.generations_directory()):
        yield build_finding(
            key="generations-elsewhere",
            detail="application %s: %s and %s are on different file systems, so the environment cannot be moved there"
            % (name, environment, application.generations_directory()),
            remediation="put both on one file system",
        )
    for problem in _services.find_service_problems(application.services):
        yield dict(problem, detail="application %s: %s" % (name, problem["detail"]))
    check_directory(application.generations_directory(), resolve_builder(application).uid)
    fixed = find_fixed_path([os.path.dirname(environment), environment, application.generations_directory()])
    if fixed:
        yield build_finding(
            key="path-immutable",
            detail="application %s: even root cannot change the live path or the directories around it" % name,
            remediation=fixed,
        )
    try:
        application.resolve_account()
    except UndeclaredAccountError as error:
        yield build_finding(key="account-undeclared", detail=error.detail, remediation=error.remediation)
    owner = find_entry_controller(environment)
    if not can_become(owner):
        yield build_finding(
            key="privilege-missing",
            detail="application %s: %s can only be changed by %s" % (name, environment, owner.name),
            remediation="run with become",
        )
    elif not owner.is_current() and not shutil.which("setpriv"):
        yield build_finding(
            key="setpriv-missing",
            detail="application %s: this host has no setpriv, without which undo.sh cannot act as %s"
            % (name, owner.name),
            remediation="install util-linux",
        )


def _lie_on_different_file_systems(environment: str, generations: str) -> bool:
    """Whether the first promotion would have to move *environment* to another file system."""
    if os.path.islink(environment) or not os.path.isdir(generations):
        return False
    return os.stat(environment).st_dev != os.stat(generations).st_dev


def _check_generation(application: Application, generation: Dict[str, Any]) -> List[Dict[str, Any]]:
    if os.path.isfile(os.path.join(generation["path"], "pyvenv.cfg")):
        return []
    return [
        build_finding(
            key="generation-missing",
            detail="generation %s of %s is recorded at %s, but no environment is there"
            % (generation["id"], application.name, generation["path"]),
            remediation="build it again",
        )
    ]
