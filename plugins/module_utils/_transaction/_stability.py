# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for an application to become healthy after a change, and to stay so."""

import time
from typing import Any, Callable, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    POLL_SECONDS,
    estimate_check_seconds,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import compute_pause
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import COMMAND_TIMEOUT
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import MARGIN_SECONDS, Deadline

WATCH_SECONDS = 1.0


def estimate_check_time(application: Application) -> float:
    """Return the seconds that one round of all checks of *application* may take, by their own limits."""
    services = COMMAND_TIMEOUT * len(application.services)
    return MARGIN_SECONDS + estimate_check_seconds(application.checks) + services


class HealthWatch:
    """The health of an application by *collect_results*, while *deadline* is extended by what a round may take."""

    def __init__(
        self,
        application: Application,
        collect_results: Callable[[Application], List[Dict[str, Any]]],
        deadline: Deadline,
    ) -> None:
        self._application = application
        self._collect_results = collect_results
        self._deadline = deadline

    def _check(self) -> List[Dict[str, Any]]:
        self._deadline.extend(estimate_check_time(self._application))
        return self._collect_results(self._application)

    def wait_until_healthy(self, timeout: float) -> List[Dict[str, Any]]:
        """Check until everything passes, a unit has failed, or *timeout* seconds are over; return the last results."""
        end = time.monotonic() + timeout
        while True:
            began = time.monotonic()
            results = self._check()
            if not select_failures(results) or time.monotonic() > end or _has_failed_service(results):
                return results
            time.sleep(compute_pause(time.monotonic() - began, POLL_SECONDS, WATCH_SECONDS, 2))

    def watch_stability(self, seconds: float, results: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        """Check for *seconds*, beginning with *results*, until something fails; return the last results."""
        end = time.monotonic() + seconds
        while not select_failures(results) and time.monotonic() < end:
            time.sleep(min(WATCH_SECONDS, max(0.0, end - time.monotonic())))
            results = self._check()
        return results


def _has_failed_service(results: List[Dict[str, Any]]) -> bool:
    """Whether a service in *results* is in a state from which nothing will start it again."""
    return any(result.get("final") for result in results)
