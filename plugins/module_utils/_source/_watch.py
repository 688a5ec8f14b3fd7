# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that a scan looks for, and a quick test of whether a text can contain any of them."""

import re
from typing import AbstractSet, Dict, Iterable, Optional, Set

IDENTIFIER_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAMETER_NAME = re.compile(r"^(.+)\((\w+)\)$")
IMPORT_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
DYNAMIC_IMPORTS = {"import_module", "__import__", "reload"}


def parse_imports(text: str) -> Dict[str, str]:
    """The modules that *text*, which is not parsed, imports by statements, each with the text of the names after it."""
    found: Dict[str, str] = {}
    for single, names, several in IMPORT_STATEMENT.findall(text):
        for entry in [single] if single else several.split(","):
            name = entry.split()[0] if entry.strip() else ""
            found[name] = found.get(name, "") + names + " "
            if not single:
                # `import a.b` binds a.
                while "." in name:
                    name = name.rpartition(".")[0]
                    found.setdefault(name, "")
    return found


class WatchedNames:
    """Dotted names of the standard library: modules, functions, ``Class.method`` and ``function(parameter)``."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Set[str] = set()
        self.parameters: Dict[str, Set[str]] = {}
        # Classes by the name of their method, for methods of unknown objects.
        self.methods: Dict[str, Set[str]] = {}
        # By a word of the source: the modules, one of which it must import as well; an empty one needs no import.
        self._homes: Dict[str, Set[str]] = {}
        self._keywords: Dict[str, Set[str]] = {}
        for name in names:
            match = PARAMETER_NAME.match(name)
            if match:
                self.parameters.setdefault(match.group(1), set()).add(match.group(2))
            else:
                self.names.add(name)
            self._add_name(match.group(1) if match else name, match.group(2) if match else None)

    @property
    def last_names(self) -> AbstractSet[str]:
        """The last parts of the dotted names."""
        return self._homes.keys()

    @property
    def keywords(self) -> AbstractSet[str]:
        """The names of the parameters of functions."""
        return self._keywords.keys()

    def _add_name(self, name: str, parameter: Optional[str]) -> None:
        parent, _dot, last = name.rpartition(".")
        module, word = parent, parameter or last
        while module and (module.rpartition(".")[2][:1].isupper() or module == "array.array"):
            if parameter is None and module == parent:
                self.methods.setdefault(last, set()).add(parent)
            module = module.rpartition(".")[0]
        # Other packages have base classes of test cases, so that unittest may not be imported.
        anywhere = module.startswith("unittest") and not last.islower() and parameter is None
        kind = self._keywords if parameter else self._homes
        kind.setdefault(word, set()).add("" if anywhere else module or name)

    def can_match(self, text: str) -> bool:
        """Whether *text* can use any of the names. Cheap; may be true for a text that uses none."""
        words = set(IDENTIFIER_WORD.findall(text))
        near, keys = words.intersection(self._homes), words.intersection(self._keywords)
        if not near and not keys:
            return False
        imports = parse_imports(text)
        if any(map(self.find_covering_name, imports)):
            return True
        dynamic = bool(words & DYNAMIC_IMPORTS)
        for word in near:
            for home in self._homes[word]:
                if (dynamic and home.split(".")[0] in words) or _is_named(word, home, text, imports):
                    return True
        for word in keys:
            if word + "=" in text or word + " =" in text:
                for home in self._keywords[word]:
                    if _is_imported(home, imports):
                        return True
        return False

    def find_covering_name(self, name: str) -> str:
        """The shortest watched name that *name* equals or lies below; empty without one."""
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            shorter = ".".join(parts[:count])
            if shorter in self.names:
                return shorter
        return ""


def _is_named(word: str, home: str, text: str, imports: Dict[str, str]) -> bool:
    """Whether *word* is imported from *home*, or is an attribute or a string in a text that imports *home*."""
    if not home:
        return True
    if word in imports.get(home, "") or "*" in imports.get(home, ""):
        return True
    return _is_imported(home, imports) and ("." + word in text or '"' + word in text or "'" + word in text)


def _is_imported(home: str, imports: Dict[str, str]) -> bool:
    """Whether the module *home* is imported; `from a import b` may bring the module a.b."""
    parent, _dot, last = home.rpartition(".")
    return home in imports or (bool(parent) and last in imports.get(parent, ""))
