# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the uses of watched names, unless the program is prepared for them to be missing."""

from typing import Any, FrozenSet, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import (
    LOCAL_CLASS_PREFIX,
    Bindings,
    InstanceOf,
    IterableOf,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    ANY_NAME,
    UNKNOWN_OBJECT,
    VersionSpan,
    intersect_spans,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
NAME_ERRORS = {"NameError", "Exception", "BaseException"}
ATTRIBUTE_ERRORS = IMPORT_ERRORS | NAME_ERRORS | {"AttributeError"}
KEYWORD_ERRORS = {"TypeError", "Exception", "BaseException"}
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

    ``caught`` are the exceptions that are caught around, ``tested`` the names whose presence was tested.
    """

    versions: VersionSpan
    caught: FrozenSet[str]
    tested: FrozenSet[str]
    on_import: bool

    def narrow(self, span: Optional[VersionSpan]) -> "ScanContext":
        """The context in those versions only that are in *span*; without a span the context itself."""
        if span is None:
            return self
        return self._replace(versions=intersect_spans(self.versions, span))


class UseRecorder:
    """Finds the watched names in imports, attributes and calls; ``uses`` has them in the order of the visit."""

    def __init__(self, watch: WatchedNames, bindings: Bindings, imported: List[str]) -> None:
        """*imported*: the top-level names of the modules that the source imports."""
        self.uses: List[SourceUse] = []
        self.star_imports: List[str] = []
        self.watched_attributes = watch.last_names
        self.watched_keywords = watch.keywords
        self._watch = watch
        self._bindings = bindings
        self._imported = set(imported)

    def _record(self, name: str, node: Any, context: ScanContext, certain: bool = True) -> None:
        if name == "distutils" and "setuptools" in self._imported:
            # setuptools brings its own.
            return
        self.uses.append(SourceUse(name, node.lineno, context.versions, context.on_import, certain))

    def record_import(self, module: str, node: Any, context: ScanContext) -> bool:
        """Record the import of *module*; returns whether the module is watched."""
        covering = self._watch.find_covering_name(module)
        if covering and not context.caught & IMPORT_ERRORS:
            self._record(covering, node, context)
        return bool(covering)

    def record_imported_name(self, name: str, node: Any, context: ScanContext) -> None:
        """Record the import of the dotted *name* from a module that is not watched."""
        if name in self._watch.names and not context.caught & IMPORT_ERRORS:
            self._record(name, node, context)

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
            self._record_member(str(base), node, context)
        elif self.record_module_name(base, node.attr, node, context):
            return
        elif node.attr in self._watch.methods and base.rpartition(".")[2][:1].isupper():
            self._guess_method(node, context)

    def record_module_name(self, base: str, name: str, node: Any, context: ScanContext) -> bool:
        """Record *name* of the module or class *base*; returns whether that was done."""
        full = base + "." + name
        if full not in self._watch.names or self._watch.find_covering_name(base) or _is_guarded(full, context):
            return False
        self._record(full, node, context)
        return True

    def record_keyword(self, function: str, keyword: str, node: Any, context: ScanContext) -> None:
        """Record the argument *keyword*, one of ``watched_keywords``, in the call *node* of *function*."""
        name = self._find_base_function(function)
        if keyword in self._watch.parameters.get(name, ()) and not context.caught & KEYWORD_ERRORS:
            self._record("%s(%s)" % (name, keyword), node, context)

    def _find_base_function(self, name: str) -> str:
        """*name*, or of a class of this source the base whose parameters are watched."""
        if name.startswith(LOCAL_CLASS_PREFIX):
            for base in self._bindings.bases.get(name, []):
                if isinstance(base, str) and base in self._watch.parameters:
                    return base
        return name

    def _record_member(self, owner: str, node: Any, context: ScanContext) -> None:
        """Record an attribute of an instance of *owner* that this class or one of its bases has."""
        seen: List[str] = []
        waiting: List[Any] = [owner]
        while waiting:
            name = waiting.pop(0)
            if not isinstance(name, str) or name in seen:
                continue
            seen.append(name)
            if node.attr in self._bindings.members.get(name, ()):
                return
            full = name + "." + node.attr
            if full in self._watch.names:
                if not _is_guarded(full, context):
                    self._record(full, node, context)
                return
            waiting += self._bindings.bases.get(name, [])
        if any(name.startswith(LOCAL_CLASS_PREFIX) for name in seen):
            self._guess_test_method(seen, node, context)

    def _guess_test_method(self, classes: List[str], node: Any, context: ScanContext) -> None:
        """Record a method of a class whose unknown base is called as test cases are."""
        full = TEST_CLASS + "." + node.attr
        if full not in self._watch.names or _is_guarded(full, context):
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
            if not _is_guarded(holder + "." + node.attr, context):
                self._record(holder + "." + node.attr, node, context, False)
                return


def _is_guarded(name: str, context: ScanContext) -> bool:
    """Whether the program is prepared for the dotted *name* to be missing."""
    if context.caught & ATTRIBUTE_ERRORS:
        return True
    tested = context.tested
    return name in tested or ANY_NAME in tested or UNKNOWN_OBJECT + "." + name.rpartition(".")[2] in tested
