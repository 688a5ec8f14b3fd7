# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an application's backups beside themselves, for reports: which there are, and what the last drill of each has shown.

It is ``backups.json`` beside the application's record. A backup without a drill that passed is unverified.
"""

import os
from typing import Any, Dict, Mapping

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    make_private_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json, write_json

REPORTED_KEYS = ("created", "engine", "generation", "read_back", "run", "seconds")


def _get_history_path(state: ApplicationState) -> str:
    return os.path.join(state.directory, "backups.json")


def read_known_backups(state: ApplicationState) -> Dict[str, Dict[str, Any]]:
    """Each backup by its identifier: what its manifest tells, and ``drill``, or None. Raises ValueError, OSError."""
    return dict(read_json(_get_history_path(state)) or {})


def is_verified(entry: Mapping[str, Any]) -> bool:
    """Whether the backup that *entry* is of was restored, in a drill, and all was well."""
    return bool((entry.get("drill") or {}).get("passed"))


def record_backups(state: ApplicationState, there: Mapping[str, Mapping[str, Any]]) -> None:
    """Have the backups that are *there*, by identifier what their manifests tell; what drills showed of them stays. The lease must be held.

    Raises ValueError, OSError.
    """
    known = read_known_backups(state)
    rows = {
        name: dict({key: about.get(key) for key in REPORTED_KEYS}, drill=known.get(name, {}).get("drill"))
        for name, about in there.items()
    }
    if rows != known:
        make_private_directory(state.directory)
        write_json(_get_history_path(state), rows)


def record_drill(state: ApplicationState, backup: str, outcome: Mapping[str, Any]) -> None:
    """Have *outcome* as the last drill of *backup*. The lease must be held. Raises ValueError, OSError."""
    known = read_known_backups(state)
    known[backup] = dict(known.get(backup, {}), drill=dict(outcome))
    make_private_directory(state.directory)
    write_json(_get_history_path(state), known)
