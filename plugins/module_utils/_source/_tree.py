# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans the Python files below a directory that others may write to. No symlink is followed and no device is opened."""

import os
import re
import time
from typing import AbstractSet, Any, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import TIME_BUDGET_EXCEEDED, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._elf import find_undefined_symbols
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_directory,
    open_file,
    open_subdirectory,
    read_bytes,
    read_text_file,
    resolve_trusted_path,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._requested import parse_requirement_extras
from ansible_collections.oxzep7.python.plugins.module_utils._source._class_paths import INI_SUFFIXES, list_ini_paths
from ansible_collections.oxzep7.python.plugins.module_utils._source._guards import ALL_VERSIONS
from ansible_collections.oxzep7.python.plugins.module_utils._source._modules import SourceModules
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan import scan_source
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames

FILE_LIMIT = 4 << 20
INI_LIMIT = 1 << 18
USES_LIMIT = 5000
# How many modules are read one for another, before the first of them is scanned.
NESTED_LIMIT = 8
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


class TreeScanner:
    """Scans a directory for *names*, and its compiled files for *symbols*, for *budget* seconds.

    *exclude* are absolute paths, *skipped* names of directories that are left out. Without *every*, files that cannot
    have any of the names are not parsed.
    """

    def __init__(
        self,
        names: List[str],
        symbols: List[str],
        budget: float,
        exclude: List[str],
        every: bool = True,
        skipped: AbstractSet[str] = frozenset(),
    ) -> None:
        self.watch = WatchedNames(names)
        self.symbols = set(symbols)
        self.deadline = time.monotonic() + budget
        self.exclude = exclude
        self.every = every
        self.skipped = EXCLUDED_DIRECTORIES.union(skipped)
        self.root = ""
        self.depth = 0
        self.uses: List[Tuple[Any, ...]] = []
        self.imports: Dict[str, str] = {}
        self.dynamic: List[Tuple[str, int]] = []
        self.problems: List[Dict[str, str]] = []
        self.files = self.lines = 0
        self._handle = -1
        self._modules = SourceModules(self._load_module)
        # The directories in which top-level modules are looked for, with the names in them.
        self._roots: Dict[str, Set[str]] = {}
        self._listed: Dict[str, Set[str]] = {}
        # The names of each module that was scanned; of one that is being scanned, none yet.
        self._names: Dict[str, Dict[str, Any]] = {}
        self._unparsed: Set[str] = set()
        # Those of modules that are only read for others so far.
        self._shallow: Dict[str, Dict[str, Any]] = {}

    def scan(self, handle: int) -> None:
        """Scan the open directory *handle*, ``root``."""
        self._handle = handle
        for root in ("", "src"):
            names = {name[: -len(".py")] if name.endswith(".py") else name for name in self._list_names(root)}
            self._roots[root] = {name for name in names - EXCLUDED_DIRECTORIES if name not in self.watch.names}
            self._modules.tops |= self._roots[root]
        self.scan_directory(handle, "")

    def _list_names(self, directory: str) -> Set[str]:
        """The names in *directory* below the root; none in one that cannot be read."""
        if directory not in self._listed:
            self._listed[directory] = set()
            try:
                inside = open_subdirectory(self._handle, directory)
                try:
                    directories, others = list_entries(inside)
                finally:
                    os.close(inside)
                self._listed[directory] = {*directories, *others}
            except OSError:
                pass
        return self._listed[directory]

    def _load_module(self, name: str) -> Optional[Dict[str, Any]]:
        """The names of the module *name* of the source, which is scanned now if that was not done; None without one."""
        parts = name.split(".")
        for root, names in self._roots.items():
            if parts[0] in names and not EXCLUDED_DIRECTORIES.intersection(parts):
                path = self._find_module(root, parts)
                if path and (path not in self._names or path in self._unparsed):
                    self._scan_path(path)
                if path in self._names:
                    return self._names[path]
                if path in self._shallow:
                    return self._shallow[path]
        return None

    def _find_module(self, root: str, parts: List[str]) -> str:
        """The path below the root of the module with the names *parts*; empty without one."""
        directory = root
        for number, part in enumerate(parts, 1):
            names = self._list_names(directory)
            if number == len(parts) and part + ".py" in names:
                return os.path.join(directory, part + ".py")
            nested = number > 1 and "pyvenv.cfg" in names
            directory = os.path.join(directory, part)
            if nested or part not in names or os.path.join(self.root, directory) in self.exclude:
                return ""
        return os.path.join(directory, "__init__.py") if "__init__.py" in self._list_names(directory) else ""

    def _scan_path(self, path: str) -> None:
        """Scan the Python file *path* below the root; only its own names, where many wait for it or time is used up."""
        shallow = self.depth >= NESTED_LIMIT or time.monotonic() > self.deadline
        if shallow and path in self._shallow:
            return
        directory, name = os.path.split(path)
        try:
            inside = open_subdirectory(self._handle, directory)
            try:
                data = read_bytes(name, inside, FILE_LIMIT)
            finally:
                os.close(inside)
        except OSError:
            return
        if shallow:
            # Deeper ones would exceed the stack.
            self._shallow[path] = scan_source(data.decode("utf-8", "replace"), self.watch, True).names
            return
        self.depth += 1
        try:
            self._scan_source(path, data, True)
        finally:
            self.depth -= 1

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
            if name.startswith(".") or name in self.skipped:
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
                if self.symbols:
                    self._scan_compiled(handle, path, name)
            elif name.endswith(INI_SUFFIXES):
                self._scan_ini(path, read_bytes(name, handle, INI_LIMIT))
            elif path in self._names:
                return
            elif name.endswith(".py") or ("." not in name and PYTHON_SHEBANG.match(read_bytes(name, handle, 64))):
                self._scan_source(path, read_bytes(name, handle, FILE_LIMIT), self.every)
        except OSError as error:
            self.problems.append({"path": path, "reason": error.strerror or str(error)})

    def _scan_compiled(self, handle: int, path: str, name: str) -> None:
        opened = open_file(name, handle)
        try:
            missing = find_undefined_symbols(opened) & self.symbols
        finally:
            os.close(opened)
        self.uses += [(path, symbol, 0, ALL_VERSIONS, True, True) for symbol in sorted(missing)]

    def _scan_ini(self, path: str, data: bytes) -> None:
        for name, line in list_ini_paths(data.decode("utf-8", "replace")):
            self.imports.setdefault(name.partition(".")[0], path)
            covering = self.watch.find_covering_name(name)
            if covering:
                self.uses.append((path, covering, line, ALL_VERSIONS, False, True))

    def _scan_source(self, path: str, data: bytes, every: bool) -> None:
        if path in self._unparsed:
            self._unparsed.remove(path)
        else:
            self.files += 1
        self._names[path] = {}
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
        package = os.path.dirname(path).replace("/", ".")
        found = scan_source(text, self.watch, every, self._modules, package)
        if not found.parsed:
            self._unparsed.add(path)
        self._names[path] = found.names
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
    tree = TreeScanner(names, symbols, budget, request.exclude)
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
                tree.scan(handle)
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
