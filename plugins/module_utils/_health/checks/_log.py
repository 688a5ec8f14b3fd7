# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the lines that were logged since the promotion began, in the journal of a unit or in a file."""

import os
import re
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckError,
    CheckKind,
    Verdict,
    validate_pattern,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    call_as_identity,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._journal import flush_journal, read_journal
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_regular_file
from ansible_collections.oxzep7.python.plugins.module_utils._names import SERVICE_NAME

# Bytes of new log that are examined; the newest, if more were logged.
LOG_LIMIT = 1 << 20
CURSOR_PATTERN = re.compile(r"^-- cursor: (\S+)$", re.MULTILINE)


def _read_position(path: str) -> List[int]:
    state = os.stat(path)
    return [state.st_ino, state.st_size]


def _read_appended(path: str, inode: int, size: int) -> str:
    """The text written to *path* since it was the file *inode* of *size* bytes; all of a file that replaced that."""
    with open_regular_file(path) as stream:
        state = os.fstat(stream.fileno())
        begin = size if state.st_ino == inode and state.st_size >= size else 0
        stream.seek(max(begin, state.st_size - LOG_LIMIT))
        return stream.read(LOG_LIMIT).decode("utf-8", "replace")


def _read_cursor() -> Optional[str]:
    """The cursor of the journal's last entry."""
    match = CURSOR_PATTERN.search(read_journal(["--lines=1", "--show-cursor"], LOG_LIMIT).stdout)
    return match.group(1) if match else None


def _read_journal(unit: str, cursor: Optional[str]) -> str:
    """The text that *unit* logged after *cursor*, or since the host was booted. Raises CheckError."""
    start = "--after-cursor=" + cursor if cursor else "--boot"
    flush_journal()
    done = read_journal(["--unit=" + unit, start], LOG_LIMIT)
    if done.rc != 0:
        raise CheckError("the journal cannot be read: %s" % done.last_lines(2))
    return done.stdout


class LogCheck(CheckKind):
    """Searches new log lines."""

    name = "log"
    options = {
        "type": "dict",
        "options": {
            "unit": {"type": SERVICE_NAME},
            "path": {"type": "str"},
            "forbid": {"type": "str"},
            "require": {"type": "str"},
        },
        "required_one_of": [["unit", "path"], ["forbid", "require"]],
        "mutually_exclusive": [["unit", "path"]],
    }
    documentation = """
description: Search the lines that were logged since the promotion began.
type: dict
suboptions:
  unit:
    description: Systemd unit whose journal is searched.
    type: str
  path:
    description: Log file that is searched, read as the application's user.
    type: str
  forbid:
    description: Regular expression that must match no line.
    type: str
  require:
    description: Regular expression that must match.
    type: str
"""

    def validate(self, options: Dict[str, Any]) -> None:
        """Check the regular expressions. Raises ValueError."""
        validate_pattern(options, "forbid")
        validate_pattern(options, "require")

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the new lines are as required; before a promotion, record where the log ends.

        Raises CheckError, IdentityError, OSError.
        """
        # The application's user may have replaced its log by a symlink, so the file is read as that user.
        user = context.identity or get_current_identity()
        unit, path = options.get("unit"), options.get("path")
        if context.before is None:
            measured = {"cursor": _read_cursor()} if unit else {"place": call_as_identity(user, _read_position, path)}
            return Verdict(True, "lines logged from now on are examined", measured)
        if unit:
            text = _read_journal(unit, context.before.get("cursor"))
        else:
            text = str(call_as_identity(user, _read_appended, path, *(context.before.get("place") or [0, 0])))
        return _search_lines(options, text)


def _search_lines(options: Dict[str, Any], text: str) -> Verdict:
    name = options.get("unit") or options["path"]
    if options.get("forbid"):
        for line in text.splitlines():
            if re.search(options["forbid"], line):
                return Verdict(False, "%s logged a line that matches %r: %s" % (name, options["forbid"], line[:300]))
    if options.get("require") and not re.search(options["require"], text, re.MULTILINE):
        return Verdict(False, "%s logged no line that matches %r" % (name, options["require"]))
    return Verdict(True, "%d lines logged since" % text.count("\n"))
