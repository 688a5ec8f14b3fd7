# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How plans differ: from each other, and from the one that was reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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


def compare_with_review(reviewed: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    """How the document *plan* differs from what remains of the document *reviewed*: a line for each application."""
    if plan["target"] != reviewed["target"]:
        return [f"the target is {plan['target']}, and {reviewed['target']} was reviewed"]
    found = []
    for name, part in plan["hosts"].items():
        known = _index_applications(reviewed, name)
        for application in part["applications"]:
            steps = application["steps"]
            before = known.get(application["name"], {"steps": []})
            if steps and (application["environment"], _select_reviewed_keys(steps)) != (
                before.get("environment"),
                _select_reviewed_keys(before["steps"][-len(steps) :]),
            ):
                why = describe_drift(reviewed, plan, name, application["name"])
                found.append(
                    f"{name}: {application['name']}: its steps are not those that were reviewed"
                    + (f"; {why}" if why else "")
                )
    return found


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
    for step in application["steps"] if application else []:
        found[(step["to"], "interpreter")] = step["interpreter"].get("version") or step["interpreter"]["source"]
        found[(step["to"], "lock")] = step["lock"][:12]
        for row in step["changes"]:
            found[(step["to"], row["package"])] = f"{row['from'] or 'new'} to {row['to'] or 'gone'}, {row['reason']}"
    return found


def _select_reviewed_keys(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The keys of *steps* that a review is about."""
    return [{key: step[key] for key in ("from", "to", "lock", "interpreter")} for step in steps]
