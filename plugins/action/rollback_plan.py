# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects the applications and the waves of a rollback on the controller."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible import context
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _policy as _rollout
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._scope import (
    ScopeError,
    order_rollback_waves,
    select_rollback_applications,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import Selection
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._strategy import check_strategy


class ActionModule(CollectionAction):
    """Select the applications of a rollback, and order their hosts as the run did, the last wave first."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution."""
        hosts = [str(name) for name in task_vars["ansible_play_hosts_all"]]
        hostvars = {name: task_vars["hostvars"][name] for name in hosts}
        selection = Selection.from_options(given)
        why = check_strategy(self._task)
        if why:
            raise ActionFailedError(why)
        try:
            known = read_waves(
                expand_path(given["report_dir"]) if given["report_dir"] else None,
                expand_path(given["plan_dir"]),
                given["run"],
                given["wave"],
            )
            meant = select_rollback_applications(
                hostvars, hosts, given["applications"], given["run"], given["wave"], known, selection
            )
            declared = {}
            for name, facts in hostvars.items():
                declared[name] = selection.choose(_rollout.list_declared_applications(facts))
            unknown = [name for name, facts in hostvars.items() if "runs" not in (facts.get("rollback_records") or {})]
            rules = _rollout.build_wave_policy(given, task_vars.get("groups") or {}, declared, unknown)
            own = {name: str(facts.get("oxzep7_criticality") or "") for name, facts in hostvars.items()}
            cut = order_rollback_waves(
                {name: applications for name, applications in meant.items() if applications}, known, own, rules
            )
        except ValueError as error:
            raise ActionFailedError(str(error)) from None
        work = {}
        for name, applications in meant.items():
            work[name] = [_describe_work(entry) for entry in applications]
        waves = _rollout.describe_waves(
            cut, work, {}, int(context.CLIARGS.get("forks") or 5), given["stability_window"]
        )
        return dict(
            applications={name: [entry["application"] for entry in rows] for name, rows in work.items()},
            waves=waves,
            wave_table=_rollout.format_wave_table(waves),
            placed=_rollout.list_host_waves(waves),
            unknown=unknown,
            population=rules.population,
        )


def _describe_work(application: Mapping[str, Any]) -> dict[str, Any]:
    return {"application": application["name"], "steps": 1, "restarts": len(application.get("services") or [])}


def read_waves(report_dir: pathlib.Path | None, plan_dir: pathlib.Path, run: str, wave: int) -> Sequence[Sequence[str]]:
    """Return the waves to go back through: those in the record of *run*, or of the plan in *plan_dir*.

    Without a *wave* and without a record there are none. Raises ScopeError for a plan that cannot be read.
    """
    for path, found in (
        (report_dir / "runs" / run / "run.json" if report_dir and run else None, _read_run_waves),
        (plan_dir / "plan.json", _read_plan_waves),
    ):
        try:
            if path is not None:
                return found(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            if wave and found is _read_plan_waves:
                raise ScopeError(
                    f"{path} has no waves ({type(error).__name__}: {error}); bring the plan that was rolled out"
                ) from None
    return []


def _read_run_waves(document: Mapping[str, Any]) -> list[list[str]]:
    waves = [[str(host) for host in wave["hosts"]] for wave in document["waves"]]
    if not waves:
        raise ValueError("it has no waves")
    return waves


def _read_plan_waves(document: Mapping[str, Any]) -> list[list[str]]:
    return [[str(host) for host in wave] for wave in document["waves"]]
