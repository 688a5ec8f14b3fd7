# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about syntax trees that need no knowledge of names."""

import ast
from typing import Any, Iterator, List, Optional, Set

EXIT_STATEMENTS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
EXIT_FUNCTIONS = ("exit", "_exit", "skip")
EXIT_CALLS = ("exit", "sys.exit", "os._exit")
SKIP_EXCEPTIONS = ("SkipTest", "Skipped")
DEFINITION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BLOCK_FIELDS = ("body", "orelse", "finalbody", "handlers", "cases")
# Before Python 3.8, Str and Bytes.
LITERAL_FIELDS = {"Constant": "value", "Str": "s", "Bytes": "s"}
# What an except clause without a type catches, as far as a scan needs it.
ALL_EXCEPTIONS = frozenset(["BaseException", "Exception", "ImportError", "AttributeError"])


def read_literal_text(node: Any) -> Optional[str]:
    """The string that *node* is, or None for any other expression."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def get_text(node: Any) -> Optional[str]:
    """The text that *node* is, bytes as Latin-1, also of several literals with ``+``; None for any other expression."""
    if isinstance(node, ast.BinOp):
        if not isinstance(node.op, ast.Add):
            return None
        left, right = get_text(node.left), get_text(node.right)
        return None if left is None or right is None else left + right
    kind = type(node).__name__
    value = getattr(node, LITERAL_FIELDS[kind]) if kind in LITERAL_FIELDS else None
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


def format_dotted_name(node: Any) -> str:
    """The names and attributes that the expression *node* consists of, such as ``self.parser``; empty for any other."""
    parts: List[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id] + parts[::-1])


def get_last_name(node: Any) -> str:
    """The last part of a dotted name, or of the function in a call; empty for other expressions."""
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    if name:
        return str(name)
    return get_last_name(node.func) if isinstance(node, ast.Call) else ""


def list_arguments(arguments: Any) -> List[Any]:
    """The arguments of a function: positional, keyword-only, then ``*args`` and ``**kwargs``."""
    # Positional-only arguments are new in Python 3.8.
    found: List[Any] = list(getattr(arguments, "posonlyargs", [])) + arguments.args + arguments.kwonlyargs
    for entry in (arguments.vararg, arguments.kwarg):
        if entry is not None:
            found.append(entry)
    return found


def list_exceptions(node: Any) -> Set[str]:
    """The last names of the exceptions in the type *node* of an except clause; None catches all."""
    if node is None:
        return set(ALL_EXCEPTIONS)
    entries = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    return set(map(get_last_name, entries))


def list_imported_names(node: Any) -> List[str]:
    """The modules that the statement *node* imports; a relative import has none."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []


def walk_statements(body: List[Any]) -> Iterator[Any]:
    """Every node in the statements *body*."""
    for statement in body:
        yield from ast.walk(statement)


def is_raise_only(body: List[Any]) -> bool:
    """Whether an exception handler ends the program, or raises an error that does not skip a test."""
    last = body[-1]
    if isinstance(last, ast.Raise):
        return get_last_name(last.exc) not in SKIP_EXCEPTIONS
    return isinstance(last, ast.Expr) and format_dotted_name(getattr(last.value, "func", None)) in EXIT_CALLS


def is_exiting(body: List[Any]) -> bool:
    """Whether the statements after the block *body* are not reached from it."""
    last = body[-1]
    if isinstance(last, EXIT_STATEMENTS):
        return True
    if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)):
        return False
    return get_last_name(last.value.func) in EXIT_FUNCTIONS


def list_stored_names(body: List[Any]) -> Set[str]:
    """The names that the statements of a function assign, which hide the module's names for all of the function.

    Imports are left out: they hide a name only from where they are.
    """
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
