# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one ``site-packages`` directory: its packages by their metadata, and every file that no package accounts for.

Formats: the database of installed packages (PEP 376, PEP 627, PEP 610), and what setuptools wrote before it.
"""

import base64
import hashlib
import json
import os
import re
import stat
import time
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import TIME_BUDGET_EXCEEDED, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host import _elf
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    open_file,
    open_subdirectory,
    read_bytes,
    read_text_file,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._urls import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import (
    RECORD_LIMIT,
    RecordedFile,
    _parse_record,
    _ParsedRecord,
    parse_legacy_requires,
)

TEXT_LIMIT = 256 << 10
READ_BLOCK_SIZE = 1 << 20
EGG_LIMIT = 64 << 20
METADATA_SUFFIX = re.compile(r"\.(?:dist-info|egg-info|egg-link|egg)$")
VERSIONED_NAME = re.compile(r"^(.+?)-([^-]+)(?:-py\d.*)?$")
METADATA_HEADER = re.compile(r"^(Name|Version|Requires-Python):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
REQUIRES_DIST = re.compile(r"^Requires-Dist:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
PTH_CODE_LINE = re.compile(r"^import[ \t]")
# Written by installers themselves, into every environment and into no RECORD.
INSTALLER_FILES = {
    "README.txt",
    "README",
    "easy-install.pth",
    "setuptools.pth",
    "_virtualenv.py",
    "distutils-precedence.pth",
}
KNOWN_PTH_CODE = {"_virtualenv.pth": ("import _virtualenv",)}


class CompiledExtension(NamedTuple):
    """A compiled extension: path relative to the environment, needed libraries and search paths."""

    path: str
    needed: List[str]
    search: List[str]


class SitePackages:
    """What one such directory holds; filled by `read`."""

    def __init__(self, path: str, relative: str, verify: bool, deadline: float) -> None:
        """*path* of the directory; *relative*: the same from its environment; *verify*: compare content with RECORD, too.

        After *deadline*, in monotonic seconds, no further directory is looked into.
        """
        self.path = path
        self.relative = relative
        self.verify = verify
        self._deadline = deadline
        self._complete = True
        self.packages: List[Dict[str, Any]] = []
        self.recorded: Dict[str, RecordedFile] = {}
        self.elsewhere: Dict[str, RecordedFile] = {}
        self.unmanaged: List[Dict[str, Any]] = []
        self.modified: List[Dict[str, Any]] = []
        self.extensions: List[CompiledExtension] = []
        self.bundled: Set[str] = set()
        self.problems: List[Dict[str, str]] = []
        self.size = 0
        self._owned: Set[str] = set()
        self._records: List[_ParsedRecord] = []
        self._seen: Set[str] = set()
        self._loose: List[str] = []

    def _add_problem(self, name: str, error: OSError) -> None:
        self.problems.append({"path": self.path + "/" + name, "reason": error.strerror or str(error)})

    def read(self, handle: int) -> None:
        """Read the open directory *handle*."""
        directories, others = list_entries(handle)
        for name in sorted(directories):
            if name.endswith((".dist-info", ".egg-info", ".egg")):
                self._read_metadata_directory(handle, name)
        for name in sorted(others):
            if name.endswith((".egg-info", ".egg-link", ".egg")):
                self._read_metadata_file(handle, name)
        self._compare_files(handle, "")
        self._read_recorded_extensions(handle)
        self._group_unmanaged(handle)

    def list_missing_files(self) -> List[Dict[str, Any]]:
        """The recorded files that were not met, inside this directory; none if not everything was looked at. Call it last."""
        gone = sorted(set(self.recorded) - self._seen) if self._complete else []
        return [
            self._make_entry(path, self.recorded[path])
            for path in gone
            if "__pycache__/" not in path and not path.endswith((".pyc", ".pyo", "/"))
        ]

    def _make_entry(self, path: str, expected: RecordedFile) -> Dict[str, Any]:
        return {"path": self.relative + "/" + path, "package": expected[1]}

    def _read_metadata_directory(self, handle: int, name: str) -> None:
        try:
            inside = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
        except OSError as error:
            self._add_problem(name, error)
            return
        try:
            if name.endswith(".egg"):
                self._read_egg_directory(inside, name)
                return
            legacy = name.endswith(".egg-info")
            try:
                headers = _read_headers(inside, "PKG-INFO" if legacy else "METADATA")
            except OSError as error:
                self._add_problem(name, error)
                headers = ""
            direct = _read_direct_url(inside)
            package = self._add_package(
                name,
                headers,
                {
                    "installer": (read_text_file("INSTALLER", inside, 256) or "").strip() or None,
                    "requested": _path_exists(inside, "REQUESTED"),
                    "editable": bool(
                        direct and isinstance(direct.get("dir_info"), dict) and direct["dir_info"].get("editable")
                    ),
                    "direct_url": _redact_direct_url(direct),
                },
            )
            if legacy:
                self.packages[package]["requires"] = parse_legacy_requires(read_text_file("requires.txt", inside) or "")
                self.packages[package]["modules"] = sorted((read_text_file("top_level.txt", inside) or "").split())
                self._read_legacy_record(inside, name, package)
            else:
                self._read_record(inside, name, package)
        finally:
            os.close(inside)

    def _read_metadata_file(self, handle: int, name: str) -> None:
        if name.endswith(".egg-link"):
            target = (read_text_file(name, handle, 4096) or "").split("\n", 1)[0].strip()
            self._add_package(
                name, "", {"installer": "setuptools", "requested": True, "editable": True, "direct_url": target or None}
            )
        elif name.endswith(".egg"):
            self._add_package(name, _read_zipped_metadata(handle, name), {"installer": "easy_install"})
            self._owned.add(name)
        else:
            headers = read_text_file(name, handle)
            self._add_package(name, headers or "", {"installer": "distutils"})

    def _read_egg_directory(self, inside: int, name: str) -> None:
        self._owned.add(name)
        try:
            info = os.open("EGG-INFO", DIRECTORY_FLAGS, dir_fd=inside)
        except OSError as error:
            self._add_problem(name, error)
            return
        try:
            self._add_package(name, read_text_file("PKG-INFO", info) or "", {"installer": "easy_install"})
        finally:
            os.close(info)

    def _add_package(self, name: str, headers: str, known: Dict[str, Any]) -> int:
        """Append the package with the metadata entry *name*; returns its index. Without a name it is called as the entry is."""
        headers = headers.replace("\r\n", "\n").split("\n\n", 1)[0]
        parsed = dict(METADATA_HEADER.findall(headers))
        # A link's name has no version, and may have hyphens.
        match = None if name.endswith(".egg-link") else VERSIONED_NAME.match(METADATA_SUFFIX.sub("", name))
        called = parsed.get("Name") or (match.group(1) if match else METADATA_SUFFIX.sub("", name))
        version = (parsed.get("Version") or (match.group(2) if match else "") or "").strip()
        package = {
            "name": normalize_name(called.strip()),
            "version": version or None,
            "installer": None,
            "requested": False,
            "editable": False,
            "direct_url": None,
            "format": name.rpartition(".")[2],
            "metadata": name,
            "os_package": None,
            "requires": sorted(REQUIRES_DIST.findall(headers)),
            "requires_python": parsed.get("Requires-Python"),
            "modules": [],
        }
        package.update(known)
        if not parsed.get("Name"):
            package["damaged"] = True
        self.packages.append(package)
        return len(self.packages) - 1

    def _read_record(self, inside: int, name: str, package: int) -> None:
        try:
            data = read_bytes("RECORD", inside, RECORD_LIMIT)
        except OSError:
            self.packages[package]["recorded"] = False
            self._add_top_levels(inside)
            return
        if len(data) == RECORD_LIMIT:
            self.problems.append(
                {"path": "%s/%s/RECORD" % (self.path, name), "reason": "longer than %d bytes" % RECORD_LIMIT}
            )
        known = _parse_record(data, self.packages[package]["name"], self.packages[package]["version"])
        self.packages[package]["modules"] = known.modules
        self.size += known.size
        self.recorded.update(known.files)
        self._records.append(known)
        for path in known.outside:
            self._add_outside_path(path, self.recorded.pop(path))

    def _add_outside_path(self, path: str, expected: RecordedFile) -> None:
        inside = os.path.normpath(os.path.join(self.relative, path))
        root = self.path[: -len(self.relative) - 1]
        if inside.startswith(root + "/"):
            inside = inside[len(root) + 1 :]
        if inside.startswith(self.relative + "/"):
            self.recorded[inside[len(self.relative) + 1 :]] = expected
        elif not inside.startswith(("/", "../")):
            self.elsewhere[inside] = expected

    def _read_legacy_record(self, inside: int, name: str, package: int) -> None:
        listed = read_text_file("installed-files.txt", inside, RECORD_LIMIT)
        if listed is None:
            self._add_top_levels(inside)
            return
        expected: RecordedFile = ("", self.packages[package]["name"], self.packages[package]["version"])
        for line in listed.splitlines():
            path = os.path.normpath(os.path.join(name, line.strip()))
            if "__pycache__/" in path or path.endswith(".pyc") or path in (".", name) or path.startswith(name + "/"):
                continue
            if path.startswith("../"):
                self._add_outside_path(path, expected)
            else:
                self.recorded[path] = expected
                self._owned.add(path.split("/", 1)[0])

    def _add_top_levels(self, inside: int) -> None:
        """Without a record the package's top-level names count as its own, whole."""
        for line in (read_text_file("top_level.txt", inside) or "").split():
            for name in (line, line + ".py", line + ".so"):
                self._owned.add("=" + name)

    def _compare_files(self, handle: int, prefix: str) -> None:
        """Compare what lies in the open directory with what is recorded; only what is not recorded is asked what it is."""
        if time.monotonic() > self._deadline:
            self._complete = False
            self.problems.append({"path": (self.path + "/" + prefix).rstrip("/"), "reason": TIME_BUDGET_EXCEEDED})
            return
        below: List[str] = []
        paths = set(map(prefix.__add__, os.listdir(handle)))
        unknown = paths.difference(self.recorded)
        self._seen |= paths
        for path in sorted(unknown):
            name = path[len(prefix) :]
            if name != "__pycache__" and self._is_directory(handle, name):
                below.append(name)
            elif name != "__pycache__":
                self._add_loose_file(handle, path, name)
        for path in paths - unknown if self.verify else ():
            self._compare_file(handle, path[len(prefix) :], path, self.recorded[path])
        for name in below:
            try:
                inside = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self._add_problem(prefix + name, error)
                continue
            try:
                self._compare_files(inside, prefix + name + "/")
            except OSError as error:
                self._add_problem(prefix + name, error)
            finally:
                os.close(inside)

    def _add_loose_file(self, handle: int, path: str, name: str) -> None:
        self._loose.append(path)
        if name.endswith(".so") or ".so." in name:
            self._read_extension(handle, path, None)

    @staticmethod
    def _is_directory(handle: int, name: str) -> bool:
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _compare_file(self, handle: int, name: str, path: str, expected: RecordedFile) -> None:
        difference = compare_with_record(handle, name, expected[0]) if expected[0] else None
        if difference:
            entry = self._make_entry(path, expected)
            entry.update(difference, version=expected[2])
            self.modified.append(entry)

    def _read_recorded_extensions(self, handle: int) -> None:
        for record in self._records:
            for path in record.extensions:
                if path in self._seen and path in self.recorded:
                    directory, _separator, name = path.rpartition("/")
                    try:
                        inside = open_subdirectory(handle, directory)
                    except OSError as error:
                        self._add_problem(path, error)
                        continue
                    try:
                        self._read_extension(inside, path, self.recorded[path])
                    finally:
                        os.close(inside)

    def _read_extension(self, handle: int, path: str, expected: Optional[RecordedFile]) -> None:
        name = path.rpartition("/")[2]
        self.bundled.add(name)
        # Equal recorded hashes are read once: the same wheel in thirty environments.
        key = expected[0] if expected else ""
        known = _KNOWN_EXTENSIONS.get(key) if key else None
        if known is None:
            try:
                opened = open_file(name, handle)
            except OSError as error:
                self._add_problem(path, error)
                return
            try:
                elf = _elf.read_elf(opened)
            finally:
                os.close(opened)
            if elf is None:
                return
            known = (elf.needed, elf.search)
            if key:
                _KNOWN_EXTENSIONS[key] = known
        self.extensions.append(CompiledExtension(self.relative + "/" + path, *known))

    def _group_unmanaged(self, handle: int) -> None:
        """Group the files in no RECORD: a directory that no package owns counts once."""
        groups: Dict[str, List[str]] = {}
        if any("/" in path and not METADATA_SUFFIX.search(path.partition("/")[0]) for path in self._loose):
            self._owned.update(path.partition("/")[0] for path in self.recorded if "/" in path)
        for path in self._loose:
            top, separator, _rest = path.partition("/")
            if (
                METADATA_SUFFIX.search(top)
                or "=" + top in self._owned
                or (path.endswith(".pyc") and _path_exists(handle, path[:-1]))
            ):
                continue
            groups.setdefault(top + "/" if separator and top not in self._owned else path, []).append(path)
        for name, paths in sorted(groups.items()):
            kind = self._detect_kind(handle, name)
            if kind:
                size = sum(_get_size(handle, path) for path in paths)
                self.size += size
                self.unmanaged.append(
                    {"path": self.relative + "/" + name, "kind": kind, "files": len(paths), "size": size}
                )

    def _detect_kind(self, handle: int, name: str) -> Optional[str]:
        if name.endswith(".pth"):
            text = read_text_file(name, handle) or ""
            code = [line for line in text.splitlines() if PTH_CODE_LINE.match(line) and "sys.__plen" not in line]
            if code and tuple(line.strip() for line in code) != KNOWN_PTH_CODE.get(name):
                return "pth-code"
            return None if name in INSTALLER_FILES or name in KNOWN_PTH_CODE else "pth"
        if name in INSTALLER_FILES:
            return None
        if name in ("sitecustomize.py", "usercustomize.py"):
            return name[:-3]
        if name.startswith("~"):
            return "leftover"
        return "module" if name.endswith(("/", ".py", ".so", ".pyc")) else "file"


_KNOWN_EXTENSIONS: Dict[str, Tuple[List[str], List[str]]] = {}


def _path_exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True


def _read_headers(inside: int, name: str) -> str:
    """The metadata file *name*, its headers whole; the description below them is long."""
    for limit in (4096, READ_BLOCK_SIZE):
        text = read_bytes(name, inside, limit).decode("utf-8", "replace")
        if len(text) < limit or "\n\n" in text or "\r\n\r\n" in text:
            break
    return text


def _get_size(directory: int, path: str) -> int:
    try:
        return os.stat(path, dir_fd=directory, follow_symlinks=False).st_size
    except OSError:
        return 0


def _read_direct_url(inside: int) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(read_text_file("direct_url.json", inside) or "null")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _redact_direct_url(direct: Optional[Dict[str, Any]]) -> Optional[str]:
    """The URL of *direct*, without user name and password."""
    url = direct.get("url") if direct else None
    return redact_url(url) if isinstance(url, str) else None


def _read_zipped_metadata(handle: int, name: str) -> str:
    try:
        opened = open_file(name, handle)
        with os.fdopen(opened, "rb") as stream:
            if os.fstat(stream.fileno()).st_size > EGG_LIMIT:
                return ""
            with zipfile.ZipFile(stream) as archive:
                if archive.getinfo("EGG-INFO/PKG-INFO").file_size > READ_BLOCK_SIZE:
                    return ""
                return archive.read("EGG-INFO/PKG-INFO").decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError):
        return ""


def compare_with_record(directory: int, name: str, recorded: str) -> Optional[Dict[str, Any]]:
    """How the file *name* differs from the *recorded* hash (``sha256=…``, PEP 376), with its text if it is text; None if it does not."""
    algorithm, _separator, wanted = recorded.partition("=")
    if algorithm not in ("sha256", "sha384", "sha512"):
        return {"problem": "hash algorithm %s" % algorithm}
    try:
        handle = open_file(name, directory)
    except OSError as error:
        return {"problem": error.strerror or str(error)}
    try:
        digest = hashlib.new(algorithm)
        data = os.read(handle, READ_BLOCK_SIZE)
        first = data
        while data:
            digest.update(data)
            data = os.read(handle, READ_BLOCK_SIZE) if len(data) == READ_BLOCK_SIZE else b""
    finally:
        os.close(handle)
    if base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii") == wanted:
        return None
    return {"recorded": recorded, "text": decode_short_text(first)}


def decode_short_text(data: bytes) -> Optional[str]:
    """*data* as text, if it is text and at most 256 KiB long."""
    if len(data) > TEXT_LIMIT or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
