# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polls applications, and counts the hosts on which one was down at the same time."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping
from types import TracebackType

INTERVAL = 0.1
TIMEOUT = 2.0


class Prober:
    """Polls every one of *targets* (application, address, port; by host) in a thread, until the block ends."""

    def __init__(self, targets: Mapping[str, tuple[str, str, int]]) -> None:
        self._targets = targets
        self._ended = threading.Event()
        self._changes: list[tuple[float, str, str, bool]] = []
        self._threads = []
        for host, target in targets.items():
            self._threads.append(threading.Thread(target=self._poll_target, args=(host, *target), daemon=True))

    def __enter__(self) -> Prober:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(TIMEOUT * 2)

    def _poll_target(self, host: str, application: str, address: str, port: int) -> None:
        answered = True
        while not self._ended.is_set():
            began = time.monotonic()
            connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
            try:
                connection.request("GET", "/health")
                now = connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                now = False
            finally:
                connection.close()
            if now != answered:
                self._changes.append((began, application, host, now))
                answered = now
            self._ended.wait(INTERVAL)

    def count_most_down(self) -> dict[str, int]:
        """Number of hosts, at most, on which each application was down at the same time."""
        most = {application: 0 for application, _address, _port in self._targets.values()}
        down: dict[str, set[str]] = {application: set() for application in most}
        for _moment, application, host, answers in sorted(self._changes):
            (down[application].discard if answers else down[application].add)(host)
            most[application] = max(most[application], len(down[application]))
        return most
