# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads typeshed's stubs of the standard library: names, parameters and deprecations in a version of Python."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
from collections.abc import Iterator

Minor = tuple[int, int]


@dataclasses.dataclass
class StubNames:
    """Parameters by name, None where they are unknown or any is accepted; and the deprecated names."""

    names: dict[str, set[str] | None] = dataclasses.field(default_factory=dict)
    deprecated: set[str] = dataclasses.field(default_factory=set)
    # The names of members of all classes of a module, which another class may inherit; private classes included.
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
                self._ranges[name.strip()] = (_parse_minor(first), _parse_minor(last) if last else (9, 0))

    def read_names(self, minor: Minor) -> StubNames:
        """The public names of the version *minor*."""
        found = StubNames()
        for path in sorted(self._root.rglob("*.pyi")):
            parts = path.relative_to(self._root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not any(part.startswith("_") for part in name.split(".")) and self._exists(name, minor):
                found.names[name] = None
                self._read_module(name, path, minor, found)
        return found

    def _exists(self, name: str, minor: Minor) -> bool:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            first, last = self._ranges.get(".".join(parts[:count]), (minor, minor))
            if not first <= minor <= last:
                return False
        return True

    def _parse_module(self, name: str, path: pathlib.Path) -> ast.Module:
        if name not in self._trees:
            self._trees[name] = ast.parse(path.read_text(encoding="utf-8"))
        return self._trees[name]

    def _find_path(self, name: str) -> pathlib.Path | None:
        base = self._root.joinpath(*name.split("."))
        return next((path for path in (base.with_suffix(".pyi"), base / "__init__.pyi") if path.exists()), None)

    def _read_module(
        self, name: str, path: pathlib.Path, minor: Minor, found: StubNames, source: str | None = None
    ) -> None:
        """Read the module *name*, or the other module *source*, whose names *name* exports."""
        package = path.name == "__init__.pyi"
        for node in _list_reached(self._parse_module(source or name, path).body, minor):
            if isinstance(node, ast.ImportFrom):
                self._read_import(name, source or name, package, node, minor, found)
            else:
                self._read_statement(name, node, minor, found)
                if isinstance(node, ast.ClassDef):
                    for inner in _list_reached(node.body, minor):
                        found.members.setdefault(name, set()).update(_list_bound_names(inner))

    def _read_import(
        self, name: str, home: str, package: bool, node: ast.ImportFrom, minor: Minor, found: StubNames
    ) -> None:
        base = home.split(".")
        base = base[: len(base) - node.level + (1 if package else 0)] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            path = self._find_path(origin)
            if alias.name == "*" and path and self._exists(origin, minor):
                self._read_module(name, path, minor, found, origin)
            elif alias.asname and alias.asname == alias.name and not alias.name.startswith("_"):
                found.names.setdefault(f"{name}.{alias.name}", None)

    def _read_statement(self, prefix: str, node: ast.stmt, minor: Minor, found: StubNames) -> None:
        for name in _list_bound_names(node):
            if name.startswith("_") and name not in ("__init__",):
                continue
            full = prefix if name == "__init__" else f"{prefix}.{name}"
            if name == "__init__" and found.names.get(full) is None:
                found.names[full] = set()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._read_function(full, node, found)
            else:
                found.names.setdefault(full, None)
            if isinstance(node, ast.ClassDef):
                for inner in _list_reached(node.body, minor):
                    self._read_statement(full, inner, minor, found)
                if _is_deprecated(node):
                    found.deprecated.add(full)

    @staticmethod
    def _read_function(full: str, node: ast.FunctionDef | ast.AsyncFunctionDef, found: StubNames) -> None:
        if node.args.kwarg:
            found.names[full] = None
        elif found.names.get(full, set()) is not None:
            names = {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]} - {"self", "cls"}
            public = {name for name in names if not name.startswith("__")}
            found.names[full] = (found.names.get(full) or set()) | public
        overloaded = any(isinstance(entry, ast.Name) and entry.id == "overload" for entry in node.decorator_list)
        if _is_deprecated(node) and not overloaded and node.name != "__init__":
            found.deprecated.add(full)


def _parse_minor(text: str) -> Minor:
    major, _dot, minor = text.strip().partition(".")
    return int(major), int(minor)


def _is_deprecated(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for entry in node.decorator_list:
        if isinstance(entry, ast.Call) and isinstance(entry.func, ast.Name) and entry.func.id == "deprecated":
            return True
    return False


def _list_bound_names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _list_reached(body: list[ast.stmt], minor: Minor) -> Iterator[ast.stmt]:
    """The statements of *body* that *minor* reaches on Linux."""
    for node in body:
        if isinstance(node, ast.If):
            verdict = _evaluate_test(node.test, minor)
            if verdict is not False:
                yield from _list_reached(node.body, minor)
            if verdict is not True:
                yield from _list_reached(node.orelse, minor)
        else:
            yield node


def _evaluate_test(test: ast.expr, minor: Minor) -> bool | None:
    if isinstance(test, ast.BoolOp):
        verdicts = [_evaluate_test(value, minor) for value in test.values]
        if isinstance(test.op, ast.And):
            return False if False in verdicts else None if None in verdicts else True
        return True if True in verdicts else None if None in verdicts else False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        verdict = _evaluate_test(test.operand, minor)
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
