# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health of an application after a change of it was undone."""

import contextlib
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    describe_results,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    COMMAND_TIMEOUT,
    LEAVE,
    STOP_START,
    Service,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import Deadline
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import read_journal
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._stability import HealthWatch

# Seconds in which an application must become healthy again, where its transaction did not say.
HEALTH_SECONDS = 150.0
UNDRAIN = "undrain: "


def list_tolerated_checks(
    application: Application, results: Sequence[Dict[str, Any]], accepted: Sequence[str]
) -> List[str]:
    """The names of services and checks that may fail after an undo, by the *results* from before the change.

    These are the *accepted* ones and those that failed. Where services failed, no check was asked.
    """
    failed = [result["name"] for result in results if not result["passed"]]
    asked = [result["name"] for result in results]
    unasked = [check["name"] for check in application.checks if check["name"] not in asked]
    return sorted(set(accepted) | set(failed) | set(unasked))


def examine_undone(
    state: ApplicationState, given: Sequence[str], application: Optional[Application]
) -> Tuple[str, List[Dict[str, Any]]]:
    """Why the application is not healthy since its change was undone, empty if it is; and the results of its checks.

    *given* are the failures of ``undo.sh``, which alone decide without *application*. Raises ValueError, OSError.
    """
    if application is None:
        return "; ".join(given), []
    journal = read_journal(state)
    if given:
        _start_again(application.services, state.log_path)
    tolerated = journal.get("tolerated", [])
    problems = []
    if any(line.startswith(UNDRAIN) for line in given):
        problems += _undrain_again(application, state.log_path)

    def collect(examined: Application) -> List[Dict[str, Any]]:
        results = run_health_checks(examined, None, None)
        return [dict(result, accepted=True) if result["name"] in tolerated else result for result in results]

    results: List[Dict[str, Any]] = []
    try:
        watch = HealthWatch(application, collect, Deadline(state))
        results = watch.wait_until_healthy(float(journal.get("timeout", HEALTH_SECONDS)))
        failures = select_failures(results)
        problems += [describe_results(failures)] if failures else []
    except (CollectionError, OSError) as error:
        problems.append(str(error))
    return "; ".join(problems), results


def _start_again(services: Sequence[Service], log: str) -> None:
    """Start those of *services* once more that do not run; what fails is seen by the checks."""
    for service in services:
        with contextlib.suppress(CollectionError, OSError):
            if service.action == LEAVE or _services.observe_services([service])[service].healthy:
                continue
            stopped = service.with_action(STOP_START)
            with contextlib.suppress(CollectionError):
                _services.stop_before_swap([stopped], log=log)
            _services.start_after_swap([stopped], log=log)


def _undrain_again(application: Application, log: str) -> List[str]:
    """Run the commands of ``undrain`` once more; returns the failure of one."""
    try:
        for command in application.undrain:
            require_success(UNDRAIN.strip(": "), run_command(command, COMMAND_TIMEOUT, log=log))
    except CollectionError as error:
        return [str(error)]
    return []
