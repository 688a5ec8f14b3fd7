# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the packages of a ``site-packages`` directory from their metadata, with the files that they recorded.

Formats: the database of installed packages (PEP 376, PEP 627, PEP 610) and the older ones of setuptools.
"""

import json
import os
import re
import zipfile
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import describe_error, list_entries
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    list_names,
    open_directory,
    open_file,
    read_bytes,
    read_text_file,
    resolve_trusted_path,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._duplicates import (
    LEFTOVER_MARK,
    choose_metadata,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import RECORD_LIMIT
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import (
    RecordedFile,
    _parse_record,
    _ParsedRecord,
    parse_legacy_requires,
)

HEADER_SIZES = (4096, 1 << 20)
EGG_LIMIT = 64 << 20
METADATA_SUFFIX = re.compile(r"\.(?:dist-info|egg-info|egg-link|egg)$")
METADATA_DIRECTORIES = (".dist-info", ".egg-info", ".egg")
# An entry without a description and without these is what an installer could not remove.
PACKAGE_EVIDENCE = ("RECORD", "installed-files.txt", "top_level.txt")
METADATA_FILES = (".egg-info", ".egg-link", ".egg")
VERSIONED_NAME = re.compile(r"^(.+?)-([^-]+)(?:-py\d.*)?$")
METADATA_HEADER = re.compile(r"^(Name|Version|Requires-Python):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
REQUIRES_DIST = re.compile(r"^Requires-Dist:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)


class PackageMetadata:
    """The packages of one directory; filled by `read`.

    ``recorded`` are the files inside the directory and ``elsewhere`` those of the environment outside it, by path.
    """

    def __init__(self, path: str, relative: str) -> None:
        """*path* of the directory; *relative*: the same from its environment."""
        self.packages: List[Dict[str, Any]] = []
        self.records: List[_ParsedRecord] = []
        self.recorded: Dict[str, RecordedFile] = {}
        self.elsewhere: Dict[str, List[RecordedFile]] = {}
        # What further packages recorded of files in ``recorded``.
        self.recorded_twice: Dict[str, List[RecordedFile]] = {}
        # Top-level names with files of a package, and those of packages without a record, which own all files below.
        self.owned_names: Set[str] = set()
        self.unrecorded_names: Set[str] = set()
        self.problems: List[Dict[str, str]] = []
        # Metadata that describe no installed package: ``{metadata, reason}``.
        self.stale: List[Dict[str, str]] = []
        self.size = 0
        self._path = path
        self._relative = relative

    def read(self, handle: int) -> None:
        """Read the metadata in the open directory *handle*. Raises OSError."""
        directories, others = map(_sort_without_leftovers, list_entries(handle))
        shadowed = choose_metadata(handle, directories + others)
        for name in sorted(shadowed):
            self.stale.append({"metadata": name, "reason": "the installed files are those of %s" % shadowed[name]})
        for name in directories:
            if name.endswith(METADATA_DIRECTORIES) and name not in shadowed:
                self._read_directory(handle, name)
        for name in others:
            if name.endswith(METADATA_FILES) and name not in shadowed:
                self._read_file(handle, name)

    def _add_problem(self, name: str, error: OSError) -> None:
        self.problems.append(describe_error(self._path + "/" + name, error))

    def _add_package(self, name: str, headers: str, **details: Any) -> Dict[str, Any]:
        package = parse_metadata(name, headers)
        package.update(details)
        self.packages.append(package)
        return package

    def _read_directory(self, handle: int, name: str) -> None:
        try:
            inside = os.open(name, DIRECTORY_FLAGS, dir_fd=handle)
        except OSError as error:
            self._add_problem(name, error)
            return
        try:
            if name.endswith(".egg"):
                self._read_egg_directory(inside, name)
            else:
                self._read_info_directory(inside, name)
        finally:
            os.close(inside)

    def _read_info_directory(self, inside: int, name: str) -> None:
        legacy = name.endswith(".egg-info")
        try:
            headers = _read_headers(inside, "PKG-INFO" if legacy else "METADATA")
        except FileNotFoundError:
            headers = ""
        except OSError as error:
            self._add_problem(name, error)
            headers = ""
        if not headers and not any(path_exists(inside, name) for name in PACKAGE_EVIDENCE):
            self.stale.append({"metadata": name, "reason": "it describes no package"})
            return
        direct = _read_direct_url(inside)
        package = self._add_package(
            name,
            headers,
            installer=(read_text_file("INSTALLER", inside, 256) or "").strip() or None,
            requested=path_exists(inside, "REQUESTED"),
            editable=_is_editable(direct),
            direct_url=_redact_direct_url(direct),
        )
        if legacy:
            package["requires"] = parse_legacy_requires(read_text_file("requires.txt", inside) or "")
            package["modules"] = sorted((read_text_file("top_level.txt", inside) or "").split())
            self._read_legacy_record(inside, name, package)
        else:
            self._read_record(inside, name, package)

    def _read_egg_directory(self, inside: int, name: str) -> None:
        self.owned_names.add(name)
        try:
            info = os.open("EGG-INFO", DIRECTORY_FLAGS, dir_fd=inside)
        except OSError as error:
            self._add_problem(name, error)
            return
        try:
            self._add_package(name, read_text_file("PKG-INFO", info) or "", installer="easy_install")
        finally:
            os.close(info)

    def _read_file(self, handle: int, name: str) -> None:
        if name.endswith(".egg-link"):
            target = (read_text_file(name, handle, 4096) or "").split("\n", 1)[0].strip()
            found = read_developed_metadata(target, METADATA_SUFFIX.sub("", name)) if target.startswith("/") else None
            headers, requires = found or ("", "")
            package = self._add_package(
                name, headers, installer="setuptools", requested=True, editable=True, direct_url=target or None
            )
            package["requires"] = parse_legacy_requires(requires)
        elif name.endswith(".egg"):
            self._add_package(name, _read_zipped_metadata(handle, name), installer="easy_install")
            self.owned_names.add(name)
        else:
            self._add_package(name, read_text_file(name, handle) or "", installer="distutils")

    def _read_record(self, inside: int, name: str, package: Dict[str, Any]) -> None:
        try:
            data = read_bytes("RECORD", inside, RECORD_LIMIT)
        except OSError:
            package["recorded"] = False
            self._add_unrecorded_names(inside)
            return
        if len(data) == RECORD_LIMIT:
            reason = "longer than %d bytes" % RECORD_LIMIT
            self.problems.append({"path": "%s/%s/RECORD" % (self._path, name), "reason": reason})
        record = _parse_record(data, package["name"], package["version"])
        package["modules"] = record.modules
        self.size += record.size
        for path in self.recorded.keys() & record.files.keys():
            self.recorded_twice.setdefault(path, []).append(self.recorded[path])
        self.recorded.update(record.files)
        self.records.append(record)
        for path in record.outside:
            self._add_outside_path(path, self.recorded.pop(path))

    def _add_outside_path(self, path: str, expected: RecordedFile) -> None:
        """Add the recorded file *path*, which leads out of this directory, where it lies in the environment."""
        inside = os.path.normpath(os.path.join(self._relative, path))
        root = self._path[: -len(self._relative) - 1]
        if inside.startswith(root + "/"):
            inside = inside[len(root) + 1 :]
        if inside.startswith(self._relative + "/"):
            self.recorded[inside[len(self._relative) + 1 :]] = expected
        elif not inside.startswith(("/", "../")):
            self.elsewhere.setdefault(inside, []).append(expected)

    def _read_legacy_record(self, inside: int, name: str, package: Dict[str, Any]) -> None:
        text = read_text_file("installed-files.txt", inside, RECORD_LIMIT)
        if text is None:
            self._add_unrecorded_names(inside)
            return
        expected: RecordedFile = ("", package["name"], package["version"])
        for line in text.splitlines():
            path = os.path.normpath(os.path.join(name, line.strip()))
            if "__pycache__/" in path or path.endswith(".pyc") or path in (".", name) or path.startswith(name + "/"):
                continue
            if path.startswith("../"):
                self._add_outside_path(path, expected)
            else:
                self.recorded[path] = expected
                self.owned_names.add(path.split("/", 1)[0])

    def _add_unrecorded_names(self, inside: int) -> None:
        for line in (read_text_file("top_level.txt", inside) or "").split():
            self.unrecorded_names.update((line, line + ".py", line + ".so"))


def _sort_without_leftovers(names: Iterable[str]) -> List[str]:
    return sorted(name for name in names if not name.startswith(LEFTOVER_MARK))


def parse_metadata(name: str, headers: str) -> Dict[str, Any]:
    """The package with the metadata entry *name*. Where *headers* have no name or version, the entry's are used."""
    # A line with a header may follow in the description.
    headers = headers.replace("\r\n", "\n").split("\n\n", 1)[0]
    parsed = dict(METADATA_HEADER.findall(headers))
    stem = METADATA_SUFFIX.sub("", name)
    # The name of a link has no version, and may have hyphens.
    match = None if name.endswith(".egg-link") else VERSIONED_NAME.match(stem)
    called = parsed.get("Name") or (match.group(1) if match else stem)
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
    if not parsed.get("Name"):
        package["damaged"] = True
    return package


def read_developed_metadata(source: str, stem: str) -> Optional[Tuple[str, str]]:
    """The description and the requirements of the package *stem* in its *source*, which setuptools linked; or None."""
    try:
        for name in list_names(source):
            if name.endswith(".egg-info") and normalize_name(name[: -len(".egg-info")]) == normalize_name(stem):
                inside = open_directory(os.path.join(resolve_trusted_path(source), name))
                try:
                    return read_text_file("PKG-INFO", inside) or "", read_text_file("requires.txt", inside) or ""
                finally:
                    os.close(inside)
    except OSError:
        return None
    return None


def path_exists(directory: int, path: str) -> bool:
    """Whether the open *directory* has *path*; a symlink counts as it is."""
    try:
        os.stat(path, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True


def _read_headers(inside: int, name: str) -> str:
    """The beginning of the metadata file *name* with all of its headers; the description after them is long."""
    text = ""
    for limit in HEADER_SIZES:
        text = read_bytes(name, inside, limit).decode("utf-8", "replace")
        if len(text) < limit or "\n\n" in text or "\r\n\r\n" in text:
            break
    return text


def _read_direct_url(inside: int) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(read_text_file("direct_url.json", inside) or "null")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _is_editable(direct: Optional[Dict[str, Any]]) -> bool:
    info = direct.get("dir_info") if direct else None
    return isinstance(info, dict) and bool(info.get("editable"))


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
                if archive.getinfo("EGG-INFO/PKG-INFO").file_size > HEADER_SIZES[-1]:
                    return ""
                return archive.read("EGG-INFO/PKG-INFO").decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError):
        return ""
