# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scans wheels on the controller for uses of removed names: evidence that a version breaks, without an installation."""

from __future__ import annotations

import functools
import hashlib
import json
import pathlib
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins as pins_of
from ansible_collections.oxzep7.python.plugins.module_utils._source import _tree
from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import ScanRequest, scan_application
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, load_releases, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _stdlib_changes
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import Evidence

# Before everything that the table has.
FIRST_VERSION: Minor = (3, 5)
# Seconds that one wheel may take.
SCAN_BUDGET = 300.0
UNPACKED_LIMIT = 1 << 30
MAXIMUM_DETAILS = 3


def scan_wheel(path: pathlib.Path, sha256: str, cache: pathlib.Path) -> dict[str, Any]:
    """The uses of removed names in the wheel *path*: ``uses`` as rows of a source scan, and ``problems``.

    Each wheel is read once. Raises OSError, ValueError.
    """
    known = read_known_scan(sha256, cache)
    if known is not None:
        return known
    newest = max(load_releases())
    with tempfile.TemporaryDirectory(prefix="oxzep7-scan-") as directory:
        _unpack_code(path, pathlib.Path(directory))
        answer = scan_application(
            ScanRequest(path.name, directory, [], []),
            _stdlib_changes.list_watched_names(FIRST_VERSION, newest),
            _stdlib_changes.list_watched_symbols(FIRST_VERSION, newest),
            SCAN_BUDGET,
        )
    found = {"uses": answer["uses"], "problems": answer["problems"]}
    write_private(_get_scan_path(sha256, cache), json.dumps(found))
    # As it is read again.
    return dict(json.loads(json.dumps(found)))


def scan_file(directory: pathlib.Path, name: str) -> list[list[Any]]:
    """The uses of the removed *name* in the files below *directory*, as `find_broken_uses` takes them."""
    answer = scan_application(ScanRequest(directory.name, str(directory), [], []), [name], [], SCAN_BUDGET)
    return [use[1:] for use in answer["uses"]]


def read_known_scan(sha256: str, cache: pathlib.Path) -> dict[str, Any] | None:
    """The scan of the wheel with the hash *sha256*, if this scanner read it before."""
    try:
        return dict(json.loads(_get_scan_path(sha256, cache).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _get_scan_path(sha256: str, cache: pathlib.Path) -> pathlib.Path:
    return cache / "scans" / f"{sha256}-{_hash_scanner()}.json"


@functools.cache
def _hash_scanner() -> str:
    """A hash of the table of changes and of the scanner itself: what either of them found before is not used."""
    digest = hashlib.sha256(_stdlib_changes.CHANGE_TABLE.read_bytes())
    for path in sorted(pathlib.Path(_tree.__file__).parent.glob("_*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _unpack_code(path: pathlib.Path, target: pathlib.Path) -> None:
    """The code in the wheel *path*, below *target*. Raises ValueError for what is no wheel or too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith((".py", ".so"))]
            if sum(member.file_size for member in members) > UNPACKED_LIMIT:
                raise ValueError(f"{path} unpacks to more than {UNPACKED_LIMIT} bytes")
            archive.extractall(target, members)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no wheel: {error}") from None


def list_breakages(scan: Mapping[str, Any], minor: Minor) -> list[tuple[str, bool]]:
    """Uses of the *scan* that *minor* lacks: a sentence with file and line, and whether every import executes it."""
    found = []
    for path in sorted({use[0] for use in scan["uses"]}):
        uses = [use[1:] for use in scan["uses"] if use[0] == path and use[3][0] <= minor[1] < use[3][1]]
        for entry in _stdlib_changes.find_broken_uses(uses, FIRST_VERSION, minor):
            sentence = f"{path}:{entry.line}: {_stdlib_changes.describe_broken_use(entry)}"
            found.append((sentence, entry.on_import and entry.certain))
    return found


def build_scan_evidence(package: str, version: str, python: str, scan: Mapping[str, Any], date: str) -> Evidence:
    """The evidence of a wheel's *scan* on *package* and *python*: it breaks, or no breakage is known."""
    found = list_breakages(scan, parse_version(python)[0])
    met = [text for text, certain in found if certain]
    told = (
        met
        or [text for text, _certain in found]
        or [f"{problem['path']}: {problem['reason']}" for problem in scan["problems"]]
    )
    detail = "; ".join(told[:MAXIMUM_DETAILS]) + (
        f"; and {len(told) - MAXIMUM_DETAILS} more" if len(told) > MAXIMUM_DETAILS else ""
    )
    if not met and found:
        detail = f"when called: {detail}"
    return Evidence(
        package,
        version,
        python,
        "breaks" if met else "unknown",
        "scan",
        date,
        "controller",
        detail or "a scan found nothing that left",
    )


def scan_locks(
    locks: Iterable[tuple[str, str, Sequence[Mapping[str, Any]]]], cache: pathlib.Path, date: str
) -> list[Evidence]:
    """Evidence of all wheels of *locks*: Python, text, and files (name, sha256) of each. Raises OSError, ValueError."""
    from packaging.utils import parse_wheel_filename

    found = {}
    for python, text, files in locks:
        pins = pins_of(text)
        for entry in files:
            name = str(parse_wheel_filename(entry["name"])[0])
            if name in pins:
                scan = scan_wheel(cache / "wheels" / entry["name"], entry["sha256"], cache)
                row = build_scan_evidence(name, pins[name], python, scan, date)
                found[row.build_key()] = row
    return list(found.values())
