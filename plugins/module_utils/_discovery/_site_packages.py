# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one ``site-packages`` directory: its packages by their metadata, and every file that no package accounts for.

Formats: the database of installed packages (PEP 376, PEP 627, PEP 610), and what setuptools wrote before it.
"""

import base64
import csv
import hashlib
import json
import os
import re
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _elf
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._reading import DIRECTORY, open_file, read_bytes, read_text
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import listable, listing
from ansible_collections.oxzep7.python.plugins.module_utils._generation._lock import normalized

RECORD_LIMIT = 32 << 20
TEXT_LIMIT = 256 << 10
BLOCK = 1 << 20
EGG_LIMIT = 64 << 20
SUFFIX = re.compile(r"\.(?:dist-info|egg-info|egg-link|egg)$")
VERSIONED = re.compile(r"^(.+?)-([^-]+)(?:-py\d.*)?$")
HEADER = re.compile(r"^(Name|Version):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
# A row of RECORD without quotes; the rare one with them is read by csv.
ROW = re.compile(r"^([^,\n\"]+),([^,\n\"]*),(\d*)\r?$", re.MULTILINE)
TOP = re.compile(r"^([^/,\n]+)", re.MULTILINE)
EXECUTES = re.compile(r"^import[ \t]")
# Written by installers themselves, into every environment and into no RECORD.
INSTALLERS_OWN = {"README.txt", "README", "easy-install.pth", "setuptools.pth", "_virtualenv.py", "distutils-precedence.pth"}
KNOWN_CODE = {"_virtualenv.pth": ("import _virtualenv",)}
Expected = Tuple[str, str, int]


class Extension(NamedTuple):
    """A compiled extension: path relative to the environment, machine, needed libraries and search paths."""

    path: str
    machine: str
    needed: List[str]
    search: List[str]


class SitePackages:
    """What one such directory holds; filled by `read` and then by `RecordedFiles`."""

    def __init__(self, path: str, relative: str, verify: bool) -> None:
        """*path* of the directory; *relative*: the same from its environment; *verify*: compare content with RECORD, too."""
        self.path = path
        self.relative = relative
        self.verify = verify
        self.packages: List[Dict[str, Any]] = []
        self.recorded: Dict[str, Expected] = {}
        self.elsewhere: Dict[str, Expected] = {}
        self.unmanaged: List[Dict[str, Any]] = []
        self.modified: List[Dict[str, Any]] = []
        self.extensions: List[Extension] = []
        self.bundled: Set[str] = set()
        self.problems: List[Dict[str, str]] = []
        self.size = 0
        self._owned: Set[str] = set()
        self._loose: List[str] = []

    def _problem(self, name: str, error: OSError) -> None:
        self.problems.append({"path": self.path + "/" + name, "reason": error.strerror or str(error)})

    def read(self, handle: int) -> None:
        """Read the open directory *handle*."""
        directories, others = listing(handle)
        for name in sorted(directories):
            if name.endswith((".dist-info", ".egg-info", ".egg")):
                self._metadata_directory(handle, name)
        for name in sorted(others):
            if name.endswith((".egg-info", ".egg-link", ".egg")):
                self._metadata_file(handle, name)
        self._files(handle, "")
        self._classify(handle)

    def missing(self) -> List[Dict[str, Any]]:
        """The recorded files that were not met, inside this directory; call it last."""
        return [self._entry(path, expected) for path, expected in sorted(self.recorded.items())
                if "__pycache__/" not in path and not path.endswith((".pyc", ".pyo", "/"))]

    def _entry(self, path: str, expected: Expected) -> Dict[str, Any]:
        return {"path": self.relative + "/" + path, "package": self.packages[expected[2]]["name"]}

    def _metadata_directory(self, handle: int, name: str) -> None:
        try:
            inside = os.open(name, DIRECTORY, dir_fd=handle)
        except OSError as error:
            self._problem(name, error)
            return
        try:
            if name.endswith(".egg"):
                self._egg_directory(inside, name)
                return
            legacy = name.endswith(".egg-info")
            try:
                headers = read_bytes("PKG-INFO" if legacy else "METADATA", inside).decode("utf-8", "replace")
            except OSError as error:
                self._problem(name, error)
                headers = ""
            direct = _direct_url(inside)
            package = self._add(name, headers, {
                "installer": (read_text("INSTALLER", inside, 256) or "").strip() or None,
                "requested": _exists(inside, "REQUESTED"),
                "editable": bool(direct and isinstance(direct.get("dir_info"), dict) and direct["dir_info"].get("editable")),
                "direct_url": _url(direct)})
            if legacy:
                self._legacy_record(inside, name, package)
            else:
                self._record(inside, name, package)
        finally:
            os.close(inside)

    def _metadata_file(self, handle: int, name: str) -> None:
        if name.endswith(".egg-link"):
            target = (read_text(name, handle, 4096) or "").split("\n", 1)[0].strip()
            self._add(name, "", {"installer": "setuptools", "requested": True, "editable": True, "direct_url": target or None})
        elif name.endswith(".egg"):
            self._add(name, _zipped_metadata(handle, name), {"installer": "easy_install"})
            self._owned.add(name)
        else:
            headers = read_text(name, handle)
            self._add(name, headers or "", {"installer": "distutils"})

    def _egg_directory(self, inside: int, name: str) -> None:
        self._owned.add(name)
        try:
            info = os.open("EGG-INFO", DIRECTORY, dir_fd=inside)
        except OSError as error:
            self._problem(name, error)
            return
        try:
            self._add(name, read_text("PKG-INFO", info) or "", {"installer": "easy_install"})
        finally:
            os.close(info)

    def _add(self, name: str, headers: str, known: Dict[str, Any]) -> int:
        """Append the package with the metadata entry *name*; returns its index. Without a name it is called as the entry is."""
        parsed = dict(HEADER.findall(headers.replace("\r\n", "\n").split("\n\n", 1)[0]))
        match = VERSIONED.match(SUFFIX.sub("", name))
        called = parsed.get("Name") or (match.group(1) if match else SUFFIX.sub("", name))
        version = (parsed.get("Version") or (match.group(2) if match else "") or "").strip()
        package = {"name": normalized(called.strip()), "version": version or None, "installer": None, "requested": False, "editable": False,
                   "direct_url": None, "format": name.rpartition(".")[2], "metadata": name, "os_package": None}
        package.update(known)
        if not parsed.get("Name"):
            package["damaged"] = True
        self.packages.append(package)
        return len(self.packages) - 1

    def _record(self, inside: int, name: str, package: int) -> None:
        try:
            data = read_bytes("RECORD", inside, RECORD_LIMIT)
        except OSError:
            self.packages[package]["recorded"] = False
            self._top_levels(inside)
            return
        if len(data) == RECORD_LIMIT:
            self.problems.append({"path": "%s/%s/RECORD" % (self.path, name), "reason": "longer than %d bytes" % RECORD_LIMIT})
        text = data.decode("utf-8", "surrogateescape")
        rows: List[Any] = ROW.findall(text)
        if '"' in text:
            rows += [row for row in csv.reader(line for line in text.splitlines() if '"' in line) if len(row) == 3]
        # Collections of C speed: a host has hundreds of thousands of rows.
        self.size += sum(map(int, filter(str.isdigit, [row[2] for row in rows])))
        self.recorded.update([(row[0], (row[1], row[2], package)) for row in rows])
        self._owned.update(TOP.findall(text))
        if "../" in text or "\n/" in text or text.startswith(("/", "./")) or "\n./" in text:
            for path in {row[0] for row in rows if "../" in row[0] or row[0].startswith(("/", "./"))}:
                self._recorded_outside(path, self.recorded.pop(path))

    def _recorded_outside(self, path: str, expected: Expected) -> None:
        inside = os.path.normpath(os.path.join(self.relative, path))
        root = self.path[:-len(self.relative) - 1]
        if inside.startswith(root + "/"):
            inside = inside[len(root) + 1:]
        if inside.startswith(self.relative + "/"):
            self.recorded[inside[len(self.relative) + 1:]] = expected
        elif not inside.startswith(("/", "../")):
            self.elsewhere[inside] = expected

    def _legacy_record(self, inside: int, name: str, package: int) -> None:
        listed = read_text("installed-files.txt", inside, RECORD_LIMIT)
        if listed is None:
            self._top_levels(inside)
            return
        for line in listed.splitlines():
            path = os.path.normpath(os.path.join(name, line.strip()))
            if "__pycache__/" in path or path.endswith(".pyc") or path in (".", name) or path.startswith(name + "/"):
                continue
            if path.startswith("../"):
                self._recorded_outside(path, ("", "", package))
            else:
                self.recorded[path] = ("", "", package)
                self._owned.add(path.split("/", 1)[0])

    def _top_levels(self, inside: int) -> None:
        """Without a record the package's top-level names count as its own, whole."""
        for line in (read_text("top_level.txt", inside) or "").split():
            for name in (line, line + ".py", line + ".so"):
                self._owned.add("=" + name)

    def _files(self, handle: int, prefix: str) -> None:
        below: List[str] = []
        recorded, loose, verify = self.recorded, self._loose, self.verify
        with os.scandir(listable(handle)) as entries:  # type: ignore[arg-type]
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name != "__pycache__":
                        below.append(name)
                    continue
                path = prefix + name
                expected = recorded.pop(path, None)
                if expected is None:
                    loose.append(path)
                elif verify and expected[0]:
                    self._compare(handle, name, path, expected, entry.is_file(follow_symlinks=False))
                if ".so" in name and (name.endswith(".so") or ".so." in name):
                    self._extension(handle, name, path, expected)
        for name in below:
            try:
                inside = os.open(name, DIRECTORY, dir_fd=handle)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self._problem(prefix + name, error)
                continue
            try:
                self._files(inside, prefix + name + "/")
            except OSError as error:
                self._problem(prefix + name, error)
            finally:
                os.close(inside)

    def _compare(self, handle: int, name: str, path: str, expected: Expected, looked: bool) -> None:
        difference = compare(handle, name, expected[0], looked)
        if difference:
            entry = self._entry(path, expected)
            entry.update(difference, version=self.packages[expected[2]]["version"])
            self.modified.append(entry)

    def _extension(self, handle: int, name: str, path: str, expected: Optional[Expected]) -> None:
        self.bundled.add(name)
        key = (expected[0], expected[1]) if expected and expected[0] else None
        known = _KNOWN_EXTENSIONS.get(key) if key else None
        if known is None:
            try:
                opened = open_file(name, handle)
            except OSError as error:
                self._problem(path, error)
                return
            try:
                elf = _elf.read(opened)
            finally:
                os.close(opened)
            if elf is None:
                return
            known = (elf.machine, elf.needed, elf.search)
            if key:
                _KNOWN_EXTENSIONS[key] = known
        self.extensions.append(Extension(self.relative + "/" + path, *known))

    def _classify(self, handle: int) -> None:
        """Group the files in no RECORD: a directory that no package owns counts once."""
        groups: Dict[str, List[str]] = {}
        for path in self._loose:
            top, separator, _rest = path.partition("/")
            if SUFFIX.search(top) or "=" + top in self._owned or (path.endswith(".pyc") and _exists(handle, path[:-1])):
                continue
            groups.setdefault(top + "/" if separator and top not in self._owned else path, []).append(path)
        for name, paths in sorted(groups.items()):
            kind = self._kind(handle, name)
            if kind:
                size = sum(_size(handle, path) for path in paths)
                self.size += size
                self.unmanaged.append({"path": self.relative + "/" + name, "kind": kind, "files": len(paths), "size": size})

    def _kind(self, handle: int, name: str) -> Optional[str]:
        if name.endswith(".pth"):
            text = read_text(name, handle) or ""
            code = [line for line in text.splitlines() if EXECUTES.match(line) and "sys.__plen" not in line]
            if code and tuple(line.strip() for line in code) != KNOWN_CODE.get(name):
                return "pth-code"
            return None if name in INSTALLERS_OWN or name in KNOWN_CODE else "pth"
        if name in INSTALLERS_OWN:
            return None
        if name in ("sitecustomize.py", "usercustomize.py"):
            return name[:-3]
        if name.startswith("~"):
            return "leftover"
        return "module" if name.endswith(("/", ".py", ".so", ".pyc")) else "file"


# Equal recorded hashes are read once: the same wheel in thirty environments.
_KNOWN_EXTENSIONS: Dict[Tuple[str, str], Tuple[str, List[str], List[str]]] = {}


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True


def _size(directory: int, path: str) -> int:
    try:
        return os.stat(path, dir_fd=directory, follow_symlinks=False).st_size
    except OSError:
        return 0


def _direct_url(inside: int) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(read_text("direct_url.json", inside) or "null")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _url(direct: Optional[Dict[str, Any]]) -> Optional[str]:
    """The URL of *direct*, without user name and password."""
    url = direct.get("url") if direct else None
    return re.sub(r"(://)[^/@]*@", r"\1", url) if isinstance(url, str) else None


def _zipped_metadata(handle: int, name: str) -> str:
    try:
        opened = open_file(name, handle)
        with os.fdopen(opened, "rb") as stream:
            if os.fstat(stream.fileno()).st_size > EGG_LIMIT:
                return ""
            with zipfile.ZipFile(stream) as archive:
                if archive.getinfo("EGG-INFO/PKG-INFO").file_size > BLOCK:
                    return ""
                return archive.read("EGG-INFO/PKG-INFO").decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError):
        return ""


def compare(directory: int, name: str, recorded: str, looked: bool = False) -> Optional[Dict[str, Any]]:
    """How the file *name* differs from the *recorded* hash (``sha256=…``, PEP 376), with its text if it is text; None if it does not.

    *looked*: the caller knows that it is a regular file.
    """
    algorithm, _separator, wanted = recorded.partition("=")
    if algorithm not in ("sha256", "sha384", "sha512"):
        return {"problem": "hash algorithm %s" % algorithm}
    try:
        handle = open_file(name, directory, looked)
    except OSError as error:
        return {"problem": error.strerror or str(error)}
    try:
        digest = hashlib.new(algorithm)
        data = os.read(handle, BLOCK)
        first = data
        while data:
            digest.update(data)
            data = os.read(handle, BLOCK) if len(data) == BLOCK else b""
    finally:
        os.close(handle)
    if base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii") == wanted:
        return None
    return {"recorded": recorded, "text": text_of(first)}


def text_of(data: bytes) -> Optional[str]:
    """*data* as text, if it is text and at most 256 KiB long."""
    if len(data) > TEXT_LIMIT or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
