# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a wheel of an installed package. Nothing is built or run, so a package with compiled code cannot be copied.

Formats: wheels (PEP 427), RECORD (PEP 376), editable installs (PEP 660), ``direct_url.json`` (PEP 610), and setuptools'
``egg-link`` and ``installed-files.txt``. Equal packages give equal wheels, byte for byte.
"""

import base64
import configparser
import hashlib
import io
import json
import os
import re
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Sequence
from urllib.parse import quote, unquote

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import UnsafePathError, read_whole_file
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import find_site_packages
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import (
    parse_legacy_requires,
    parse_record_rows,
)

FILE_LIMIT = 64 << 20
PACKAGE_LIMIT = 128 << 20
# A source directory with more entries is refused.
ENTRY_LIMIT = 200000
WHEEL_METADATA = "Wheel-Version: 1.0\nGenerator: oxzep7.python\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# The earliest time that a zip archive can hold.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
COMPILED = re.compile(r"\.(?:so(?:\.[0-9.]+)?|pyd|dylib)$")
NOT_COPIED = frozenset(
    (
        "METADATA",
        "PKG-INFO",
        "RECORD",
        "INSTALLER",
        "REQUESTED",
        "WHEEL",
        "SOURCES.txt",
        "requires.txt",
        "dependency_links.txt",
        "installed-files.txt",
        "not-zip-safe",
        "zip-safe",
        "direct_url.json",
        "uv_cache.json",
        "uv_build.json",
    )
)
HEADER = re.compile(r"^(Name|Version|Requires-Python):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
REQUIRES = re.compile(r"^Requires-Dist:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)


class CopyError(CollectionError):
    """A package that cannot be copied."""


class CopiedWheel(NamedTuple):
    """A package as a wheel: the wheel's file name and bytes, the version, ``Requires-Dist`` and ``Requires-Python``.

    ``modified`` are its files whose content is not the recorded one.
    """

    wheel: str
    data: bytes
    version: str
    requires: List[str]
    requires_python: Optional[str]
    modified: List[str]


def gather_package_files(environment: str, name: str) -> Dict[str, Any]:
    """The files of the package *name* (normalized) of *environment*, for JSON; ``error`` if it cannot be copied.

    To be called as the account that owns *environment*. Raises OSError.
    """
    try:
        for site in find_site_packages(environment):
            for entry in sorted(os.listdir(site)):
                found = _gather_entry(environment, site, entry, name)
                if found is not None:
                    return found
        raise CopyError("it is not in %s" % environment)
    except CopyError as error:
        return {"error": str(error)}


def _gather_entry(environment: str, site: str, entry: str, name: str) -> Optional[Dict[str, Any]]:
    """The files of the package *name* if *entry* of the directory *site* is its metadata. Raises CopyError, OSError."""
    stem, suffix = os.path.splitext(entry)
    called = stem.split("-")[0] if suffix in (".dist-info", ".egg-info", ".egg") else stem
    if normalize_name(called) != name:
        return None
    if suffix == ".dist-info":
        return _gather_recorded(environment, site, entry)
    if suffix == ".egg-info":
        return _gather_legacy(environment, site, entry)
    if suffix == ".egg-link":
        return _gather_developed(site, entry)
    if suffix == ".egg":
        raise CopyError("it is an egg, which does not record its files")
    return None


def pack_wheel(files: Dict[str, Any]) -> CopiedWheel:
    """The wheel of *files*, a result of `gather_package_files`. Raises CopyError."""
    if "error" in files:
        raise CopyError(files["error"])
    metadata = str(files["metadata"])
    headers = dict(HEADER.findall(metadata.partition("\n\n")[0].replace("\r\n", "\n")))
    if not headers.get("Name") or not headers.get("Version"):
        raise CopyError("its metadata have no name or no version")
    stem = "%s-%s" % (normalize_name(headers["Name"]).replace("-", "_"), headers["Version"].replace("-", "_"))
    info = stem + ".dist-info/"
    content = {}
    for path, data in files["files"].items():
        content[path.replace("{info}", info).replace("{data}", stem + ".data/")] = base64.b64decode(data)
    content[info + "METADATA"] = metadata.encode("utf-8")
    content[info + "WHEEL"] = WHEEL_METADATA.encode("ascii")
    record = ['"%s",sha256=%s,%d' % (path, _encode_digest(data), len(data)) for path, data in sorted(content.items())]
    content[info + "RECORD"] = ("\n".join(record) + "\n%sRECORD,,\n" % info).encode("utf-8")
    out = io.BytesIO()
    # Compressors differ from host to host.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, data in sorted(content.items(), key=lambda item: (item[0].startswith(info), item[0])):
            entry = zipfile.ZipInfo(path, ZIP_TIME)
            entry.external_attr = (0o755 if ".data/scripts/" in path else 0o644) << 16
            archive.writestr(entry, data)
    data = out.getvalue()
    # The same version can be another package elsewhere, so its content is a part of the name.
    wheel = "%s-0_%s-py3-none-any.whl" % (stem, hashlib.sha256(data).hexdigest()[:16])
    return CopiedWheel(
        wheel,
        data,
        headers["Version"],
        sorted(REQUIRES.findall(metadata.partition("\n\n")[0])),
        headers.get("Requires-Python") or None,
        list(files.get("modified") or []),
    )


def _encode_digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode("ascii")


def _read_file(path: str) -> bytes:
    """The content of the regular file *path*. Raises CopyError, OSError."""
    try:
        data = read_whole_file(path, FILE_LIMIT)
    except UnsafePathError as error:
        raise CopyError("%s is %s" % (path, error.strerror))
    if COMPILED.search(path) or data.startswith(b"\x7fELF"):
        raise CopyError("it has compiled code (%s)" % path)
    return data


def _encode_base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _read_text(path: str) -> str:
    try:
        return _read_file(path).decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError:
        return ""


def _list_entry_points(points: str) -> List[str]:
    """The commands that installers create for the text of ``entry_points.txt``. Raises CopyError."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(points)
    except configparser.Error as error:
        raise CopyError("its entry_points.txt cannot be read: %s" % error)
    names: List[str] = []
    for section in ("console_scripts", "gui_scripts"):
        if parser.has_section(section):
            names += map(str.strip, parser.options(section))
    return names


def _collect_files(
    environment: str, site: str, info: str, paths: List[str], metadata: str, hashes: Sequence[str] = ()
) -> Dict[str, Any]:
    """The files at *paths*, relative to *site* and recorded by its entry *info*, placed as in a wheel.

    ``modified`` are those that differ from the recorded *hashes*, as far as these are SHA-256.
    """
    recorded = dict(zip(paths, hashes))
    modified: List[str] = []
    scripts = _list_entry_points(_read_text(os.path.join(site, info, "entry_points.txt")))
    files: Dict[str, str] = {}
    size = 0
    for path in paths:
        inside = os.path.normpath(path)
        if (
            "__pycache__/" in path
            or path.endswith((".pyc", ".pyo", "/"))
            or (inside.startswith(info + "/") and os.path.basename(inside) in NOT_COPIED)
        ):
            continue
        place = _place_in_wheel(environment, site, info, inside, scripts)
        if place is None:
            continue
        try:
            data = _read_file(os.path.join(site, inside))
        except FileNotFoundError:
            raise CopyError("%s, which it records, does not exist" % inside)
        known = recorded.get(path) or ""
        if known.startswith("sha256=") and known != "sha256=" + _encode_digest(data):
            modified.append(inside)
        size += len(data)
        if size > PACKAGE_LIMIT:
            raise CopyError("it is larger than %d bytes" % PACKAGE_LIMIT)
        files[place] = base64.b64encode(_make_portable(data) if place.startswith("{data}scripts/") else data).decode(
            "ascii"
        )
    return {"metadata": metadata, "files": files, "modified": sorted(modified)}


def _place_in_wheel(environment: str, site: str, info: str, inside: str, scripts: List[str]) -> Optional[str]:
    """The place in a wheel of the file *inside*; None for a command that installers create."""
    if inside.startswith(info + "/"):
        return "{info}" + inside[len(info) + 1 :]
    if not inside.startswith(("../", "/")):
        return inside
    real = os.path.normpath(os.path.join(site, inside))
    if not real.startswith(environment.rstrip("/") + "/"):
        raise CopyError("it records %s, which is outside the environment" % real)
    relative = os.path.relpath(real, environment)
    folder, _separator, name = relative.partition("/")
    if folder == "bin":
        return None if name in scripts else "{data}scripts/" + name
    return "{data}data/" + relative


def _make_portable(script: bytes) -> bytes:
    """*script* with a first line that installers replace with the interpreter of the environment."""
    first, newline, rest = script.partition(b"\n")
    return b"#!python" + newline + rest if first.startswith(b"#!") and b"python" in first else script


def _gather_recorded(environment: str, site: str, info: str) -> Dict[str, Any]:
    record = _read_text(os.path.join(site, info, "RECORD"))
    if not record:
        raise CopyError("it has no RECORD of its files")
    direct = _parse_direct_url(_read_text(os.path.join(site, info, "direct_url.json")))
    metadata = _read_text(os.path.join(site, info, "METADATA"))
    paths, hashes, _lengths = parse_record_rows(record)
    found = _collect_files(environment, site, info, paths, metadata, hashes)
    if direct:
        found["files"]["{info}direct_url.json"] = _encode_base64(json.dumps(direct, sort_keys=True) + "\n")
    return found


def _parse_direct_url(text: str) -> Dict[str, Any]:
    """The content of ``direct_url.json`` without credentials.

    Raises CopyError for an editable package with compiled code in its source.
    """
    try:
        direct = json.loads(text or "{}")
        url, editable = str(direct.get("url") or ""), bool((direct.get("dir_info") or {}).get("editable"))
    except (ValueError, AttributeError):
        raise CopyError("its direct_url.json cannot be read")
    if editable and url.startswith("file://"):
        _check_source(unquote(url[len("file://") :]))
    return dict(direct, url=redact_url(url)) if url else {}


def _is_skipped(folder: str, name: str) -> bool:
    """Whether the directory *name* in *folder* does not belong to the source."""
    return name in (".git", "node_modules") or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def _check_source(source: str) -> None:
    """Raise CopyError for a source directory with compiled code or too many entries."""
    count = 0
    for folder, below, names in os.walk(source):
        below[:] = [name for name in below if not _is_skipped(folder, name)]
        count += len(names) + len(below)
        if count > ENTRY_LIMIT:
            raise CopyError("its source %s has more than %d entries" % (source, ENTRY_LIMIT))
        compiled = next((name for name in names if COMPILED.search(name)), None)
        if compiled:
            raise CopyError("it has compiled code (%s)" % os.path.join(folder, compiled))


def _modernize_metadata(information: str, requires: List[str]) -> str:
    """The text of a ``PKG-INFO`` as metadata that includes *requires*."""
    headers, separator, description = information.partition("\n\n")
    headers = re.sub(r"^Metadata-Version:.*$", "Metadata-Version: 2.1", headers, flags=re.MULTILINE).rstrip("\n")
    known = REQUIRES.findall(headers)
    added = ["Requires-Dist: %s" % line for line in requires if not known]
    extras = sorted({match for line in requires if not known for match in re.findall(r"extra == '([^']+)'", line)})
    added += ["Provides-Extra: %s" % extra for extra in extras if "Provides-Extra: %s" % extra not in headers]
    return "\n".join([headers] + added) + (separator + description if separator else "\n")


def _gather_legacy(environment: str, site: str, info: str) -> Dict[str, Any]:
    listed = _read_text(os.path.join(site, info, "installed-files.txt"))
    if not listed:
        raise CopyError("it does not record its files")
    lines = [line.strip() for line in listed.splitlines()]
    paths = [os.path.normpath(os.path.join(info, line)) for line in lines if line not in ("", ".")]
    metadata = _modernize_metadata(
        _read_text(os.path.join(site, info, "PKG-INFO")),
        parse_legacy_requires(_read_text(os.path.join(site, info, "requires.txt"))),
    )
    return _collect_files(environment, site, info, [path for path in paths if path != info], metadata)


def _find_legacy_metadata(source: str, name: str) -> str:
    """The entry of *source* with the metadata of the package *name*. Raises CopyError."""
    for entry in sorted(os.listdir(source)):
        stem, suffix = os.path.splitext(entry)
        if suffix == ".egg-info" and normalize_name(stem) == name:
            return entry
    raise CopyError("%s has no metadata of it" % source)


def _gather_developed(site: str, entry: str) -> Dict[str, Any]:
    """The files of an editable package of setuptools' ``develop``: a path, and metadata beside its source."""
    source = _read_text(os.path.join(site, entry)).split("\n", 1)[0].strip()
    if not os.path.isdir(source):
        raise CopyError("%s names %s, which does not exist" % (os.path.join(site, entry), source or "nothing"))
    name = normalize_name(os.path.splitext(entry)[0])
    info = _find_legacy_metadata(source, name)
    _check_source(source)
    metadata = _modernize_metadata(
        _read_text(os.path.join(source, info, "PKG-INFO")),
        parse_legacy_requires(_read_text(os.path.join(source, info, "requires.txt"))),
    )
    direct = {"dir_info": {"editable": True}, "url": "file://" + quote(source)}
    files = {
        "__editable__.%s.pth" % name.replace("-", "_"): source + "\n",
        "{info}direct_url.json": json.dumps(direct, sort_keys=True) + "\n",
        "{info}entry_points.txt": _read_text(os.path.join(source, info, "entry_points.txt")),
    }
    return {"metadata": metadata, "files": {path: _encode_base64(text) for path, text in files.items() if text}}
