# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a Python source uses of the watched names.

Aliases are resolved. Each use has the versions of Python that reach it; a use whose failure the program handles is
left out.
"""

import ast
import gc
import re
import warnings
from typing import Any, Dict, List, NamedTuple, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import Bindings
from ansible_collections.oxzep7.python.plugins.module_utils._source._modules import SourceModules
from ansible_collections.oxzep7.python.plugins.module_utils._source._statements import SourceVisitor
from ansible_collections.oxzep7.python.plugins.module_utils._source._uses import SourceUse, UseRecorder
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

IMPORT_LINE = re.compile(
    r"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*))", re.MULTILINE
)
# What a function may import that its module does not: by a computed name, or from another module of the source.
FUNCTION_IMPORT = re.compile(r"import_module|__import__|^[ \t]+from[ \t]+\.", re.MULTILINE)


class ScanResult(NamedTuple):
    """The uses in a source, and the top-level names of the modules that it imports.

    ``dynamic`` are the lines of imports whose module is computed; ``problem`` says why the source was not parsed.
    ``names`` are those of the module with what they stand for. What cannot have any watched name is not ``parsed``.
    """

    uses: List[SourceUse]
    imports: List[str]
    dynamic: List[int]
    problem: Optional[str]
    names: Dict[str, Any] = {}
    parsed: bool = True


def list_imported_modules(text: str) -> List[str]:
    """The top-level names of the modules that *text*, which is not parsed, imports by absolute statements."""
    found: Set[str] = set()
    for single, several in IMPORT_LINE.findall(text):
        for name in [single] if single else several.split(","):
            found.add(name.strip().split(".")[0])
    return sorted(found - {""})


def scan_source(
    text: str,
    watch: WatchedNames,
    every: bool = False,
    modules: Optional[SourceModules] = None,
    package: Optional[str] = None,
) -> ScanResult:
    """Scan the source *text* for the names *watch*; a text that cannot have any of them is parsed only with *every*.

    *modules* are the others of the source; *package* is the one of this module.
    """
    imports = list_imported_modules(text)
    can_match = watch.can_match(text)
    if not (every or can_match):
        return ScanResult([], imports, [], None, {}, False)
    # Trees have no cycles; looking for some in them takes a third of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _scan_parsed(text, imports, can_match, watch, modules, package)
    finally:
        if collects:
            gc.enable()


def _scan_parsed(
    text: str,
    imports: List[str],
    can_match: bool,
    watch: WatchedNames,
    modules: Optional[SourceModules],
    package: Optional[str],
) -> ScanResult:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        line = error.lineno or 0
        place = " (line %d)" % line if line > 0 else ""
        return ScanResult([], imports, [], error.msg + place)
    except (ValueError, RecursionError, MemoryError) as error:
        return ScanResult([], imports, [], str(error))
    bindings = Bindings(modules.resolve if modules else None)
    recorder = UseRecorder(watch, bindings, imports, modules, package)
    visitor = SourceVisitor(bindings, recorder, text)
    try:
        visitor.visit_statements(tree)
        if can_match or bindings.crossed or FUNCTION_IMPORT.search(text):
            visitor.visit_functions()
    except RecursionError:
        return ScanResult([], imports, [], "nested too deeply")
    finally:
        visitor.release()
    uses = _select_first_uses(recorder.uses)
    found = sorted({*imports, *recorder.path_imports})
    return ScanResult(uses, found, sorted(set(visitor.dynamic_imports)), None, bindings.list_module_names())


def _select_first_uses(uses: List[SourceUse]) -> List[SourceUse]:
    """Of uses that differ by their line only the first, sorted by line and name."""
    unique: Dict[SourceUse, SourceUse] = {}
    for use in sorted(uses, key=lambda use: use.line):
        unique.setdefault(use._replace(line=0), use)
    return sorted(unique.values(), key=lambda use: (use.line, use.name))
