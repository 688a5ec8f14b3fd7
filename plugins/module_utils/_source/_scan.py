# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a Python source uses of the watched names.

Aliases are resolved. Each use has the versions of Python that reach it; a use whose failure the program handles is
left out.
"""

import ast
import re
import warnings
from typing import Dict, List, NamedTuple, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._source._bindings import Bindings
from ansible_collections.oxzep7.python.plugins.module_utils._source._statements import SourceVisitor
from ansible_collections.oxzep7.python.plugins.module_utils._source._uses import SourceUse, UseRecorder
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

IMPORT_LINE = re.compile(
    r"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[A-Za-z_][\w.]*)*))", re.MULTILINE
)


class ScanResult(NamedTuple):
    """The uses in a source, and the top-level names of the modules that it imports.

    ``dynamic`` are the lines of imports whose module is computed; ``problem`` says why the source was not parsed.
    """

    uses: List[SourceUse]
    imports: List[str]
    dynamic: List[int]
    problem: Optional[str]


def list_imported_modules(text: str) -> List[str]:
    """The top-level names of the modules that *text*, which is not parsed, imports by absolute statements."""
    found: Set[str] = set()
    for single, several in IMPORT_LINE.findall(text):
        for name in [single] if single else several.split(","):
            found.add(name.strip().split(".")[0])
    return sorted(found - {""})


def scan_source(text: str, watch: WatchedNames, every: bool = False) -> ScanResult:
    """Scan the source *text* for the names *watch*; a text that cannot have any of them is parsed only with *every*."""
    imports = list_imported_modules(text)
    if not (every or watch.can_match(text)):
        return ScanResult([], imports, [], None)
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
    bindings = Bindings()
    recorder = UseRecorder(watch, bindings, imports)
    visitor = SourceVisitor(bindings, recorder, text)
    try:
        visitor.visit_module(tree)
    except RecursionError:
        return ScanResult([], imports, [], "nested too deeply")
    uses = _select_first_uses(recorder.uses)
    return ScanResult(uses, imports, sorted(set(visitor.dynamic_imports)), None)


def _select_first_uses(uses: List[SourceUse]) -> List[SourceUse]:
    """Of uses that differ by their line only the first, sorted by line and name."""
    unique: Dict[SourceUse, SourceUse] = {}
    for use in sorted(uses, key=lambda use: use.line):
        unique.setdefault(use._replace(line=0), use)
    return sorted(unique.values(), key=lambda use: (use.line, use.name))
