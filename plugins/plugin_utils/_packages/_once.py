# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is done once however many threads ask for it."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class OnceCache(Generic[Answer]):
    """Answers by key: the first who asks works, the others wait; an exception is an answer, too."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._answers: dict[Hashable, concurrent.futures.Future[Answer]] = {}

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer for *key*, made by *make* the first time. Raises what *make* raises."""
        with self._guard:
            known = self._answers.get(key)
            mine = known is None
            if known is None:
                known = self._answers[key] = concurrent.futures.Future()
        if mine:
            try:
                known.set_result(make())
            except BaseException as error:
                known.set_exception(error)
        return known.result()
