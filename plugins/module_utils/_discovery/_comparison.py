# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares installed files with their hashes in RECORD (PEP 376)."""

import hashlib
import os
import re
from typing import Any, Dict, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_file
from ansible_collections.oxzep7.python.plugins.module_utils._packages._hashes import (
    HASH_ALGORITHMS,
    compute_record_hash,
    encode_record_digest,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._record import RecordedFile

TEXT_LIMIT = 256 << 10
READ_BLOCK_SIZE = 1 << 20
# A line of a program that installers write for an entry point; a long first line becomes three.
OPTION_OF_LINE = re.compile(r" -\w+\s*$")
GENERATED_LINE = re.compile(
    r"#!.*$|'''exec' .*$|' '''$|# -\*- coding: [\w-]+ -\*-$|import (?:re|sys)$|from [\w.]+ import \w+$|\s*$"
    r"|if __name__ == ['\"]__main__['\"]:$| +(?:el)?if sys\.argv\[0\]\.endswith\(['\"][\w.-]+['\"]\):$"
    r"| +sys\.argv\[0\] = (?:sys\.argv\[0\]\[:-\d+\]|re\.sub\(r['\"][^'\"]*['\"], ['\"]['\"], sys\.argv\[0\]\))$"
    r"| +sys\.argv\[0\] = sys\.argv\[0\]\.removesuffix\(['\"][\w.-]+['\"]\)$| +sys\.exit\([\w.]+\(\)\)$"
)


def compare_with_record(directory: int, name: str, recorded: str) -> Optional[Dict[str, Any]]:
    """How the file *name* in the open *directory* differs from the *recorded* hash; None if it does not.

    Returns ``{recorded, text, size, digest}``, where text is None for a file that is long or no text, or ``{problem}``.
    """
    algorithm, _separator, expected = recorded.partition("=")
    if algorithm not in HASH_ALGORITHMS:
        return {"problem": "hash algorithm %s" % algorithm}
    try:
        handle = open_file(name, directory)
    except OSError as error:
        return {"problem": error.strerror or str(error)}
    try:
        digest = hashlib.new(algorithm)
        data = os.read(handle, READ_BLOCK_SIZE)
        first, size = data, 0
        while data:
            size += len(data)
            digest.update(data)
            data = os.read(handle, READ_BLOCK_SIZE) if len(data) == READ_BLOCK_SIZE else b""
    finally:
        os.close(handle)
    if encode_record_digest(digest.digest()) == expected:
        return None
    return {
        "recorded": recorded,
        "text": decode_short_text(first),
        "size": size,
        "digest": "%s:%s" % (algorithm, digest.hexdigest()),
    }


def compare_with_records(directory: int, name: str, expected: Sequence[RecordedFile]) -> Optional[Dict[str, Any]]:
    """How the file *name* in the open *directory* differs from every record of it, with ``package`` and ``version``.

    None if it is as one of *expected* says, or if one says nothing: several packages may have recorded the same file.
    """
    found: Optional[Dict[str, Any]] = None
    for recorded, package, version in expected:
        difference = compare_with_record(directory, name, recorded) if recorded else None
        if difference is None:
            return None
        found = dict(difference, package=package, version=version)
    return found


def is_generated_program(text: Optional[str]) -> bool:
    """Whether *text* is nothing but what an installer writes for an entry point, with whatever first line."""
    return bool(text and text.startswith("#!") and all(map(GENERATED_LINE.match, text.splitlines())))


def is_rewritten_script(text: Optional[str], recorded: str) -> bool:
    """Whether *text* is the *recorded* file with another first line, as installers write the path of a Python into it.

    pip before 22.2 recorded scripts as they are in the wheel, and pipx adds an option behind the path.
    """
    if not text or not text.startswith("#!"):
        return False
    algorithm, first = recorded.partition("=")[0], text.partition("\n")[0]
    rest = text[len(first) :]
    if algorithm not in HASH_ALGORITHMS:
        return False
    originals = ["#!python", "#!pythonw", OPTION_OF_LINE.sub("", first)]
    return any(compute_record_hash((line + rest).encode("utf-8"), algorithm) == recorded for line in originals)


def decode_short_text(data: bytes) -> Optional[str]:
    """*data* as text, if it is text and at most 256 KiB long."""
    if len(data) > TEXT_LIMIT or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
