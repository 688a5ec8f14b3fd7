# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of a package's files: RECORD of a dist-info (PEP 376, PEP 627) and the older formats of an egg-info."""

import csv
import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import get_module_name

REQUIRES_SECTION = re.compile(r"^\[([^:\]]*):?(.*)\]$")


# Recorded hash, and name and version of the package that recorded it.
RecordedFile = Tuple[str, str, Optional[str]]


class _ParsedRecord(NamedTuple):
    """A parsed RECORD: expected files by path, outside paths, extensions, size in bytes and top-level modules."""

    files: Dict[str, RecordedFile]
    outside: List[str]
    extensions: List[str]
    size: int
    modules: List[str]


_KNOWN_RECORDS: Dict[Tuple[bytes, str, Optional[str]], _ParsedRecord] = {}


# Limit of the cache; a row takes about 200 bytes.
KNOWN_ROWS = 100000


def _parse_record(data: bytes, name: str, version: Optional[str]) -> _ParsedRecord:
    """The RECORD *data* of a package, parsed once however many environments have it."""
    key = (data, name, version)
    known = _KNOWN_RECORDS.get(key)
    if known is None:
        paths, hashes, lengths = parse_record_rows(data.decode("utf-8", "surrogateescape"))
        expected = zip(hashes, [name] * len(paths), [version] * len(paths))
        known = _ParsedRecord(
            dict(zip(paths, expected)),
            sorted({path for path in paths if path.startswith(("/", "../")) or "/../" in path}),
            [path for path in paths if ".so" in path and (path.endswith(".so") or ".so." in path.rpartition("/")[2])],
            sum(map(int, filter(None, lengths))),
            find_top_level_modules(paths),
        )
        if sum(len(record.files) for record in _KNOWN_RECORDS.values()) + len(paths) > KNOWN_ROWS:
            _KNOWN_RECORDS.clear()
        _KNOWN_RECORDS[key] = known
    return known


def find_top_level_modules(paths: List[str]) -> List[str]:
    """The top-level names of a package with these recorded *paths*, sorted."""
    return sorted({name for name in map(get_module_name, paths) if name})


def parse_legacy_requires(text: str) -> List[str]:
    """The requirements in setuptools' ``requires.txt`` in the form of ``Requires-Dist``, sorted."""
    found = []
    suffix = ""
    for line in map(str.strip, text.splitlines()):
        match = REQUIRES_SECTION.match(line)
        if match:
            extra, marker = match.groups()
            parts = ["extra == '%s'" % extra] if extra else []
            parts += ["(%s)" % marker] if marker else []
            suffix = "; " + " and ".join(parts) if parts else ""
        elif line:
            found.append(line + suffix)
    return sorted(found)


def parse_record_rows(text: str) -> Tuple[List[str], List[str], List[str]]:
    """Paths, hashes and lengths in bytes (digits, or empty) in the text of a RECORD; malformed rows are ignored."""
    text = text.replace("\r\n", "\n")
    if not text.endswith("\n"):
        text += "\n"
    if '"' not in text:
        # A host has hundreds of thousands of rows; those without quotes are split without a step for each.
        fields = text[:-1].replace("\n", ",").split(",")
        if len(fields) == 3 * text.count("\n") and "".join(fields[2::3]).isdigit():
            return fields[0::3], fields[1::3], fields[2::3]
    listed = [row for row in csv.reader(text.splitlines()) if len(row) == 3 and row[0]]
    return (
        [row[0] for row in listed],
        [row[1] for row in listed],
        [row[2] if row[2].isdigit() else "" for row in listed],
    )
