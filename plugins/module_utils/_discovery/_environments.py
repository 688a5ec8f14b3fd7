# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes one environment from its files; nothing in it is run."""

import hashlib
import os
import re
import stat
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import GENERATIONS_SUFFIX
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import DIRECTORY_RECORD_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._comparison import compare_with_record
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._environment_kinds import (
    LIBRARY_DIRECTORY,
    SHARED_KINDS,
    find_library_directories,
    list_subdirectory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._extension_summary import summarize_extensions
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import describe_error, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_subdirectory,
    read_bytes,
    read_text_file,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import RecordedFile

# Entries that venv, virtualenv, uv, conda and this collection make.
STANDARD_NAMES = {
    DIRECTORY_RECORD_NAME,
    "bin",
    "include",
    "lib",
    "lib64",
    "pyvenv.cfg",
    ".gitignore",
    "CACHEDIR.TAG",
    ".lock",
    "pip-selfcheck.json",
    "uv-receipt.toml",
    "pipx_metadata.json",
    "share",
    "man",
    "local",
}
STANDARD_PROGRAM = re.compile(
    r"^(?:(?:python|pypy)[0-9.]*[dmtu]?|[Aa]ctivate(?:[._].*)?|deactivate(?:\..*)?|pip[0-9.]*|easy_install[0-9.-]*"
    r"|wheel[0-9.-]*|pydoc\.bat|python-config)$"
)
SHEBANG_LIMIT = 127
LISTED_LIMIT = 200


class EnvironmentOptions(NamedTuple):
    """How environments are described: *verify* compares content with RECORD, *deadline* is in monotonic seconds."""

    verify: bool
    libraries: SharedLibraries
    mounts: Dict[str, str]
    deadline: float


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
        self._sites: List[SitePackages] = []
        self._unmanaged: List[Dict[str, Any]] = []
        self._modified: List[Dict[str, Any]] = []
        self._long_shebangs: List[str] = []
        # Directories of the interpreters that programs name, with the number of these programs.
        self._interpreter_directories: Dict[str, int] = {}
        self.not_seen: List[Dict[str, str]] = []

    def describe(self, directories: List[str], others: List[str]) -> Dict[str, Any]:
        """The environment as the inventory has it; *directories* and *others* are the names in it. Raises OSError."""
        libraries = find_library_directories(self._handle, directories)
        for library, name in libraries:
            for last in ("site-packages", "dist-packages"):
                self._read_site("%s/%s/%s" % (library, name, last))
        if "site-packages" in directories:
            self._read_site("site-packages")
        elsewhere: Dict[str, RecordedFile] = {}
        for site in self._sites:
            elsewhere.update(site.elsewhere)
        if "bin" in directories:
            self._read_programs(elsewhere)
        missing = []
        for path in sorted(elsewhere):
            if not self._is_present(path, elsewhere[path]):
                missing.append({"path": path, "package": elsewhere[path][1]})
        if self._kind not in SHARED_KINDS:
            self._add_unmanaged_entries(directories, others, {path.split("/", 1)[0] for path in elsewhere})
        return self._build_result(libraries, missing)

    def _read_site(self, relative: str) -> None:
        path = self._path + "/" + relative
        try:
            handle = open_subdirectory(self._handle, relative)
        except OSError as error:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self.not_seen.append(describe_error(path, error))
            return
        try:
            site = SitePackages(path, relative, self._options.verify, self._options.deadline)
            site.read(handle)
            self._sites.append(site)
            self.not_seen += site.problems
        except OSError as error:
            self.not_seen.append(describe_error(path, error))
        finally:
            os.close(handle)

    def _read_programs(self, elsewhere: Dict[str, RecordedFile]) -> None:
        try:
            inside = os.open("bin", DIRECTORY_FLAGS, dir_fd=self._handle)
        except OSError as error:
            self.not_seen.append(describe_error(self._path + "/bin", error))
            return
        try:
            for name in sorted(list_entries(inside)[1]):
                head = self._read_head(inside, name)
                if head is None:
                    continue
                self._read_shebang(name, head)
                if self._kind in SHARED_KINDS or "bin/" + name in elsewhere or STANDARD_PROGRAM.match(name):
                    continue
                size = _get_file_size(inside, name)
                self._unmanaged.append({"path": "bin/" + name, "kind": "script", "files": 1, "size": size})
        finally:
            os.close(inside)

    def _read_shebang(self, name: str, head: bytes) -> None:
        """Note the interpreter of the program *name* that begins with *head*."""
        interpreter, length = _scripts.parse_shebang(head)
        if interpreter and os.path.isabs(interpreter) and _scripts.PYTHON_NAME.match(os.path.basename(interpreter)):
            directory = os.path.dirname(interpreter)
            self._interpreter_directories[directory] = self._interpreter_directories.get(directory, 0) + 1
        if length > SHEBANG_LIMIT:
            self._long_shebangs.append("bin/" + name)

    def _read_head(self, inside: int, name: str) -> Optional[bytes]:
        try:
            return read_bytes(name, inside, 1024)
        except OSError as error:
            if not os.path.islink("/proc/self/fd/%d/%s" % (inside, name)):
                self.not_seen.append(describe_error("%s/bin/%s" % (self._path, name), error))
            return None

    def _is_present(self, path: str, expected: RecordedFile) -> bool:
        """Whether the recorded file *path* exists; its content is compared as well if the options ask for it."""
        directory, _separator, name = path.rpartition("/")
        try:
            handle = open_subdirectory(self._handle, directory)
        except OSError:
            return False
        try:
            os.stat(name, dir_fd=handle, follow_symlinks=False)
            if self._options.verify and expected[0]:
                difference = compare_with_record(handle, name, expected[0])
                if difference:
                    self._modified.append(dict(difference, path=path, package=expected[1], version=expected[2]))
            return True
        except OSError:
            return False
        finally:
            os.close(handle)

    def _add_unmanaged_entries(self, directories: List[str], others: List[str], recorded: Set[str]) -> None:
        for name in sorted(directories + others):
            if name in STANDARD_NAMES or name in recorded:
                continue
            is_directory = name in directories
            size = 0 if is_directory else _get_file_size(self._handle, name)
            path = name + "/" if is_directory else name
            self._unmanaged.append({"path": path, "kind": "data", "files": 1, "size": size})

    def _read_settings(self) -> Dict[str, str]:
        """The settings in ``pyvenv.cfg``, by lower-case key."""
        found = {}
        for line in (read_text_file("pyvenv.cfg", self._handle) or "").splitlines():
            key, separator, value = line.partition("=")
            if separator:
                found[key.strip().lower()] = value.strip()
        return found

    def _find_base_program(self) -> Tuple[Optional[str], bool]:
        """The real path of ``bin/python``, and whether it exists."""
        for name in ("python", "python3", "pypy3", "pypy"):
            path = "%s/bin/%s" % (self._path, name)
            if os.path.lexists(path):
                return os.path.realpath(path), os.path.exists(path)
        return None, False

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

    def _build_result(self, libraries: List[Tuple[str, str]], absent: List[Dict[str, Any]]) -> Dict[str, Any]:
        settings = self._read_settings()
        python = _detect_python(settings, libraries)
        implementation = _detect_implementation(settings, libraries)
        base, exists = self._find_base_program()
        state, points = self._detect_state(base, exists, settings.get("home"))
        packages: List[Dict[str, Any]] = []
        missing: List[Dict[str, Any]] = []
        modified, unmanaged = list(self._modified), list(self._unmanaged)
        for site in self._sites:
            packages += site.packages
            missing += site.list_missing_files()
            modified += site.modified
            unmanaged += site.unmanaged
        packages.sort(key=lambda entry: (entry["name"], entry["version"] or ""))
        modified.sort(key=_get_path)
        unmanaged.sort(key=_get_path)
        missing += absent
        result = {
            "path": self._path,
            "kind": self._kind,
            "state": state,
            "points_to": points,
            "python": python,
            "implementation": implementation,
            "home": settings.get("home"),
            "interpreter": base if exists else None,
            "system_site_packages": settings.get("include-system-site-packages", "false").lower() == "true",
            "owner": resolve_user_name(os.fstat(self._handle).st_uid),
            "mount": None,
            "nested_in": None,
            "packages": packages,
            "fingerprint": compute_fingerprint(implementation, python, packages),
            "size": sum(site.size for site in self._sites),
            "sites": [site.relative for site in self._sites],
            "unmanaged": unmanaged[:LISTED_LIMIT],
            "missing": missing[:LISTED_LIMIT],
            "modified": modified[:LISTED_LIMIT] if self._options.verify else None,
            "counts": {
                "unmanaged": len(unmanaged),
                "missing": len(missing),
                "modified": len(modified) if self._options.verify else None,
            },
            "long_shebangs": self._long_shebangs,
            "services": [],
        }
        result.update(summarize_extensions(self._path, self._sites, base, self._options.libraries, LISTED_LIMIT))
        if self._kind == "conda":
            result["conda_packages"] = _read_conda_packages(self._handle)
        return result


def _get_path(entry: Dict[str, Any]) -> str:
    return str(entry["path"])


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


def _get_file_size(directory: int, name: str) -> int:
    try:
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return state.st_size if stat.S_ISREG(state.st_mode) else 0
    except OSError:
        return 0
