# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes of a Python source, what its names are bound to, and the dotted names that its expressions stand for."""

import ast
from typing import Any, Callable, Dict, List, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    NO_VERSIONS,
    find_version_span,
    invert_span,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._moves import resolve_moved_name
from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import get_text

# What functions of the standard library return, as far as methods of it were removed.
ELEMENT_CLASS = "xml.etree.ElementTree.Element"
ELEMENT_TREE_CLASS = "xml.etree.ElementTree.ElementTree"
PATH_CLASS = "pathlib.Path"
RETURN_TYPES = {
    "gzip.open": "gzip.GzipFile",
    "threading.current_thread": "threading.Thread",
    "threading.main_thread": "threading.Thread",
    "xml.etree.ElementTree.parse": ELEMENT_TREE_CLASS,
    "xml.etree.ElementTree.fromstring": ELEMENT_CLASS,
    "xml.etree.ElementTree.XML": ELEMENT_CLASS,
    "xml.etree.ElementTree.SubElement": ELEMENT_CLASS,
    ELEMENT_TREE_CLASS + ".getroot": ELEMENT_CLASS,
    ELEMENT_CLASS + ".find": ELEMENT_CLASS,
    ELEMENT_TREE_CLASS + ".find": ELEMENT_CLASS,
    "gettext.translation": "gettext.GNUTranslations",
    "sqlite3.connect": "sqlite3.Connection",
    "imaplib.IMAP4_SSL": "imaplib.IMAP4_SSL",
    "logging.getLogger": "logging.Logger",
    "wave.open": "wave.Wave_read",
}
for _method in (
    "absolute",
    "cwd",
    "expanduser",
    "home",
    "joinpath",
    "relative_to",
    "rename",
    "replace",
    "resolve",
    "with_name",
    "with_stem",
    "with_suffix",
):
    RETURN_TYPES[PATH_CLASS + "." + _method] = PATH_CLASS
# Classes of attributes.
ATTRIBUTE_TYPES = {PATH_CLASS + ".parent": PATH_CLASS}
# Classes of the items of what a function returns, or of an instance that is iterated over.
ITEM_TYPES = {
    "threading.enumerate": "threading.Thread",
    ELEMENT_CLASS: ELEMENT_CLASS,
    ELEMENT_CLASS + ".findall": ELEMENT_CLASS,
    ELEMENT_CLASS + ".iter": ELEMENT_CLASS,
    ELEMENT_CLASS + ".iterfind": ELEMENT_CLASS,
    ELEMENT_TREE_CLASS + ".findall": ELEMENT_CLASS,
    ELEMENT_TREE_CLASS + ".iter": ELEMENT_CLASS,
    ELEMENT_TREE_CLASS + ".iterfind": ELEMENT_CLASS,
    PATH_CLASS + ".glob": PATH_CLASS,
    PATH_CLASS + ".iterdir": PATH_CLASS,
    PATH_CLASS + ".rglob": PATH_CLASS,
}
# Begins the dotted name of a class that the source itself defines.
LOCAL_CLASS_PREFIX = "<class>."
# Of a name that a function assigns somewhere, and not yet.
UNSET = object()
# Finds what a dotted name in a module of the same source stands for; returns the name itself, if that is not known.
ExportResolver = Callable[[str], Any]


class InstanceOf(str):
    """The dotted name of a class, for a value that is an instance of it."""


class IterableOf(str):
    """The dotted name of a class, for a value that yields instances of it."""


class Scope:
    """The names of a module, class or function; *owner* is the name of the class that a class scope belongs to."""

    def __init__(self, kind: str, names: Optional[Dict[str, Any]] = None, owner: Any = None) -> None:
        self.kind = kind
        self.names: Dict[str, Any] = {} if names is None else names
        # The literal texts that names are bound to.
        self.texts: Dict[str, str] = {}
        self.owner = owner


class Bindings:
    """Values by name: dotted names, `InstanceOf`, `IterableOf`, spans of versions, tests of attributes, or None.

    ``scopes`` is replaced and never changed in place, so that a function's body can be visited later in the scopes
    around its definition.
    """

    def __init__(self, resolve_export: Optional[ExportResolver] = None) -> None:
        self.scopes: List[Scope] = [Scope("module")]
        # Whether what is visited runs on no version, or on earlier ones only: it binds what nothing else has bound.
        self.weak = False
        self._resolve_export = resolve_export
        self._expanded: Dict[str, Any] = {}
        # Whether any name stands for one elsewhere.
        self.crossed = False
        # Of the classes that the source defines, by dotted name: their bases and the names in their bodies.
        self.bases: Dict[str, List[Any]] = {}
        self.members: Dict[str, Set[str]] = {}
        # Of instances, by the class's dotted name: the values of their attributes.
        self._fields: Dict[str, Dict[str, Any]] = {}

    @property
    def scope(self) -> Scope:
        """The innermost scope."""
        return self.scopes[-1]

    def list_module_names(self) -> Dict[str, Any]:
        """The names of the module; those that are unknown, and classes of its own, have no value."""
        found = {}
        for name, value in self.scopes[0].names.items():
            own = isinstance(value, str) and value.startswith(LOCAL_CLASS_PREFIX)
            found[name] = None if own or value is UNSET else value
        return found

    def enter_scope(self, scope: Scope) -> None:
        """Make *scope* the innermost one."""
        self.scopes = self.scopes + [scope]

    def leave_scope(self) -> None:
        """Return to the scope around the innermost one."""
        self.scopes = self.scopes[:-1]

    def find(self, name: str) -> Any:
        """The value that *name* is bound to here, or None. The names of a class are not seen in its methods."""
        for number, scope in enumerate(reversed(self.scopes)):
            if scope.kind == "class" and number:
                continue
            if name in scope.names:
                value = scope.names[name]
                return None if value is UNSET else value
        return None

    def find_text(self, node: Any) -> Optional[str]:
        """The text that the expression *node* is or names, or None."""
        if not isinstance(node, ast.Name):
            return get_text(node)
        for number, scope in enumerate(reversed(self.scopes)):
            if node.id in scope.names and not (scope.kind == "class" and number):
                return scope.texts.get(node.id)
        return None

    def is_bound(self, name: str) -> bool:
        """Whether any scope around has *name*."""
        return any(name in scope.names for scope in self.scopes)

    def bind(self, name: str, value: Any, text: Optional[str] = None) -> None:
        """Bind *name* to *value*, or the literal *text*, in the innermost scope."""
        scope = self.scopes[-1]
        if self.weak and scope.names.get(name, UNSET) is not UNSET:
            return
        scope.names[name] = value
        if text is not None:
            scope.texts[name] = text
        elif scope.texts:
            scope.texts.pop(name, None)

    def bind_target(self, target: Any, value: Any, text: Optional[str] = None) -> None:
        """Bind the names in the assignment target *target*; an unpacked value is unknown."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value, text)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            base = self.find(target.value.id)
            if isinstance(base, InstanceOf) and value is not None:
                self._fields.setdefault(str(base), {}).setdefault(target.attr, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for entry in target.elts:
                self.bind_target(entry, None)
        elif isinstance(target, ast.Starred):
            self.bind_target(target.value, None)

    def resolve(self, node: Any) -> Any:
        """The value of the expression *node*, or None."""
        kind = node.__class__
        if kind is ast.Name:
            return self.find(node.id)
        if kind is ast.Attribute:
            base = self.resolve(node.value)
            return None if base is None else self._resolve_attribute(base, node.attr)
        if kind is ast.Call:
            return self._infer_result(node)
        if kind is ast.Await:
            return self.resolve(node.value)
        if kind is ast.BinOp:
            left = self.resolve(node.left)
            return left if isinstance(left, InstanceOf) and left == PATH_CLASS else None
        return self._resolve_conditional(node) if kind is ast.IfExp else None

    def _resolve_conditional(self, node: Any) -> Any:
        """The value of the branch that every version takes; with another test that of the body."""
        span = find_version_span(node.test, self.resolve)
        if span == NO_VERSIONS or (span is not None and invert_span(span)[0] > span[0]):
            return self.resolve(node.orelse)
        return self.resolve(node.body)

    def resolve_items(self, node: Any) -> Optional[InstanceOf]:
        """What iterating over the expression *node* yields, or None."""
        source = self.resolve(node)
        if isinstance(source, IterableOf):
            return InstanceOf(source)
        if isinstance(source, InstanceOf) and source in ITEM_TYPES:
            return InstanceOf(ITEM_TYPES[source])
        return None

    def _resolve_attribute(self, base: Any, name: str) -> Any:
        if isinstance(base, (InstanceOf, IterableOf)):
            field = self._fields.get(str(base), {}).get(name)
            if field or isinstance(base, IterableOf):
                return field or None
            if base + "." + name in ATTRIBUTE_TYPES:
                return InstanceOf(ATTRIBUTE_TYPES[base + "." + name])
        return self.expand(base + "." + name) if isinstance(base, str) else None

    def expand(self, name: str) -> Any:
        """What the dotted *name* stands for: names of six on Python 3, and names in modules of the same source."""
        if name not in self._expanded:
            moved = resolve_moved_name(name)
            value = self._resolve_export(moved) if self._resolve_export else moved
            self.crossed = self.crossed or (isinstance(value, str) and value != name)
            self._expanded[name] = value
        return self._expanded[name]

    def find_super(self) -> Optional[InstanceOf]:
        """What ``super()`` is here: an instance of the first base of the class around, or None."""
        for scope in reversed(self.scopes):
            if scope.kind == "class":
                first = (self.bases.get(scope.owner) or [None])[0]
                return InstanceOf(first) if isinstance(first, str) else None
        return None

    def _infer_result(self, node: Any) -> Any:
        """What a call returns: an instance of the class called, or what is known of the function."""
        called = self.resolve(node.func)
        if not isinstance(called, str) or isinstance(called, IterableOf):
            function = getattr(node.func, "id", "")
            if function == "__import__" and node.args:
                return self.find_text(node.args[0])
            return self.find_super() if function == "super" else None
        if called == "importlib.import_module" and node.args:
            return self.find_text(node.args[0])
        if called in ITEM_TYPES:
            return IterableOf(ITEM_TYPES[called])
        if called in RETURN_TYPES:
            return InstanceOf(RETURN_TYPES[called])
        last = called.rpartition(".")[2]
        if not isinstance(called, InstanceOf) and (last[:1].isupper() or called == "array.array"):
            return InstanceOf(called)
        return None
