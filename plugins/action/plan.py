# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the plan on the controller, once for all hosts."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import Activity
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, format_json, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import (
    format_minor,
    get_today,
    parse_version,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import DownloadError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup as _planning
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import (
    Evidence,
    build_matrix,
    read_evidence,
    record_evidence,
    write_matrix,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import read_constraints
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._document import (
    Plan,
    describe_blocked,
    list_blocked_rows,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    CopiesNeededError,
    PlanError,
    WheelsNeededError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost, build_planned_host
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._proofs import (
    collect_proofs,
    find_release_facts,
    merge_facts,
    select_missing_facts,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._scanning import scan_locks
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _plan_groups
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan import format_plan_markdown, render_plan_page
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._training import format_training_markdown
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _policy as _rollout
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import Selection
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._strategy import check_strategy
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import WavePolicy


class ActionModule(CollectionAction):
    """Read what host_info returned for each host, plan, and write the plan directory."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution. In check mode the plan is written to the cache directory only."""
        with Activity("plan", self._display.display):
            return self._make_plan(given, task_vars)

    def _make_plan(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        tried = {"copied": given["copied"], "built": given["built"]}
        result: dict[str, Any] = {"changed": False, "needs": [], "packages": {}, **tried}
        missing = "" if given["target"] else "oxzep7_target is not set; set it to a version, such as 3.11"
        problem = check_strategy(self._task) or missing
        if problem:
            raise ActionFailedError(problem, **result)
        try:
            review = read_reviewed_plan(expand_path(given["plan_dir"]) / "plan.json", given["plan_id"])
            hosts, unknown = self._collect_hosts(task_vars, given)
            parts = _planning.build_tools(given, [entry for host in hosts for entry in host.interpreters])
            _planning.note_installed_uses(hosts, parts, given)
            plan = _planning.build_planner(given, parts, review).plan(hosts)
            plan.document["unknown"] = unknown
            declared = {host.name: _list_declarations(host) for host in hosts}
            rules = _build_wave_rules(given, task_vars, declared, unknown, list_blocked_rows(plan.document))
            cut = self._cut_waves(plan, declared, {host.name: host.criticality for host in hosts}, rules, given)
        except CopiesNeededError as error:
            result.update(packages=error.wanted)
            return result
        except WheelsNeededError as error:
            result.update(needs=error.wanted)
            return result
        except (CollectionError, ValueError) as error:
            raise ActionFailedError(str(error), **result) from None
        blocked = plan.list_blocked()
        result.update(
            target=plan.document["target"],
            findings=plan.document["findings"],
            id=plan.identifier,
            steps=plan.count_steps(),
            blocked=blocked,
            blocked_lines=describe_blocked(blocked),
            unknown=unknown,
            waves=cut,
            population=rules.population,
            wave_table=_rollout.format_wave_table(cut),
            placed=_rollout.list_host_waves(cut),
            rehearse=plan.representatives,
        )
        if plan.identifier:
            # A reviewed plan stays in the plan directory, even if only a part of it remains.
            aside = self._task.check_mode or given["plan_id"]
            directory = parts.cache / "plans" / plan.document["id"] if aside else expand_path(given["plan_dir"])
            write_plan_locks(plan, directory)
            seen = []
            if given["scan_wheels"]:
                seen = self._scan_wheels(plan, parts, directory)
            result.update(
                self._publish_plan(plan, given, directory, seen, parts.index), scanned=_describe_breakages(seen)
            )
        else:
            result.update(directory=None)
        self._show_warnings(result, plan.document)
        return result

    def _show_warnings(self, result: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        for line in _plan_groups.list_stays(document):
            self._display.display(line)
        for entry in result["findings"]:
            self._display.warning(f"{entry['detail']} ({entry['key']}); {entry['remediation']}")
        for host in result["unknown"]:
            self._display.warning(f"{host} has no inventory, or was lost since; it is unknown to this plan")
        for line in result["blocked_lines"]:
            self._display.warning(f"blocked: {line}")

    @staticmethod
    def _cut_waves(
        plan: Plan,
        declared: Mapping[str, list[Mapping[str, Any]]],
        criticalities: Mapping[str, str],
        rules: WavePolicy,
        given: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        """The waves of *plan*, described, which its document has by their hosts. Raises ValueError."""
        cut = _rollout.cut_plan_waves(plan.document, declared, criticalities, rules)
        plan.document["waves"] = cut
        known = _rollout.read_step_durations(expand_path(given["report_dir"]) if given["report_dir"] else None)
        return _rollout.describe_waves(
            cut,
            _rollout.list_plan_work(plan.document, given["promote"]),
            known,
            int(context.CLIARGS.get("forks") or 5),
            given["stability_window"],
        )

    def _scan_wheels(self, plan: Plan, parts: _planning.PlanningTools, directory: pathlib.Path) -> list[Evidence]:
        """The evidence of a scan of the wheels of all locks; a warning for those that cannot be downloaded or read."""
        pythons = {}
        for part in plan.document["hosts"].values():
            for application in part["applications"]:
                for step in application["steps"]:
                    pythons[step["lock"]] = format_minor(parse_version(step["to"])[0])
        read = []
        for lock, python in sorted(pythons.items()):
            try:
                files = parts.store.fetch_lock(directory / "locks" / f"{lock}.txt", lock)
                read.append((python, plan.locks[lock], files))
            except (DownloadError, OSError) as error:
                self._display.warning(f"the wheels of lock {lock[:12]} are not scanned: {error}")
        try:
            return scan_locks(read, parts.cache, get_today().isoformat())
        except (OSError, ValueError) as error:
            self._display.warning(f"wheels are not scanned: {error}")
            return []

    def _collect_release_facts(
        self, plan: Plan, before: str, index: PackageIndex
    ) -> dict[str, dict[str, Mapping[str, Any]]]:
        """What is known of the releases in *plan*: from the earlier plan *before*, of others from the *index*."""
        try:
            known = json.loads(before)["released"] if before else {}
        except (ValueError, KeyError, TypeError):
            known = {}
        texts = list(plan.locks.values())
        try:
            found = find_release_facts(index, select_missing_facts(texts, known))
        except CollectionError as error:
            self._display.warning(f"the ages of packages are unknown: {error}")
            found = {}
        return merge_facts(texts, known, found)

    def _publish_plan(
        self,
        plan: Plan,
        given: Mapping[str, Any],
        directory: pathlib.Path,
        seen: list[Evidence],
        index: PackageIndex,
    ) -> dict[str, Any]:
        published = expand_path(given["plan_dir"]) / "plan.json"
        old = published.with_name("plan.md")
        before = published.read_text(encoding="utf-8") if published.exists() else ""
        readable_before = old.read_text(encoding="utf-8") if old.exists() else ""
        plan.document["released"] = self._collect_release_facts(plan, before, index)
        write_plan(plan, directory, [*read_evidence(expand_path(given["plan_dir"]) / "evidence.json"), *seen])
        if seen and not self._task.check_mode:
            record_evidence(expand_path(given["plan_dir"]) / "evidence.json", seen)
        result: dict[str, Any] = {
            "directory": str(directory),
            "path": str(directory / "plan.md"),
            "changed": not given["plan_id"] and before != format_json(plan.document),
        }
        if result["changed"]:
            result["diff"] = {
                "before": readable_before,
                "after": format_plan_markdown(plan.document),
                "before_header": str(old),
                "after_header": str(old),
            }
        return result

    def _collect_hosts(
        self, task_vars: Mapping[str, Any], given: Mapping[str, Any]
    ) -> tuple[list[PlannedHost], list[str]]:
        learned = read_constraints(expand_path(given["plan_dir"]))
        there = set(map(str, task_vars["ansible_play_hosts"]))
        hosts, unknown = [], []
        for name in map(str, task_vars["ansible_play_hosts_all"]):
            lost = given["refusals"] and name not in there
            host = None if lost else build_planned_host(name, task_vars["hostvars"][name], given, learned)
            if host is None:
                unknown.append(name)
            else:
                hosts.append(host)
        return hosts, unknown


def _list_declarations(host: PlannedHost) -> list[Mapping[str, Any]]:
    return [application["declared"] or {"name": application["name"]} for application in host.applications]


def _build_wave_rules(
    given: Mapping[str, Any],
    task_vars: Any,
    declared: Mapping[str, list[Mapping[str, Any]]],
    unknown: list[str],
    blocked: list[dict[str, str]],
) -> WavePolicy:
    """The policy of the waves: *unknown* hosts have their applications, too, and may be without them.

    Hosts may be without what is *blocked* because it is down, as well.
    """
    everywhere = {**declared}
    selection = Selection.from_options(given)
    for name in unknown:
        everywhere[name] = selection.choose(_rollout.list_declared_applications(task_vars["hostvars"][name]))
    return _rollout.build_wave_policy(given, task_vars.get("groups") or {}, everywhere, unknown, blocked)


def _describe_breakages(seen: list[Evidence]) -> list[str]:
    broken = [row for row in seen if row.state == "breaks"]
    return [f"{row.package} {row.version} on Python {row.python}: {row.detail}" for row in broken]


def read_reviewed_plan(path: pathlib.Path, identifier: str | None) -> dict[str, Any] | None:
    """The document of the plan called *identifier* in *path*; None without an identifier.

    Raises PlanError unless that plan is there.
    """
    if not identifier:
        return None
    try:
        reviewed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = reviewed["id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanError(
            f"oxzep7_plan_id is {identifier}, but {path} cannot be read: {error}; run oxzep7.python.plan and review it"
        ) from None
    if found != identifier:
        raise PlanError(
            f"oxzep7_plan_id is {identifier}, but {path} is plan {found}; review that one, or restore the reviewed plan"
        )
    return reviewed


def write_plan_locks(plan: Plan, directory: pathlib.Path) -> None:
    """Write the locks of *plan* to *directory*, before anything that names them. Raises OSError."""
    for identifier, text in plan.locks.items():
        path = directory / "locks" / f"{identifier}.txt"
        if not path.exists():
            write_private(path, text)


def write_plan(plan: Plan, directory: pathlib.Path, evidence: list[Evidence]) -> None:
    """Write *plan*, whose locks are there, and its matrix with *evidence* to *directory*, ``plan.json`` last.

    Raises OSError.
    """
    plan.document["proofs"] = collect_proofs(plan.document, plan.locks, evidence, plan.document.get("released") or {})
    table = build_matrix(plan.document, plan.locks, evidence, get_today())
    write_matrix(directory, table)
    write_private(directory / "training.md", format_training_markdown(plan.document))
    write_private(directory / "plan.html", render_plan_page(plan.document, table))
    write_private(directory / "plan.md", format_plan_markdown(plan.document))
    write_private(directory / "plan.json", format_json(plan.document))
