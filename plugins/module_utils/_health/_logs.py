# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what was logged since the promotion began: in the journal of a unit, or in a file."""

import os
import re
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._health._where import CheckContext, Verdict
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    call_as_identity,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

JOURNAL_TIMEOUT = 30.0
# Of more than was logged since, the newest counts.
LOG_LIMIT = 1 << 20
CURSOR_PATTERN = re.compile(r"^-- cursor: (\S+)$", re.MULTILINE)


def _read_position(path: str) -> List[int]:
    found = os.stat(path)
    return [found.st_ino, found.st_size]


def _read_appended(path: str, inode: int, size: int) -> str:
    """What was written to *path* since it was the file *inode* of *size* bytes; all of a file that took its place."""
    with open(path, "rb") as stream:
        found = os.fstat(stream.fileno())
        begin = size if found.st_ino == inode and found.st_size >= size else 0
        stream.seek(max(begin, found.st_size - LOG_LIMIT))
        return stream.read(LOG_LIMIT).decode("utf-8", "replace")


def _read_cursor() -> Optional[str]:
    """Where the journal ends now."""
    found = CURSOR_PATTERN.search(
        run_command(
            ["journalctl", "--quiet", "--no-pager", "--lines=1", "--output=cat", "--show-cursor"], JOURNAL_TIMEOUT
        ).stdout
    )
    return found.group(1) if found else None


def _read_journal(unit: str, cursor: Optional[str]) -> str:
    place = ["--after-cursor=" + cursor] if cursor else ["--boot"]
    done = run_command(
        ["journalctl", "--quiet", "--no-pager", "--output=cat", "--unit=" + unit] + place, JOURNAL_TIMEOUT
    )
    if done.rc != 0:
        raise OSError("the journal cannot be read: %s" % done.last_lines(2))
    return done.stdout[-LOG_LIMIT:]


def check_log(options: Dict[str, Any], where: CheckContext) -> Verdict:
    """The verdict about ``log`` *options*; where the log ends is measured. Raises OSError."""
    who = where.identity or get_current_identity()
    if where.before is None:
        # An application's user may have put a symlink where its log is.
        measured = (
            {"cursor": _read_cursor()}
            if options.get("unit")
            else {"place": call_as_identity(who, _read_position, options["path"])}
        )
        return True, "what is logged from now on counts", measured
    if options.get("unit"):
        text = _read_journal(options["unit"], where.before.get("cursor"))
    else:
        text = str(call_as_identity(who, _read_appended, options["path"], *(where.before.get("place") or [0, 0])))
    name = options.get("unit") or options["path"]
    for line in text.splitlines() if options.get("forbid") else []:
        if re.search(options["forbid"], line):
            return False, "%s has logged what matches %r: %s" % (name, options["forbid"], line[:300]), {}
    if options.get("require") and not re.search(options["require"], text, re.MULTILINE):
        return False, "%s has logged nothing that matches %r" % (name, options["require"]), {}
    return True, "%d lines logged since" % text.count("\n"), {}
