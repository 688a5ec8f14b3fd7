# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps in the plan directory what rehearsals learn, as they learn it; several of them may do so at once."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import Evidence, record_evidence
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import (
    append_constraints,
    read_constraints,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import PlanError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    LearnedConstraint,
    RehearsalResult,
)

EVIDENCE_FILE = "evidence.json"


class PlanDirectoryKeeper:
    """A `ConstraintKeeper` in the files ``constraints.yml`` and ``evidence.json`` of a plan directory.

    ``added`` are the lines that it has added.
    """

    def __init__(self, directory: pathlib.Path, host: str, today: datetime.date, say: Callable[[str], None]) -> None:
        """*say* shows a line."""
        self._directory = directory
        self._host = host
        self._today = today
        self._say = say
        self._known: Sequence[Mapping[str, Any]] = ()
        self._complained = False
        self.added: list[dict[str, str]] = []

    def read(self) -> Sequence[Mapping[str, Any]]:
        """As `ConstraintKeeper.read`. While the file is edited and cannot be read, its last content counts."""
        try:
            self._known = read_constraints(self._directory)
        except PlanError as error:
            if not self._complained:
                self._say(f"{self._host}: {error}; until then its last content counts")
            self._complained = True
        return self._known

    def keep(self, learned: Sequence[LearnedConstraint], minor: Minor) -> None:
        """As `ConstraintKeeper.keep`. Raises OSError, ValueError."""
        added = append_constraints(self._directory, [entry.to_row() for entry in learned])
        self.added += added
        for row in added:
            self._say(f"{self._host}: {row['requirement']} from Python {format_minor(minor)} on: {row['reason']}")
        self._record(Evidence.from_learned(learned, minor, self._host, self._today.isoformat()))

    def keep_result(self, ended: RehearsalResult, minor: Minor) -> None:
        """Keep what the step to *minor* showed at its end. Raises OSError, ValueError."""
        self._record(Evidence.from_rehearsal(ended, minor, self._host, self._today.isoformat()))

    def _record(self, seen: Sequence[Evidence]) -> None:
        if seen:
            record_evidence(self._directory / EVIDENCE_FILE, seen)
