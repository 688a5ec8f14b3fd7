# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How plans differ: from each other, and from the one that was reviewed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    BlockedReason,
    BlockedStepError,
    PlanError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names


def describe_drift(reviewed: Mapping[str, Any], plan: Mapping[str, Any], host: str, application: str) -> str:
    """How the environment of *application* on *host* differs from the *reviewed* one; empty if not, or unknown."""
    before, after = (_get_start_pins(document, host, application) for document in (reviewed, plan))
    if before is None or after is None or before == after:
        return ""
    changes = []
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            changes.append(f"{name} {before.get(name) or '(new)'} -> {after.get(name) or '(gone)'}")
    return f"its environment has changed since: {join_names(changes)}"


def _get_start_pins(document: Mapping[str, Any], host: str, application: str) -> Mapping[str, str] | None:
    start = ((document.get("starts") or {}).get(host) or {}).get(application)
    pins: Mapping[str, str] | None = (document.get("pins") or {}).get(start or "")
    return pins


def restrict_to_review(
    reviewed: Mapping[str, Any], target: str, parts: Mapping[str, dict[str, Any]], found: Mapping[str, Any]
) -> None:
    """Leave in *parts*, the part of each host of a plan to *target*, only steps that the document *reviewed* has.

    The others are blocked. *found* has the ``starts`` and ``pins`` of the plan. Raises PlanError for another target.
    """
    if target != reviewed["target"]:
        raise PlanError(
            f"the target is {target}, and {reviewed['target']} was reviewed in the plan {reviewed['id']}; "
            "run oxzep7.python.plan and review it again"
        )
    for name, part in parts.items():
        known = _index_applications(reviewed, name)
        for application in part["applications"]:
            steps, before = application["steps"], known.get(application["name"], {"steps": []})
            count, complete = _count_reviewed_steps(application, before)
            if not steps or (count == len(steps) and (complete or application.get("blocked"))):
                continue
            if complete and before.get("blocked"):
                first = steps[count]
                why = f"the steps from Python {first['from']} on were blocked in the reviewed plan {reviewed['id']}"
            else:
                count, first = 0, steps[0]
                drift = describe_drift(reviewed, found, name, application["name"])
                why = f"its steps are not those of the reviewed plan {reviewed['id']}{'; ' if drift else ''}{drift}"
            reason = BlockedReason.from_error(BlockedStepError("steps-not-reviewed", why), first["from"], first["to"])
            application.update(steps=steps[:count], blocked=[reason.to_row()])
            if not count:
                application.pop("cargo", None)


def _count_reviewed_steps(application: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[int, bool]:
    """How many of the first steps of *application* are those of the reviewed one *before*, and whether up to its end.

    Steps that were taken since are left out.
    """
    steps, known = _select_reviewed_keys(application["steps"]), _select_reviewed_keys(before["steps"])
    if not known:
        return 0, True
    if application["environment"] != before.get("environment") or not steps or steps[0] not in known:
        return 0, False
    rest = known[known.index(steps[0]) :]
    count = sum(1 for _pair in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(steps, rest, strict=False)))
    return count, count == len(rest)


def compare_plans(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each difference between the documents of two plans."""
    found = [f"target: {before['target']} -> {after['target']}"] if before["target"] != after["target"] else []
    for name in sorted({*before["hosts"], *after["hosts"]}):
        sides = [_index_applications(document, name) for document in (before, after)]
        for application in sorted({*sides[0], *sides[1]}):
            rows = [_summarize_application(side.get(application)) for side in sides]
            for key in sorted({*rows[0], *rows[1]}):
                one, other = (side.get(key) for side in rows)
                if one != other:
                    found.append(f"{name}: {application}: {' '.join(key)}: {one or 'nothing'} -> {other or 'nothing'}")
    return found


def _index_applications(document: Mapping[str, Any], host: str) -> dict[str, Mapping[str, Any]]:
    return {entry["name"]: entry for entry in document["hosts"].get(host, {}).get("applications", [])}


def _summarize_application(application: Mapping[str, Any] | None) -> dict[tuple[str, ...], str]:
    """The changes that a plan makes to an application: the interpreter and the lock of each step, and each package."""
    found: dict[tuple[str, ...], str] = {}
    for reason in (application or {}).get("blocked") or []:
        found[("blocked", reason["key"])] = reason["cause"]
    for step in application["steps"] if application else []:
        found[(step["to"], "interpreter")] = step["interpreter"].get("version") or step["interpreter"]["source"]
        found[(step["to"], "lock")] = step["lock"][:12]
        for row in step["changes"]:
            found[(step["to"], row["package"])] = f"{row['from'] or 'new'} to {row['to'] or 'gone'}, {row['reason']}"
    return found


def _select_reviewed_keys(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The keys of *steps* that a review is about."""
    return [{key: step[key] for key in ("from", "to", "lock", "interpreter")} for step in steps]
