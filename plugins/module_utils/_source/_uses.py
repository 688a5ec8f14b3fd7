# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the uses of watched names, unless the program is prepared for them to be missing."""

import ast
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import (
    LOCAL_CLASS_PREFIX,
    Bindings,
    InstanceOf,
    IterableOf,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._class_paths import parse_dotted_path
from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    ALL_VERSIONS,
    ANY_NAME,
    WRITTEN,
    VersionSpan,
    intersect_spans,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._modules import (
    SourceModules,
    find_absolute_module,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._moves import resolve_moved_name
from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import format_dotted_name
from ansible_collections.oxzep7.python.plugins.module_utils._source._values import VALUE_RULES
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
NAME_ERRORS = {"NameError", "Exception", "BaseException"}
ATTRIBUTE_ERRORS = IMPORT_ERRORS | NAME_ERRORS | {"AttributeError"}
KEYWORD_ERRORS = {"TypeError", "Exception", "BaseException"}
VALUE_ERRORS = KEYWORD_ERRORS | {"ValueError", "error"}
TEST_CLASS = "unittest.TestCase"
# How classes with the methods of unittest's test cases are called in other packages.
TEST_BASES = ("TestCase", "Mixin", "Test", "Tests", "Base")
# Methods whose lower-case name is unlike that of any other library.
DISTINCT_METHODS = {
    "getchildren",
    "getiterator",
    "readfp",
    "has_exec",
    "module_repr",
    "lgettext",
    "lngettext",
    "is_reserved",
}


class SourceUse(NamedTuple):
    """A use of a watched name: the line, the minor versions of Python 3 that reach it, and whether an import runs it.

    A use is not ``certain`` where a method is known by its name alone and the class of its object is inferred.
    """

    name: str
    line: int
    versions: VersionSpan
    on_import: bool
    certain: bool


class ScanContext(NamedTuple):
    """Where a visitor is: the versions that get here, and whether an import runs it.

    ``caught`` are the exceptions that are caught around, ``tested`` the names whose presence was tested. A
    ``fallback`` is for what no version that is scanned for lacks.
    """

    versions: VersionSpan
    caught: FrozenSet[str]
    tested: FrozenSet[str]
    on_import: bool
    fallback: bool

    def is_weak(self) -> bool:
        """Whether the newest version does not get here."""
        return self.fallback or self.versions[1] < ALL_VERSIONS[1]

    def add_tested(self, names: FrozenSet[str]) -> "ScanContext":
        """The context in which the presence of *names* is known, too."""
        return self._replace(tested=self.tested | names) if names else self

    def narrow(self, span: Optional[VersionSpan]) -> "ScanContext":
        """The context in those versions only that are in *span*; without a span the context itself."""
        if span is None:
            return self
        return self._replace(versions=intersect_spans(self.versions, span))


class UseRecorder:
    """Finds the watched names in imports, attributes and calls; ``uses`` has them in the order of the visit."""

    def __init__(
        self,
        watch: WatchedNames,
        bindings: Bindings,
        imported: List[str],
        modules: Optional[SourceModules] = None,
        package: Optional[str] = None,
    ) -> None:
        """*imported*: the top-level names of the modules that the source imports.

        *modules* are the others of a source, *package* is the one of this module.
        """
        self.uses: List[SourceUse] = []
        self.star_imports: List[str] = []
        self.path_imports: List[str] = []
        self.watched_attributes = watch.last_names
        self._watch = watch
        self._bindings = bindings
        self._imported = set(imported)
        self._modules = modules
        self._package = package

    def find_module(self, level: int, module: Optional[str]) -> Optional[str]:
        """The dotted name that a ``from`` statement imports from, names of six resolved; None for an unknown one."""
        if module and level and "six" in module.split("."):
            return resolve_moved_name(module)
        found = find_absolute_module(self._package if self._modules else None, level, module)
        return resolve_moved_name(found) if found else None

    def list_exports(self, module: str) -> Optional[Dict[str, Any]]:
        """The names of another *module* of the source, or None."""
        return self._modules.list_exports(module) if self._modules else None

    def _record(self, name: str, node: Any, context: ScanContext, certain: bool = True) -> None:
        if name == "distutils" and "setuptools" in self._imported:
            # setuptools brings its own.
            return
        self.uses.append(SourceUse(name, node.lineno, context.versions, context.on_import, certain))

    def record_import(self, module: str, node: Any, context: ScanContext) -> bool:
        """Record the import of *module*; returns whether the module is watched."""
        self._imported.add(module.partition(".")[0])
        covering = self._watch.find_covering_name(module)
        if covering and not context.caught & IMPORT_ERRORS:
            self._record(covering, node, context)
        return bool(covering)

    def record_imported_name(self, name: str, node: Any, context: ScanContext) -> None:
        """Record the import of the dotted *name* from a module that is not watched."""
        if context.caught & IMPORT_ERRORS or name not in self._watch.names or _is_guarded(name, None, context):
            return
        self._record(name, node, context)

    def record_path(self, text: str, dotted: bool, node: Any, context: ScanContext) -> None:
        """Record the dotted path in *text* that something imports later; with *dotted* only one with a dot."""
        name = parse_dotted_path(text, dotted)
        if not name:
            return
        self.path_imports.append(name.partition(".")[0])
        covering = self._watch.find_covering_name(name)
        if covering and not context.caught & IMPORT_ERRORS:
            self._record(covering, node, context._replace(on_import=False))

    def record_star_import(self, module: str, context: ScanContext) -> None:
        """Note that every name of *module* may be one of this source's."""
        if not context.caught & IMPORT_ERRORS:
            self.star_imports.append(module)

    def record_name(self, node: Any, context: ScanContext) -> None:
        """Record the name *node* that a star import may have brought."""
        if self._bindings.is_bound(node.id) or context.caught & NAME_ERRORS:
            return
        for module in self.star_imports:
            name = module + "." + node.id
            if name in self._watch.names:
                self._record(name, node, context)

    def record_attribute(self, node: Any, context: ScanContext) -> None:
        """Record the attribute *node*, one of ``watched_attributes``, that is read."""
        base = self._bindings.resolve(node.value)
        if isinstance(base, IterableOf):
            return
        if not isinstance(base, str):
            self._guess_method(node, context)
        elif isinstance(base, InstanceOf) or base.startswith(LOCAL_CLASS_PREFIX):
            self._record_member(str(base), node.attr, node, context)
        elif self.record_module_name(base, node.attr, node, context):
            return
        elif node.attr in self._watch.methods and base.rpartition(".")[2][:1].isupper():
            self._guess_method(node, context)

    def record_module_name(self, base: str, name: str, node: Any, context: ScanContext) -> bool:
        """Record *name* of the module or class *base*; returns whether that was done."""
        full = base + "." + name
        if full not in self._watch.names or self._watch.find_covering_name(base) or _is_guarded(full, node, context):
            return False
        self._record(full, node, context)
        return True

    def can_record_call(self, function: str) -> bool:
        """Whether a call of *function* can give something watched. Cheap."""
        return function in self._watch.calls or function.startswith(LOCAL_CLASS_PREFIX) or function.endswith("__init__")

    def record_call(self, function: str, node: Any, context: ScanContext) -> None:
        """Record the watched parameters and values that the call *node* of *function* gives."""
        skipped = 0
        if function not in self._watch.calls:
            if function.endswith(".__init__"):
                function = function[: -len(".__init__")]
                # A class that is asked for its method gets the instance as well.
                skipped = 0 if isinstance(getattr(node.func, "value", None), ast.Call) else 1
            function = self._find_base_function(function)
        for watched in self._watch.calls.get(function, ()):
            given = _find_argument(node, watched.parameter, watched.position, skipped)
            if given is None or context.caught & (VALUE_ERRORS if watched.rule else KEYWORD_ERRORS):
                continue
            if watched.rule and not VALUE_RULES[watched.rule].applies(node, given, self._bindings.find_text(given)):
                continue
            self._record(watched.name, node, context)

    def record_method(self, owner: str, name: str, node: Any, context: ScanContext) -> None:
        """Record that the method *name* of an instance of *owner* is called by a statement."""
        self._record_member(str(owner), name, node, context)

    def _find_base_function(self, name: str) -> str:
        """*name*, or for a class of this source, or a method of it, that of the base whose parameters are watched."""
        if not name.startswith(LOCAL_CLASS_PREFIX):
            return name
        owner, method = name, ""
        if name not in self._bindings.bases:
            owner, _dot, last = name.rpartition(".")
            method = "." + last
        seen: List[str] = []
        waiting: List[Any] = [owner]
        while waiting:
            base = waiting.pop(0)
            if not isinstance(base, str) or base in seen:
                continue
            seen.append(base)
            if base + method in self._watch.calls:
                return base + method
            if method[1:] in self._bindings.members.get(base, ()):
                return name
            waiting += self._bindings.bases.get(base, [])
        return name

    def _record_member(self, owner: str, attribute: str, node: Any, context: ScanContext) -> None:
        """Record *attribute* of an instance of *owner* that this class or one of its bases has."""
        seen: List[str] = []
        waiting: List[Any] = [owner]
        while waiting:
            name = waiting.pop(0)
            if not isinstance(name, str) or name in seen:
                continue
            seen.append(name)
            if attribute in self._bindings.members.get(name, ()):
                return
            full = name + "." + attribute
            if full in self._watch.names:
                if not _is_guarded(full, node, context):
                    self._record(full, node, context)
                return
            waiting += self._bindings.bases.get(name, [])
        if any(name.startswith(LOCAL_CLASS_PREFIX) for name in seen):
            self._guess_test_method(seen, attribute, node, context)

    def _guess_test_method(self, classes: List[str], attribute: str, node: Any, context: ScanContext) -> None:
        """Record a method of a class whose unknown base is called as test cases are."""
        full = TEST_CLASS + "." + attribute
        if full not in self._watch.names or _is_guarded(full, node, context):
            return
        if any(name.endswith(TEST_BASES) for name in classes):
            self._record(full, node, context, False)

    def _guess_method(self, node: Any, context: ScanContext) -> None:
        """Record a method of an unknown object: its name is distinct and the source imports the module of its class."""
        if node.attr == node.attr.lower() and node.attr not in DISTINCT_METHODS:
            return
        for holder in sorted(self._watch.methods.get(node.attr, ())):
            module = holder.split(".")[0]
            if module not in self._imported or holder == TEST_CLASS:
                continue
            # lxml's elements have what those of the standard library lost.
            if module == "xml" and "lxml" in self._imported:
                continue
            if not _is_guarded(holder + "." + node.attr, node, context):
                self._record(holder + "." + node.attr, node, context, False)
                return


def _find_argument(call: Any, parameter: str, position: Optional[int], skipped: int) -> Any:
    """The argument of *call* for *parameter*, by name or at *position* after *skipped* ones, or None."""
    for keyword in call.keywords:
        if keyword.arg == parameter:
            return keyword.value
    if position is None or position + skipped >= len(call.args):
        return None
    if any(isinstance(argument, ast.Starred) for argument in call.args[: position + skipped + 1]):
        return None
    return call.args[position + skipped]


def _is_guarded(name: str, node: Any, context: ScanContext) -> bool:
    """Whether the program is prepared for the dotted *name*, which the attribute *node* uses, to be missing."""
    if context.caught & ATTRIBUTE_ERRORS:
        return True
    tested = context.tested
    if not tested:
        return False
    owner, _dot, last = name.rpartition(".")
    objects = [owner]
    if isinstance(node, ast.Attribute):
        objects.append(WRITTEN + format_dotted_name(node.value))
    if ANY_NAME + "." + last in tested:
        return True
    return any(entry + "." + last in tested or entry + "." + ANY_NAME in tested for entry in objects)
