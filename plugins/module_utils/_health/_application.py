# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health of an application: its services, its declared checks and the interpreter of its processes."""

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import evaluate_checks, select_failures
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._host._processes import examine_processes
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import RESTART, STOP_START, Service


def _examine_services(services: List[Service], count_restarts: bool) -> List[Dict[str, Any]]:
    """A result for each of *services*: it runs and, if *count_restarts*, was not restarted by its manager."""
    results = []
    for service, state in _services.observe_services(services).items():
        passed, evidence = state.healthy, state.evidence
        if count_restarts and state.restarts and service.action in (STOP_START, RESTART):
            passed, evidence = False, "restarted %d times by systemd" % state.restarts
        result = {"name": service.name, "kind": "service", "passed": passed, "seconds": 0.0, "evidence": evidence}
        results.append(result)
    return results


def run_health_checks(
    application: Application,
    interpreter: Optional[str],
    old: Optional[str],
    before: Optional[Dict[str, Dict[str, Any]]] = None,
    accepted: Sequence[str] = (),
) -> List[Dict[str, Any]]:
    """The results of all services and checks of *application*.

    With *interpreter*, the processes of its services must run that one and map no file below *old*. *before* holds
    the measurements before the promotion. Results of the checks called *accepted* are marked as accepted failures.
    Raises ServiceError, IdentityError, OSError.
    """
    active = [service for service in application.services if service.action != "none"]
    results = _examine_services(active, interpreter is not None)
    if select_failures(results):
        return results
    context = CheckContext(application.resolve_account(), application.environment)
    for result in evaluate_checks(application.checks, context, before):
        results.append(dict(result, accepted=True) if result["name"] in accepted else result)
    units, pidfiles = _services.list_process_sources(active)
    if interpreter and (units or pidfiles) and not select_failures(results):
        passed, evidence = examine_processes(units, pidfiles, interpreter, old)
        results.append({"name": "processes", "kind": "process", "passed": passed, "evidence": evidence, "seconds": 0.0})
    return results
