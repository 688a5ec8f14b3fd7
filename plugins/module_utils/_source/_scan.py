# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a Python source uses of given names: through aliases, in which versions it is reached, and whether the program expects it to be missing."""

import ast
import re
import warnings
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    ALWAYS,
    NEVER,
    PYTHON_2_MODULES,
    PYTHON_2_NAMES,
    Span,
    intersect,
    outside,
    span_of,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import Watch

# What functions of the standard library return, as far as methods of it were removed.
ELEMENT = "xml.etree.ElementTree.Element"
RETURNS = {
    "threading.current_thread": "threading.Thread",
    "threading.main_thread": "threading.Thread",
    "xml.etree.ElementTree.parse": "xml.etree.ElementTree.ElementTree",
    "xml.etree.ElementTree.fromstring": ELEMENT,
    "xml.etree.ElementTree.XML": ELEMENT,
    "xml.etree.ElementTree.SubElement": ELEMENT,
    "xml.etree.ElementTree.ElementTree.getroot": ELEMENT,
    ELEMENT + ".find": ELEMENT,
    "xml.etree.ElementTree.ElementTree.find": ELEMENT,
    "gettext.translation": "gettext.GNUTranslations",
    "sqlite3.connect": "sqlite3.Connection",
    "imaplib.IMAP4_SSL": "imaplib.IMAP4_SSL",
    "logging.getLogger": "logging.Logger",
    "wave.open": "wave.Wave_read",
}
YIELDS = {ELEMENT: ELEMENT, "threading.enumerate": "threading.Thread"}
YIELDS.update(
    {
        holder + "." + method: ELEMENT
        for holder in (ELEMENT, "xml.etree.ElementTree.ElementTree")
        for method in ("iter", "findall", "iterfind")
    }
)
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
ATTRIBUTE_ERRORS = {"AttributeError", "ImportError", "ModuleNotFoundError", "Exception", "BaseException", "NameError"}
KEYWORD_ERRORS = {"TypeError", "Exception", "BaseException"}
LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
IMPORT_LINE = re.compile(
    r"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*))", re.MULTILINE
)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
PLAIN = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
TESTS = ("TestCase", "Mixin", "Test", "Tests", "Base")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


class Use(NamedTuple):
    """One use: the watched name, its line, the minor versions of Python 3 that reach it, whether on import, and whether that is certain.

    What is not certain is a method whose object's class was inferred from the name of the method alone.
    """

    name: str
    line: int
    versions: Span
    on_import: bool
    certain: bool


class Found(NamedTuple):
    """What a source contains: uses, top-level names of the modules it imports, lines with imports that only running tells, and a problem of parsing."""

    uses: List[Use]
    imports: List[str]
    dynamic: List[int]
    problem: Optional[str]


class _Place(NamedTuple):
    """Where the walk is: versions that come here, errors that are caught around, ``hasattr`` tests around, and whether an import runs it."""

    versions: Span
    caught: FrozenSet[str]
    tested: FrozenSet[str]
    on_import: bool


class _Instance(str):
    """The dotted name of a class, for a value that is an instance of it."""


class _Several(str):
    """The dotted name of a class, for a value that yields instances of it."""


class _Scope:
    def __init__(self, names: Dict[str, Any], kind: str, own: Any = None) -> None:
        self.names = names
        self.kind = kind
        # Of a method: the name that its object has there, and the class.
        self.own = own


def imports_of(text: str) -> List[str]:
    """The top-level names of the modules that *text* imports by statement, without parsing it; relative imports are left out."""
    found: Set[str] = set()
    for single, several in IMPORT_LINE.findall(text):
        found.update(name.strip().split(".")[0] for name in ([single] if single else several.split(",")))
    return sorted(found - {""})


def scan(text: str, watch: Watch, every: bool = False) -> Found:
    """What *text* uses of *watch*. A text that cannot contain any of it is not parsed, unless *every*."""
    imports = imports_of(text)
    if not (every or watch.possible(text)):
        return Found([], imports, [], None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = " (line %d)" % error.lineno if isinstance(error, SyntaxError) and error.lineno else ""
        return Found([], imports, [], (error.msg if isinstance(error, SyntaxError) else str(error)) + where)
    walk = _Walk(watch, text, imports)
    try:
        walk.run(tree)
    except RecursionError:
        return Found([], imports, [], "nested too deeply")
    unique = {use._replace(line=0): use for use in sorted(walk.uses, key=lambda use: -use.line)}
    return Found(
        sorted(unique.values(), key=lambda use: (use.line, use.name)), imports, sorted(set(walk.dynamic)), None
    )


class _Walk:
    """One walk over a tree. Bodies of functions are walked last, when everything a module binds is known."""

    def __init__(self, watch: Watch, text: str, imports: List[str]) -> None:
        self.watch = watch
        self.uses: List[Use] = []
        self.dynamic: List[int] = []
        self._scopes: List[_Scope] = []
        self._later: List[Tuple[Any, List[_Scope], _Place]] = []
        self._bases: Dict[str, List[Any]] = {}
        self._fields: Dict[str, Dict[str, Any]] = {}
        self._defined: Dict[str, Set[str]] = {}
        self._stars: List[str] = []
        self._imported: Set[str] = set(imports)
        self._last = watch.last
        self._asks = "hasattr" in text
        self._lazy_annotations = (
            "annotations" in text
            and re.search(r"^from __future__ import .*\bannotations\b", text, re.MULTILINE) is not None
        )
        self._statements: Dict[type, Callable[[Any, _Place], Any]] = {
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.If: self._if,
            ast.Try: self._try,
            ast.ClassDef: self._class,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.For: self._for,
            ast.AsyncFor: self._for,
        }
        self._expressions: Dict[type, Callable[[Any, _Place], None]] = {
            ast.Attribute: self._attribute,
            ast.Name: self._name,
            ast.Call: self._call,
            ast.IfExp: self._choice,
            ast.BoolOp: self._boolean,
            ast.Lambda: self._lambda,
            ast.Constant: self._nothing,
        }
        self._expressions.update({kind: self._comprehension for kind in COMPREHENSIONS})
        if hasattr(ast, "TryStar"):
            self._statements[ast.TryStar] = self._try

    def run(self, tree: Any) -> None:
        """Walk all of *tree*."""
        self._scopes = [_Scope({}, "module")]
        self._block(tree.body, _Place(ALWAYS, frozenset(), frozenset(), True))
        while self._later:
            node, scopes, place = self._later.pop(0)
            self._scopes = scopes
            if isinstance(node, ast.Lambda):
                self._expression(node.body, place)
            else:
                self._block(node.body, place)

    def _report(self, name: str, node: Any, place: _Place, certain: bool = True) -> None:
        if name == "distutils" and "setuptools" in self._imported:
            # setuptools brings its own.
            return
        self.uses.append(Use(name, node.lineno, place.versions, place.on_import, certain))

    def _look_up(self, name: str) -> Any:
        for number, scope in enumerate(reversed(self._scopes)):
            if scope.kind == "class" and number:
                continue
            if name in scope.names:
                return scope.names[name]
        return None

    def _known(self, name: str) -> bool:
        return any(name in scope.names for scope in self._scopes)

    def resolve(self, node: Any) -> Any:
        """The dotted name that the expression *node* has, an instance's or a span's marker, or None."""
        if isinstance(node, ast.Name):
            return self._look_up(node.id)
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            if isinstance(base, (_Instance, _Several)):
                return self._field(base, node.attr) or (
                    str(base) + "." + node.attr if isinstance(base, _Instance) else None
                )
            return base + "." + node.attr if isinstance(base, str) else None
        if isinstance(node, ast.Call):
            return self._result(node)
        if isinstance(node, ast.Await):
            return self.resolve(node.value)
        return None

    def _field(self, base: str, name: str) -> Any:
        return self._fields.get(str(base), {}).get(name)

    def _result(self, node: Any) -> Any:
        """What a call returns: an instance of the class called, or what is known of the function."""
        called = self.resolve(node.func)
        if not isinstance(called, str) or isinstance(called, _Several):
            if isinstance(node.func, ast.Name) and node.func.id in ("__import__",) and node.args:
                return _text(node.args[0])
            return None
        if called in ("importlib.import_module",) and node.args:
            return _text(node.args[0])
        if called in YIELDS:
            return _Several(YIELDS[called])
        if called in RETURNS:
            return _Instance(RETURNS[called])
        last = called.rpartition(".")[2]
        if not isinstance(called, _Instance) and (last[:1].isupper() or called == "array.array"):
            return _Instance(called)
        return None

    def _bind(self, name: str, value: Any) -> None:
        self._scopes[-1].names[name] = value

    def _block(self, body: List[Any], place: _Place) -> None:
        for node in body:
            handler = self._statements.get(type(node))
            narrowed = (handler or self._other_statement)(node, place)
            if isinstance(narrowed, tuple):
                place = place._replace(versions=intersect(place.versions, narrowed))

    def _other_statement(self, node: Any, place: _Place) -> Any:
        self._other(node, place)

    def _other(self, node: Any, place: _Place) -> None:
        for _field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                self._block(value, place)
            elif isinstance(value, ast.expr):
                self._expression(value, place)
            elif isinstance(value, list):
                for entry in value:
                    if isinstance(entry, ast.expr):
                        self._expression(entry, place)
                    elif isinstance(entry, ast.AST):
                        self._other(entry, place)

    def _import(self, node: Any, place: _Place) -> None:
        for alias in node.names:
            known = self.watch.covering(alias.name)
            if known and not place.caught & IMPORT_ERRORS:
                self._report(known, node, place)
            self._bind(
                alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
            )

    def _import_from(self, node: Any, place: _Place) -> None:
        module = None if node.level else node.module
        guarded = place.caught & IMPORT_ERRORS
        covered = self.watch.covering(module) if module else ""
        if covered and not guarded:
            self._report(covered, node, place)
        for alias in node.names:
            if alias.name == "*":
                if module and not guarded:
                    self._stars.append(module)
                continue
            full = module + "." + alias.name if module else None
            if full and not covered and full in self.watch.names and not guarded:
                self._report(full, node, place)
            self._bind(alias.asname or alias.name, full)

    def _if(self, node: Any, place: _Place) -> Any:
        self._expression(node.test, place)
        span = span_of(node.test, self.resolve)
        tested = self._tested(node.test)
        if _never(node.test, self.resolve):
            span = NEVER
        inside = outsides = place
        if span is not None:
            inside = place._replace(versions=intersect(place.versions, span))
            if _exact(node.test, span):
                outsides = place._replace(versions=intersect(place.versions, outside(span)))
        if tested:
            absent = frozenset({"*"})
            present, missing = (absent, tested) if isinstance(node.test, ast.UnaryOp) else (tested, absent)
            inside = inside._replace(tested=inside.tested | present)
            outsides = outsides._replace(tested=outsides.tested | missing)
        self._block(node.body, inside)
        self._block(node.orelse, outsides)
        if span is None or not _exact(node.test, span):
            return None
        return outside(span) if _leaves(node.body) else span if node.orelse and _leaves(node.orelse) else None

    def _tested(self, test: Any) -> FrozenSet[str]:
        """The dotted names whose presence *test* asks for with ``hasattr``."""
        found = set()
        for node in ast.walk(test) if self._asks else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "hasattr"
                and len(node.args) == 2
            ):
                base, name = self.resolve(node.args[0]), _text(node.args[1])
                if name:
                    found.add(base + "." + name if isinstance(base, str) else "?." + name)
        return frozenset(found)

    def _try(self, node: Any, place: _Place) -> None:
        caught: Set[str] = set()
        for handler in node.handlers:
            if not _gives_up(handler.body):
                caught.update(_exceptions(handler.type))
        self._block(node.body, place._replace(caught=place.caught | caught))
        for handler in node.handlers:
            self._block(handler.body, self._after_failure(node.body, handler, place))
        self._block(node.orelse, place)
        self._block(node.finalbody, place)

    def _after_failure(self, body: List[Any], handler: Any, place: _Place) -> _Place:
        """Where a handler runs: not where the imports that it stands in for are there."""
        if not _exceptions(handler.type) & ATTRIBUTE_ERRORS:
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

    def _with(self, node: Any, place: _Place) -> None:
        for item in node.items:
            self._expression(item.context_expr, place)
            if item.optional_vars is not None:
                self._store(item.optional_vars, self.resolve(item.context_expr))
            call = item.context_expr
            if isinstance(call, ast.Call):
                name = self.resolve(call.func) or getattr(call.func, "id", getattr(call.func, "attr", ""))
                if isinstance(name, str) and name.rpartition(".")[2] in ("suppress", "raises", "assertRaises"):
                    place = place._replace(
                        caught=place.caught | {last for entry in call.args for last in _exceptions(entry)}
                    )
        self._block(node.body, place)

    def _for(self, node: Any, place: _Place) -> None:
        self._expression(node.iter, place)
        source = self.resolve(node.iter)
        value = None
        if isinstance(source, _Several):
            value = _Instance(source)
        elif isinstance(source, _Instance) and source in YIELDS:
            value = _Instance(YIELDS[source])
        self._store(node.target, value)
        self._block(node.body, place)
        self._block(node.orelse, place)

    def _assign(self, node: Any, place: _Place) -> None:
        self._expression(node.value, place)
        span = span_of(node.value, self.resolve)
        value = span if span is not None else self.resolve(node.value)
        for target in node.targets:
            self._store(target, value)

    def _annotated(self, node: Any, place: _Place) -> None:
        if not self._lazy_annotations and self._scopes[-1].kind != "function":
            self._expression(node.annotation, place)
        value = None
        if node.value is not None:
            self._expression(node.value, place)
            value = self.resolve(node.value)
        named = self.resolve(node.annotation)
        self._store(node.target, value or (_Instance(named) if isinstance(named, str) else None))

    def _store(self, target: Any, value: Any) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, value)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            base = self._look_up(target.value.id)
            if isinstance(base, _Instance) and value is not None:
                self._fields.setdefault(str(base), {}).setdefault(target.attr, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for entry in target.elts:
                self._store(entry, None)
        elif isinstance(target, ast.Starred):
            self._store(target.value, None)

    def _class(self, node: Any, place: _Place) -> None:
        for entry in node.decorator_list + node.bases + [keyword.value for keyword in node.keywords]:
            self._expression(entry, place)
        own = "<class>." + node.name
        self._bases[own] = [self.resolve(base) or _last(base) for base in node.bases]
        self._bind(node.name, own)
        scope = _Scope({}, "class", own)
        self._scopes = self._scopes + [scope]
        self._block(node.body, place)
        self._scopes = self._scopes[:-1]
        self._defined[own] = set(scope.names)

    def _function(self, node: Any, place: _Place) -> None:
        for entry in node.decorator_list:
            self._expression(entry, place)
        arguments = _arguments(node.args)
        for value in node.args.defaults + node.args.kw_defaults:
            if value is not None:
                self._expression(value, place)
        names: Dict[str, Any] = {name: None for name in _stored(node.body)}
        for argument in arguments:
            named = None
            if argument.annotation is not None:
                if not self._lazy_annotations:
                    self._expression(argument.annotation, place)
                named = self.resolve(argument.annotation)
            names[argument.arg] = _Instance(named) if isinstance(named, str) else None
        if node.returns is not None and not self._lazy_annotations:
            self._expression(node.returns, place)
        holder = self._scopes[-1]
        if (
            holder.kind == "class"
            and arguments
            and _last(node.decorator_list[0] if node.decorator_list else None) != "staticmethod"
        ):
            names[arguments[0].arg] = _Instance(holder.own)
        self._bind(node.name, None)
        self._later.append(
            (node, self._scopes + [_Scope(names, "function")], place._replace(on_import=False, caught=frozenset()))
        )

    def _expression(self, node: Any, place: _Place) -> None:
        handler = self._expressions.get(type(node))
        if handler:
            handler(node, place)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.keyword):
                self._expression(child.value, place)
            elif isinstance(child, ast.expr):
                self._expression(child, place)
            elif not isinstance(child, PLAIN):
                self._other(child, place)

    def _nothing(self, node: Any, place: _Place) -> None:
        """A constant uses nothing."""

    def _lambda(self, node: Any, place: _Place) -> None:
        names: Dict[str, Any] = {argument.arg: None for argument in _arguments(node.args)}
        self._later.append(
            (node, self._scopes + [_Scope(names, "function")], place._replace(on_import=False, caught=frozenset()))
        )

    def _comprehension(self, node: Any, place: _Place) -> None:
        self._scopes = self._scopes + [_Scope({}, "function")]
        for generator in node.generators:
            self._expression(generator.iter, place)
            source = self.resolve(generator.iter)
            self._store(
                generator.target,
                _Instance(source)
                if isinstance(source, _Several)
                else _Instance(YIELDS[source])
                if isinstance(source, _Instance) and source in YIELDS
                else None,
            )
            for test in generator.ifs:
                self._expression(test, place)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._expression(part, place)
        self._scopes = self._scopes[:-1]

    def _choice(self, node: Any, place: _Place) -> None:
        span, tested = span_of(node.test, self.resolve), self._tested(node.test)
        self._expression(node.test, place)
        other = outside(span) if span is not None and _exact(node.test, span) else None
        for part, versions, extra in (
            (node.body, span, tested),
            (node.orelse, other, frozenset({"*"}) if tested else tested),
        ):
            there = place if versions is None else place._replace(versions=intersect(place.versions, versions))
            self._expression(part, there._replace(tested=there.tested | extra))

    def _boolean(self, node: Any, place: _Place) -> None:
        for value in node.values:
            self._expression(value, place)
            span, tested = span_of(value, self.resolve), self._tested(value)
            conjunction = isinstance(node.op, ast.And)
            if span is not None:
                place = place._replace(versions=intersect(place.versions, span if conjunction else outside(span)))
            if tested:
                place = place._replace(tested=place.tested | (tested if conjunction else {"*"}))

    def _name(self, node: Any, place: _Place) -> None:
        if not self._stars or not isinstance(node.ctx, ast.Load) or self._known(node.id):
            return
        for module in self._stars:
            full = module + "." + node.id
            if full in self.watch.names and not place.caught & {"NameError", "Exception", "BaseException"}:
                self._report(full, node, place)

    def _attribute(self, node: Any, place: _Place) -> None:
        self._expression(node.value, place)
        if not isinstance(node.ctx, ast.Load) or node.attr not in self._last:
            return
        base = self.resolve(node.value)
        if isinstance(base, _Several):
            return
        if isinstance(base, _Instance) or (isinstance(base, str) and base.startswith("<class>.")):
            self._member(str(base), node, place)
        elif isinstance(base, str):
            full = base + "." + node.attr
            if full in self.watch.names and not self.watch.covering(base) and not self._expects(full, place):
                self._report(full, node, place)
            elif node.attr in self.watch.methods and base.rpartition(".")[2][:1].isupper():
                self._guess(node, place)
        else:
            self._guess(node, place)

    def _expects(self, full: str, place: _Place) -> bool:
        """Whether the program is prepared for *full* to be missing."""
        return bool(
            place.caught & ATTRIBUTE_ERRORS
            or full in place.tested
            or "*" in place.tested
            or "?." + full.rpartition(".")[2] in place.tested
        )

    def _member(self, own: str, node: Any, place: _Place) -> None:
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
                if not self._expects(full, place):
                    self._report(full, node, place)
                return
            waiting += self._bases.get(name, [])
        if own.startswith("<class>.") or any(name.startswith("<class>.") for name in seen):
            self._guess_test(seen, node, place)

    def _guess_test(self, seen: List[str], node: Any, place: _Place) -> None:
        """A method of a class with a base that is not known and is called as test cases are."""
        full = "unittest.TestCase." + node.attr
        if full in self.watch.names and any(name.endswith(TESTS) for name in seen) and not self._expects(full, place):
            self._report(full, node, place, False)

    def _guess(self, node: Any, place: _Place) -> None:
        """A method of an object whose class is not known: the standard library's where the file imports that module and the name is its own."""
        if not (any(character.isupper() for character in node.attr) or node.attr in DISTINCT):
            return
        for holder in sorted(self.watch.methods.get(node.attr, ())):
            module = holder.split(".")[0]
            # lxml's elements have what those of the standard library lost.
            rival = module == "xml" and "lxml" in self._imported
            if (
                module in self._imported
                and not rival
                and holder != "unittest.TestCase"
                and not self._expects(holder + "." + node.attr, place)
            ):
                self._report(holder + "." + node.attr, node, place, False)
                return

    def _call(self, node: Any, place: _Place) -> None:
        called = self.resolve(node.func)
        name = called if isinstance(called, str) else getattr(node.func, "id", "")
        self._expression(node.func, place)
        for argument in node.args:
            self._expression(argument, place)
        for keyword in node.keywords:
            self._expression(keyword.value, place)
            if (
                keyword.arg
                and keyword.arg in self.watch.parameters.get(self._function_of(str(name)), ())
                and not place.caught & KEYWORD_ERRORS
            ):
                self._report("%s(%s)" % (self._function_of(str(name)), keyword.arg), node, place)
        if name in ("importlib.import_module", "__import__"):
            self._dynamic(node, place)
        elif name == "getattr" and len(node.args) == 2:
            base, attribute = self.resolve(node.args[0]), _text(node.args[1])
            full = "%s.%s" % (base, attribute)
            if (
                isinstance(base, str)
                and attribute
                and full in self.watch.names
                and not self.watch.covering(str(base))
                and not self._expects(full, place)
            ):
                self._report(full, node, place)

    def _function_of(self, name: str) -> str:
        """*name*, or the base class's where it is a class of this file."""
        if name.startswith("<class>."):
            return next(
                (base for base in self._bases.get(name, []) if isinstance(base, str) and base in self.watch.parameters),
                name,
            )
        return name

    def _dynamic(self, node: Any, place: _Place) -> None:
        text = _text(node.args[0]) if node.args else None
        if text is None:
            self.dynamic.append(node.lineno)
            return
        known = self.watch.covering(text)
        if known and not place.caught & IMPORT_ERRORS:
            self._report(known, node, place)


DISTINCT = {"getchildren", "getiterator", "readfp", "has_exec", "module_repr", "lgettext", "lngettext", "is_reserved"}


def _text(node: Any) -> Optional[str]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def _last(node: Any) -> str:
    return (
        getattr(node, "attr", None)
        or getattr(node, "id", None)
        or (_last(node.func) if isinstance(node, ast.Call) else "")
    )


def _arguments(arguments: Any) -> List[Any]:
    extra = [entry for entry in (arguments.vararg, arguments.kwarg) if entry is not None]
    named: List[Any] = list(getattr(arguments, "posonlyargs", [])) + arguments.args + arguments.kwonlyargs
    return named + extra


def _exceptions(node: Any) -> Set[str]:
    """The names of the exceptions that a handler's type catches; all of them without one."""
    if node is None:
        return {"BaseException", "Exception", "ImportError", "AttributeError"}
    entries = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    return {_last(entry) for entry in entries}


def _gives_up(body: List[Any]) -> bool:
    """Whether a handler does nothing but raise."""
    return isinstance(body[-1], ast.Raise) and _last(body[-1].exc) not in ("SkipTest", "Skipped")


def _leaves(body: List[Any]) -> bool:
    last = body[-1]
    return isinstance(last, LEAVES) or (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and _last(last.value.func) in ("exit", "_exit", "skip")
    )


def _exact(test: Any, span: Span) -> bool:
    """Whether *test* fails outside of *span*: it asks for nothing but versions, as far as that can be told."""
    return not isinstance(test, ast.BoolOp) or span == NEVER or (span == ALWAYS and isinstance(test.op, ast.Or))


def _never(test: Any, resolve: Callable[[Any], Any]) -> bool:
    """Whether *test* is false in every program that runs."""
    name = resolve(test) or _last(test)
    if isinstance(name, str) and name.rpartition(".")[2] == "TYPE_CHECKING":
        return True
    try:
        return ast.literal_eval(test) in (False, 0)
    except (ValueError, TypeError, SyntaxError):
        return False


def _stored(body: List[Any]) -> Set[str]:
    """The names that a function's own statements assign; it hides the module's of the same name. Imports bind when they are met."""
    found: Set[str] = set()
    outer: Set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            outer.update(node.names)
            continue
        for target in _targets(node):
            if isinstance(target, ast.Name):
                found.add(target.id)
            elif isinstance(target, (ast.Tuple, ast.List, ast.Starred)):
                found.update(entry.id for entry in ast.walk(target) if isinstance(entry, ast.Name))
        if not isinstance(node, DEFINITIONS):
            for field in BLOCKS:
                waiting.extend(getattr(node, field, ()))
    return found - outer


def _targets(node: Any) -> List[Any]:
    if isinstance(node, ast.Assign):
        return list(node.targets)
    if isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor)):
        return [node.target]
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return [item.optional_vars for item in node.items]
    return []
