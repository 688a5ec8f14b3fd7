# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a log has after a moment and not before it. Functions of data, without effects.

Lines are compared by their signatures: what remains of them without numbers, addresses, names and quoted values.
"""

import re
from typing import Dict, List, NamedTuple

from ansible_collections.oxzep7.python.plugins.module_utils._cause import MANAGER_LINE

SIGNATURE_LENGTH, MAX_ENTRIES = 200, 30
# How often more often a line must come, and how often at least.
MORE_FACTOR, MORE_COUNT = 3, 10
TROUBLE = re.compile(
    r"\b(?:critical|fatal|error|exception|traceback|failed|failure|warning|denied)\b|\w(?:Error|Warning)\b", re.I
)
REPLACED = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*"), "TIME"),
    (re.compile(r"\b\d{1,2}/\w{3}/\d{4}[:\d]*(?: [+-]\d{4})?"), "TIME"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "ADDRESS"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "ID"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b[0-9a-f]{12,}\b"), "ID"),
    (re.compile(r"\.generations/[^/\s\"']+"), ".generations/ID"),
    (re.compile(r"python\d\.\d+"), "pythonX.Y"),
    (re.compile(r"\d+"), "N"),
)


class LogChange(NamedTuple):
    """A line that is ``new``, ``gone`` or comes ``more often``: its signature, an example, and how often it came."""

    kind: str
    signature: str
    example: str
    before: int
    after: int
    trouble: bool


def make_signature(line: str) -> str:
    """*line* without what differs from one occurrence to the next."""
    for pattern, name in REPLACED:
        line = pattern.sub(name, line)
    return " ".join(line.split())[:SIGNATURE_LENGTH]


def compare_logs(before: str, after: str) -> List[LogChange]:
    """What differs between two logs of the same length of time; trouble first, and then what came most often."""
    counts: List[Dict[str, int]] = []
    examples: Dict[str, str] = {}
    for text in (before, after):
        counted: Dict[str, int] = {}
        for line in text.splitlines():
            if line.strip() and not MANAGER_LINE.match(line):
                signature = make_signature(line)
                counted[signature] = counted.get(signature, 0) + 1
                examples[signature] = line.strip()[:SIGNATURE_LENGTH]
        counts.append(counted)
    found = []
    for signature, example in examples.items():
        first, second = counts[0].get(signature, 0), counts[1].get(signature, 0)
        kind = ""
        if not first:
            kind = "new"
        elif not second:
            kind = "gone"
        elif second >= MORE_COUNT and second >= MORE_FACTOR * first:
            kind = "more often"
        if kind:
            found.append(LogChange(kind, signature, example, first, second, TROUBLE.search(example) is not None))
    found.sort(
        key=lambda one: (not (one.trouble and one.kind != "gone"), one.kind == "gone", -one.after, one.signature)
    )
    return found[:MAX_ENTRIES]
