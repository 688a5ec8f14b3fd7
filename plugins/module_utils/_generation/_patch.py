# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies a unified diff to a text: every line of a hunk must be there as it says, though it may have moved."""

import re
from typing import List, NamedTuple, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


class PatchError(CollectionError):
    """A diff that cannot be read, or a hunk whose lines are not, or not in one place only, in the text; the message says which."""


class _Hunk(NamedTuple):
    """The index at which it once began, and its lines, each with what becomes of it: it stays (`` ``), goes (``-``) or comes (``+``)."""

    start: int
    rows: List[Tuple[str, str]]

    def lines_before(self) -> List[str]:
        """Its lines before the change."""
        return [text for mark, text in self.rows if mark != "+"]

    def lines_after(self) -> List[str]:
        """Its lines after the change."""
        return [text for mark, text in self.rows if mark != "-"]

    def apply_to(self, present: List[str], end: str) -> List[str]:
        """Its lines after the change: those that stay as they are in *present*, the others with *end*."""
        there = iter(present)
        kept = [(mark, text + end if mark == "+" else next(there)) for mark, text in self.rows]
        return [line for mark, line in kept if mark != "-"]


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
    """The index at or after *first* where the *wanted* lines are; *near* if they are there, otherwise the only one. -1 without."""
    if first <= near and lines[near : near + len(wanted)] == wanted and near <= len(lines):
        return near
    places = (
        [index for index in range(first, len(lines) - len(wanted) + 1) if lines[index : index + len(wanted)] == wanted]
        if wanted
        else []
    )
    return places[0] if len(places) == 1 else -1


def apply_patch(text: str, diff: str) -> str:
    """*text* with *diff* applied; as it is where it has all of its changes already. Raises DoesNotApply."""
    # Every line keeps its own end; str.splitlines() also splits where difflib did.
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
    # Only the last line of a text may have no end.
    return "".join([line if line.splitlines() != [line] else line + end for line in result[:-1]] + result[-1:])


def _is_applied(lines: List[str], hunks: List[_Hunk]) -> bool:
    """Whether every hunk has lines that it adds, and *lines* have them with what is around them, in order."""
    first = 0
    for hunk in hunks:
        after = hunk.lines_after()
        at = next(
            (
                index
                for index in range(first, len(lines) - len(after) + 1)
                if lines[index : index + len(after)] == after
            ),
            -1,
        )
        if at < 0 or not set(after) - set(hunk.lines_before()):
            return False
        first = at + len(after)
    return True
