# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visits the expressions of a Python source and records the watched names that they use."""

import ast
import collections
from typing import Any, Callable, Deque, Dict, List, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import Bindings, Scope
from ansible_collections.oxzep7.python.plugins.module_utils._source._class_paths import (
    PATH_FUNCTIONS,
    PATH_KEYS,
    list_texts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    NO_TEST,
    AttributeTest,
    find_tested_names,
    find_version_span,
    invert_span,
    is_exact,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import (
    format_dotted_name,
    get_text,
    list_arguments,
    read_literal_text,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._uses import ScanContext, UseRecorder

IMPORT_FUNCTIONS = ("importlib.import_module", "__import__")
COMPREHENSION_NODES = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
# Nodes without an expression inside.
IGNORED_NODES = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


class ExpressionVisitor:
    """Visits expressions. Bodies of functions are put off until all that the module binds is known."""

    def __init__(self, bindings: Bindings, recorder: UseRecorder, tests_names: bool) -> None:
        """*tests_names*: whether the source calls ``hasattr`` or ``getattr``."""
        self.dynamic_imports: List[int] = []
        self._bindings = bindings
        self._recorder = recorder
        self._tests_names = tests_names
        self._deferred: Deque[Tuple[Any, List[Scope], ScanContext]] = collections.deque()
        self._expressions: Dict[type, Callable[[Any, ScanContext], None]] = {
            ast.Attribute: self._visit_attribute,
            ast.Name: self._visit_name,
            ast.Call: self._visit_call,
            ast.Dict: self._visit_dictionary,
            ast.IfExp: self._visit_conditional,
            ast.BoolOp: self._visit_boolean,
            ast.Lambda: self._visit_lambda,
            ast.Constant: self._visit_constant,
        }
        for kind in COMPREHENSION_NODES:
            self._expressions[kind] = self._visit_comprehension

    def _visit_expression(self, node: Any, context: ScanContext) -> None:
        handler = self._expressions.get(node.__class__)
        if handler:
            handler(node, context)
        else:
            self._visit_children(node, context)

    def _visit_children(self, node: Any, context: ScanContext) -> None:
        for field in node._fields:
            value = getattr(node, field, None)
            if value.__class__ is list:
                if value:
                    self._visit_list(value, context)
            elif isinstance(value, ast.AST) and not isinstance(value, IGNORED_NODES):
                self._visit_expression(value, context)

    def _visit_list(self, entries: List[Any], context: ScanContext) -> None:
        for entry in entries:
            if isinstance(entry, ast.AST) and not isinstance(entry, IGNORED_NODES):
                self._visit_expression(entry, context)

    def _defer_body(self, node: Any, names: Dict[str, Any], context: ScanContext) -> None:
        """Visit the body of the function *node* later, with *names* in a scope of its own."""
        inside = context._replace(on_import=False, caught=frozenset())
        self._deferred.append((node, self._bindings.scopes + [Scope("function", names)], inside))

    def _find_tested_names(self, test: Any) -> AttributeTest:
        return find_tested_names(test, self._bindings.resolve) if self._tests_names else NO_TEST

    def _split_context(self, test: Any, context: ScanContext) -> Tuple[ScanContext, ScanContext]:
        """The contexts in which *test* is true and false."""
        span, tested = find_version_span(test, self._bindings.resolve), self._find_tested_names(test)
        true, false = context, context
        if span is not None:
            true = context.narrow(span)
            if is_exact(test, span):
                false = context.narrow(invert_span(span))
        return true.add_tested(tested.present), false.add_tested(tested.absent)

    def _visit_constant(self, node: Any, context: ScanContext) -> None:
        """A constant uses no name."""

    def _visit_name(self, node: Any, context: ScanContext) -> None:
        if self._recorder.star_imports and isinstance(node.ctx, ast.Load):
            self._recorder.record_name(node, context)

    def _visit_attribute(self, node: Any, context: ScanContext) -> None:
        self._visit_expression(node.value, context)
        if node.attr in self._recorder.watched_attributes and isinstance(node.ctx, ast.Load):
            self._recorder.record_attribute(node, context)

    def _visit_lambda(self, node: Any, context: ScanContext) -> None:
        names: Dict[str, Any] = {}
        for argument in list_arguments(node.args):
            names[argument.arg] = None
        self._defer_body(node, names, context)

    def _visit_comprehension(self, node: Any, context: ScanContext) -> None:
        self._bindings.enter_scope(Scope("function"))
        for generator in node.generators:
            self._visit_expression(generator.iter, context)
            self._bindings.bind_target(generator.target, self._bindings.resolve_items(generator.iter))
            for test in generator.ifs:
                self._visit_expression(test, context)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._visit_expression(part, context)
        self._bindings.leave_scope()

    def _visit_conditional(self, node: Any, context: ScanContext) -> None:
        self._visit_expression(node.test, context)
        body, orelse = self._split_context(node.test, context)
        self._visit_expression(node.body, body)
        self._visit_expression(node.orelse, orelse)

    def _visit_boolean(self, node: Any, context: ScanContext) -> None:
        conjunction = isinstance(node.op, ast.And)
        for value in node.values:
            self._visit_expression(value, context)
            true, false = self._split_context(value, context)
            context = true if conjunction else false

    def _visit_dictionary(self, node: Any, context: ScanContext) -> None:
        for key, value in zip(node.keys, node.values):
            if key is not None:
                self._visit_expression(key, context)
                if get_text(key) in PATH_KEYS:
                    self._record_paths(value, True, context)
            self._visit_expression(value, context)

    def _record_paths(self, value: Any, dotted: bool, context: ScanContext) -> None:
        """Record the dotted paths in the strings of *value*; with *dotted* only those with a dot."""
        for text, node in list_texts(value):
            self._recorder.record_path(text, dotted, node, context)

    def _visit_call(self, node: Any, context: ScanContext) -> None:
        called = self._bindings.resolve(node.func)
        name = str(called) if isinstance(called, str) else getattr(node.func, "id", "")
        self._visit_expression(node.func, context)
        for argument in node.args:
            self._visit_expression(argument, context)
        for keyword in node.keywords:
            self._visit_expression(keyword.value, context)
        if self._recorder.can_record_call(name) and (called is not None or not self._bindings.is_bound(name)):
            self._recorder.record_call(name, node, context)
        if name in IMPORT_FUNCTIONS:
            self._visit_dynamic_import(node, context)
        elif name == "getattr" and len(node.args) == 2:
            base, attribute = self._bindings.resolve(node.args[0]), read_literal_text(node.args[1])
            if isinstance(base, str) and attribute:
                self._recorder.record_module_name(base, attribute, node, context)
        else:
            self._record_path_arguments(name, node, context)

    def _record_path_arguments(self, name: str, node: Any, context: ScanContext) -> None:
        """Record the dotted paths that the call *node* of the function *name* imports."""
        if not name and getattr(node.func, "attr", "") == "setattr":
            name = format_dotted_name(node.func)
        if name in PATH_FUNCTIONS:
            for argument in node.args[:1]:
                self._record_paths(argument, True, context)
        elif name.rpartition(".")[2] == "Celery":
            for keyword in node.keywords:
                if keyword.arg in ("include", "imports"):
                    self._record_paths(keyword.value, False, context)

    def _visit_dynamic_import(self, node: Any, context: ScanContext) -> None:
        module = self._bindings.find_text(node.args[0]) if node.args else None
        if module is None:
            self.dynamic_imports.append(node.lineno)
        else:
            self._recorder.record_import(module, node, context)
