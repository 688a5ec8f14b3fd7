# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health of an application: its services, its declared checks and the interpreter of its processes."""

import os
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import evaluate_checks, select_failures
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import describe_environment
from ansible_collections.oxzep7.python.plugins.module_utils._services._proof import (
    list_python_services,
    prove_processes,
    summarize_proofs,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import LEAVE, Service, ServiceState


def _describe_states(
    states: Mapping[Service, ServiceState], count_restarts: bool, python: Sequence[str]
) -> List[Dict[str, Any]]:
    """A result for each service in *states*: it runs and, if *count_restarts*, was not restarted by its manager.

    It measures whether the service is one of those that use *python*. With ``final`` nothing will start it again.
    """
    results = []
    for service, state in states.items():
        passed, evidence = state.healthy, state.evidence
        if count_restarts and state.restarts and service.is_started():
            passed, evidence = False, "restarted %d times by systemd" % state.restarts
        result = {"name": service.name, "kind": "service", "passed": passed, "seconds": 0.0, "evidence": evidence}
        measured = {"python": service.get_label() in python}
        results.append(dict(result, measured=measured, final=state.failed))
    return results


def _examine_processes(
    states: Dict[Service, ServiceState], interpreter: str, old: Optional[str], before: Mapping[str, Mapping[str, Any]]
) -> List[Dict[str, Any]]:
    """The result for the processes of the services in *states*; none without processes."""
    began = time.monotonic()
    new = describe_environment(os.path.dirname(os.path.dirname(interpreter)))
    proofs = prove_processes(states, new, describe_environment(old) if old else None)
    earlier = [service for service in states if (before.get(service.name) or {}).get("python")]
    passed, evidence = summarize_proofs(proofs, earlier)
    seconds = round(time.monotonic() - began, 3)
    result = {"name": "processes", "kind": "process", "passed": passed, "evidence": evidence, "seconds": seconds}
    return [result] if proofs else []


def run_health_checks(
    application: Application,
    interpreter: Optional[str],
    old: Optional[str],
    before: Optional[Dict[str, Dict[str, Any]]] = None,
    accepted: Sequence[str] = (),
) -> List[Dict[str, Any]]:
    """The results of all services and checks of *application*.

    With *interpreter*, the one of an environment, the processes of its services must run that and use nothing of the
    environment *old*. *before* holds the measurements before the promotion. Results of the checks called *accepted* are
    marked as accepted failures. Raises ServiceError, IdentityError, OSError.
    """
    active = [service for service in application.services if service.action != LEAVE]
    states = _services.observe_services(active)
    python = list_python_services(prove_processes(states, None, None)) if interpreter is None else []
    results = _describe_states(states, interpreter is not None, python)
    if select_failures(results):
        return results
    # Only checks run something as the application's user.
    account = application.resolve_account() if application.checks else None
    context = CheckContext(account, application.environment)
    for result in evaluate_checks(application.checks, context, before):
        results.append(dict(result, accepted=True) if result["name"] in accepted else result)
    if interpreter and not select_failures(results):
        results += _examine_processes(states, interpreter, old, before or {})
    return results
