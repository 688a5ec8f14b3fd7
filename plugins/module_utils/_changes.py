# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collects the changes of a module, for ``changed``, ``diff`` and ``actions``."""

from typing import Any, Dict, List


class Changes:
    """The changes that a module made, or would make in check mode, in order."""

    def __init__(self) -> None:
        self._actions: List[str] = []
        self._before: Dict[str, Any] = {}
        self._after: Dict[str, Any] = {}

    def add(self, action: str, key: str, before: Any, after: Any) -> None:
        """Record *action* (a sentence), which takes *key* from *before* to *after*."""
        self._actions.append(action)
        self._before.setdefault(key, before)
        self._after[key] = after

    def result(self) -> Dict[str, Any]:
        """The return values that all changing modules have."""
        return {
            "changed": bool(self._actions),
            "actions": self._actions,
            "diff": {"before": self._before, "after": self._after},
        }
