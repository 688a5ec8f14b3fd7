# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health of an application: its services, its declared checks and the interpreter of its processes."""

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._health._checks import (
    evaluate_checks,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._where import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._host._processes import examine_processes


def run_health_checks(
    application: Application,
    interpreter: Optional[str],
    old: Optional[str],
    before: Optional[Dict[str, Dict[str, Any]]] = None,
    accepted: Sequence[str] = (),
) -> List[Dict[str, Any]]:
    """Every declared check, and that each service runs; with *interpreter*, that its processes run that one.

    *before* is what the checks measured before the promotion. Those that an operator *accepted* to fail are marked.
    """
    active = [service for service in application.services if service.action != "none"]
    again = _services.count_restarts(
        [service for service in active if interpreter and service.action in ("stop-start", "restart")]
    )
    results = [
        {
            "name": service.name,
            "kind": "service",
            "passed": running and service not in again,
            "seconds": 0.0,
            "evidence": "restarted %d times by systemd" % again[service]
            if service in again
            else "running"
            if running
            else "not running",
        }
        for service, running in ((service, _services.is_running(service)) for service in active)
    ]
    if select_failures(results):
        return results
    checked = evaluate_checks(
        application.checks, CheckContext(application.resolve_account(), application.environment), before
    )
    results += [dict(result, accepted=True) if result["name"] in accepted else result for result in checked]
    observed = [service for service in active if service.is_unit() or service.pidfile]
    if interpreter and observed and not select_failures(results):
        passed, evidence = examine_processes(
            [service.name for service in observed if service.is_unit()],
            [service.pidfile for service in observed if service.pidfile],
            interpreter,
            old,
        )
        results.append({"name": "processes", "kind": "process", "passed": passed, "evidence": evidence, "seconds": 0.0})
    return results
