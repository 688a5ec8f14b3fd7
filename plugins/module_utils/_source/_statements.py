# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visits the statements of a Python source: the names they bind, and the versions that run their blocks."""

import ast
import re
from typing import Any, Callable, Dict, List, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import (
    LOCAL_CLASS_PREFIX,
    Bindings,
    InstanceOf,
    Scope,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._expressions import ExpressionVisitor
from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    ALL_VERSIONS,
    ANY_NAME,
    NO_VERSIONS,
    PYTHON_2_MODULES,
    PYTHON_2_NAMES,
    VersionSpan,
    find_version_span,
    invert_span,
    is_exact,
    is_never_true,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import (
    get_last_name,
    is_exiting,
    is_raise_only,
    list_arguments,
    list_exceptions,
    list_imported_names,
    list_stored_names,
    walk_statements,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._uses import (
    ATTRIBUTE_ERRORS,
    IMPORT_ERRORS,
    ScanContext,
    UseRecorder,
)

FUTURE_ANNOTATIONS = re.compile(r"^from __future__ import .*\bannotations\b", re.MULTILINE)
SUPPRESSING_FUNCTIONS = ("suppress", "raises", "assertRaises")


class SourceVisitor(ExpressionVisitor):
    """Visits a module: its statements in order, then the bodies of its functions."""

    def __init__(self, bindings: Bindings, recorder: UseRecorder, text: str) -> None:
        """*text* is the source that is visited."""
        super().__init__(bindings, recorder, "hasattr" in text)
        self._lazy_annotations = "annotations" in text and FUTURE_ANNOTATIONS.search(text) is not None
        self._statements: Dict[type, Callable[[Any, ScanContext], Any]] = {
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
        if hasattr(ast, "TryStar"):
            self._statements[ast.TryStar] = self._visit_try

    def visit_module(self, tree: Any) -> None:
        """Visit all of *tree*. Raises RecursionError."""
        self._visit_block(tree.body, ScanContext(ALL_VERSIONS, frozenset(), frozenset(), True))
        while self._deferred:
            node, scopes, context = self._deferred.pop(0)
            self._bindings.scopes = scopes
            if isinstance(node, ast.Lambda):
                self._visit_expression(node.body, context)
            else:
                self._visit_block(node.body, context)

    def _visit_block(self, body: List[Any], context: ScanContext) -> None:
        """Visit the statements *body*; an ``if`` that leaves the block narrows the versions for those after it."""
        for node in body:
            handler = self._statements.get(type(node))
            if handler is None:
                self._visit_children(node, context)
                continue
            remaining = handler(node, context)
            if remaining is not None:
                context = context.narrow(remaining)

    def _visit_list(self, entries: List[Any], context: ScanContext) -> None:
        if entries and isinstance(entries[0], ast.stmt):
            self._visit_block(entries, context)
        else:
            super()._visit_list(entries, context)

    def _visit_import(self, node: Any, context: ScanContext) -> None:
        for alias in node.names:
            self._recorder.record_import(alias.name, node, context)
            if alias.asname:
                self._bindings.bind(alias.asname, alias.name)
            else:
                top = alias.name.split(".")[0]
                self._bindings.bind(top, top)

    def _visit_import_from(self, node: Any, context: ScanContext) -> None:
        module = None if node.level else node.module
        is_watched = module is not None and self._recorder.record_import(module, node, context)
        for alias in node.names:
            if alias.name == "*":
                if module:
                    self._recorder.record_star_import(module, context)
                continue
            name = module + "." + alias.name if module else None
            if name and not is_watched:
                self._recorder.record_imported_name(name, node, context)
            self._bindings.bind(alias.asname or alias.name, name)

    def _visit_if(self, node: Any, context: ScanContext) -> Optional[VersionSpan]:
        """Visit an ``if``; returns the versions that reach the statements after it, or None for all that reach it."""
        self._visit_expression(node.test, context)
        span = find_version_span(node.test, self._bindings.resolve)
        tested = self._find_tested_names(node.test)
        if is_never_true(node.test, self._bindings.resolve):
            span = NO_VERSIONS
        exact = span is not None and is_exact(node.test, span)
        body, orelse = context.narrow(span), context
        if span is not None and exact:
            orelse = context.narrow(invert_span(span))
        if tested:
            present, absent = tested, frozenset({ANY_NAME})
            if isinstance(node.test, ast.UnaryOp):
                present, absent = absent, present
            body = body._replace(tested=body.tested | present)
            orelse = orelse._replace(tested=orelse.tested | absent)
        self._visit_block(node.body, body)
        self._visit_block(node.orelse, orelse)
        if span is None or not exact:
            return None
        if is_exiting(node.body):
            return invert_span(span)
        return span if node.orelse and is_exiting(node.orelse) else None

    def _visit_try(self, node: Any, context: ScanContext) -> None:
        caught: Set[str] = set()
        for handler in node.handlers:
            if not is_raise_only(handler.body):
                caught.update(list_exceptions(handler.type))
        self._visit_block(node.body, context._replace(caught=context.caught | caught))
        for handler in node.handlers:
            self._visit_block(handler.body, self._enter_handler(node.body, handler, context))
        self._visit_block(node.orelse, context)
        self._visit_block(node.finalbody, context)

    def _enter_handler(self, body: List[Any], handler: Any, context: ScanContext) -> ScanContext:
        """The context of an except clause after the block *body*."""
        if not list_exceptions(handler.type) & ATTRIBUTE_ERRORS:
            return context
        for node in walk_statements(body):
            if isinstance(node, ast.Name) and node.id in PYTHON_2_NAMES:
                return context
            for name in list_imported_names(node):
                if name.split(".")[0] in PYTHON_2_MODULES:
                    return context
        # The block has what later versions have; the clause runs in earlier ones, which still have the watched names.
        return context._replace(caught=context.caught | IMPORT_ERRORS | ATTRIBUTE_ERRORS)

    def _visit_with(self, node: Any, context: ScanContext) -> None:
        for item in node.items:
            call = item.context_expr
            self._visit_expression(call, context)
            if item.optional_vars is not None:
                self._bindings.bind_target(item.optional_vars, self._bindings.resolve(call))
            if isinstance(call, ast.Call):
                context = context._replace(caught=context.caught | self._list_suppressed(call))
        self._visit_block(node.body, context)

    def _list_suppressed(self, call: Any) -> Set[str]:
        """The exceptions that the context manager *call* catches."""
        name = self._bindings.resolve(call.func) or get_last_name(call.func)
        found: Set[str] = set()
        if isinstance(name, str) and name.rpartition(".")[2] in SUPPRESSING_FUNCTIONS:
            for entry in call.args:
                found.update(list_exceptions(entry))
        return found

    def _visit_for(self, node: Any, context: ScanContext) -> None:
        self._visit_expression(node.iter, context)
        self._bindings.bind_target(node.target, self._bindings.resolve_items(node.iter))
        self._visit_block(node.body, context)
        self._visit_block(node.orelse, context)

    def _visit_assign(self, node: Any, context: ScanContext) -> None:
        self._visit_expression(node.value, context)
        span = find_version_span(node.value, self._bindings.resolve)
        value = span if span is not None else self._bindings.resolve(node.value)
        for target in node.targets:
            self._bindings.bind_target(target, value)

    def _visit_annotated(self, node: Any, context: ScanContext) -> None:
        if not self._lazy_annotations and self._bindings.scope.kind != "function":
            self._visit_expression(node.annotation, context)
        value = None
        if node.value is not None:
            self._visit_expression(node.value, context)
            value = self._bindings.resolve(node.value)
        self._bindings.bind_target(node.target, value or self._resolve_annotation(node.annotation))

    def _resolve_annotation(self, annotation: Any) -> Optional[InstanceOf]:
        name = self._bindings.resolve(annotation)
        return InstanceOf(name) if isinstance(name, str) else None

    def _visit_class(self, node: Any, context: ScanContext) -> None:
        for entry in node.decorator_list + node.bases:
            self._visit_expression(entry, context)
        for keyword in node.keywords:
            self._visit_expression(keyword.value, context)
        own = LOCAL_CLASS_PREFIX + node.name
        self._bindings.bases[own] = [self._bindings.resolve(base) or get_last_name(base) for base in node.bases]
        self._bindings.bind(node.name, own)
        scope = Scope("class", owner=own)
        self._bindings.enter_scope(scope)
        self._visit_block(node.body, context)
        self._bindings.leave_scope()
        self._bindings.members[own] = set(scope.names)

    def _visit_function(self, node: Any, context: ScanContext) -> None:
        for entry in node.decorator_list:
            self._visit_expression(entry, context)
        for value in node.args.defaults + node.args.kw_defaults:
            if value is not None:
                self._visit_expression(value, context)
        names: Dict[str, Any] = dict.fromkeys(list_stored_names(node.body))
        arguments = list_arguments(node.args)
        for argument in arguments:
            names[argument.arg] = None
            if argument.annotation is not None:
                if not self._lazy_annotations:
                    self._visit_expression(argument.annotation, context)
                names[argument.arg] = self._resolve_annotation(argument.annotation)
        if node.returns is not None and not self._lazy_annotations:
            self._visit_expression(node.returns, context)
        scope = self._bindings.scope
        if scope.kind == "class" and arguments and not _is_static(node):
            names[arguments[0].arg] = InstanceOf(scope.owner)
        self._bindings.bind(node.name, None)
        self._defer_body(node, names, context)


def _is_static(function: Any) -> bool:
    return bool(function.decorator_list) and get_last_name(function.decorator_list[0]) == "staticmethod"
