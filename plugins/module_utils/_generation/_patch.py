# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies a unified diff to a text: every line of a hunk must exist as it is, though it may have moved."""

import re
from typing import List, NamedTuple, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


class PatchError(CollectionError):
    """A diff that cannot be parsed, or a hunk whose lines are not in the text in exactly one place."""


class _Hunk(NamedTuple):
    """The original index of its first line, and its lines, each kept (`` ``), removed (``-``) or added (``+``)."""

    start: int
    rows: List[Tuple[str, str]]

    def lines_before(self) -> List[str]:
        """Its lines before the change."""
        return [text for mark, text in self.rows if mark != "+"]

    def lines_after(self) -> List[str]:
        """Its lines after the change."""
        return [text for mark, text in self.rows if mark != "-"]

    def apply_to(self, present: List[str], end: str) -> List[str]:
        """Its lines after the change: kept lines as in *present*, added ones with *end*."""
        old = iter(present)
        lines = []
        for mark, text in self.rows:
            line = text + end if mark == "+" else next(old)
            if mark != "-":
                lines.append(line)
        return lines


def _parse_hunks(diff: str) -> List[_Hunk]:
    found: List[_Hunk] = []
    for line in diff.splitlines():
        match = HUNK.match(line)
        if match:
            # A hunk of no lines names the line before it (POSIX diff, "unified format").
            found.append(_Hunk(int(match.group(1)) - (match.group(2) != "0"), []))
        elif found and line[:1] in (" ", "-", "+"):
            found[-1].rows.append((line[0], line[1:]))
        elif found and line:
            raise PatchError("the diff is not complete: %s" % line)
    if not found:
        raise PatchError("the diff has no hunk")
    return found


def _find_hunk_place(lines: List[str], wanted: List[str], near: int, first: int) -> int:
    """The index at or after *first* of the *wanted* lines: *near* if it fits, otherwise the only one; -1 without."""
    if first <= near and lines[near : near + len(wanted)] == wanted and near <= len(lines):
        return near
    places = _find_lines(lines, wanted, first) if wanted else []
    return places[0] if len(places) == 1 else -1


def _find_lines(lines: List[str], wanted: List[str], first: int) -> List[int]:
    """Each index at or after *first* where *wanted* begins."""
    places = range(first, len(lines) - len(wanted) + 1)
    return [place for place in places if lines[place : place + len(wanted)] == wanted]


def apply_patch(text: str, diff: str) -> str:
    """*text* with *diff* applied; unchanged if it has all changes already. Raises PatchError."""
    # Every line keeps its own end; str.splitlines() splits where difflib did.
    whole = text.splitlines(True)
    lines = text.splitlines()
    end = whole[0][len(lines[0]) :] or "\n" if lines else "\n"
    hunks = _parse_hunks(diff)
    result: List[str] = []
    taken = moved = 0
    for number, hunk in enumerate(hunks, 1):
        before = hunk.lines_before()
        at = _find_hunk_place(lines, before, hunk.start + moved, taken)
        if at < 0:
            if _is_applied(lines, hunks):
                return text
            raise PatchError("hunk %d of %d does not apply" % (number, len(hunks)))
        moved = at - hunk.start
        taken, present = at + len(before), whole[taken:at]
        result += present + hunk.apply_to(whole[at:taken], end)
    result += whole[taken:]
    return "".join(_add_ends(result, end))


def _add_ends(lines: List[str], end: str) -> List[str]:
    """*lines* with *end* where one has none; only the last line of a text may have none."""
    ended = [line if line.splitlines() != [line] else line + end for line in lines[:-1]]
    return ended + lines[-1:]


def _is_applied(lines: List[str], hunks: List[_Hunk]) -> bool:
    """Whether every hunk adds lines, and *lines* have them with the lines around them, in order."""
    first = 0
    for hunk in hunks:
        after = hunk.lines_after()
        places = _find_lines(lines, after, first)
        if not places or not set(after) - set(hunk.lines_before()):
            return False
        first = places[0] + len(after)
    return True
