# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that a scan looks for, and a quick test whether a text can contain any of them."""

import re
from typing import Dict, FrozenSet, Iterable, List, Set

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAMETER = re.compile(r"^(.+)\((\w+)\)$")


class Watch:
    """Dotted names of the standard library to look for: modules, functions, ``Class.method`` and ``function(parameter)``."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Set[str] = set()
        self.parameters: Dict[str, Set[str]] = {}
        # Class by method: how a method is known whose object's class is not.
        self.methods: Dict[str, Set[str]] = {}
        self._needs: Dict[str, List[FrozenSet[str]]] = {}
        for name in names:
            match = PARAMETER.match(name)
            if match:
                self.parameters.setdefault(match.group(1), set()).add(match.group(2))
                self._need(match.group(2), [match.group(1).rpartition(".")[2]])
                continue
            self.names.add(name)
            parent, _dot, last = name.rpartition(".")
            holder = parent.rpartition(".")[2]
            if holder[:1].isupper() or parent == "array.array":
                self.methods.setdefault(last, set()).add(parent)
                self._need(last, [])
            else:
                self._need(last, parent.split(".")[-1:] if parent else [])

    def _need(self, last: str, others: List[str]) -> None:
        self._needs.setdefault(last, []).append(frozenset(others))

    def possible(self, text: str) -> bool:
        """Whether *text* has the words of any of the names; cheap, and never wrong when it says no."""
        words = set(WORD.findall(text))
        return any(needed <= words for last in words.intersection(self._needs) for needed in self._needs[last])

    def covering(self, name: str) -> str:
        """The shortest watched name that *name* is, or lies below; empty when there is none."""
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            shorter = ".".join(parts[:count])
            if shorter in self.names:
                return shorter
        return ""
