# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the applications of a host stand, by its records alone: nothing is walked, run or asked."""

import os
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._backups import read_known_backups
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    LeaseHeldError,
    find_generation,
    list_applications,
    parse_minor,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json

LAST_KEYS = ("time", "run", "event", "kind", "from", "to", "cause")


def read_status(root: str) -> List[Dict[str, Any]]:
    """A row for each application with a record, or a part of the delivered plan, below *root*, by name.

    Raises ValueError, OSError for a record that cannot be read.
    """
    planned = _read_planned_parts(root)
    names = sorted(set(list_applications(root)) | set(planned))
    return [_describe_application(ApplicationState(root, name), planned.get(name)) for name in names]


def _read_planned_parts(root: str) -> Dict[str, Dict[str, Any]]:
    plan = read_json(os.path.join(root, "plan.json")) or {}
    # An application may have a target of its own.
    return {part["name"]: dict({"target": plan.get("target")}, **part) for part in plan.get("applications", [])}


def _describe_application(state: ApplicationState, planned: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    record = state.read()
    live = find_generation(record, record["current"]) or {}
    part = planned or {}
    python = live.get("python") or part.get("from")
    history = record["history"]
    last = history[-1] if history else None
    return {
        "name": state.name,
        "environment": record.get("live") or part.get("environment"),
        "current": record["current"],
        "python": python,
        "since": _find_begin(history, record["current"]),
        "target": part.get("target"),
        "stay": part.get("stay"),
        "steps": [step["to"] for step in part.get("steps", []) if parse_minor(python) < parse_minor(step["to"])],
        "blocked": list(part.get("blocked", [])),
        "open": state.is_open(),
        "holder": _find_holder(state),
        "last": {key: last.get(key) for key in LAST_KEYS} if last else None,
        "drill": _find_last_drill(read_known_backups(state)),
    }


def _find_begin(history: List[Dict[str, Any]], current: Optional[str]) -> Optional[str]:
    """When the generation *current* became the live one; None where the record does not say."""
    for entry in reversed(history):
        if entry.get("event") == "promoted" and entry.get("to") == current:
            return str(entry["time"])
    return None


def _find_last_drill(backups: Mapping[str, Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    drills = []
    for name, entry in backups.items():
        drill = entry.get("drill")
        if drill:
            drills.append({"backup": name, "time": drill.get("time"), "passed": bool(drill.get("passed"))})
    return max(drills, key=lambda drill: str(drill["time"])) if drills else None


def _find_holder(state: ApplicationState) -> Optional[str]:
    """The run whose process changes the application now; a dead one leaves its lease, which then holds nothing."""
    try:
        with state.hold_lease("status", only_look=True):
            return None
    except LeaseHeldError as error:
        return error.holder.get("run")
