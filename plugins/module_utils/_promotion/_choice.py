# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choosing the generation that an operator names, from the record of the application."""

import re
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import find_generation
from ansible_collections.oxzep7.python.plugins.module_utils._errors import GenerationMissingError, PromotionRefused

# One step back; the second is the shorter name of the first.
PREVIOUS_STEP_TARGETS = ("previous_step", "previous")
BEFORE_NEWEST_TARGET = "before_newest_run"
BEFORE_PREFIX = "before:"
ROLLBACK = "rollback"
DAY_PATTERN = re.compile(r"^\d{4}-\d\d-\d\d$")
MOMENT_PATTERN = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def _list_promotions(record: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Return the committed promotions, oldest first. Raises PromotionRefused without any."""
    found = [entry for entry in record["history"] if entry["event"] == "promoted"]
    if not found or record["current"] is None:
        raise PromotionRefused(
            "no promotion of %s is recorded, so there is no previous generation to go back to" % record["application"]
        )
    return found


def find_live_at(record: Dict[str, Any], when: str) -> str:
    """Return the identifier of the generation that was live at *when*.

    *when* is a day (its end in UTC) or a moment in the form of the record. Raises PromotionRefused.
    """
    moment = when + "T23:59:59Z" if DAY_PATTERN.match(when) else when
    promotions = _list_promotions(record)
    earlier = [entry for entry in promotions if entry["time"] <= moment]
    return str(earlier[-1]["to"] if earlier else promotions[0]["from"])


def find_live_before(record: Dict[str, Any], run: str) -> str:
    """Return the identifier of the generation that was live before the first promotion of *run*.

    Raises PromotionRefused if it promoted none.
    """
    of_run = [entry for entry in _list_promotions(record) if entry["run"] == run]
    if not of_run:
        raise PromotionRefused(
            "run %s promoted nothing of %s; its runs are %s"
            % (run, record["application"], ", ".join(list_promoting_runs(record)) or "none")
        )
    return str(of_run[0]["from"])


def list_promoting_runs(record: Dict[str, Any]) -> List[str]:
    """Return the identifiers of the runs that promoted a generation, oldest first, each once."""
    found: List[str] = []
    for entry in record["history"]:
        if entry["event"] == "promoted" and entry["run"] not in found:
            found.append(entry["run"])
    return found


def find_newest_run(record: Dict[str, Any]) -> str:
    """Return the identifier of the newest run that upgraded. A rollback is none, so that a second one changes nothing.

    Raises PromotionRefused if there is none.
    """
    upgrades = [entry for entry in _list_promotions(record) if entry.get("kind") != ROLLBACK]
    if not upgrades:
        raise PromotionRefused(
            "no run that upgraded %s is recorded, so there is none to roll back" % record["application"],
            "name a generation in oxzep7_generation, or a run in oxzep7_rollback_run",
        )
    return str(upgrades[-1]["run"])


def describe_choice(record: Dict[str, Any], wanted: str) -> str:
    """Return what *wanted* means, in words, for the report; see `choose_generation`."""
    if wanted == BEFORE_NEWEST_TARGET:
        try:
            return "before run %s" % find_newest_run(record)
        except PromotionRefused:
            return "before the newest run"
    if wanted in PREVIOUS_STEP_TARGETS:
        return "one step back"
    if wanted.startswith(BEFORE_PREFIX):
        return "before run %s" % wanted[len(BEFORE_PREFIX) :]
    if DAY_PATTERN.match(wanted) or MOMENT_PATTERN.match(wanted):
        return "as of %s" % wanted
    return "generation %s" % wanted


def choose_generation(record: Dict[str, Any], wanted: str, live: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Return the generation *wanted*, or None if the last promotion was already one step back.

    *wanted* is an identifier, ``before_newest_run``, ``previous_step``, a day, a moment, or ``before:`` and a run.
    *live* is the live generation. Raises GenerationMissingError, and PromotionRefused for an incomplete one.
    """
    if wanted in PREVIOUS_STEP_TARGETS:
        last = _list_promotions(record)[-1]
        if last.get("kind") == ROLLBACK:
            return None
        wanted = last["from"]
    elif wanted == BEFORE_NEWEST_TARGET:
        wanted = find_live_before(record, find_newest_run(record))
    elif wanted.startswith(BEFORE_PREFIX):
        wanted = find_live_before(record, wanted[len(BEFORE_PREFIX) :])
    elif DAY_PATTERN.match(wanted) or MOMENT_PATTERN.match(wanted):
        wanted = find_live_at(record, wanted)
    chosen = live if wanted == live["id"] else find_generation(record, wanted)
    if chosen is None:
        raise GenerationMissingError(
            "application %s has no generation %s; it has %s"
            % (record["application"], wanted, ", ".join(entry["id"] for entry in record["generations"]) or "none"),
            wanted,
        )
    if not chosen.get("complete"):
        raise PromotionRefused(
            "generation %s of %s is not complete; build it again first" % (wanted, record["application"])
        )
    return chosen
