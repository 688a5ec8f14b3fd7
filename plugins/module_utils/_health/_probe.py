# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the downtime of an application by evaluating a health check continuously."""

import threading
import time
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import evaluate_check
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import select_check_kind

MINIMUM_INTERVAL, MAXIMUM_INTERVAL = 0.02, 0.25


def compute_pause(duration: float, minimum: float, maximum: float, share: float) -> float:
    """Seconds to pause after an evaluation of *duration* seconds, so that evaluations take one part of *share* + 1.

    Evaluating without a pause would slow down the start of the service on a busy host. The *maximum* is for an
    evaluation that was idle until its own limit.
    """
    return min(maximum, max(minimum, share * duration))


def _choose_check(checks: List[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """The first of *checks* that is suitable for measuring downtime, with options for that."""
    for check in checks:
        kind, options = select_check_kind(check)
        probe_options = kind.build_probe_options(options)
        if probe_options is not None:
            return {"name": check["name"], kind.name: probe_options}
    return None


class DowntimeProbe:
    """Evaluates one of *checks* every few milliseconds from `start` to `stop`, in a thread."""

    def __init__(self, checks: List[Dict[str, Any]]) -> None:
        self._check = _choose_check(checks)
        self._evaluations: List[Tuple[float, float, bool]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._evaluate_repeatedly, daemon=True)

    def _evaluate_repeatedly(self) -> None:
        while self._check and not self._stopped.is_set():
            began = time.monotonic()
            passed = evaluate_check(self._check, CheckContext())["passed"]
            self._evaluations.append((began, time.monotonic(), passed))
            self._stopped.wait(compute_pause(time.monotonic() - began, MINIMUM_INTERVAL, MAXIMUM_INTERVAL, 5))

    def start(self) -> "DowntimeProbe":
        """Start the thread."""
        if self._check:
            self._thread.start()
        return self

    def stop(self) -> Optional[int]:
        """Stop the thread; the downtime in milliseconds, or None if no check is suitable."""
        self._stopped.set()
        if not self._check:
            return None
        self._thread.join()
        return compute_downtime(self._evaluations)


def compute_downtime(evaluations: List[Tuple[float, float, bool]]) -> int:
    """Milliseconds from each first failed evaluation to the end of the next passed one, summed.

    *evaluations* holds (began, ended, passed) of each, in seconds. An outage that has not ended counts up to the last
    evaluation.
    """
    total = 0.0
    down_since: Optional[float] = None
    for began, ended, passed in evaluations:
        if not passed and down_since is None:
            down_since = began
        elif passed and down_since is not None:
            total += ended - down_since
            down_since = None
    if down_since is not None:
        total += evaluations[-1][1] - down_since
    return int(round(total * 1000))
