# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was changed in an environment by hand: one list of files, for findings, plans and builds."""

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence

UNMANAGED, MODIFIED, MISSING = "unmanaged", "modified", "missing"
# Leftovers of an interrupted pip, which an environment does not need.
IGNORED_KINDS = ("leftover",)
DIGEST_LENGTH = 12
# The option of an application that decides about these files.
CARRY_ADVICE = "set `carry` of the application to copy, patch or drop"


class LocalChange(NamedTuple):
    """A file that differs from what packages recorded.

    ``change`` is ``unmanaged`` (in no package), ``modified`` or ``missing`` (recorded, and not there). ``kind`` tells
    what an unmanaged file is, and ``problem`` why a modified one was not compared. ``digest`` has its algorithm before
    a colon.
    """

    path: str
    change: str
    kind: str = ""
    package: str = ""
    version: Optional[str] = None
    size: Optional[int] = None
    digest: Optional[str] = None
    diff: Optional[str] = None
    problem: str = ""

    def describe(self) -> str:
        """One line: path, what it is, and how it is recognized."""
        owner = " ".join(filter(None, (self.package, self.version)))
        parts = [self.change + (" " + self.kind if self.kind else ""), owner, self.problem]
        if self.size is not None and self.change != MISSING:
            parts.append("%d bytes" % self.size)
        if self.digest:
            algorithm, _colon, digits = self.digest.partition(":")
            parts.append("%s %s" % (algorithm, digits[:DIGEST_LENGTH]))
        return "%s (%s)" % (self.path, ", ".join(filter(None, parts)))


def list_local_changes(environment: Mapping[str, Any], ignored: Sequence[str] = IGNORED_KINDS) -> List[LocalChange]:
    """The files of *environment*, with ``unmanaged``, ``modified`` and ``missing`` as an inventory has them.

    Unmanaged files of the kinds *ignored* are left out.
    """
    versions = {package["name"]: package.get("version") for package in environment.get("packages") or []}
    found = []
    for entry in environment.get("unmanaged") or []:
        if entry["kind"] not in ignored:
            found.append(
                LocalChange(entry["path"], UNMANAGED, entry["kind"], size=entry.get("size"), digest=entry.get("digest"))
            )
    for entry in environment.get("modified") or []:
        found.append(_read_change(entry, MODIFIED, entry.get("version")))
    for entry in environment.get("missing") or []:
        found.append(_read_change(entry, MISSING, versions.get(entry.get("package"))))
    return found


def _read_change(entry: Mapping[str, Any], change: str, version: Optional[str]) -> LocalChange:
    return LocalChange(
        entry["path"],
        change,
        "",
        entry.get("package") or "",
        version,
        entry.get("size"),
        entry.get("digest"),
        entry.get("diff"),
        entry.get("problem") or "",
    )
