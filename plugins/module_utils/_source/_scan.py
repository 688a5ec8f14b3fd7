# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a Python source uses of given names: through aliases, in which versions it is reached, and whether the program expects it to be missing."""

import ast
import re
import warnings
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    ALL_VERSIONS,
    NO_VERSIONS,
    PYTHON_2_MODULES,
    PYTHON_2_NAMES,
    VersionSpan,
    find_version_span,
    intersect_spans,
    invert_span,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

# What functions of the standard library return, as far as methods of it were removed.
ELEMENT_CLASS = "xml.etree.ElementTree.Element"
RETURN_TYPES = {
    "threading.current_thread": "threading.Thread",
    "threading.main_thread": "threading.Thread",
    "xml.etree.ElementTree.parse": "xml.etree.ElementTree.ElementTree",
    "xml.etree.ElementTree.fromstring": ELEMENT_CLASS,
    "xml.etree.ElementTree.XML": ELEMENT_CLASS,
    "xml.etree.ElementTree.SubElement": ELEMENT_CLASS,
    "xml.etree.ElementTree.ElementTree.getroot": ELEMENT_CLASS,
    ELEMENT_CLASS + ".find": ELEMENT_CLASS,
    "xml.etree.ElementTree.ElementTree.find": ELEMENT_CLASS,
    "gettext.translation": "gettext.GNUTranslations",
    "sqlite3.connect": "sqlite3.Connection",
    "imaplib.IMAP4_SSL": "imaplib.IMAP4_SSL",
    "logging.getLogger": "logging.Logger",
    "wave.open": "wave.Wave_read",
}
ITEM_TYPES = {ELEMENT_CLASS: ELEMENT_CLASS, "threading.enumerate": "threading.Thread"}
ITEM_TYPES.update(
    {
        holder + "." + method: ELEMENT_CLASS
        for holder in (ELEMENT_CLASS, "xml.etree.ElementTree.ElementTree")
        for method in ("iter", "findall", "iterfind")
    }
)
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
ATTRIBUTE_ERRORS = {"AttributeError", "ImportError", "ModuleNotFoundError", "Exception", "BaseException", "NameError"}
KEYWORD_ERRORS = {"TypeError", "Exception", "BaseException"}
EXIT_STATEMENTS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
IMPORT_LINE = re.compile(
    r"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*))", re.MULTILINE
)
DEFINITION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BLOCK_FIELDS = ("body", "orelse", "finalbody", "handlers", "cases")
IGNORED_NODES = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
TEST_BASES = ("TestCase", "Mixin", "Test", "Tests", "Base")
COMPREHENSION_NODES = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


class SourceUse(NamedTuple):
    """One use: the watched name, its line, the minor versions of Python 3 that reach it, whether on import, and whether that is certain.

    What is not certain is a method whose object's class was inferred from the name of the method alone.
    """

    name: str
    line: int
    versions: VersionSpan
    on_import: bool
    certain: bool


class ScanResult(NamedTuple):
    """What a source contains: uses, top-level names of the modules it imports, lines with imports that only running tells, and a problem of parsing."""

    uses: List[SourceUse]
    imports: List[str]
    dynamic: List[int]
    problem: Optional[str]


class _ScanContext(NamedTuple):
    """Where the walk is: versions that come here, errors that are caught around, ``hasattr`` tests around, and whether an import runs it."""

    versions: VersionSpan
    caught: FrozenSet[str]
    tested: FrozenSet[str]
    on_import: bool


class _InstanceOf(str):
    """The dotted name of a class, for a value that is an instance of it."""


class _IterableOf(str):
    """The dotted name of a class, for a value that yields instances of it."""


class _Scope:
    def __init__(self, names: Dict[str, Any], kind: str, own: Any = None) -> None:
        self.names = names
        self.kind = kind
        # Of a method: the name that its object has there, and the class.
        self.own = own


def list_imported_modules(text: str) -> List[str]:
    """The top-level names of the modules that *text* imports by statement, without parsing it; relative imports are left out."""
    found: Set[str] = set()
    for single, several in IMPORT_LINE.findall(text):
        found.update(name.strip().split(".")[0] for name in ([single] if single else several.split(",")))
    return sorted(found - {""})


def scan_source(text: str, watch: WatchedNames, every: bool = False) -> ScanResult:
    """What *text* uses of *watch*. A text that cannot contain any of it is not parsed, unless *every*."""
    imports = list_imported_modules(text)
    if not (every or watch.can_match(text)):
        return ScanResult([], imports, [], None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = " (line %d)" % error.lineno if isinstance(error, SyntaxError) and error.lineno else ""
        return ScanResult([], imports, [], (error.msg if isinstance(error, SyntaxError) else str(error)) + where)
    walk = _SourceVisitor(watch, text, imports)
    try:
        walk.visit_tree(tree)
    except RecursionError:
        return ScanResult([], imports, [], "nested too deeply")
    unique = {use._replace(line=0): use for use in sorted(walk.uses, key=lambda use: -use.line)}
    return ScanResult(
        sorted(unique.values(), key=lambda use: (use.line, use.name)), imports, sorted(set(walk.dynamic)), None
    )


class _SourceVisitor:
    """One walk over a tree. Bodies of functions are walked last, when everything a module binds is known."""

    def __init__(self, watch: WatchedNames, text: str, imports: List[str]) -> None:
        self.watch = watch
        self.uses: List[SourceUse] = []
        self.dynamic: List[int] = []
        self._scopes: List[_Scope] = []
        self._later: List[Tuple[Any, List[_Scope], _ScanContext]] = []
        self._bases: Dict[str, List[Any]] = {}
        self._fields: Dict[str, Dict[str, Any]] = {}
        self._defined: Dict[str, Set[str]] = {}
        self._stars: List[str] = []
        self._imported: Set[str] = set(imports)
        self._last = watch.last_names
        self._asks = "hasattr" in text
        self._lazy_annotations = (
            "annotations" in text
            and re.search(r"^from __future__ import .*\bannotations\b", text, re.MULTILINE) is not None
        )
        self._statements: Dict[type, Callable[[Any, _ScanContext], Any]] = {
            ast.Import: self._visit_import,
            ast.ImportFrom: self._visit_import_from,
            ast.If: self._visit_if,
            ast.Try: self._visit_try,
            ast.ClassDef: self._visit_class,
            ast.FunctionDef: self._visit_function,
            ast.AsyncFunctionDef: self._visit_function,
            ast.Assign: self._visit_assign,
            ast.AnnAssign: self._visit_annotated,
            ast.With: self._visit_with,
            ast.AsyncWith: self._visit_with,
            ast.For: self._visit_for,
            ast.AsyncFor: self._visit_for,
        }
        self._expressions: Dict[type, Callable[[Any, _ScanContext], None]] = {
            ast.Attribute: self._visit_attribute,
            ast.Name: self._visit_name,
            ast.Call: self._visit_call,
            ast.IfExp: self._visit_conditional,
            ast.BoolOp: self._visit_boolean,
            ast.Lambda: self._visit_lambda,
            ast.Constant: self._visit_constant,
        }
        self._expressions.update({kind: self._visit_comprehension for kind in COMPREHENSION_NODES})
        if hasattr(ast, "TryStar"):
            self._statements[ast.TryStar] = self._visit_try

    def visit_tree(self, tree: Any) -> None:
        """Walk all of *tree*."""
        self._scopes = [_Scope({}, "module")]
        self._visit_block(tree.body, _ScanContext(ALL_VERSIONS, frozenset(), frozenset(), True))
        while self._later:
            node, scopes, place = self._later.pop(0)
            self._scopes = scopes
            if isinstance(node, ast.Lambda):
                self._visit_expression(node.body, place)
            else:
                self._visit_block(node.body, place)

    def _report_use(self, name: str, node: Any, place: _ScanContext, certain: bool = True) -> None:
        if name == "distutils" and "setuptools" in self._imported:
            # setuptools brings its own.
            return
        self.uses.append(SourceUse(name, node.lineno, place.versions, place.on_import, certain))

    def _find_binding(self, name: str) -> Any:
        for number, scope in enumerate(reversed(self._scopes)):
            if scope.kind == "class" and number:
                continue
            if name in scope.names:
                return scope.names[name]
        return None

    def _is_bound(self, name: str) -> bool:
        return any(name in scope.names for scope in self._scopes)

    def resolve_name(self, node: Any) -> Any:
        """The dotted name that the expression *node* has, an instance's or a span's marker, or None."""
        if isinstance(node, ast.Name):
            return self._find_binding(node.id)
        if isinstance(node, ast.Attribute):
            base = self.resolve_name(node.value)
            if isinstance(base, (_InstanceOf, _IterableOf)):
                return self._get_field(base, node.attr) or (
                    str(base) + "." + node.attr if isinstance(base, _InstanceOf) else None
                )
            return base + "." + node.attr if isinstance(base, str) else None
        if isinstance(node, ast.Call):
            return self._infer_result(node)
        if isinstance(node, ast.Await):
            return self.resolve_name(node.value)
        return None

    def _get_field(self, base: str, name: str) -> Any:
        return self._fields.get(str(base), {}).get(name)

    def _infer_result(self, node: Any) -> Any:
        """What a call returns: an instance of the class called, or what is known of the function."""
        called = self.resolve_name(node.func)
        if not isinstance(called, str) or isinstance(called, _IterableOf):
            if isinstance(node.func, ast.Name) and node.func.id in ("__import__",) and node.args:
                return _read_literal_text(node.args[0])
            return None
        if called in ("importlib.import_module",) and node.args:
            return _read_literal_text(node.args[0])
        if called in ITEM_TYPES:
            return _IterableOf(ITEM_TYPES[called])
        if called in RETURN_TYPES:
            return _InstanceOf(RETURN_TYPES[called])
        last = called.rpartition(".")[2]
        if not isinstance(called, _InstanceOf) and (last[:1].isupper() or called == "array.array"):
            return _InstanceOf(called)
        return None

    def _bind_name(self, name: str, value: Any) -> None:
        self._scopes[-1].names[name] = value

    def _visit_block(self, body: List[Any], place: _ScanContext) -> None:
        for node in body:
            handler = self._statements.get(type(node))
            narrowed = (handler or self._visit_other_statement)(node, place)
            if isinstance(narrowed, tuple):
                place = place._replace(versions=intersect_spans(place.versions, narrowed))

    def _visit_other_statement(self, node: Any, place: _ScanContext) -> Any:
        self._visit_children(node, place)

    def _visit_children(self, node: Any, place: _ScanContext) -> None:
        for _field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                self._visit_block(value, place)
            elif isinstance(value, ast.expr):
                self._visit_expression(value, place)
            elif isinstance(value, list):
                for entry in value:
                    if isinstance(entry, ast.expr):
                        self._visit_expression(entry, place)
                    elif isinstance(entry, ast.AST):
                        self._visit_children(entry, place)

    def _visit_import(self, node: Any, place: _ScanContext) -> None:
        for alias in node.names:
            known = self.watch.find_covering_name(alias.name)
            if known and not place.caught & IMPORT_ERRORS:
                self._report_use(known, node, place)
            self._bind_name(
                alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
            )

    def _visit_import_from(self, node: Any, place: _ScanContext) -> None:
        module = None if node.level else node.module
        guarded = place.caught & IMPORT_ERRORS
        covered = self.watch.find_covering_name(module) if module else ""
        if covered and not guarded:
            self._report_use(covered, node, place)
        for alias in node.names:
            if alias.name == "*":
                if module and not guarded:
                    self._stars.append(module)
                continue
            full = module + "." + alias.name if module else None
            if full and not covered and full in self.watch.names and not guarded:
                self._report_use(full, node, place)
            self._bind_name(alias.asname or alias.name, full)

    def _visit_if(self, node: Any, place: _ScanContext) -> Any:
        self._visit_expression(node.test, place)
        span = find_version_span(node.test, self.resolve_name)
        tested = self._find_tested_names(node.test)
        if _is_never_true(node.test, self.resolve_name):
            span = NO_VERSIONS
        inside = outsides = place
        if span is not None:
            inside = place._replace(versions=intersect_spans(place.versions, span))
            if _is_exact(node.test, span):
                outsides = place._replace(versions=intersect_spans(place.versions, invert_span(span)))
        if tested:
            absent = frozenset({"*"})
            present, missing = (absent, tested) if isinstance(node.test, ast.UnaryOp) else (tested, absent)
            inside = inside._replace(tested=inside.tested | present)
            outsides = outsides._replace(tested=outsides.tested | missing)
        self._visit_block(node.body, inside)
        self._visit_block(node.orelse, outsides)
        if span is None or not _is_exact(node.test, span):
            return None
        return (
            invert_span(span) if _is_exiting(node.body) else span if node.orelse and _is_exiting(node.orelse) else None
        )

    def _find_tested_names(self, test: Any) -> FrozenSet[str]:
        """The dotted names whose presence *test* asks for with ``hasattr``."""
        found = set()
        for node in ast.walk(test) if self._asks else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "hasattr"
                and len(node.args) == 2
            ):
                base, name = self.resolve_name(node.args[0]), _read_literal_text(node.args[1])
                if name:
                    found.add(base + "." + name if isinstance(base, str) else "?." + name)
        return frozenset(found)

    def _visit_try(self, node: Any, place: _ScanContext) -> None:
        caught: Set[str] = set()
        for handler in node.handlers:
            if not _is_raise_only(handler.body):
                caught.update(_list_exceptions(handler.type))
        self._visit_block(node.body, place._replace(caught=place.caught | caught))
        for handler in node.handlers:
            self._visit_block(handler.body, self._enter_handler(node.body, handler, place))
        self._visit_block(node.orelse, place)
        self._visit_block(node.finalbody, place)

    def _enter_handler(self, body: List[Any], handler: Any, place: _ScanContext) -> _ScanContext:
        """Where a handler runs: not where the imports that it stands in for are there."""
        if not _list_exceptions(handler.type) & ATTRIBUTE_ERRORS:
            return place
        for statement in body:
            for node in ast.walk(statement):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom) and not node.level
                    else []
                )
                if any(name.split(".")[0] in PYTHON_2_MODULES for name in names):
                    return place
                if isinstance(node, ast.Name) and node.id in PYTHON_2_NAMES:
                    return place
        # What is tried first is what later versions have.
        return place._replace(caught=place.caught | IMPORT_ERRORS | ATTRIBUTE_ERRORS)

    def _visit_with(self, node: Any, place: _ScanContext) -> None:
        for item in node.items:
            self._visit_expression(item.context_expr, place)
            if item.optional_vars is not None:
                self._bind_target(item.optional_vars, self.resolve_name(item.context_expr))
            call = item.context_expr
            if isinstance(call, ast.Call):
                name = self.resolve_name(call.func) or getattr(call.func, "id", getattr(call.func, "attr", ""))
                if isinstance(name, str) and name.rpartition(".")[2] in ("suppress", "raises", "assertRaises"):
                    place = place._replace(
                        caught=place.caught | {last for entry in call.args for last in _list_exceptions(entry)}
                    )
        self._visit_block(node.body, place)

    def _visit_for(self, node: Any, place: _ScanContext) -> None:
        self._visit_expression(node.iter, place)
        source = self.resolve_name(node.iter)
        value = None
        if isinstance(source, _IterableOf):
            value = _InstanceOf(source)
        elif isinstance(source, _InstanceOf) and source in ITEM_TYPES:
            value = _InstanceOf(ITEM_TYPES[source])
        self._bind_target(node.target, value)
        self._visit_block(node.body, place)
        self._visit_block(node.orelse, place)

    def _visit_assign(self, node: Any, place: _ScanContext) -> None:
        self._visit_expression(node.value, place)
        span = find_version_span(node.value, self.resolve_name)
        value = span if span is not None else self.resolve_name(node.value)
        for target in node.targets:
            self._bind_target(target, value)

    def _visit_annotated(self, node: Any, place: _ScanContext) -> None:
        if not self._lazy_annotations and self._scopes[-1].kind != "function":
            self._visit_expression(node.annotation, place)
        value = None
        if node.value is not None:
            self._visit_expression(node.value, place)
            value = self.resolve_name(node.value)
        named = self.resolve_name(node.annotation)
        self._bind_target(node.target, value or (_InstanceOf(named) if isinstance(named, str) else None))

    def _bind_target(self, target: Any, value: Any) -> None:
        if isinstance(target, ast.Name):
            self._bind_name(target.id, value)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            base = self._find_binding(target.value.id)
            if isinstance(base, _InstanceOf) and value is not None:
                self._fields.setdefault(str(base), {}).setdefault(target.attr, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for entry in target.elts:
                self._bind_target(entry, None)
        elif isinstance(target, ast.Starred):
            self._bind_target(target.value, None)

    def _visit_class(self, node: Any, place: _ScanContext) -> None:
        for entry in node.decorator_list + node.bases + [keyword.value for keyword in node.keywords]:
            self._visit_expression(entry, place)
        own = "<class>." + node.name
        self._bases[own] = [self.resolve_name(base) or _get_last_name(base) for base in node.bases]
        self._bind_name(node.name, own)
        scope = _Scope({}, "class", own)
        self._scopes = self._scopes + [scope]
        self._visit_block(node.body, place)
        self._scopes = self._scopes[:-1]
        self._defined[own] = set(scope.names)

    def _visit_function(self, node: Any, place: _ScanContext) -> None:
        for entry in node.decorator_list:
            self._visit_expression(entry, place)
        arguments = _list_arguments(node.args)
        for value in node.args.defaults + node.args.kw_defaults:
            if value is not None:
                self._visit_expression(value, place)
        names: Dict[str, Any] = {name: None for name in _list_stored_names(node.body)}
        for argument in arguments:
            named = None
            if argument.annotation is not None:
                if not self._lazy_annotations:
                    self._visit_expression(argument.annotation, place)
                named = self.resolve_name(argument.annotation)
            names[argument.arg] = _InstanceOf(named) if isinstance(named, str) else None
        if node.returns is not None and not self._lazy_annotations:
            self._visit_expression(node.returns, place)
        holder = self._scopes[-1]
        if (
            holder.kind == "class"
            and arguments
            and _get_last_name(node.decorator_list[0] if node.decorator_list else None) != "staticmethod"
        ):
            names[arguments[0].arg] = _InstanceOf(holder.own)
        self._bind_name(node.name, None)
        self._later.append(
            (node, self._scopes + [_Scope(names, "function")], place._replace(on_import=False, caught=frozenset()))
        )

    def _visit_expression(self, node: Any, place: _ScanContext) -> None:
        handler = self._expressions.get(type(node))
        if handler:
            handler(node, place)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.keyword):
                self._visit_expression(child.value, place)
            elif isinstance(child, ast.expr):
                self._visit_expression(child, place)
            elif not isinstance(child, IGNORED_NODES):
                self._visit_children(child, place)

    def _visit_constant(self, node: Any, place: _ScanContext) -> None:
        """A constant uses nothing."""

    def _visit_lambda(self, node: Any, place: _ScanContext) -> None:
        names: Dict[str, Any] = {argument.arg: None for argument in _list_arguments(node.args)}
        self._later.append(
            (node, self._scopes + [_Scope(names, "function")], place._replace(on_import=False, caught=frozenset()))
        )

    def _visit_comprehension(self, node: Any, place: _ScanContext) -> None:
        self._scopes = self._scopes + [_Scope({}, "function")]
        for generator in node.generators:
            self._visit_expression(generator.iter, place)
            source = self.resolve_name(generator.iter)
            self._bind_target(
                generator.target,
                _InstanceOf(source)
                if isinstance(source, _IterableOf)
                else _InstanceOf(ITEM_TYPES[source])
                if isinstance(source, _InstanceOf) and source in ITEM_TYPES
                else None,
            )
            for test in generator.ifs:
                self._visit_expression(test, place)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._visit_expression(part, place)
        self._scopes = self._scopes[:-1]

    def _visit_conditional(self, node: Any, place: _ScanContext) -> None:
        span, tested = find_version_span(node.test, self.resolve_name), self._find_tested_names(node.test)
        self._visit_expression(node.test, place)
        other = invert_span(span) if span is not None and _is_exact(node.test, span) else None
        for part, versions, extra in (
            (node.body, span, tested),
            (node.orelse, other, frozenset({"*"}) if tested else tested),
        ):
            there = place if versions is None else place._replace(versions=intersect_spans(place.versions, versions))
            self._visit_expression(part, there._replace(tested=there.tested | extra))

    def _visit_boolean(self, node: Any, place: _ScanContext) -> None:
        for value in node.values:
            self._visit_expression(value, place)
            span, tested = find_version_span(value, self.resolve_name), self._find_tested_names(value)
            conjunction = isinstance(node.op, ast.And)
            if span is not None:
                place = place._replace(
                    versions=intersect_spans(place.versions, span if conjunction else invert_span(span))
                )
            if tested:
                place = place._replace(tested=place.tested | (tested if conjunction else {"*"}))

    def _visit_name(self, node: Any, place: _ScanContext) -> None:
        if not self._stars or not isinstance(node.ctx, ast.Load) or self._is_bound(node.id):
            return
        for module in self._stars:
            full = module + "." + node.id
            if full in self.watch.names and not place.caught & {"NameError", "Exception", "BaseException"}:
                self._report_use(full, node, place)

    def _visit_attribute(self, node: Any, place: _ScanContext) -> None:
        self._visit_expression(node.value, place)
        if not isinstance(node.ctx, ast.Load) or node.attr not in self._last:
            return
        base = self.resolve_name(node.value)
        if isinstance(base, _IterableOf):
            return
        if isinstance(base, _InstanceOf) or (isinstance(base, str) and base.startswith("<class>.")):
            self._visit_member(str(base), node, place)
        elif isinstance(base, str):
            full = base + "." + node.attr
            if (
                full in self.watch.names
                and not self.watch.find_covering_name(base)
                and not self._is_guarded(full, place)
            ):
                self._report_use(full, node, place)
            elif node.attr in self.watch.methods and base.rpartition(".")[2][:1].isupper():
                self._guess_method(node, place)
        else:
            self._guess_method(node, place)

    def _is_guarded(self, full: str, place: _ScanContext) -> bool:
        """Whether the program is prepared for *full* to be missing."""
        return bool(
            place.caught & ATTRIBUTE_ERRORS
            or full in place.tested
            or "*" in place.tested
            or "?." + full.rpartition(".")[2] in place.tested
        )

    def _visit_member(self, own: str, node: Any, place: _ScanContext) -> None:
        """A member of an instance: of its class, or of a base that is known."""
        seen: List[str] = []
        waiting: List[Any] = [own]
        while waiting:
            name = waiting.pop(0)
            if not isinstance(name, str) or name in seen:
                continue
            seen.append(name)
            if node.attr in self._defined.get(name, ()):
                return
            full = name + "." + node.attr
            if full in self.watch.names:
                if not self._is_guarded(full, place):
                    self._report_use(full, node, place)
                return
            waiting += self._bases.get(name, [])
        if own.startswith("<class>.") or any(name.startswith("<class>.") for name in seen):
            self._guess_test_method(seen, node, place)

    def _guess_test_method(self, seen: List[str], node: Any, place: _ScanContext) -> None:
        """A method of a class with a base that is not known and is called as test cases are."""
        full = "unittest.TestCase." + node.attr
        if (
            full in self.watch.names
            and any(name.endswith(TEST_BASES) for name in seen)
            and not self._is_guarded(full, place)
        ):
            self._report_use(full, node, place, False)

    def _guess_method(self, node: Any, place: _ScanContext) -> None:
        """A method of an object whose class is not known: the standard library's where the file imports that module and the name is its own."""
        if not (any(character.isupper() for character in node.attr) or node.attr in DISTINCT_METHODS):
            return
        for holder in sorted(self.watch.methods.get(node.attr, ())):
            module = holder.split(".")[0]
            # lxml's elements have what those of the standard library lost.
            rival = module == "xml" and "lxml" in self._imported
            if (
                module in self._imported
                and not rival
                and holder != "unittest.TestCase"
                and not self._is_guarded(holder + "." + node.attr, place)
            ):
                self._report_use(holder + "." + node.attr, node, place, False)
                return

    def _visit_call(self, node: Any, place: _ScanContext) -> None:
        called = self.resolve_name(node.func)
        name = called if isinstance(called, str) else getattr(node.func, "id", "")
        self._visit_expression(node.func, place)
        for argument in node.args:
            self._visit_expression(argument, place)
        for keyword in node.keywords:
            self._visit_expression(keyword.value, place)
            if (
                keyword.arg
                and keyword.arg in self.watch.parameters.get(self._find_base_function(str(name)), ())
                and not place.caught & KEYWORD_ERRORS
            ):
                self._report_use("%s(%s)" % (self._find_base_function(str(name)), keyword.arg), node, place)
        if name in ("importlib.import_module", "__import__"):
            self._visit_dynamic_import(node, place)
        elif name == "getattr" and len(node.args) == 2:
            base, attribute = self.resolve_name(node.args[0]), _read_literal_text(node.args[1])
            full = "%s.%s" % (base, attribute)
            if (
                isinstance(base, str)
                and attribute
                and full in self.watch.names
                and not self.watch.find_covering_name(str(base))
                and not self._is_guarded(full, place)
            ):
                self._report_use(full, node, place)

    def _find_base_function(self, name: str) -> str:
        """*name*, or the base class's where it is a class of this file."""
        if name.startswith("<class>."):
            return next(
                (base for base in self._bases.get(name, []) if isinstance(base, str) and base in self.watch.parameters),
                name,
            )
        return name

    def _visit_dynamic_import(self, node: Any, place: _ScanContext) -> None:
        text = _read_literal_text(node.args[0]) if node.args else None
        if text is None:
            self.dynamic.append(node.lineno)
            return
        known = self.watch.find_covering_name(text)
        if known and not place.caught & IMPORT_ERRORS:
            self._report_use(known, node, place)


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


def _read_literal_text(node: Any) -> Optional[str]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def _get_last_name(node: Any) -> str:
    return (
        getattr(node, "attr", None)
        or getattr(node, "id", None)
        or (_get_last_name(node.func) if isinstance(node, ast.Call) else "")
    )


def _list_arguments(arguments: Any) -> List[Any]:
    extra = [entry for entry in (arguments.vararg, arguments.kwarg) if entry is not None]
    named: List[Any] = list(getattr(arguments, "posonlyargs", [])) + arguments.args + arguments.kwonlyargs
    return named + extra


def _list_exceptions(node: Any) -> Set[str]:
    """The names of the exceptions that a handler's type catches; all of them without one."""
    if node is None:
        return {"BaseException", "Exception", "ImportError", "AttributeError"}
    entries = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    return {_get_last_name(entry) for entry in entries}


def _is_raise_only(body: List[Any]) -> bool:
    """Whether a handler does nothing but raise."""
    return isinstance(body[-1], ast.Raise) and _get_last_name(body[-1].exc) not in ("SkipTest", "Skipped")


def _is_exiting(body: List[Any]) -> bool:
    last = body[-1]
    return isinstance(last, EXIT_STATEMENTS) or (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and _get_last_name(last.value.func) in ("exit", "_exit", "skip")
    )


def _is_exact(test: Any, span: VersionSpan) -> bool:
    """Whether *test* fails outside of *span*: it asks for nothing but versions, as far as that can be told."""
    return (
        not isinstance(test, ast.BoolOp)
        or span == NO_VERSIONS
        or (span == ALL_VERSIONS and isinstance(test.op, ast.Or))
    )


def _is_never_true(test: Any, resolve: Callable[[Any], Any]) -> bool:
    """Whether *test* is false in every program that runs."""
    name = resolve(test) or _get_last_name(test)
    if isinstance(name, str) and name.rpartition(".")[2] == "TYPE_CHECKING":
        return True
    try:
        return ast.literal_eval(test) in (False, 0)
    except (ValueError, TypeError, SyntaxError):
        return False


def _list_stored_names(body: List[Any]) -> Set[str]:
    """The names that a function's own statements assign; it hides the module's of the same name. Imports bind when they are met."""
    found: Set[str] = set()
    outer: Set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            outer.update(node.names)
            continue
        for target in _list_targets(node):
            if isinstance(target, ast.Name):
                found.add(target.id)
            elif isinstance(target, (ast.Tuple, ast.List, ast.Starred)):
                found.update(entry.id for entry in ast.walk(target) if isinstance(entry, ast.Name))
        if not isinstance(node, DEFINITION_NODES):
            for field in BLOCK_FIELDS:
                waiting.extend(getattr(node, field, ()))
    return found - outer


def _list_targets(node: Any) -> List[Any]:
    if isinstance(node, ast.Assign):
        return list(node.targets)
    if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor)):
        return [node.target]
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return [item.optional_vars for item in node.items]
    return []
