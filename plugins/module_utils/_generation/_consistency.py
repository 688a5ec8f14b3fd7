# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether installed packages fit together, by the output of ``pip check`` or ``uv pip check``."""

import re
from typing import Collection, Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

# What pip and uv say of a package, and of what it requires; with ``gone`` that this is not installed.
COMPLAINTS = (
    re.compile(r"^(?P<who>[\w.-]+) \S+ requires (?P<what>[\w.-]+)\S*, which is not (?P<gone>installed)\.$"),
    re.compile(r"^(?P<who>[\w.-]+) \S+ has requirement (?P<what>[\w.-]+).*, but you have .*$"),
    re.compile(r"^(?P<who>[\w.-]+) \S+ is not supported on this platform\.?$"),
    re.compile(
        r"^The package `(?P<who>[\w.-]+)[^`]*` requires `(?P<what>[\w.-]+)[^`]*`, but it's not (?P<gone>installed)$"
    ),
    re.compile(r"^The package `(?P<who>[\w.-]+)[^`]*` requires `(?P<what>[\w.-]+)[^`]*`, but .* is installed$"),
    re.compile(r"^The package `(?P<who>[\w.-]+)[^`]*` requires Python .*$"),
)
PROGRESS = ("Using Python ", "Checked ", "Found ", "No broken requirements", "WARNING: ", "DEPRECATION: ")


class Complaint(NamedTuple):
    """A complaint in any version of the packages: its package, and what that requires, without which it is ``gone``.

    A line that is not understood has the ``text`` alone.
    """

    package: str = ""
    requires: str = ""
    gone: bool = False
    text: str = ""


def _parse_complaint(line: str) -> Complaint:
    for pattern in COMPLAINTS:
        match = pattern.match(line)
        if match:
            found = match.groupdict()
            what = normalize_name(found.get("what") or "")
            return Complaint(normalize_name(found["who"]), what, bool(found.get("gone")))
    return Complaint(text=line)


def parse_complaints(done: CommandResult) -> Dict[Complaint, str]:
    """The complaints of the check *done*, each with its line."""
    found: Dict[Complaint, str] = {}
    for line in (done.stdout + "\n" + done.stderr).splitlines() if done.rc != 0 else ():
        text = line.strip()
        if text and not text.startswith(PROGRESS):
            found.setdefault(_parse_complaint(text), text)
    return found


def find_inconsistencies(
    done: CommandResult, left_out: Collection[str], before: Optional[CommandResult] = None
) -> Dict[Complaint, str]:
    """The complaints of the check *done*, each with its line.

    Without those that one of the packages *left_out* is not installed, and without those of the check *before*.
    """
    known = parse_complaints(before) if before is not None else {}
    accepted = {normalize_name(name) for name in left_out}
    every = parse_complaints(done)
    found: Dict[Complaint, str] = {}
    for complaint, line in every.items():
        if complaint not in known and not (complaint.gone and complaint.requires in accepted):
            found[complaint] = line
    if done.rc != 0 and not every:
        # A check that failed without a word is no proof.
        found[Complaint(text="")] = "the check ended with %d" % done.rc
    return found


def list_inconsistencies(
    done: CommandResult, left_out: Collection[str], before: Optional[CommandResult] = None
) -> List[str]:
    """The lines of `find_inconsistencies`."""
    return list(find_inconsistencies(done, left_out, before).values())
