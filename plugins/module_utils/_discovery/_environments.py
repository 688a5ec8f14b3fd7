# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes one environment from its files; nothing in it is run."""

import hashlib
import os
from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import GENERATIONS_SUFFIX
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._environment_kinds import (
    LIBRARY_DIRECTORY,
    list_subdirectory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._extension_summary import summarize_extensions
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._local_files import LocalFiles
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_text_file
from ansible_collections.oxzep7.python.plugins.module_utils._packages._requested import (
    PIPX_RECORD,
    UV_RECORD,
    parse_recorded_extras,
)

SHEBANG_LIMIT = 127
LISTED_LIMIT = 200


class EnvironmentOptions(NamedTuple):
    """How environments are described: *verify* compares content with RECORD, *deadline* is in monotonic seconds.

    In the environments *verified*, real paths, content is compared in any case.
    """

    verify: bool
    libraries: SharedLibraries
    mounts: Dict[str, str]
    deadline: float
    verified: FrozenSet[str] = frozenset()


def compute_fingerprint(implementation: str, python: Optional[str], packages: List[Dict[str, Any]]) -> str:
    """Sixteen hexadecimal digits, equal for environments that can share a lock: same minor version and same pins."""
    minor = ".".join((python or "?").split(".")[:2])
    pins = []
    for package in packages:
        place = "@" + package["direct_url"] if package["direct_url"] else ""
        pins.append("%s==%s%s" % (package["name"], package["version"], place))
    text = "\n".join([implementation, minor] + sorted(pins))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Environment:
    """Reads one environment; ``not_seen`` has an entry ``{path, reason}`` for each part that was not read."""

    def __init__(self, handle: int, path: str, kind: str, options: EnvironmentOptions) -> None:
        """The open directory *handle* at *path* is an environment of *kind*."""
        self._handle = handle
        self._path = path
        self._kind = kind
        self._options = options
        self._files = LocalFiles(handle, path, kind, options.verify or path in options.verified, options.deadline)
        self._long_shebangs: List[str] = []
        # Directories of the interpreters that programs name, with the number of these programs.
        self._interpreter_directories: Dict[str, int] = {}
        self.not_seen = self._files.not_seen

    def describe(self, directories: List[str], others: List[str]) -> Dict[str, Any]:
        """The environment as the inventory has it; *directories* and *others* are the names in it. Raises OSError."""
        self._files.read(directories, others, self._read_shebang)
        return self._build_result()

    def _read_shebang(self, name: str, head: bytes) -> None:
        """Note the interpreter of the program *name* that begins with *head*."""
        interpreter, length = _scripts.parse_shebang(head)
        if interpreter and os.path.isabs(interpreter) and _scripts.PYTHON_NAME.match(os.path.basename(interpreter)):
            directory = os.path.dirname(interpreter)
            self._interpreter_directories[directory] = self._interpreter_directories.get(directory, 0) + 1
        if length > SHEBANG_LIMIT:
            self._long_shebangs.append("bin/" + name)

    def _read_settings(self) -> Dict[str, str]:
        """The settings in ``pyvenv.cfg``, by lower-case key."""
        found = {}
        for line in (read_text_file("pyvenv.cfg", self._handle) or "").splitlines():
            key, separator, value = line.partition("=")
            if separator:
                found[key.strip().lower()] = value.strip()
        return found

    def _read_requested_extras(self) -> Dict[str, List[str]]:
        """The extras by package with which pipx or uv recorded that they installed it."""
        pipx, uv = (read_text_file(name, self._handle) for name in (PIPX_RECORD, UV_RECORD))
        return parse_recorded_extras(pipx, uv)

    def _find_base_program(self) -> Tuple[Optional[str], bool]:
        """The real path of ``bin/python``, and whether it exists."""
        for name in ("python", "python3", "pypy3", "pypy"):
            path = "%s/bin/%s" % (self._path, name)
            if os.path.lexists(path):
                return os.path.realpath(path), os.path.exists(path)
        return None, False

    def _find_copied_base(self, program: str, home: Optional[str]) -> str:
        """The interpreter of which *program*, in this environment, is a copy; *program* itself where that is unknown.

        *home* is the directory of that interpreter by ``pyvenv.cfg``; virtualenv before 20 wrote its prefix into a
        file of the library.
        """
        if not program.startswith(self._path + "/"):
            return program
        places = [home] if home else []
        for library, name in self._files.libraries:
            prefix = read_text_file("%s/%s/orig-prefix.txt" % (library, name), self._handle, 4096) or ""
            places += [prefix.strip() + "/bin"] if prefix.startswith("/") else []
        names = [os.path.basename(program)]
        names += [name for _library, name in self._files.libraries if name not in names]
        for place in places:
            for name in names:
                path = os.path.realpath(os.path.join(place, name))
                if os.path.isfile(path) and not path.startswith(self._path + "/"):
                    return path
        return program

    def _detect_state(self, base: Optional[str], exists: bool, home: Optional[str]) -> Tuple[str, Optional[str]]:
        """``live``, ``dangling``, ``moved`` or ``generation``; with the live path in the last two cases.

        *base* is the interpreter and *home* its directory according to ``pyvenv.cfg``.
        """
        if self._kind in ("prefix", "user"):
            return "live", None
        if base is None or not exists or (home and not os.path.isdir(home)):
            return "dangling", None
        parent = os.path.dirname(self._path)
        if parent.endswith(GENERATIONS_SUFFIX):
            return "generation", parent[: -len(GENERATIONS_SUFFIX)]
        return self._detect_move()

    def _detect_move(self) -> Tuple[str, Optional[str]]:
        """``moved`` and the path before, if most programs name an interpreter elsewhere; ``live`` otherwise."""
        own = os.path.realpath(self._path + "/bin")
        count = 0
        best: Optional[str] = None
        for directory in self._interpreter_directories:
            if os.path.realpath(directory) == own:
                continue
            programs = self._interpreter_directories[directory]
            count += programs
            if best is None or programs > self._interpreter_directories[best]:
                best = directory
        if best is not None and count * 2 > sum(self._interpreter_directories.values()):
            return "moved", os.path.dirname(best)
        return "live", None

    def _build_result(self) -> Dict[str, Any]:
        settings = self._read_settings()
        sites, libraries = self._files.sites, self._files.libraries
        python = _detect_python(settings, libraries)
        implementation = _detect_implementation(settings, libraries)
        base, exists = self._find_base_program()
        state, points = self._detect_state(base, exists, settings.get("home"))
        packages = [package for site in sites for package in site.packages]
        packages.sort(key=lambda entry: (entry["name"], entry["version"] or ""))
        files = self._files.describe()
        result = {
            "path": self._path,
            "kind": self._kind,
            "state": state,
            "points_to": points,
            "python": python,
            "implementation": implementation,
            "home": settings.get("home"),
            "interpreter": self._find_copied_base(base, settings.get("home")) if base and exists else None,
            "system_site_packages": settings.get("include-system-site-packages", "false").lower() == "true",
            "owner": resolve_user_name(os.fstat(self._handle).st_uid),
            "mount": None,
            "nested_in": None,
            "packages": packages,
            "requested_extras": self._read_requested_extras(),
            "fingerprint": compute_fingerprint(implementation, python, packages),
            "stale_metadata": [entry for site in sites for entry in site.stale],
            "size": sum(site.size for site in sites),
            "sites": [site.relative for site in sites],
            "counts": {kind: None if found is None else len(found) for kind, found in files.items()},
            "long_shebangs": self._long_shebangs,
            "services": [],
        }
        result.update({kind: found and found[:LISTED_LIMIT] for kind, found in files.items()})
        result.update(summarize_extensions(self._path, sites, base, self._options.libraries, LISTED_LIMIT))
        if self._kind == "conda":
            result["conda_packages"] = _read_conda_packages(self._handle)
        return result


def _detect_python(settings: Dict[str, str], libraries: List[Tuple[str, str]]) -> Optional[str]:
    """The version of Python in ``pyvenv.cfg`` or, as X.Y, in the name of the library directory."""
    version = settings.get("version") or settings.get("version_info")
    if version:
        return ".".join(version.split(".")[:3])
    for _library, name in libraries:
        match = LIBRARY_DIRECTORY.match(name)
        if match and "." in match.group(2):
            return match.group(2)
    return None


def _detect_implementation(settings: Dict[str, str], libraries: Iterable[Tuple[str, str]]) -> str:
    if settings.get("implementation") == "PyPy" or any(name.startswith("pypy") for _library, name in libraries):
        return "PyPy"
    return "CPython"


def _read_conda_packages(handle: int) -> List[Dict[str, Any]]:
    """The packages of every language in conda's records, which are called ``name-version-build.json``."""
    found: List[Dict[str, Any]] = []
    try:
        names = list_subdirectory(handle, "conda-meta")[1]
    except OSError:
        return found
    for name in sorted(names):
        parts = name[:-5].rsplit("-", 2)
        if name.endswith(".json") and len(parts) == 3:
            found.append({"name": parts[0], "version": parts[1]})
    return found
