# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What typeshed's stubs of the standard library say of a Python version: names, parameters, and what is deprecated."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
from collections.abc import Iterator

Minor = tuple[int, int]


@dataclasses.dataclass
class Said:
    """Parameters by name (None where there are none to name, or any may be given) and the deprecated names."""

    names: dict[str, set[str] | None] = dataclasses.field(default_factory=dict)
    deprecated: set[str] = dataclasses.field(default_factory=set)
    # Member names of every class by module, private classes included: what a class may have from a base.
    members: dict[str, set[str]] = dataclasses.field(default_factory=dict)


class Stubs:
    """The folder ``stdlib`` of one typeshed release."""

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._trees: dict[str, ast.Module] = {}
        self._ranges: dict[str, tuple[Minor, Minor]] = {}
        for line in (root / "VERSIONS").read_text(encoding="utf-8").splitlines():
            name, separator, span = line.partition("#")[0].partition(":")
            if separator:
                first, _dash, last = span.strip().partition("-")
                self._ranges[name.strip()] = (_minor(first), _minor(last) if last else (9, 0))

    def said(self, minor: Minor) -> Said:
        """What is said of *minor*, public names only."""
        said = Said()
        for path in sorted(self._root.rglob("*.pyi")):
            parts = path.relative_to(self._root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not any(part.startswith("_") for part in name.split(".")) and self._exists(name, minor):
                said.names[name] = None
                self._module(name, path, minor, said)
        return said

    def _exists(self, name: str, minor: Minor) -> bool:
        parts = name.split(".")
        spans = [
            self._ranges[".".join(parts[:count])]
            for count in range(1, len(parts) + 1)
            if ".".join(parts[:count]) in self._ranges
        ]
        return all(first <= minor <= last for first, last in spans)

    def _tree(self, name: str, path: pathlib.Path) -> ast.Module:
        if name not in self._trees:
            self._trees[name] = ast.parse(path.read_text(encoding="utf-8"))
        return self._trees[name]

    def _path(self, name: str) -> pathlib.Path | None:
        base = self._root.joinpath(*name.split("."))
        return next((path for path in (base.with_suffix(".pyi"), base / "__init__.pyi") if path.exists()), None)

    def _module(self, name: str, path: pathlib.Path, minor: Minor, said: Said, source: str | None = None) -> None:
        """Take up the module *name*; with *source*, what that other module says goes under this one's name."""
        package = path.name == "__init__.pyi"
        for node in _reached(self._tree(source or name, path).body, minor):
            if isinstance(node, ast.ImportFrom):
                self._import(name, source or name, package, node, minor, said)
            else:
                self._take(name, node, minor, said)
                if isinstance(node, ast.ClassDef):
                    for inner in _reached(node.body, minor):
                        said.members.setdefault(name, set()).update(_bound(inner))

    def _import(self, name: str, home: str, package: bool, node: ast.ImportFrom, minor: Minor, said: Said) -> None:
        base = home.split(".")
        base = base[: len(base) - node.level + (1 if package else 0)] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            path = self._path(origin)
            if alias.name == "*" and path and self._exists(origin, minor):
                self._module(name, path, minor, said, origin)
            elif alias.asname and alias.asname == alias.name and not alias.name.startswith("_"):
                said.names.setdefault(f"{name}.{alias.name}", None)

    def _take(self, prefix: str, node: ast.stmt, minor: Minor, said: Said) -> None:
        for name in _bound(node):
            if name.startswith("_") and name not in ("__init__",):
                continue
            full = prefix if name == "__init__" else f"{prefix}.{name}"
            if name == "__init__" and said.names.get(full) is None:
                said.names[full] = set()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(full, node, said)
            else:
                said.names.setdefault(full, None)
            if isinstance(node, ast.ClassDef):
                for inner in _reached(node.body, minor):
                    self._take(full, inner, minor, said)
                if _deprecates(node):
                    said.deprecated.add(full)

    @staticmethod
    def _function(full: str, node: ast.FunctionDef | ast.AsyncFunctionDef, said: Said) -> None:
        if node.args.kwarg:
            said.names[full] = None
        elif said.names.get(full, set()) is not None:
            names = {
                argument.arg
                for argument in [*node.args.args, *node.args.kwonlyargs]
                if not argument.arg.startswith("__")
            } - {"self", "cls"}
            said.names[full] = (said.names.get(full) or set()) | names
        overloaded = any(isinstance(entry, ast.Name) and entry.id == "overload" for entry in node.decorator_list)
        if _deprecates(node) and not overloaded and node.name != "__init__":
            said.deprecated.add(full)


def _minor(text: str) -> Minor:
    major, _dot, minor = text.strip().partition(".")
    return int(major), int(minor)


def _deprecates(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(entry, ast.Call) and isinstance(entry.func, ast.Name) and entry.func.id == "deprecated"
        for entry in node.decorator_list
    )


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _reached(body: list[ast.stmt], minor: Minor) -> Iterator[ast.stmt]:
    """The statements of *body* that hold for *minor* on Linux."""
    for node in body:
        if isinstance(node, ast.If):
            verdict = _holds(node.test, minor)
            if verdict is not False:
                yield from _reached(node.body, minor)
            if verdict is not True:
                yield from _reached(node.orelse, minor)
        else:
            yield node


def _holds(test: ast.expr, minor: Minor) -> bool | None:
    if isinstance(test, ast.BoolOp):
        verdicts = [_holds(value, minor) for value in test.values]
        if isinstance(test.op, ast.And):
            return False if False in verdicts else None if None in verdicts else True
        return True if True in verdicts else None if None in verdicts else False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        verdict = _holds(test.operand, minor)
        return None if verdict is None else not verdict
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Attribute) or len(test.ops) != 1:
        return None
    try:
        value = ast.literal_eval(test.comparators[0])
    except ValueError:
        return None
    if test.left.attr == "platform":
        return {ast.Eq: value == "linux", ast.NotEq: value != "linux"}.get(type(test.ops[0]))
    if test.left.attr == "version_info":
        ours = minor[: len(value)]
        return {
            ast.GtE: ours >= value,
            ast.Gt: ours > value,
            ast.LtE: ours <= value,
            ast.Lt: ours < value,
            ast.Eq: ours == value,
        }.get(type(test.ops[0]))
    return None
