# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans the Python files below a directory that others may write to. No symlink is followed and no device is opened."""

import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import TIME_BUDGET_EXCEEDED, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._elf import find_undefined_symbols
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_directory,
    open_file,
    read_bytes,
    read_text_file,
    resolve_trusted_path,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._requested import parse_requirement_extras
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan import scan_source
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

FILE_LIMIT = 4 << 20
USES_LIMIT = 5000
# Seconds for one application.
TIME_BUDGET = 120.0
EXCLUDED_DIRECTORIES = {"__pycache__", "node_modules", "site-packages"}
DECLARED_ENCODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
REQUIREMENT_LINE = re.compile(r"^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~;@#]|$)")
PYTHON_SHEBANG = re.compile(rb"^#!.*python")


class ScanRequest(NamedTuple):
    """What to scan of an application: its source, its requirements files, and the directories to leave out."""

    name: str
    source: Optional[str]
    requirements: List[str]
    exclude: List[str]


class _TreeScanner:
    def __init__(self, watch: WatchedNames, symbols: List[str], deadline: float, exclude: List[str]) -> None:
        self.watch = watch
        self.symbols = set(symbols)
        self.deadline = deadline
        self.exclude = exclude
        self.root = ""
        self.uses: List[Tuple[Any, ...]] = []
        self.imports: Dict[str, str] = {}
        self.dynamic: List[Tuple[str, int]] = []
        self.problems: List[Dict[str, str]] = []
        self.files = self.lines = 0

    def scan_directory(self, handle: int, prefix: str) -> None:
        if time.monotonic() > self.deadline:
            self.problems.append({"path": prefix or ".", "reason": TIME_BUDGET_EXCEEDED})
            return
        directories, others = list_entries(handle)
        if "pyvenv.cfg" in others and prefix:
            return
        for name in sorted(others):
            self._scan_file(handle, prefix + name, name)
        for name in sorted(directories):
            if name.startswith(".") or name in EXCLUDED_DIRECTORIES:
                continue
            if os.path.join(self.root, prefix + name) in self.exclude:
                continue
            try:
                inside = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
            except OSError as error:
                self.problems.append({"path": prefix + name, "reason": error.strerror or str(error)})
                continue
            try:
                self.scan_directory(inside, prefix + name + "/")
            finally:
                os.close(inside)

    def _scan_file(self, handle: int, path: str, name: str) -> None:
        try:
            if name.endswith(".so"):
                self._scan_compiled(handle, path, name)
            elif name.endswith(".py") or ("." not in name and PYTHON_SHEBANG.match(read_bytes(name, handle, 64))):
                self._scan_source(path, read_bytes(name, handle, FILE_LIMIT))
        except OSError as error:
            self.problems.append({"path": path, "reason": error.strerror or str(error)})

    def _scan_compiled(self, handle: int, path: str, name: str) -> None:
        opened = open_file(name, handle)
        try:
            missing = find_undefined_symbols(opened) & self.symbols
        finally:
            os.close(opened)
        self.uses += [(path, symbol, 0, (0, 99), True, True) for symbol in sorted(missing)]

    def _scan_source(self, path: str, data: bytes) -> None:
        self.files += 1
        self.lines += data.count(b"\n")
        if len(data) == FILE_LIMIT:
            self.problems.append({"path": path, "reason": "longer than %d bytes" % FILE_LIMIT})
            return
        declared = DECLARED_ENCODING.match(data) or DECLARED_ENCODING.match(data.partition(b"\n")[2])
        try:
            text = data.decode(declared.group(1).decode("ascii") if declared else "utf-8-sig")
        except (UnicodeDecodeError, LookupError) as error:
            self.problems.append({"path": path, "reason": "cannot be decoded: %s" % error})
            return
        found = scan_source(text, self.watch, every=True)
        if found.problem:
            self.problems.append({"path": path, "reason": "does not parse: %s" % found.problem})
        for module in found.imports:
            self.imports.setdefault(module, path)
        self.dynamic += [(path, line) for line in found.dynamic]
        self.uses += [(path,) + tuple(use) for use in found.uses[: max(0, USES_LIMIT - len(self.uses))]]


def parse_requirement_names(text: str) -> List[str]:
    """The normalized names of the packages in the requirements file *text*; options and URLs are left out."""
    names = set()
    for line in text.splitlines():
        match = REQUIREMENT_LINE.match(line.strip())
        if match:
            names.add(normalize_name(match.group(1)))
    return sorted(names)


def build_scan_request(application: Application) -> ScanRequest:
    """The request to scan the source of *application* without its environments."""
    return ScanRequest(
        application.name,
        application.source,
        application.requirements,
        [application.environment, application.generations_directory()],
    )


def scan_application(
    request: ScanRequest, names: List[str], symbols: List[str], budget: float = TIME_BUDGET
) -> Dict[str, Any]:
    """Scan an application's source for *names* and its compiled files for *symbols* of the C API, for *budget* seconds.

    ``uses`` are rows (path, name, line, versions, on import, certain), ``imports`` has a path for each module that is
    imported, ``dynamic`` the path and line of each import whose module is computed, ``problems`` the files that were
    not read or parsed.
    """
    tree = _TreeScanner(WatchedNames(names), symbols, time.monotonic() + budget, request.exclude)
    required: List[str] = []
    extras: Dict[str, List[str]] = {}
    for path in request.requirements:
        text = read_text_file(resolve_trusted_path(path))
        if text is None:
            tree.problems.append({"path": path, "reason": "cannot be read"})
        else:
            required += parse_requirement_names(text)
            for name, named in parse_requirement_extras(text).items():
                extras[name] = sorted(set(extras.get(name, []) + named))
    if request.source:
        try:
            tree.root = resolve_trusted_path(request.source)
            handle = open_directory(tree.root)
        except OSError as error:
            tree.problems.append({"path": request.source, "reason": error.strerror or str(error)})
        else:
            try:
                tree.scan_directory(handle, "")
            finally:
                os.close(handle)
    return {
        "name": request.name,
        "source": request.source,
        "uses": tree.uses,
        "imports": tree.imports,
        "dynamic": tree.dynamic[:USES_LIMIT],
        "problems": tree.problems,
        "required": sorted(set(required)),
        "extras": extras,
        "files": tree.files,
        "lines": tree.lines,
    }
