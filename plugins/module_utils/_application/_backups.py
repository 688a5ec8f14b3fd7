# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The known backups of an application and the results of their last drills, for reports.

They are kept in ``backups.json`` beside the application's record. A backup without a passed drill is unverified.
"""

import os
from typing import Any, Dict, Mapping

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    make_private_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json, write_json

REPORTED_KEYS = ("created", "engine", "generation", "layers", "read_back", "run", "seconds")
ENVIRONMENT_LAYER = "environment"


def get_backups_path(state: ApplicationState) -> str:
    """The path of the file with the known backups."""
    return os.path.join(state.directory, "backups.json")


def read_known_backups(state: ApplicationState) -> Dict[str, Dict[str, Any]]:
    """The facts of each backup by its identifier, with ``drill``, which is None without one.

    Raises ValueError, OSError.
    """
    return dict(read_json(get_backups_path(state)) or {})


def is_verified(entry: Mapping[str, Any]) -> bool:
    """Whether the last drill of the backup with the facts *entry* passed."""
    return bool((entry.get("drill") or {}).get("passed"))


def holds_environment(entry: Mapping[str, Any]) -> bool:
    """Whether the backup with the facts *entry* has a copy of the environment; false if its layers are not known."""
    return ENVIRONMENT_LAYER in (entry.get("layers") or ())


def record_backups(state: ApplicationState, manifests: Mapping[str, Mapping[str, Any]]) -> None:
    """Record the existing backups, whose *manifests* are given by identifier; results of drills are kept.

    The lease must be held. Raises ValueError, OSError.
    """
    known = read_known_backups(state)
    rows: Dict[str, Dict[str, Any]] = {}
    for name, manifest in manifests.items():
        rows[name] = {key: manifest.get(key) for key in REPORTED_KEYS}
        rows[name]["drill"] = known.get(name, {}).get("drill")
    if rows != known:
        write_known_backups(state, rows)


def write_known_backups(state: ApplicationState, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the facts of all backups by *rows*. The lease must be held. Raises OSError."""
    make_private_directory(state.directory)
    write_json(get_backups_path(state), rows)


def record_drill(state: ApplicationState, backup: str, outcome: Mapping[str, Any]) -> None:
    """Record *outcome* as the last drill of *backup*. The lease must be held. Raises ValueError, OSError."""
    known = read_known_backups(state)
    known[backup] = dict(known.get(backup, {}), drill=dict(outcome))
    write_known_backups(state, known)
