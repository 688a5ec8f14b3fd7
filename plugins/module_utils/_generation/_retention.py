# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes generations that are not needed any more."""

import os
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import resolve_builder
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import can_become
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import remove_tree_as
from ansible_collections.oxzep7.python.plugins.module_utils._host._processes import find_mapped_file, list_processes


def list_good_generations(record: Dict[str, Any]) -> List[str]:
    """The identifiers of the generations that were live and good, the newest first, each once."""
    found: List[str] = []
    for entry in reversed(record["history"]):
        if entry["event"] == "promoted":
            found += [name for name in (entry["to"], entry["from"]) if name not in found]
    return found


def find_expendable_generations(record: Dict[str, Any], keep: int, forget_original: bool) -> List[Dict[str, Any]]:
    """Generations that *record* does not need.

    The last *keep* good ones stay, and the original unless *forget_original*.

    The live one always stays. One that was never live stays if it is a later step, and goes if a later minor is live,
    because earlier steps may be built without being promoted.
    """
    good = list_good_generations(record)
    stay = set(good[: max(1, keep)]) | {record["current"]}
    live = next((_parse_minor(entry) for entry in record["generations"] if entry["id"] == record["current"]), ())
    expendable = []
    for entry in record["generations"]:
        passed = entry["id"] in good or () < _parse_minor(entry) < live
        original = entry["origin"] == "adopted" and not forget_original
        if entry["id"] not in stay and passed and not original:
            expendable.append(entry)
    return expendable


def _parse_minor(entry: Dict[str, Any]) -> Tuple[int, ...]:
    """The minor version of a generation, for comparison."""
    return tuple(int(part) for part in str(entry.get("python") or "").split(".")[:2] if part.isdigit())


def _describe_use(path: str) -> Optional[str]:
    """The process that has mapped a file of the tree *path*, so that it must stay; None if there is none."""
    for process in list_processes():
        try:
            mapped = find_mapped_file(process.pid, path)
        except ProcessLookupError:
            # It ended meanwhile.
            continue
        except OSError as error:
            # Root of a container may not read the init that its host made, which is not an application.
            mapped = None if process.pid == 1 else "unreadable files (%s)" % error
        if mapped:
            return "process %d still maps %s" % (process.pid, mapped)
    return None


def prune_generations(
    application: Application,
    state: ApplicationState,
    promoted: Dict[str, Any],
    keep: int,
    forget_original: bool,
    run: str,
    check_mode: bool,
    changes: Changes,
) -> Dict[str, str]:
    """Remove generations that are not needed after the promotion with the result *promoted*.

    Returns those that are in use, with the reason. Only root can read the maps of every process, so other accounts
    remove nothing. Raises LeaseHeldError, IdentityError, OSError.
    """
    if os.geteuid() != 0:
        return {}
    with state.hold_lease(run, only_look=check_mode):
        record = state.read()
        if check_mode and promoted["outcome"] == "promoted":
            entry = {"event": "promoted", "from": promoted["from"], "to": promoted["generation"]}
            record = dict(record, current=promoted["generation"], history=record["history"] + [entry])
        kept = {}
        for generation in find_expendable_generations(record, keep, forget_original):
            reason = _describe_use(generation["path"])
            if reason:
                kept[generation["id"]] = reason
                continue
            changes.add(
                "remove generation %s of %s" % (generation["id"], application.name),
                generation["path"],
                generation["id"],
                None,
            )
            if not check_mode:
                record = _remove_generation(application, state, record, generation)
                state.append_event(run, "generation removed", generation=generation["id"])
        return kept


def _remove_generation(
    application: Application, state: ApplicationState, record: Dict[str, Any], generation: Dict[str, Any]
) -> Dict[str, Any]:
    """Remove *generation* and its tree; returns the record without it.

    A process that dies meanwhile leaves an incomplete generation, which the next build removes.
    """
    owner = resolve_builder(application)
    if not can_become(owner):
        return record
    generation["complete"] = False
    state.write(record)
    remove_tree_as(owner, generation["path"])
    record = dict(record, generations=[entry for entry in record["generations"] if entry["id"] != generation["id"]])
    state.write(record)
    return record
