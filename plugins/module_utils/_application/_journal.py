# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the journals of runs, which hold their events."""

import json
import os
from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._names import RUN_ID

# Bytes of a journal that are read; the collection writes far less.
JOURNAL_LIMIT = 16 << 20


def list_runs(root: str) -> List[Dict[str, Any]]:
    """``run``, ``began`` and ``ended`` of every run with a journal below *root*, oldest first."""
    try:
        names = os.listdir(os.path.join(root, "runs"))
    except OSError:
        return []
    found = []
    for name in sorted(names):
        run, extension = os.path.splitext(name)
        events = read_events(root, run) if extension == ".jsonl" and RUN_ID.matches(run) else []
        if events:
            found.append({"run": run, "began": events[0]["time"], "ended": events[-1]["time"]})
    return sorted(found, key=lambda row: row["began"])


def read_events(root: str, run: str) -> List[Dict[str, Any]]:
    """The events of *run*, in order, without an incomplete line of a process that died.

    Raises NameRefusedError.
    """
    try:
        with open(os.path.join(root, "runs", RUN_ID(run) + ".jsonl"), "rb") as stream:
            lines = stream.read(JOURNAL_LIMIT).split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            event = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if isinstance(event, dict) and "time" in event:
            found.append(event)
    return found


def summarize_applications(root: str, run: str) -> List[Dict[str, Any]]:
    """Summaries of the records of all applications.

    Each holds ``name``, ``current`` (the live generation), ``python`` (its version), ``open`` (whether a promotion is
    open) and ``history`` (the entries of *run*). Raises ValueError, OSError for an unreadable record.
    """
    found = []
    for name in list_applications(root):
        state = ApplicationState(root, name)
        record = state.read()
        live = find_generation(record, record["current"]) or {}
        found.append(
            {
                "name": name,
                "current": record["current"],
                "python": live.get("python"),
                "open": state.is_open(),
                "history": [entry for entry in record["history"] if entry.get("run") == run],
            }
        )
    return found


def read_run(root: str, run: str) -> Dict[str, Any]:
    """The ``events`` of *run*, none for an empty one, and all ``applications``. Raises ValueError, OSError."""
    return {"events": read_events(root, run) if run else [], "applications": summarize_applications(root, run)}
