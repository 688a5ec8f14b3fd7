# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that a scan looks for, and a quick test of whether a text can contain any of them."""

import re
from typing import AbstractSet, Dict, Iterable, List, NamedTuple, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._source._class_paths import FACTORY_KEY, MARKER_WORDS
from ansible_collections.oxzep7.python.plugins.module_utils._source._moves import resolve_moved_name
from ansible_collections.oxzep7.python.plugins.module_utils._source._values import VALUE_RULES

IDENTIFIER_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# `function(parameter)`, `function(parameter=rule)`, and the position of an argument that needs no name.
PARAMETER_NAME = re.compile(r"^(.+)\((\w+)(?:=([\w-]+))?\)(?:@(\d+))?$")
IMPORT_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
MOVED_ATTRIBUTE = re.compile(r"\bmoves\.([A-Za-z_]\w*)")
# Statements that call a method.
STATEMENTS = {"__enter__": "with"}
DYNAMIC_IMPORTS = {"import_module", "__import__", "reload"}


def parse_imports(text: str) -> Dict[str, str]:
    """The modules that *text*, which is not parsed, imports by statements, each with the text of the names after it."""
    found: Dict[str, str] = {}
    for single, names, several in IMPORT_STATEMENT.findall(text):
        for entry in [single] if single else several.split(","):
            name = entry.split()[0] if entry.strip() else ""
            if "moves" in name or "six" in name:
                name = resolve_moved_name(name.lstrip("."))
                if name in ("six.moves", "future.moves") and single:
                    for moved in IDENTIFIER_WORD.findall(names):
                        found.setdefault(resolve_moved_name(name + "." + moved), "")
            found[name] = found.get(name, "") + names + " "
            if not single:
                # `import a.b` binds a.
                while "." in name:
                    name = name.rpartition(".")[0]
                    found.setdefault(name, "")
        if names.strip():
            # Another module of the same source may hand on what it imported.
            found[""] = found.get("", "") + names + " "
    return found


class WatchedParameter(NamedTuple):
    """A parameter of a function: name of the row, *rule* for its values, *position* of an argument without its name."""

    name: str
    parameter: str
    rule: Optional[str]
    position: Optional[int]


class WatchedNames:
    """Dotted names of the standard library: modules, functions, ``Class.method`` and ``function(parameter)``."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Set[str] = set()
        # What is watched in calls, by the dotted name of the function.
        self.calls: Dict[str, List[WatchedParameter]] = {}
        # Classes by the name of their method, for methods of unknown objects.
        self.methods: Dict[str, Set[str]] = {}
        # By a word of the source: the modules, one of which it must import as well; an empty one needs no import.
        self._homes: Dict[str, Set[str]] = {}
        self._functions: Dict[str, Set[str]] = {}
        for name in names:
            match = PARAMETER_NAME.match(name)
            if match:
                self._add_parameter(*match.groups())
            else:
                self.names.add(name)
                self._add_name(name)
        quoted = "|".join(sorted({re.escape(name.partition(".")[0]) for name in self.names}))
        self._quoted = re.compile("[\"'](?:ext://)?(?:%s)\\b" % quoted) if quoted else None

    @property
    def last_names(self) -> AbstractSet[str]:
        """The last parts of the dotted names."""
        return self._homes.keys()

    def _add_parameter(self, function: str, parameter: str, rule: Optional[str], position: Optional[str]) -> None:
        if rule is not None and rule not in VALUE_RULES:
            return
        name = "%s(%s%s)" % (function, parameter, "=" + rule if rule else "")
        watched = WatchedParameter(name, parameter, rule, None if position is None else int(position))
        self.calls.setdefault(function, []).append(watched)
        self._functions.setdefault(function.rpartition(".")[2], set()).add(function)

    def _add_name(self, name: str) -> None:
        parent, _dot, last = name.rpartition(".")
        module = find_home(parent)
        if module != parent:
            self.methods.setdefault(last, set()).add(parent)
        # Other packages have base classes of test cases, so that unittest may not be imported.
        anywhere = module.startswith("unittest") and not last.islower() and module != parent
        word = STATEMENTS.get(last, last)
        self._homes.setdefault(word, set()).add("" if anywhere else module or name)

    def can_match(self, text: str) -> bool:
        """Whether *text* can use any of the names. Cheap; may be true for a text that uses none."""
        words = set(IDENTIFIER_WORD.findall(text))
        near, called = words.intersection(self._homes), words.intersection(self._functions)
        if not near and not called:
            return False
        imports = parse_imports(text)
        if "moves" in words:
            for moved in MOVED_ATTRIBUTE.findall(text):
                imports.setdefault(resolve_moved_name("six.moves." + moved), "")
        if any(map(self.find_covering_name, imports)):
            return True
        dynamic = bool(words & DYNAMIC_IMPORTS)
        for word in near:
            for home in self._homes[word]:
                if (dynamic and home.split(".")[0] in words) or _is_named(word, home, text, imports):
                    return True
        if any(self._can_call(function, text, words, imports) for word in called for function in self._functions[word]):
            return True
        marked = bool(words & MARKER_WORDS) or FACTORY_KEY.search(text) is not None
        return marked and self._quoted is not None and self._quoted.search(text) is not None

    def _can_call(self, function: str, text: str, words: Set[str], imports: Dict[str, str]) -> bool:
        """Whether *text* can call the watched *function* with something watched."""
        home = find_home(function.rpartition(".")[0])
        if home and not _is_imported(home, imports):
            return False
        for watched in self.calls[function]:
            if watched.rule:
                if VALUE_RULES[watched.rule].hint.search(text):
                    return True
            elif watched.position is not None or watched.parameter in words:
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


def find_home(name: str) -> str:
    """The module of the dotted *name* of a class or module."""
    while name and (name.rpartition(".")[2][:1].isupper() or name == "array.array"):
        name = name.rpartition(".")[0]
    return name


def _is_named(word: str, home: str, text: str, imports: Dict[str, str]) -> bool:
    """Whether *word* is imported from *home*, or is an attribute or a string in a text that imports *home*."""
    if not home:
        return True
    if word in imports.get(home, "") or "*" in imports.get(home, ""):
        return True
    if not _is_imported(home, imports):
        return False
    return word == "with" or "." + word in text or '"' + word in text or "'" + word in text


def _is_imported(home: str, imports: Dict[str, str]) -> bool:
    """Whether the module *home* is imported; `from a import b` and `import a` may bring the module a.b."""
    parent, _dot, last = home.rpartition(".")
    if home in imports or "*" in imports.get("", ""):
        return True
    return parent in imports and (not imports[parent] or last in imports[parent])
