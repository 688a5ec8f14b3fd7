# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run by the Python of the environment under test, as the application's user: compiles source and finds its imports.

Reads ``{"source": directory or null, "exclude": [directories], "scripts": {name: path}}`` as JSON from standard input
and writes an object: ``failed`` (the error of each file that is not compiled), ``imports`` (what is always imported, as
``module`` or ``module:name``), ``roots`` (directories from which its ``modules`` are imported), and ``skipped``
(modules that are not imported, by the reason). No file is written. Python 3.6 and later.
"""

import ast
import json
import os
import sys
import tokenize
import warnings
from typing import Any, Dict, Iterator, List, Set

SKIPPED_DIRECTORIES = ("node_modules", "site-packages", "__pycache__")
TEST_NAMES = ("test", "tests", "testing", "conftest")
# Calls that a module without a guard for its main program makes to do its work.
WORKING_CALLS = (
    "main",
    "run",
    "serve",
    "serve_forever",
    "run_forever",
    "run_until_complete",
    "start",
    "mainloop",
    "exit",
)
GUARDS = tuple(getattr(ast, name) for name in ("Try", "TryStar") if hasattr(ast, name))
TESTS, SETUP, MAIN, ACTS = "tests", "setup.py", "__main__ modules", "act when they are imported"


def is_source(path: str, exclude: List[str]) -> bool:
    """Whether the directory *path* can hold source: it is not hidden, no environment, and not one of *exclude*."""
    name = os.path.basename(path)
    if name.startswith(".") or name in SKIPPED_DIRECTORIES or path in exclude:
        return False
    return not os.path.exists(os.path.join(path, "pyvenv.cfg"))


def list_files(source: str, exclude: List[str]) -> Iterator[str]:
    """Paths of the Python files below *source*, without environments and hidden directories."""
    for folder, below, names in os.walk(source):
        below[:] = [name for name in sorted(below) if is_source(os.path.join(folder, name), exclude)]
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".py") and os.path.isfile(path):
                yield path


def is_python(path: str) -> bool:
    """Whether the script *path* is written in Python."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as stream:
            head = stream.read(1024)
    except OSError:
        return False
    return path.endswith(".py") or (head.startswith(b"#!") and b"python" in head)


def parse(path: str) -> ast.AST:
    """The syntax tree of the file *path*, which this Python also compiles. Raises SyntaxError, ValueError, OSError."""
    with tokenize.open(path) as stream:
        text = stream.read()
    compile(text, path, "exec", 0, True)
    return ast.parse(text, path)


def is_main_guard(node: ast.AST) -> bool:
    """Whether *node* is ``if __name__ == "__main__"``."""
    names = (
        [inner.id for inner in ast.walk(node.test) if isinstance(inner, ast.Name)] if isinstance(node, ast.If) else []
    )
    return "__name__" in names


def find_imports(tree: ast.AST) -> Iterator[str]:
    """What *tree* imports wherever it runs: not what it tries, and not what depends on a condition."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level and node.module != "__future__":
            for alias in node.names:
                yield node.module if alias.name == "*" else node.module + ":" + alias.name
        elif isinstance(node, GUARDS) and getattr(node, "handlers", None):
            waiting += node.finalbody
        elif not isinstance(node, ast.If) or is_main_guard(node):
            waiting += ast.iter_child_nodes(node)


def acts_on_import(tree: Any) -> bool:
    """Whether the module *tree* does its work where it should only define it."""
    if any(is_main_guard(node) for node in tree.body):
        return False
    for node in tree.body:
        if isinstance(node, ast.While):
            return True
        call = node.value if isinstance(node, (ast.Expr, ast.Assign)) else None
        if isinstance(call, ast.Call) and isinstance(node, ast.Expr):
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if called in WORKING_CALLS:
                return True
    return False


def find_root(source: str) -> str:
    """The directory from which the modules in *source*, which may be a package itself, are imported."""
    root = source
    while os.path.exists(os.path.join(root, "__init__.py")) and os.path.dirname(root) != root:
        root = os.path.dirname(root)
    return root


def name_module(path: str, roots: List[str]) -> str:
    """The name by which the file *path* is imported from one of *roots*; empty if it is not in a package."""
    root = next((root for root in roots if path.startswith(root.rstrip("/") + "/")), None)
    if root is None:
        return ""
    parts = os.path.relpath(path, root)[:-3].split("/")
    folder = root
    for part in parts[:-1]:
        folder = os.path.join(folder, part)
        if not os.path.exists(os.path.join(folder, "__init__.py")):
            return ""
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def find_reason(path: str, name: str, tree: ast.AST) -> str:
    """Why the module *name* in the file *path* is not imported; empty if it is."""
    last = os.path.basename(path)
    if any(part in TEST_NAMES or part.startswith("test_") or part.endswith("_test") for part in name.split(".")):
        return TESTS
    if last == "__main__.py":
        return MAIN
    if last == "setup.py":
        return SETUP
    return ACTS if acts_on_import(tree) else ""


def examine(source: str, exclude: List[str], scripts: Dict[str, str]) -> Dict[str, Any]:
    """What is found in *source* and *scripts*."""
    roots = sorted({find_root(source), os.path.join(source, "src")}, key=len, reverse=True) if source else []
    failed: Dict[str, str] = {}
    imports: Set[str] = set()
    modules: List[str] = []
    skipped: Dict[str, List[str]] = {}
    listed = [(os.path.relpath(path, source), path) for path in (list_files(source, exclude) if source else ())]
    for shown, path in listed + [(name, path) for name, path in sorted(scripts.items()) if is_python(path)]:
        try:
            tree = parse(path)
        except (SyntaxError, ValueError, UnicodeError, RecursionError) as error:
            failed[shown] = "%s: %s" % (type(error).__name__, error)
            continue
        except OSError:
            continue
        imports.update(find_imports(tree))
        name = "" if shown in scripts else name_module(path, roots)
        if name:
            reason = find_reason(path, name, tree)
            if reason:
                skipped.setdefault(reason, []).append(name)
            else:
                modules.append(name)
    found = [root for root in roots if os.path.isdir(root)]
    return {"failed": failed, "imports": sorted(imports), "roots": found, "modules": modules, "skipped": skipped}


def main() -> None:
    """Answer the request on standard input."""
    warnings.simplefilter("ignore")
    order = json.loads(sys.stdin.read())
    json.dump(examine(order["source"] or "", order["exclude"], order["scripts"]), sys.stdout)


if __name__ == "__main__":
    main()
