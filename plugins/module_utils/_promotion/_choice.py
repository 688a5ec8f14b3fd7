# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generation an operator means. Functions of the record only."""

import re
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import generation_of
from ansible_collections.oxzep7.python.plugins.module_utils._errors import GenerationGone, PromotionRefused

PREVIOUS = "previous"
BEFORE = "before:"
DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def _promotions(record: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Every promotion that was committed, oldest first. Raises PromotionRefused without any."""
    found = [entry for entry in record["history"] if entry["event"] == "promoted"]
    if not found or record["current"] is None:
        raise PromotionRefused(
            "no promotion of %s is recorded, so there is no previous generation to go back to" % record["application"]
        )
    return found


def live_at(record: Dict[str, Any], when: str) -> str:
    """The identifier of the generation that was live at *when*: a day (at its end, in UTC) or a moment in the record's own writing."""
    moment = when + "T23:59:59Z" if DAY.match(when) else when
    promotions = _promotions(record)
    earlier = [entry for entry in promotions if entry["time"] <= moment]
    return str(earlier[-1]["to"] if earlier else promotions[0]["from"])


def live_before(record: Dict[str, Any], run: str) -> str:
    """The identifier of the generation that was live before *run* promoted the first. Raises PromotionRefused where it promoted none."""
    of_run = [entry for entry in _promotions(record) if entry["run"] == run]
    if not of_run:
        raise PromotionRefused(
            "run %s promoted nothing of %s; its runs are %s"
            % (run, record["application"], ", ".join(runs_of(record)) or "none")
        )
    return str(of_run[0]["from"])


def runs_of(record: Dict[str, Any]) -> List[str]:
    """The identifiers of the runs that promoted something, oldest first, each once."""
    found: List[str] = []
    for entry in record["history"]:
        if entry["event"] == "promoted" and entry["run"] not in found:
            found.append(entry["run"])
    return found


def choose(record: Dict[str, Any], wanted: str, live: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The generation that *wanted* means: an identifier, ``previous``, a day, a moment, or ``before:`` a run; None when there is nothing left to do.

    Raises PromotionRefused for one that is not there, or not complete.
    """
    if wanted == PREVIOUS:
        last = _promotions(record)[-1]
        if last.get("kind") == "rollback":
            return None
        wanted = last["from"]
    elif wanted.startswith(BEFORE):
        wanted = live_before(record, wanted[len(BEFORE) :])
    elif DAY.match(wanted) or MOMENT.match(wanted):
        wanted = live_at(record, wanted)
    chosen = live if wanted == live["id"] else generation_of(record, wanted)
    if chosen is None:
        raise GenerationGone(
            "application %s has no generation %s; it has %s"
            % (record["application"], wanted, ", ".join(entry["id"] for entry in record["generations"]) or "none"),
            wanted,
        )
    if not chosen.get("complete"):
        raise PromotionRefused(
            "generation %s of %s is not complete; build it again first" % (wanted, record["application"])
        )
    return chosen
