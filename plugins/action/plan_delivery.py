# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivers a host's part of the plan to the host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._order import order_applications
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, format_json
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._policy import (
    EACH_STEP,
    list_declared_applications,
)


class ActionModule(CollectionAction):
    """Read the part of the host on the controller, and have the module store it."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the module once, or not at all where the host has the plan; ``steps`` lists the steps of the host."""
        directory = expand_path(given["plan_dir"])
        host = task_vars["inventory_hostname"]
        try:
            part = json.loads((directory / "plan.json").read_text(encoding="utf-8"))["hosts"][host]
            names = sorted({step["lock"] for application in part["applications"] for step in application["steps"]})
            locks = {name: (directory / "locks" / f"{name}.txt").read_text(encoding="utf-8") for name in names}
        except (OSError, ValueError, KeyError) as error:
            raise ActionFailedError(
                f"{directory} has no usable plan for {host} ({type(error).__name__}: {error}); plan again"
            ) from None
        arguments = {**self.list_arguments(), "known": {}, "plan": format_json(part), "locks": locks}
        known = given["known"]
        if known.get("plan") == hashlib.sha256(arguments["plan"].encode()).hexdigest() and set(names) <= set(
            known.get("locks") or []
        ):
            result: dict[str, Any] = {
                "changed": False,
                "path": f"{given['state_dir']}/plan.json",
                "actions": [],
                "diff": {"before": {}, "after": {}},
            }
        else:
            result = self.run_module(arguments, task_vars)
        declared = list_declared_applications(task_vars["hostvars"][host])
        order = order_applications(declared)
        result["after"] = {str(entry["name"]): list(entry["after"]) for entry in declared if entry.get("after")}
        result["blocked"] = [application["name"] for application in part["applications"] if application.get("blocked")]
        result["steps"] = []
        for application in sort_planned_applications(part["applications"], order):
            result["steps"] += [_build_step_entry(application, step, given["promote"]) for step in application["steps"]]
        return result


def sort_planned_applications(applications: Sequence[dict[str, Any]], order: Sequence[str]) -> list[dict[str, Any]]:
    """*applications* of a plan in *order*; those that are not declared any more come last."""
    ranks = {name: number for number, name in enumerate(order)}
    return sorted(applications, key=lambda entry: ranks.get(entry["name"], len(ranks)))


def _build_step_entry(application: dict[str, Any], step: dict[str, Any], promote: str) -> dict[str, Any]:
    """One planned step, as the role step uses it."""
    chosen = {key: step[key] for key in ("from", "to", "lock", "interpreter")}
    return {
        "application": application["name"],
        "label": f"{application['name']} {step['from']} -> {step['to']}",
        "cargo": application.get("cargo"),
        "promote": promote == EACH_STEP or step is application["steps"][-1],
        **chosen,
    }
