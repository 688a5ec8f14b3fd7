# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates the tests that programs make of the Python they run on: of its version, and of names with ``hasattr``.

A span is a range of minor versions of Python 3: from (inclusive), to (exclusive).
"""

import ast
import re
from typing import Any, Callable, FrozenSet, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import get_last_name, read_literal_text

VersionSpan = Tuple[int, int]
NameResolver = Callable[[Any], Any]
ALL_VERSIONS: VersionSpan = (0, 99)
NO_VERSIONS: VersionSpan = (0, 0)
PYTHON_2_FLAG = re.compile(r"^_?(?:IS_|is_)?(?:PY|py|PYTHON|python)_?2[K_]?$|^PYPY$|^JYTHON$|^IRONPYTHON$")
PYTHON_3_FLAG = re.compile(r"^_?(?:IS_|is_)?(?:PY|py|PYTHON|python)_?3[K_]?$")
# In a set of tested names: any name, and an object that is not known.
ANY_NAME = "*"
UNKNOWN_OBJECT = "?"
# Modules that Python 3 never had: their import fails, and the except clause runs.
PYTHON_2_MODULES = frozenset(
    [
        "__builtin__",
        "BaseHTTPServer",
        "CGIHTTPServer",
        "ConfigParser",
        "Cookie",
        "DocXMLRPCServer",
        "HTMLParser",
        "Queue",
        "SimpleHTTPServer",
        "SimpleXMLRPCServer",
        "SocketServer",
        "StringIO",
        "Tkinter",
        "UserDict",
        "UserList",
        "UserString",
        "_winreg",
        "anydbm",
        "cPickle",
        "cStringIO",
        "commands",
        "compiler",
        "cookielib",
        "copy_reg",
        "dbhash",
        "dircache",
        "dummy_thread",
        "exceptions",
        "fpformat",
        "ftpconnect",
        "gdbm",
        "htmlentitydefs",
        "htmllib",
        "httplib",
        "ihooks",
        "imputil",
        "md5",
        "mhlib",
        "mimetools",
        "mimify",
        "multifile",
        "mutex",
        "new",
        "popen2",
        "posixfile",
        "repr",
        "rexec",
        "rfc822",
        "robotparser",
        "sets",
        "sgmllib",
        "sha",
        "statvfs",
        "stringold",
        "sunaudio",
        "thread",
        "toaiff",
        "urllib2",
        "urlparse",
        "user",
        "whichdb",
        "xmlrpclib",
    ]
)

# Built-in names that Python 3 does not have.
PYTHON_2_NAMES = frozenset(["unicode", "base" + "string", "unichr", "xrange", "raw_input", "long", "reload", "reduce"])


def intersect_spans(one: VersionSpan, other: VersionSpan) -> VersionSpan:
    """The versions in both."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low < high else NO_VERSIONS


def invert_span(span: VersionSpan) -> VersionSpan:
    """The versions that are not in *span*, which starts or ends the range."""
    if span == ALL_VERSIONS:
        return NO_VERSIONS
    if span[0] >= span[1]:
        return ALL_VERSIONS
    return (span[1], ALL_VERSIONS[1]) if span[0] <= ALL_VERSIONS[0] else (ALL_VERSIONS[0], span[0])


def find_version_span(test: Any, resolve: NameResolver) -> Optional[VersionSpan]:
    """The versions in which the expression *test* is true, or None for an expression that tests no version.

    *resolve* returns the dotted name of an expression, or the span of a name that was assigned one.
    """
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = find_version_span(test.operand, resolve)
        return None if inner is None else invert_span(inner)
    if isinstance(test, ast.BoolOp):
        return _combine_spans(test, resolve)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _evaluate_comparison(test, resolve)
    name = resolve(test)
    if isinstance(name, tuple):
        return name
    last = str(name or getattr(test, "id", None) or getattr(test, "attr", "")).rpartition(".")[2]
    if PYTHON_2_FLAG.match(last):
        return NO_VERSIONS
    if PYTHON_3_FLAG.match(last):
        return ALL_VERSIONS
    return None


def find_tested_names(test: Any, resolve: NameResolver) -> FrozenSet[str]:
    """The dotted names that the expression *test* looks for with ``hasattr``."""
    found = set()
    for node in ast.walk(test):
        if not isinstance(node, ast.Call) or len(node.args) != 2:
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "hasattr":
            base, name = resolve(node.args[0]), read_literal_text(node.args[1])
            if name:
                found.add((base if isinstance(base, str) else UNKNOWN_OBJECT) + "." + name)
    return frozenset(found)


def is_exact(test: Any, span: VersionSpan) -> bool:
    """Whether *test*, which is true in *span*, is false in all other versions."""
    if not isinstance(test, ast.BoolOp) or span == NO_VERSIONS:
        return True
    return span == ALL_VERSIONS and isinstance(test.op, ast.Or)


def is_never_true(test: Any, resolve: NameResolver) -> bool:
    """Whether *test* is false whenever the program runs: a false constant, or ``TYPE_CHECKING``."""
    name = resolve(test) or get_last_name(test)
    if isinstance(name, str) and name.rpartition(".")[2] == "TYPE_CHECKING":
        return True
    try:
        return ast.literal_eval(test) in (False, 0)
    except (ValueError, TypeError, SyntaxError):
        return False


def _combine_spans(test: Any, resolve: NameResolver) -> Optional[VersionSpan]:
    spans = [find_version_span(value, resolve) for value in test.values]
    known = [span for span in spans if span is not None]
    if not known:
        return None
    if isinstance(test.op, ast.And):
        result = ALL_VERSIONS
        for span in known:
            result = intersect_spans(result, span)
        return result
    if len(known) < len(spans):
        return ALL_VERSIONS if ALL_VERSIONS in known else None
    return _join_spans(known)


def _join_spans(spans: List[VersionSpan]) -> VersionSpan:
    """The shortest span that has all of *spans*."""
    result = NO_VERSIONS
    for span in spans:
        if span != NO_VERSIONS:
            result = span if result == NO_VERSIONS else (min(result[0], span[0]), max(result[1], span[1]))
    return result


def _evaluate_literal(node: Any) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _evaluate_comparison(test: Any, resolve: NameResolver) -> Optional[VersionSpan]:
    left, value = test.left, _evaluate_literal(test.comparators[0])
    if isinstance(left, ast.Subscript):
        if resolve(left.value) != "sys.version_info":
            return None
        # Before Python 3.9 the index is wrapped in ast.Index.
        index = getattr(left.slice, "value", left.slice)
        if isinstance(left.slice, ast.Slice):
            return _compare_tuple(test.ops[0], value, True)
        position = _evaluate_literal(index) if isinstance(index, ast.AST) else index
        return _compare_part(test.ops[0], position, value)
    name = resolve(left)
    if name == "sys.version_info":
        return _compare_tuple(test.ops[0], value)
    if name in ("sys.version_info.major", "sys.version_info.minor"):
        return _compare_part(test.ops[0], 0 if name.endswith("major") else 1, value)
    if name == "sys.hexversion" and isinstance(value, int):
        return _compare_tuple(test.ops[0], (value >> 24, value >> 16 & 255))
    return None


def _compare_tuple(operator: Any, value: Any, cut: bool = False) -> Optional[VersionSpan]:
    """The span of a comparison with the tuple *value*; *cut*: the version is cut to its length and can equal it."""
    if not isinstance(value, tuple) or not value or not all(isinstance(part, int) for part in value[:2]):
        return None
    if value[0] != 3:
        return _compare_part(operator, 0, value[0])
    if len(value) == 1:
        return _compare_major(operator, cut)
    minor = value[1]
    # (3, 9, 2) is between 3.9 and 3.10: either side of it has some of 3.9.
    inside = len(value) > 2 and bool(value[2])
    if isinstance(operator, ast.GtE):
        return (minor, ALL_VERSIONS[1])
    if isinstance(operator, ast.Gt):
        return (minor + 1 if cut else minor, ALL_VERSIONS[1])
    if isinstance(operator, (ast.Lt, ast.LtE)):
        end = minor + 1 if inside or (cut and isinstance(operator, ast.LtE)) else minor
        return (0, end) if end else NO_VERSIONS
    if isinstance(operator, ast.Eq):
        return (minor, minor + 1)
    return ALL_VERSIONS if isinstance(operator, ast.NotEq) else None


def _compare_major(operator: Any, cut: bool) -> Optional[VersionSpan]:
    """The span of a comparison with ``(3,)``, which every version of Python 3 is greater than unless it is *cut*."""
    if isinstance(operator, (ast.GtE, ast.Eq)):
        return ALL_VERSIONS
    if isinstance(operator, ast.Gt):
        return NO_VERSIONS if cut else ALL_VERSIONS
    if isinstance(operator, ast.LtE):
        return ALL_VERSIONS if cut else NO_VERSIONS
    return NO_VERSIONS if isinstance(operator, (ast.Lt, ast.NotEq)) else None


def _compare_part(operator: Any, position: Any, value: Any) -> Optional[VersionSpan]:
    if not isinstance(value, int) or position not in (0, 1):
        return None
    if position == 1:
        return {
            ast.GtE: (value, 99),
            ast.Gt: (value + 1, 99),
            ast.Lt: (0, value),
            ast.LtE: (0, value + 1),
            ast.Eq: (value, value + 1),
        }.get(type(operator))
    holds = {
        ast.GtE: value <= 3,
        ast.Gt: value < 3,
        ast.Lt: value > 3,
        ast.LtE: value >= 3,
        ast.Eq: value == 3,
        ast.NotEq: value != 3,
    }.get(type(operator))
    if holds is None:
        return None
    return ALL_VERSIONS if holds else NO_VERSIONS
