# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names in the modules of one source stand for, so that a name is followed through a compatibility module."""

from typing import Any, Callable, Dict, Optional, Set

# Begins the dotted name of a module that was imported relatively.
LOCAL_PREFIX = "<source>."
# How many modules a name is followed through.
MODULES_LIMIT = 8
ModuleLoader = Callable[[str], Optional[Dict[str, Any]]]


class SourceModules:
    """Resolves dotted names. *load* returns the names of a module by its dotted name below the root, or None.

    ``tops`` are the first parts of the names that are looked for.
    """

    def __init__(self, load: ModuleLoader) -> None:
        self.tops: Set[str] = set()
        self._load = load
        self._known: Dict[str, Any] = {}
        self._depth = 0

    def resolve(self, name: str) -> Any:
        """What the dotted *name* stands for; *name* itself for a module, and for what lies elsewhere.

        None for a relative name that no module is known to have.
        """
        local = name.startswith(LOCAL_PREFIX)
        if not local and name.partition(".")[0] not in self.tops:
            return name
        if name not in self._known:
            if self._depth >= MODULES_LIMIT:
                return None if local else name
            self._depth += 1
            try:
                self._known[name] = self._find(name[len(LOCAL_PREFIX) :] if local else name, None if local else name)
            finally:
                self._depth -= 1
            if self._known[name] is self:
                self._known[name] = name
        return self._known[name]

    def _find(self, name: str, otherwise: Any) -> Any:
        """What *name*, which is relative to the root, stands for; this object itself for a module."""
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            exports = self._load(".".join(parts[:count]))
            if exports is None:
                continue
            if count == len(parts):
                return self
            value = exports.get(parts[count])
            rest = parts[count + 1 :]
            if not rest:
                return otherwise if value is None else value
            return self.resolve(".".join([str(value)] + rest)) if isinstance(value, str) else otherwise
        return otherwise

    def list_exports(self, module: str) -> Optional[Dict[str, Any]]:
        """The names of *module* with their values; None for a module that lies elsewhere."""
        if module.startswith(LOCAL_PREFIX):
            return self._load(module[len(LOCAL_PREFIX) :])
        return self._load(module) if module.partition(".")[0] in self.tops else None


def find_absolute_module(package: Optional[str], level: int, module: Optional[str]) -> Optional[str]:
    """The dotted name that a ``from`` statement imports from, in a module of *package*.

    None if that is relative and *package* is None or has not so many parts.
    """
    if not level:
        return module
    if package is None:
        return None
    parts = package.split(".") if package else []
    if level - 1 > len(parts):
        return None
    names = parts[: len(parts) - (level - 1)] + ([module] if module else [])
    return LOCAL_PREFIX + ".".join(names) if names else LOCAL_PREFIX[:-1]
