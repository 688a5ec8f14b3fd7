# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates the tests that programs make of the Python they run on: of its version, and of names with ``hasattr``.

A span is a range of minor versions of Python 3: from (inclusive), to (exclusive).
"""

import ast
import re
from typing import Any, Callable, FrozenSet, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._source._syntax import (
    format_dotted_name,
    get_last_name,
    list_imported_names,
    read_literal_text,
    walk_statements,
)

VersionSpan = Tuple[int, int]
NameResolver = Callable[[Any], Any]
ALL_VERSIONS: VersionSpan = (0, 99)
NO_VERSIONS: VersionSpan = (0, 0)
PYTHON_2_FLAG = re.compile(r"^_?(?:IS_|is_)?(?:PY|py|PYTHON|python)_?2[K_]?$|^PYPY$|^JYTHON$|^IRONPYTHON$")
PYTHON_3_FLAG = re.compile(r"^_?(?:IS_|is_)?(?:PY|py|PYTHON|python)_?3[K_]?$")
# In a set of tested names: any attribute of an object, and an object as the source writes it.
ANY_NAME = "*"
WRITTEN = "?"
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
        "cElementTree",
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
        "elementtree",
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
# Names that Python 3 moved or dropped before the first version that is scanned for.
PYTHON_2_ATTRIBUTES = frozenset(
    [
        "cgi.escape",
        "cgi.parse_qs",
        "cgi.parse_qsl",
        "inspect.getmoduleinfo",
        "itertools.ifilter",
        "itertools.ifilterfalse",
        "itertools.imap",
        "itertools.izip",
        "itertools.izip_longest",
        "operator.isCallable",
        "operator.sequenceIncludes",
        "os.getcwdu",
        "os.popen2",
        "os.popen3",
        "string.letters",
        "string.lowercase",
        "string.maketrans",
        "string.uppercase",
        "sys.exc_clear",
        "sys.exc_type",
        "sys.maxint",
        "sys.setdefaultencoding",
        "types.ClassType",
        "types.InstanceType",
        "types.ListType",
        "types.StringType",
        "types.StringTypes",
        "types.UnicodeType",
        "urllib.FancyURLopener",
        "urllib.URLopener",
        "urllib.pathname2url",
        "urllib.quote",
        "urllib.quote_plus",
        "urllib.unquote",
        "urllib.unquote_plus",
        "urllib.url2pathname",
    ]
    + ["urllib.url" + end for end in ("encode", "open", "retrieve")]
)
# Names that programs look for and every version that is scanned for has.
PRESENT_ATTRIBUTES = frozenset(
    [
        "ast.Constant",
        "asyncio.all_tasks",
        "asyncio.create_task",
        "asyncio.current_task",
        "asyncio.ensure_future",
        "asyncio.get_running_loop",
        "asyncio.run",
        "base64.decodebytes",
        "base64.encodebytes",
        "collections.ChainMap",
        "collections.Counter",
        "collections.OrderedDict",
        "collections.abc",
        "contextlib.ExitStack",
        "functools.lru_cache",
        "html.escape",
        "html.unescape",
        "importlib.import_module",
        "importlib.invalidate_caches",
        "importlib.machinery",
        "importlib.reload",
        "importlib.util",
        "importlib.util.find_spec",
        "importlib.util.module_from_spec",
        "importlib.util.spec_from_file_location",
        "inspect.Signature",
        "inspect.getfullargspec",
        "inspect.isawaitable",
        "inspect.iscoroutinefunction",
        "inspect.signature",
        "inspect.unwrap",
        "locale.format_string",
        "math.gcd",
        "os.fspath",
        "os.replace",
        "os.scandir",
        "plistlib.dump",
        "plistlib.load",
        "random.SystemRandom",
        "shlex.quote",
        "shutil.which",
        "ssl.SSLContext",
        "ssl.create_default_context",
        "subprocess.run",
        "sys.version_info",
        "threading.Thread.is_alive",
        "threading.get_ident",
        "time.monotonic",
        "time.perf_counter",
        "time.process_time",
        "types.SimpleNamespace",
        "types.coroutine",
        "unittest.TestCase.assertCountEqual",
        "unittest.TestCase.assertRaisesRegex",
        "unittest.TestCase.assertRegex",
        "unittest.TextTestResult",
        "unittest.mock",
    ]
)


class AttributeTest(NamedTuple):
    """Names whose presence is known where a test is true, and where it is false; the versions in which it is true."""

    present: FrozenSet[str]
    absent: FrozenSet[str]
    span: Optional[VersionSpan]

    def invert(self) -> "AttributeTest":
        """The same for the opposite of the test."""
        return AttributeTest(self.absent, self.present, None if self.span is None else invert_span(self.span))


NO_TEST = AttributeTest(frozenset(), frozenset(), None)


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
    if isinstance(test, ast.Call):
        return _evaluate_call(test, resolve)
    name = resolve(test)
    if isinstance(name, AttributeTest):
        return name.span
    if isinstance(name, tuple):
        return name
    last = str(name or getattr(test, "id", None) or getattr(test, "attr", "")).rpartition(".")[2]
    if PYTHON_2_FLAG.match(last):
        return NO_VERSIONS
    if PYTHON_3_FLAG.match(last):
        return ALL_VERSIONS
    return None


def find_tested_names(test: Any, resolve: NameResolver) -> AttributeTest:
    """What the expression *test* asks with ``hasattr``, or with ``getattr`` and a default of None."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return find_tested_names(test.operand, resolve).invert()
    if isinstance(test, ast.BoolOp):
        found = [find_tested_names(value, resolve) for value in test.values]
        present: FrozenSet[str] = frozenset().union(*(entry.present for entry in found))
        return AttributeTest(present, frozenset().union(*(entry.absent for entry in found)), None)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and is_none(test.comparators[0]):
        inner = find_tested_names(test.left, resolve)
        if isinstance(test.ops[0], (ast.Is, ast.Eq)):
            return inner.invert()
        return inner if isinstance(test.ops[0], (ast.IsNot, ast.NotEq)) else NO_TEST
    if isinstance(test, ast.Name):
        value = resolve(test)
        return value if isinstance(value, AttributeTest) else NO_TEST
    if isinstance(test, ast.Call):
        return read_attribute_test(test, resolve)
    return NO_TEST


def read_attribute_test(call: Any, resolve: NameResolver) -> AttributeTest:
    """What the *call* of ``hasattr``, ``getattr`` or ``callable`` asks; nothing for any other call."""
    function = getattr(call.func, "id", "")
    if function == "callable" and len(call.args) == 1:
        return find_tested_names(call.args[0], resolve)
    is_probe = function == "getattr" and len(call.args) == 3 and is_none(call.args[2])
    if not is_probe and not (function == "hasattr" and len(call.args) == 2):
        return NO_TEST
    name = read_literal_text(call.args[1])
    if not name:
        return NO_TEST
    base, written = resolve(call.args[0]), format_dotted_name(call.args[0])
    objects = ([base] if isinstance(base, str) else []) + ([WRITTEN + written] if written else [])
    span = None
    if isinstance(base, str):
        full = base + "." + name
        span = ALL_VERSIONS if full in PRESENT_ATTRIBUTES else NO_VERSIONS if full in PYTHON_2_ATTRIBUTES else None
    present = frozenset(entry + "." + name for entry in objects)
    # Without the name its object has an earlier one, or another module has it.
    absent = frozenset([entry + "." + ANY_NAME for entry in objects] + [ANY_NAME + "." + name])
    return AttributeTest(present, absent, span)


def is_none(node: Any) -> bool:
    """Whether the expression *node* is the constant None."""
    # Before Python 3.8, NameConstant.
    return type(node).__name__ in ("Constant", "NameConstant") and node.value is None


def fails_on_python_3(body: List[Any]) -> bool:
    """Whether the block *body* imports or names what Python 3 lacks, so that a program takes its fallback."""
    for node in walk_statements(body):
        if isinstance(node, ast.Name) and node.id in PYTHON_2_NAMES:
            return True
        modules = list_imported_names(node)
        if any(name.split(".")[0] in PYTHON_2_MODULES for name in modules):
            return True
        if isinstance(node, ast.ImportFrom) and modules:
            names = {modules[0] + "." + alias.name for alias in node.names}
            if names & PYTHON_2_ATTRIBUTES:
                return True
    return False


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


def _evaluate_call(test: Any, resolve: NameResolver) -> Optional[VersionSpan]:
    """The span of ``hasattr`` for a known name, and of ``sys.version.startswith``."""
    if isinstance(test.func, ast.Attribute) and test.func.attr == "startswith" and len(test.args) == 1:
        prefix = read_literal_text(test.args[0])
        if prefix and _is_version_text(test.func.value, resolve):
            return _compare_text(ast.Eq(), prefix)
        return None
    return read_attribute_test(test, resolve).span


def _is_version_text(node: Any, resolve: NameResolver) -> bool:
    if isinstance(node, ast.Call):
        return bool(resolve(node.func) == "platform.python_version")
    return bool(resolve(node) == "sys.version")


def _compare_text(operator: Any, value: str) -> Optional[VersionSpan]:
    """The span of a comparison of the version as text with *value*, such as ``3`` or ``3.5``."""
    parts = value.rstrip(".").split(".")
    if not all(part.isdigit() for part in parts[:2]) or parts[0] == "":
        return None
    if isinstance(operator, ast.Gt) and parts == ["3"]:
        return ALL_VERSIONS
    return _compare_tuple(operator, tuple(int(part) for part in parts[:2]), True)


def _evaluate_comparison(test: Any, resolve: NameResolver) -> Optional[VersionSpan]:
    left, value = test.left, _evaluate_literal(test.comparators[0])
    if value is None and is_none(test.comparators[0]):
        return find_tested_names(test, resolve).span
    if isinstance(value, str):
        whole = left.value if isinstance(left, ast.Subscript) else left
        return _compare_text(test.ops[0], value) if _is_version_text(whole, resolve) else None
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
