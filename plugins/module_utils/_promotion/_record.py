# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of one promotion, which roles and reports pass on as it is."""

import time
from typing import Any, Dict, Mapping

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
)
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import describe_choice


class PromotionRecord:
    """Makes the record of a promotion to the generation *wanted*; its ``seconds`` count from here."""

    def __init__(self, state: ApplicationState, wanted: str) -> None:
        self._state = state
        self._wanted = wanted
        self._began = time.monotonic()

    def describe(self, outcome: str, result: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the record for *outcome*, with the values of the *result* of a promotion that got so far.

        Without a result nothing was promoted: ``from`` is the live generation, ``to`` the wanted one.
        """
        known = self._read_state()
        target = result.get("generation", self._wanted)
        generation = find_generation(known, target) or {}
        return {
            "application": self._state.name,
            "from": result.get("from", known.get("current")),
            "to": target,
            "chosen": describe_choice(known, self._wanted),
            "lock": generation.get("lock"),
            "downtime_ms": result.get("downtime_ms"),
            "seconds": round(time.monotonic() - self._began, 1),
            "result": outcome,
            "cause": result.get("cause"),
        }

    def _read_state(self) -> Dict[str, Any]:
        try:
            return self._state.read()
        except (ValueError, OSError):
            # The promotion has ended, whether its record can be read or not.
            return {"application": self._state.name, "current": None, "generations": [], "history": []}
