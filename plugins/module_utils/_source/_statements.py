# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visits the statements of a Python source: the names they bind, and the versions that run their blocks."""

import ast
import re
from typing import Any, Callable, Dict, List, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import (
    LOCAL_CLASS_PREFIX,
    UNSET,
    Bindings,
    InstanceOf,
    Scope,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._class_paths import MODULE_SETTINGS, SETTING_NAMES
from ansible_collections.oxzep7.python.plugins.module_utils._source._expressions import ExpressionVisitor
from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import (
    ALL_VERSIONS,
    NO_VERSIONS,
    fails_on_python_3,
    find_version_span,
    is_never_true,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import (
    get_last_name,
    get_text,
    is_exiting,
    is_raise_only,
    list_arguments,
    list_exceptions,
    list_stored_names,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._uses import (
    ATTRIBUTE_ERRORS,
    IMPORT_ERRORS,
    ScanContext,
    UseRecorder,
)

FUTURE_ANNOTATIONS = re.compile(r"^from __future__ import .*\bannotations\b", re.MULTILINE)
# Expressions that can be a test of a version or of an attribute.
TEST_NODES = (ast.Name, ast.Attribute, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call)
CELERY_WORDS = ("celery", "Celery", "CELERY", "broker_url")
SUPPRESSING_FUNCTIONS = ("suppress", "raises", "assertRaises")


class SourceVisitor(ExpressionVisitor):
    """Visits a module: its statements in order, then the bodies of its functions."""

    def __init__(self, bindings: Bindings, recorder: UseRecorder, text: str) -> None:
        """*text* is the source that is visited."""
        super().__init__(bindings, recorder, "attr(" in text)
        self._is_celery = any(word in text for word in CELERY_WORDS)
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
            ast.AugAssign: self._visit_augmented,
            ast.While: self._visit_while,
            ast.AnnAssign: self._visit_annotated,
            ast.With: self._visit_with,
            ast.AsyncWith: self._visit_with,
            ast.For: self._visit_for,
            ast.AsyncFor: self._visit_for,
        }
        if hasattr(ast, "TryStar"):
            self._statements[ast.TryStar] = self._visit_try

    def visit_statements(self, tree: Any) -> None:
        """Visit what an import of *tree* runs. Raises RecursionError."""
        self._visit_block(tree.body, ScanContext(ALL_VERSIONS, frozenset(), frozenset(), True, False))

    def visit_functions(self) -> None:
        """Visit the functions that were put off. Raises RecursionError."""
        while self._deferred:
            node, scopes, context = self._deferred.popleft()
            self._bindings.scopes = scopes
            if isinstance(node, ast.Lambda):
                self._visit_expression(node.body, context)
            else:
                for name in list_stored_names(node.body):
                    scopes[-1].names.setdefault(name, UNSET)
                self._visit_block(node.body, context)

    def release(self) -> None:
        """Let go of the tree: this object and its methods hold each other."""
        self._deferred.clear()
        self._expressions.clear()
        self._statements.clear()

    def _visit_block(self, body: List[Any], context: ScanContext) -> None:
        """Visit the statements *body*; an ``if`` that leaves the block narrows the context of those after it."""
        around = self._bindings.weak
        for node in body:
            self._bindings.weak = context.is_weak()
            handler = self._statements.get(type(node))
            if handler is None:
                self._visit_children(node, context)
            else:
                context = handler(node, context) or context
        self._bindings.weak = around

    def _visit_list(self, entries: List[Any], context: ScanContext) -> None:
        if entries and isinstance(entries[0], ast.stmt):
            self._visit_block(entries, context)
        else:
            super()._visit_list(entries, context)

    def _visit_import(self, node: Any, context: ScanContext) -> None:
        for alias in node.names:
            name = self._bindings.expand(alias.name)
            module = name if isinstance(name, str) else alias.name
            self._recorder.record_import(module, node, context)
            if alias.asname:
                self._bindings.bind(alias.asname, name)
            else:
                top = alias.name.split(".")[0]
                self._bindings.bind(top, top)

    def _visit_import_from(self, node: Any, context: ScanContext) -> None:
        module = self._recorder.find_module(node.level, node.module)
        is_watched = module is not None and not node.level and self._recorder.record_import(module, node, context)
        for alias in node.names:
            if alias.name == "*":
                if module:
                    self._bind_star(module, context)
                continue
            value = self._bindings.expand(module + "." + alias.name) if module is not None else None
            if value == "%s.%s" % (module, alias.name) and not is_watched:
                # A name of another module of the source is judged there.
                self._recorder.record_imported_name(str(value), node, context)
            if value is None and alias.name == "six":
                value = "six"
            self._bindings.bind(alias.asname or alias.name, value)

    def _bind_star(self, module: str, context: ScanContext) -> None:
        exports = self._recorder.list_exports(module)
        if exports is None:
            self._recorder.record_star_import(module, context)
            return
        for name, value in exports.items():
            if not name.startswith("_"):
                self._bindings.bind(name, value)

    def _visit_if(self, node: Any, context: ScanContext) -> Optional[ScanContext]:
        """Visit an ``if``; returns the context of the statements after it, or None for the one before it."""
        self._visit_expression(node.test, context)
        body, orelse = self._split_context(node.test, context)
        if is_never_true(node.test, self._bindings.resolve):
            body, orelse = context.narrow(NO_VERSIONS), context
        self._visit_block(node.body, body)
        self._visit_block(node.orelse, orelse)
        if is_exiting(node.body):
            return orelse
        return body if node.orelse and is_exiting(node.orelse) else None

    def _visit_while(self, node: Any, context: ScanContext) -> None:
        self._visit_expression(node.test, context)
        self._visit_block(node.body, self._split_context(node.test, context)[0])
        self._visit_block(node.orelse, context)

    def _visit_try(self, node: Any, context: ScanContext) -> None:
        caught: Set[str] = set()
        for handler in node.handlers:
            if not is_raise_only(handler.body):
                caught.update(list_exceptions(handler.type))
        fails = bool(caught & ATTRIBUTE_ERRORS) and fails_on_python_3(node.body)
        inside = context._replace(caught=context.caught | caught, fallback=context.fallback or fails)
        self._visit_block(node.body, inside)
        for handler in node.handlers:
            inside = context
            if not fails and list_exceptions(handler.type) & ATTRIBUTE_ERRORS:
                # The block has what later versions have; the clause runs in earlier ones, which have the watched names.
                inside = context._replace(caught=context.caught | IMPORT_ERRORS | ATTRIBUTE_ERRORS, fallback=True)
            self._visit_block(handler.body, inside)
        self._visit_block(node.orelse, context)
        self._visit_block(node.finalbody, context)

    def _visit_with(self, node: Any, context: ScanContext) -> None:
        for item in node.items:
            call = item.context_expr
            self._visit_expression(call, context)
            value = self._bindings.resolve(call)
            if isinstance(value, InstanceOf):
                self._recorder.record_method(value, "__enter__", call, context)
            if item.optional_vars is not None:
                self._bindings.bind_target(item.optional_vars, value)
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
        value, text = self._evaluate(node.value), get_text(node.value)
        for target in node.targets:
            self._bindings.bind_target(target, value, text)
            self._record_setting(target, node.value, context)

    def _evaluate(self, node: Any) -> Any:
        """What a name stands for that is assigned the expression *node*."""
        if not isinstance(node, TEST_NODES):
            return self._bindings.resolve(node)
        tested = self._find_tested_names(node)
        if tested.present:
            return tested
        span = find_version_span(node, self._bindings.resolve)
        return self._bindings.resolve(node) if span is None else span

    def _visit_augmented(self, node: Any, context: ScanContext) -> None:
        self._visit_expression(node.value, context)
        self._record_setting(node.target, node.value, context)

    def _record_setting(self, target: Any, value: Any, context: ScanContext) -> None:
        """Record what a setting *target* names, if its *value* is one that a framework imports."""
        name = getattr(target, "id", getattr(target, "attr", ""))
        if name not in SETTING_NAMES or (name.islower() and not self._is_celery):
            return
        if isinstance(target, ast.Name) or name.islower():
            self._record_paths(value, name not in MODULE_SETTINGS, context)

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
        names: Dict[str, Any] = {}
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
