# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes generations that are not needed any more."""

import contextlib
import datetime
import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._journal import read_events
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import resolve_builder
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    get_timestamp,
    parse_minor,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._generation._removal import Directories
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import can_become
from ansible_collections.oxzep7.python.plugins.module_utils._host._children import HelperError

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class RetentionPolicy(NamedTuple):
    """How many good generations stay, whether the original may go, and the rollback window of a run in days."""

    keep: int
    forget_original: bool
    window: float


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
    live = next(
        (parse_minor(entry.get("python")) for entry in record["generations"] if entry["id"] == record["current"]), ()
    )
    expendable = []
    for entry in record["generations"]:
        passed = entry["id"] in good or () < parse_minor(entry.get("python")) < live
        original = entry["origin"] == "adopted" and not forget_original
        if entry["id"] not in stay and passed and not original:
            expendable.append(entry)
    return expendable


def find_generations_of_runs(
    record: Dict[str, Any], run: str, ended: Mapping[str, str], policy: RetentionPolicy, now: datetime.datetime
) -> Dict[str, str]:
    """The generations to which a rollback of a run would lead, with the reason, by identifier.

    Those are what each run of *record* started from: of the present *run*, and of every other one until its rollback
    window is over. The window begins with the last that is known of a run, by *record* or in *ended*, which has the
    time of the last event of runs; a time that cannot be read, or lies in the future of *now*, counts as now.
    """
    started: Dict[str, str] = {}
    last: Dict[str, List[str]] = {}
    for entry in record["history"]:
        name = str(entry.get("run"))
        if entry["event"] == "promoted":
            started.setdefault(name, entry["from"])
        last.setdefault(name, [ended[name]] if name in ended else []).append(str(entry.get("time")))
    found = {}
    for name, identifier in started.items():
        if name == run:
            found[identifier] = "run %s started from it" % name
        elif any(is_recent(time, policy.window, now) for time in last[name]):
            found.setdefault(identifier, "run %s started from it, and its rollback window is not over" % name)
    for entry in record["generations"]:
        # The history of a record that was made again from the directories is not known.
        if entry.get("found") and is_recent(str(entry["found"]), policy.window, now):
            found.setdefault(entry["id"], "the record of this host was lost and made again on %s" % entry["found"])
    return found


def is_recent(time: str, days: float, now: datetime.datetime) -> bool:
    """Whether *time*, in the form of the record, is less than *days* ago; true for one that cannot be read."""
    try:
        moment = datetime.datetime.strptime(time, TIME_FORMAT).replace(tzinfo=datetime.timezone.utc)
        return now < moment + datetime.timedelta(days=days)
    except (ValueError, OverflowError):
        return True


def prune_generations(
    application: Application,
    state: ApplicationState,
    promoted: Dict[str, Any],
    policy: RetentionPolicy,
    run: str,
    check_mode: bool,
    changes: Changes,
    warnings: Optional[List[str]] = None,
) -> Dict[str, str]:
    """Remove generations that are not needed after the promotion with the result *promoted*.

    Returns those that stay although the number to keep is exceeded, with the reason; *warnings* gets a sentence for
    each that stays for another reason than the rollback of a run. Only root can examine every process, so other
    accounts remove nothing. Raises LeaseHeldError, IdentityError, OSError.
    """
    if os.geteuid() != 0:
        return {}
    with state.hold_lease(run, only_look=check_mode):
        record = state.read()
        if check_mode and promoted["outcome"] == "promoted":
            entry = {
                "event": "promoted",
                "from": promoted["from"],
                "to": promoted["generation"],
                "run": run,
                "time": get_timestamp(),
            }
            record = dict(record, current=promoted["generation"], history=record["history"] + [entry])
        expendable = find_expendable_generations(record, policy.keep, policy.forget_original)
        if not expendable:
            return {}
        builder = resolve_builder(application)
        if not can_become(builder):
            return {}
        directories = Directories(application, state, builder, run)
        now = datetime.datetime.now(datetime.timezone.utc)
        needed = find_generations_of_runs(record, run, _read_ends(state, record), policy, now)
        kept = {}
        for generation in expendable:
            name, path = generation["id"], generation["path"]
            reason = needed.get(name) or directories.find_reason(path, expendable=True)
            if not reason:
                changes.add("remove generation %s of %s" % (name, application.name), path, name, None)
                if not check_mode:
                    record, reason = _remove_generation(directories, record, generation)
            if reason:
                kept[name] = reason
            if reason and name not in needed and warnings is not None:
                warnings.append("generation %s of %s stays: %s" % (name, application.name, reason))
        return kept


def _read_ends(state: ApplicationState, record: Dict[str, Any]) -> Dict[str, str]:
    """The time of the last event of each run in *record* that has a journal on this host."""
    found = {}
    for name in {str(entry.get("run")) for entry in record["history"]}:
        with contextlib.suppress(ValueError):
            events = read_events(state.root, name)
            if events:
                found[name] = str(events[-1]["time"])
    return found


def _remove_generation(
    directories: Directories, record: Dict[str, Any], generation: Dict[str, Any]
) -> Tuple[Dict[str, Any], Optional[str]]:
    """Remove *generation*; returns the record without it, or the reason for which it could not be removed.

    What a process that dies meanwhile leaves says itself that it is unfinished, and the next build removes it.
    """
    others = [entry for entry in record["generations"] if entry["id"] != generation["id"]]
    following = dict(record, generations=others)
    try:
        if os.path.isdir(generation["path"]):
            directories.begin_removal(generation["path"])
        directories.state.write(following)
    except (HelperError, OSError) as error:
        return record, "it could not be removed: %s" % error
    reason = directories.remove_now(generation["path"])
    if reason is None:
        directories.state.append_event(directories.run, "generation removed", generation=generation["id"])
    return following, reason
