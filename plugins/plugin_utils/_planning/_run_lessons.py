# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failed promotions teach: a constraint where the package at fault is certain, otherwise a row of evidence."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import (
    compute_lock_id,
    parse_pins,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import Evidence
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._explanations import (
    BrokenUser,
    explain_failure,
    find_broken_user,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import LearnedConstraint

RUN = "run"
FAILED_RESULTS = ("reverted", "failed")
# As causes name the file of an exception.
CAUSE_FILE = re.compile(r"\((/[^()]+?), line \d+\)")
# Between an exception and the one that led to it, which comes after.
CAUSED_BY = "; caused by "
# Python cannot compile the file.
UNPARSED = re.compile(r"^(?:SyntaxError|IndentationError|TabError)\b")
SEEN_LENGTH = 1000

# The text of a lock by its identifier; None if it is not known.
LockFinder = Callable[[str], str | None]


@dataclasses.dataclass(frozen=True)
class _Lesson:
    """A failed promotion: the package whose file fails, the new minor, the cause, why it fails, the lock's text."""

    user: BrokenUser
    minor: Minor
    cause: str
    why: str | None
    lock: str


@dataclasses.dataclass(frozen=True)
class RunLessons:
    """What the promotions of a run teach: constraints by the minor from which on they hold, and evidence."""

    learned: tuple[tuple[Minor, LearnedConstraint], ...]
    evidence: tuple[Evidence, ...]


def list_lessons(results: Iterable[Mapping[str, Any]], find_lock: LockFinder, date: str) -> RunLessons:
    """What the failed promotions among *results*, the rows of a run, teach on *date* (ISO 8601).

    Only a row with a lock is one of a step; a rollback has none. A package is certainly at fault where its own file
    uses what the new Python lacks, or is no program for it, and no other promotion of the same lock went well.
    """
    rows = list(results)
    good = set()
    for row in rows:
        if row.get("result") == "promoted" and row.get("lock"):
            good.add(str(row["lock"]))
    learned: dict[str, tuple[Minor, LearnedConstraint]] = {}
    evidence: dict[tuple[str, ...], Evidence] = {}
    for row in rows:
        lesson = _read_lesson(row, find_lock)
        if lesson is None:
            continue
        user, cause = lesson.user, lesson.cause
        lock = compute_lock_id(lesson.lock)
        host, python = str(row["host"]), format_minor(lesson.minor)
        if lesson.why and lock not in good:
            detail = f"{user.package} {user.version} breaks {row['application']} on Python {python}: {lesson.why}"
            requirement = f"{user.package}!={user.version}"
            entry = LearnedConstraint(requirement, f">={python}", detail, RUN, date, host, cause[:SEEN_LENGTH])
            learned.setdefault(requirement, (lesson.minor, entry))
            state = "breaks"
        else:
            detail = f"{row['application']} failed on Python {python} in it, and why is not certain: {cause}"
            state = "unknown"
        found = Evidence(user.package, user.version, python, state, RUN, date, host, detail)
        evidence.setdefault(found.build_key(), found)
    return RunLessons(tuple(learned.values()), tuple(evidence.values()))


def _read_lesson(row: Mapping[str, Any], find_lock: LockFinder) -> _Lesson | None:
    """What a failed promotion shows; None where its cause names no package of its lock."""
    cause = str(row.get("cause") or "")
    if row.get("result") not in FAILED_RESULTS or not (cause and row.get("lock")):
        return None
    before, minor = parse_version(str(row["from"]))[0], parse_version(str(row["to"]))[0]
    text = find_lock(str(row["lock"])) if before < minor else None
    if text is None:
        return None
    pins = parse_pins(text)
    found: _Lesson | None = None
    # The first exception of a chain says most.
    for part in reversed(cause.split(CAUSED_BY)):
        user = find_broken_user(CAUSE_FILE.findall(part)[-1:], map_own_modules(pins), pins)
        why = _explain(part, minor, user) if user else None
        if user and (why or found is None):
            found = _Lesson(user, minor, part, why, text)
        if why:
            break
    return found


def _explain(cause: str, minor: Minor, user: BrokenUser) -> str | None:
    """Why *cause* is the fault of *user* for certain; None where it may be another's."""
    return cause if UNPARSED.match(cause) else explain_failure(cause, minor, user, None)


def map_own_modules(names: Iterable[str]) -> dict[str, str]:
    """Package by module for the modules that packages *names* have by their own name."""
    found = {}
    for name in names:
        found[name.replace("-", "_")] = found[name.replace("-", ".")] = name
    return found
