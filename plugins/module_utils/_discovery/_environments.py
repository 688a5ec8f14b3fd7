# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes one environment from its files; nothing in it is run."""

import contextlib
import hashlib
import os
import re
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._comparison import compare_with_record
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_subdirectory,
    read_bytes,
    read_text_file,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import RecordedFile

LIBRARY_DIRECTORY = re.compile(r"^(python|pypy)(\d+(?:\.\d+)?)t?$")
# What venv, virtualenv, uv and conda themselves put into an environment.
STANDARD_NAMES = {
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
    r"^(?:(?:python|pypy)[0-9.]*[dmtu]?|[Aa]ctivate(?:[._].*)?|deactivate(?:\..*)?|pip[0-9.]*|easy_install[0-9.-]*|wheel[0-9.-]*"
    r"|pydoc\.bat|python-config)$"
)
SHEBANG_LIMIT = 127
LISTED_LIMIT = 200


class EnvironmentOptions(NamedTuple):
    """How environments are described: whether content is compared with RECORD, the host's libraries, its mounts, and until when."""

    verify: bool
    libraries: SharedLibraries
    mounts: Dict[str, str]
    deadline: float


def detect_environment_kind(directories: List[str], others: List[str], handle: int, path: str) -> Optional[str]:
    """The kind of environment that the open directory is, by its names: None for what is no environment."""
    if "pyvenv.cfg" in others:
        return _detect_venv_kind(others, handle, path)
    if "conda-meta" in directories:
        return "conda"
    if path == "/usr/local" or path.endswith("/.local"):
        kind = "prefix" if path == "/usr/local" else "user"
        return kind if _find_library_directories(handle, directories) else None
    if "bin" not in directories or not {"lib", "lib64", "lib-python"}.intersection(directories):
        return None
    try:
        names = list_subdirectory(handle, "bin")[1]
    except OSError:
        return None
    if any(_scripts.PYTHON_NAME.match(name) for name in names) and (
        "activate_this.py" in names or _has_original_prefix(handle, directories)
    ):
        return "virtualenv"
    return (
        "prefix" if any(_is_elf_program(handle, name) for name in names if _scripts.PYTHON_NAME.match(name)) else None
    )


def _detect_venv_kind(others: List[str], handle: int, path: str) -> str:
    if "pipx_metadata.json" in others:
        return "pipx"
    if "uv-receipt.toml" in others:
        return "uv-tool"
    if "/pypoetry/virtualenvs/" in path:
        return "poetry"
    text = read_text_file("pyvenv.cfg", handle) or ""
    return "virtualenv" if re.search(r"^virtualenv\s*=", text, re.MULTILINE) else "venv"


def _has_original_prefix(handle: int, directories: List[str]) -> bool:
    """Whether virtualenv before its version 20 noted where the interpreter came from."""
    return any(
        read_text_file("/".join(library + ("orig-prefix.txt",)), handle) is not None
        for library in _find_library_directories(handle, directories)
    )


def _is_elf_program(handle: int, name: str) -> bool:
    try:
        return read_bytes("bin/" + name, handle, 4) == b"\x7fELF"
    except OSError:
        return False


def list_subdirectory(handle: int, name: str) -> Tuple[List[str], List[str]]:
    """Names of the directories and of everything else in the directory *name* of the open directory. Raises OSError."""
    below = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
    try:
        return list_entries(below)
    finally:
        os.close(below)


def _find_library_directories(handle: int, directories: List[str]) -> List[Tuple[str, str]]:
    """``(lib, pythonX.Y)`` for each library directory."""
    found: List[Tuple[str, str]] = []
    for library in ("lib", "lib64"):
        if library in directories:
            with contextlib.suppress(OSError):
                found += [
                    (library, name)
                    for name in sorted(list_subdirectory(handle, library)[0])
                    if LIBRARY_DIRECTORY.match(name)
                ]
    return found


def compute_fingerprint(implementation: str, python: Optional[str], packages: List[Dict[str, Any]]) -> str:
    """Sixteen hexadecimal digits, equal for environments that can share a lock: same minor version and the same pins."""
    minor = ".".join((python or "?").split(".")[:2])
    pins = sorted(
        "%s==%s%s" % (package["name"], package["version"], "@" + package["direct_url"] if package["direct_url"] else "")
        for package in packages
    )
    return hashlib.sha256("\n".join([implementation, minor] + pins).encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Environment:
    """One environment at work; `describe` gives what was found, and ``not_seen`` what could not be read."""

    def __init__(self, handle: int, path: str, kind: str, options: EnvironmentOptions) -> None:
        """The open directory *handle* at *path* is an environment of *kind*."""
        self._handle = handle
        self._path = path
        self._kind = kind
        self._options = options
        self._sites: List[SitePackages] = []
        self._unmanaged: List[Dict[str, Any]] = []
        self._modified: List[Dict[str, Any]] = []
        self._long: List[str] = []
        self._points: Dict[str, int] = {}
        self.not_seen: List[Dict[str, str]] = []

    def describe(self, directories: List[str], others: List[str]) -> Dict[str, Any]:
        """Everything about it; *directories* and *others* are the names in it. Raises OSError."""
        libraries = _find_library_directories(self._handle, directories)
        for library, name in libraries:
            for last in ("site-packages", "dist-packages"):
                self._read_site("%s/%s/%s" % (library, name, last))
        if "site-packages" in directories:
            self._read_site("site-packages")
        elsewhere = {path: expected for site in self._sites for path, expected in site.elsewhere.items()}
        if "bin" in directories:
            self._read_programs(elsewhere)
        present = [path for path in elsewhere if self._is_present(path, elsewhere[path])]
        if self._kind not in ("prefix", "conda", "user"):
            self._add_unmanaged_entries(directories, others, {path.split("/", 1)[0] for path in elsewhere})
        return self._build_result(
            libraries, [{"path": path, "package": elsewhere[path][1]} for path in sorted(set(elsewhere) - set(present))]
        )

    def _read_site(self, relative: str) -> None:
        path = self._path + "/" + relative
        try:
            handle = open_subdirectory(self._handle, relative)
        except OSError as error:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self.not_seen.append({"path": path, "reason": error.strerror or str(error)})
            return
        try:
            site = SitePackages(path, relative, self._options.verify, self._options.deadline)
            site.read(handle)
            self._sites.append(site)
            self.not_seen += site.problems
        except OSError as error:
            self.not_seen.append({"path": path, "reason": error.strerror or str(error)})
        finally:
            os.close(handle)

    def _read_programs(self, elsewhere: Dict[str, Any]) -> None:
        try:
            inside = os.open("bin", DIRECTORY_FLAGS, dir_fd=self._handle)
        except OSError as error:
            self.not_seen.append({"path": self._path + "/bin", "reason": error.strerror or str(error)})
            return
        try:
            for name in sorted(list_entries(inside)[1]):
                head = self._read_head(inside, name)
                if head is None:
                    continue
                interpreter, length = _scripts.parse_shebang(head)
                if (
                    interpreter
                    and _scripts.PYTHON_NAME.match(os.path.basename(interpreter))
                    and os.path.isabs(interpreter)
                ):
                    directory = os.path.dirname(interpreter)
                    self._points[directory] = self._points.get(directory, 0) + 1
                if length > SHEBANG_LIMIT:
                    self._long.append("bin/" + name)
                if (
                    self._kind not in ("prefix", "conda", "user")
                    and "bin/" + name not in elsewhere
                    and not STANDARD_PROGRAM.match(name)
                ):
                    self._unmanaged.append(
                        {"path": "bin/" + name, "kind": "script", "files": 1, "size": _get_file_size(inside, name)}
                    )
        finally:
            os.close(inside)

    def _read_head(self, inside: int, name: str) -> Optional[bytes]:
        try:
            return read_bytes(name, inside, 1024)
        except OSError as error:
            if not os.path.islink("/proc/self/fd/%d/%s" % (inside, name)):
                self.not_seen.append({"path": "%s/bin/%s" % (self._path, name), "reason": error.strerror or str(error)})
            return None

    def _is_present(self, path: str, expected: RecordedFile) -> bool:
        directory, _separator, name = path.rpartition("/")
        try:
            handle = open_subdirectory(self._handle, directory)
        except OSError:
            return False
        try:
            os.stat(name, dir_fd=handle, follow_symlinks=False)
            difference = (
                compare_with_record(handle, name, expected[0]) if self._options.verify and expected[0] else None
            )
            if difference:
                self._modified.append(dict(difference, path=path, package=expected[1], version=expected[2]))
            return True
        except OSError:
            return False
        finally:
            os.close(handle)

    def _add_unmanaged_entries(self, directories: List[str], others: List[str], recorded: "set[str]") -> None:
        for name in sorted(directories + others):
            if name not in STANDARD_NAMES and name not in recorded:
                self._unmanaged.append(
                    {
                        "path": name + ("/" if name in directories else ""),
                        "kind": "data",
                        "files": 1,
                        "size": 0 if name in directories else _get_file_size(self._handle, name),
                    }
                )

    def _detect_python(self, libraries: List[Tuple[str, str]]) -> Tuple[Optional[str], Dict[str, str]]:
        text = read_text_file("pyvenv.cfg", self._handle)
        values = {
            key.strip().lower(): value.strip()
            for key, _separator, value in (line.partition("=") for line in (text or "").splitlines() if "=" in line)
        }
        version = values.get("version") or values.get("version_info")
        if version:
            return ".".join(version.split(".")[:3]), values
        for _library, name in libraries:
            match = LIBRARY_DIRECTORY.match(name)
            if match and "." in match.group(2):
                return match.group(2), values
        return None, values

    def _find_base_program(self) -> Tuple[Optional[str], bool]:
        """The program that ``bin/python`` is or leads to, and whether it exists."""
        names = ["python", "python3", "pypy3", "pypy"]
        for name in names:
            path = "%s/bin/%s" % (self._path, name)
            if os.path.lexists(path):
                return os.path.realpath(path), os.path.exists(path)
        return None, False

    def _detect_state(self, base: Optional[str], exists: bool, home: Optional[str]) -> Tuple[str, Optional[str]]:
        """``live``, ``dangling``, ``moved`` or ``generation``, and where the scripts point in the last two cases."""
        here = os.path.realpath(self._path + "/bin")
        others = sorted(
            (directory for directory in self._points if os.path.realpath(directory) != here),
            key=lambda entry: -self._points[entry],
        )
        generation = os.path.dirname(self._path).endswith(".generations")
        if self._kind in ("prefix", "user"):
            return "live", None
        if base is None or not exists or (home and not os.path.isdir(home)):
            return "dangling", None
        if generation:
            return "generation", os.path.dirname(self._path)[: -len(".generations")]
        if others and sum(self._points[entry] for entry in others) * 2 > sum(self._points.values()):
            return "moved", os.path.dirname(others[0])
        return "live", None

    def _build_result(self, libraries: List[Tuple[str, str]], gone: List[Dict[str, Any]]) -> Dict[str, Any]:
        python, values = self._detect_python(libraries)
        base, exists = self._find_base_program()
        state, points = self._detect_state(base, exists, values.get("home"))
        packages = sorted(
            (package for site in self._sites for package in site.packages),
            key=lambda entry: (entry["name"], entry["version"] or ""),
        )
        modified = sorted(
            self._modified + [entry for site in self._sites for entry in site.modified],
            key=lambda entry: str(entry["path"]),
        )
        missing = [entry for site in self._sites for entry in site.list_missing_files()] + gone
        unmanaged = sorted(
            self._unmanaged + [entry for site in self._sites for entry in site.unmanaged],
            key=lambda entry: str(entry["path"]),
        )
        implementation = (
            "PyPy"
            if any(name.startswith("pypy") for _library, name in libraries) or values.get("implementation") == "PyPy"
            else "CPython"
        )
        state_of = os.fstat(self._handle)
        result = {
            "path": self._path,
            "kind": self._kind,
            "state": state,
            "points_to": points,
            "python": python,
            "implementation": implementation,
            "home": values.get("home"),
            "interpreter": base if exists else None,
            "system_site_packages": values.get("include-system-site-packages", "false").lower() == "true",
            "owner": resolve_user_name(state_of.st_uid),
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
            "long_shebangs": self._long,
            "services": [],
        }
        result.update(self._summarize_extensions(base))
        if self._kind == "conda":
            result["conda_packages"] = _read_conda_packages(self._handle)
        return result

    def _summarize_extensions(self, base: Optional[str]) -> Dict[str, Any]:
        """Compiled extensions by the libraries they need. A library that lies in the environment itself is its own affair."""
        found: Dict[str, Dict[str, Any]] = {}
        unresolved: List[Dict[str, str]] = []
        bundled = set().union(*[site.bundled for site in self._sites]) if self._sites else set()
        beside = os.path.join(os.path.dirname(os.path.dirname(base)), "lib") if base else None
        count = 0
        for site in self._sites:
            count += len(site.extensions)
            for extension in site.extensions:
                origin = os.path.dirname(self._path + "/" + extension.path)
                for name in extension.needed:
                    if name in bundled:
                        continue
                    where = self._options.libraries.find(name, extension.search + ([beside] if beside else []), origin)
                    if where is None:
                        unresolved.append({"path": extension.path, "library": name})
                    else:
                        entry = found.setdefault(
                            name,
                            {
                                "name": name,
                                "path": where,
                                "os_package": None,
                                "extensions": 0,
                                "example": extension.path,
                            },
                        )
                        entry["extensions"] += 1
        return {
            "extensions": count,
            "libraries": [found[name] for name in sorted(found)],
            "unresolved": unresolved[:LISTED_LIMIT],
        }


def _read_conda_packages(handle: int) -> List[Dict[str, Any]]:
    """Packages by conda's own records, of every language: name and version are in the file's name (``name-version-build.json``)."""
    try:
        names = list_subdirectory(handle, "conda-meta")[1]
    except OSError:
        return []
    parts = [name[:-5].rsplit("-", 2) for name in sorted(names) if name.endswith(".json")]
    return [{"name": part[0], "version": part[1]} for part in parts if len(part) == 3]


def _get_file_size(directory: int, name: str) -> int:
    try:
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return state.st_size if stat.S_ISREG(state.st_mode) else 0
    except OSError:
        return 0
