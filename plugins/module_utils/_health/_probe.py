# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures how long an application did not answer, by asking it all the time."""

import threading
import time
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._health._checks import evaluate_check
from ansible_collections.oxzep7.python.plugins.module_utils._health._where import CheckContext

MINIMUM_INTERVAL, MAXIMUM_INTERVAL = 0.02, 0.25


def compute_pause(taken: float, least: float, most: float, share: float) -> float:
    """Seconds to wait, after a look that took *taken*, for the next one, so that looking takes one part of *share* + 1.

    Who looks all the time keeps a busy host from what it waits for. But a look may have waited for nothing but its own limit, so there is a *most*.
    """
    return min(most, max(least, share * taken))


class DowntimeProbe:
    """Asks one HTTP check every few milliseconds from `start` to `stop`."""

    def __init__(self, checks: List[Dict[str, Any]]) -> None:
        chosen = next((check for check in checks if check.get("http")), None)
        # What is asked is whether it answers; how fast, and with which certificate, is judged elsewhere.
        loose = (
            {"timeout": min(2.0, chosen["http"]["timeout"]), "latency": None, "at_most": None, "tls_days": None}
            if chosen
            else {}
        )
        self._check = dict(chosen, http=dict(chosen["http"], **loose)) if chosen else None
        self._seen: List[Tuple[float, float, bool]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run_probe, daemon=True)

    def _run_probe(self) -> None:
        while self._check and not self._ended.is_set():
            began = time.monotonic()
            passed = evaluate_check(self._check, CheckContext())["passed"]
            self._seen.append((began, time.monotonic(), passed))
            self._ended.wait(compute_pause(time.monotonic() - began, MINIMUM_INTERVAL, MAXIMUM_INTERVAL, 5))

    def start(self) -> "DowntimeProbe":
        """Begin to ask, in a thread of its own."""
        if self._check:
            self._thread.start()
        return self

    def stop(self) -> Optional[int]:
        """Stop asking; the downtime in milliseconds, or None where there is no HTTP check to ask."""
        self._ended.set()
        if not self._check:
            return None
        self._thread.join()
        return compute_downtime(self._seen)


def compute_downtime(seen: List[Tuple[float, float, bool]]) -> int:
    """Milliseconds between the first failed request and the answer to the next good one, summed.

    *seen* holds (began, ended, passed) per request, in seconds. An outage that has not ended
    counts up to the last request.
    """
    total = 0.0
    down_since: Optional[float] = None
    for began, ended, passed in seen:
        if not passed and down_since is None:
            down_since = began
        elif passed and down_since is not None:
            total += ended - down_since
            down_since = None
    if down_since is not None:
        total += seen[-1][1] - down_since
    return int(round(total * 1000))
