# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report of a run on the controller, and selects the hosts to roll back."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import (
    expand_path,
    format_json,
    make_file_name,
    write_private,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import get_today, get_utc_timestamp
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import Evidence, update_matrix
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import append_constraints
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._run_lessons import list_lessons
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _record, _run
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record, _ledger
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._policy import list_lost_rows, map_doubtful_hosts
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import limit_interruptions

RUN_SCHEMA = 2


class ActionModule(CollectionAction):
    """Collect the results of the wave that ended, or of all, compare them with the budgets, and write them."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution; nothing is written in check mode."""
        hostvars = task_vars["hostvars"]
        try:
            document = self._build_document(given, hostvars, task_vars.get("ansible_play_hosts") or [])
        except ValueError as error:
            raise ActionFailedError(str(error)) from None
        folder = expand_path(given["report_dir"]) / "runs" / given["run_id"]
        if not self._task.check_mode:
            self._write_run(folder, document, given, hostvars)
        lines = _run.list_off_target(document["ledger"], document["kind"]) if given["final"] else []
        returning = self._select_returning_applications(document, given)
        ended = _ledger.sort_by_urgency([row for row in document["ledger"] if row["wave"] == given["ended"]])
        return dict(
            path=str(folder / "run.json"),
            table=_run.format_step_table(document["results"]),
            results=document["results"],
            ledger=document["ledger"],
            counts=_run.count_outcomes(document["ledger"]),
            closed=document["closed"],
            closed_applications=document["closed_applications"],
            began=document["began"],
            ended=given["ended"],
            summary=_run.format_run_summary(
                document["ledger"],
                lines,
                document["closed"],
                str(folder),
                document["results"],
                document["closed_applications"],
            ),
            failed_hosts=_ledger.list_failed_hosts(ended, document["kind"]),
            failure=_ledger.describe_failures(ended, given["ended"], document["kind"]),
            off_target=lines,
            returning=returning,
            rollback=self._list_returning_hosts(document, given, hostvars, list(returning)),
        )

    def _build_document(
        self, given: Mapping[str, Any], hostvars: Mapping[str, Any], reachable: list[str]
    ) -> dict[str, Any]:
        """The run so far. Raises ValueError for budgets that cannot be read."""
        waves, ended, earlier = given["waves"], given["ended"], given["earlier"]
        document: dict[str, Any] = {
            "schema": RUN_SCHEMA,
            "run": given["run_id"],
            "kind": given["kind"],
            "waves": waves,
            "began": earlier.get("began") or get_utc_timestamp(),
            "ended": get_utc_timestamp() if given["final"] else None,
            "on_failure": given["on_failure"],
            "budget": {
                "per_run": given["max_failed"],
                "per_wave": given["max_failed_per_wave"],
                "counts": given["budget"],
            },
            "blocked": given["blocked"],
            "closed_applications": {},
        }
        if given["plan_dir"]:
            document.update(self._read_plan(expand_path(given["plan_dir"])))
        if not waves and given["hosts"]:
            document.update(self._rebuild_from_hosts(given, hostvars))
            return document
        known = {**(earlier.get("closed_applications") or {}), **given["closed_applications"]}
        fresh = []
        for wave in waves:
            changed = given["final"] or wave["number"] == ended or set(given["again"]) & set(wave["hosts"])
            if changed and wave["number"] <= ended:
                fresh.append(wave)
        again = {host for wave in fresh for host in wave["hosts"]}
        rows = [row for row in earlier.get("ledger") or [] if row["host"] not in again]
        results = [row for row in earlier.get("results") or [] if row["host"] not in again]
        for wave in fresh:
            for row in _run.list_ended_rows(hostvars, wave, reachable, given["kind"], known, given["blocked"]):
                rows.append(row)
                results += _run.list_step_rows(row["host"], hostvars[row["host"]], row)
        closed, known = self._check_budgets(rows, given, known)
        if given["final"]:
            rows += _run.list_skipped_rows(waves, ended, closed, given["kind"], known, given["blocked"])
            rows += _run.list_unreachable_rows(given["unknown"])
            rows += _run.list_blocked_rows([row["host"] for row in rows], given["blocked"], given["kind"])
            told = {row["host"] for row in results}
            results += _run.list_blocked_steps([row for row in rows if row["host"] not in told])
        document.update(
            ledger=rows,
            results=results,
            closed=closed,
            closed_applications=known,
            applications=_run.split_by_application(rows),
        )
        return document

    @staticmethod
    def _check_budgets(
        rows: list[dict[str, Any]], given: Mapping[str, Any], known: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Why no wave may begin any more, and the applications of which no host may, by *rows* and those *known*."""
        budget = _ledger.FailureBudget(given["max_failed"], given["max_failed_per_wave"])
        closed, ended, waves = given["closed"], given["ended"], given["waves"]
        found: dict[str, Any] = dict(known)
        if given["budget"] == _ledger.PER_APPLICATION:
            exhausted = _ledger.check_application_budgets(rows, ended, given["kind"], waves, budget)
            for name, reason in exhausted.items():
                found.setdefault(name, {"wave": ended, "reason": reason})
        elif not closed:
            hosts = sum(len(wave["hosts"]) for wave in waves)
            closed = _ledger.check_failure_budget(rows, ended, given["kind"], hosts, budget.per_run, budget.per_wave)
        return closed, found

    @staticmethod
    def _select_returning_applications(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
        """The applications that are to go back, each with the reason: all that a wave closes for, or those closed."""
        if document["closed"]:
            names = {name for wave in given["waves"] for own in wave["applications"].values() for name in own}
            return dict.fromkeys(sorted(names), document["closed"])
        closed = document["closed_applications"]
        return {name: entry["reason"] for name, entry in sorted(closed.items()) if entry["wave"] == given["ended"]}

    @staticmethod
    def _list_returning_hosts(
        document: Mapping[str, Any], given: Mapping[str, Any], hostvars: Mapping[str, Any], names: list[str]
    ) -> list[list[str]]:
        """The hosts on which applications with one of *names* are to go back; none before any wave."""
        if not names or not given["ended"]:
            return []
        rows = document["ledger"]
        limits = limit_interruptions(
            [row["applications"] for row in rows], given["max_unavailable"], given["population"]
        )
        lost = list_lost_rows(given["unknown"], hostvars)
        return _run.select_rollback_hosts(
            rows,
            document["results"],
            given["ended"],
            given["on_failure"],
            limits,
            lost,
            document["kind"],
            names,
            map_doubtful_hosts(given["blocked"]),
        )

    @staticmethod
    def _rebuild_from_hosts(given: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, Any]:
        """The run from the hosts' own records."""
        records = {host: _get_record(hostvars[host], given["records"]) for host in given["hosts"]}
        ledger, results = _record.rebuild_ledger(records, given["run_id"])
        times = sorted(event["time"] for record in records.values() if record for event in record["events"])
        promoted = []
        for record in records.values():
            if record:
                for application in record["applications"]:
                    for entry in application["history"]:
                        promoted.append(entry)
        kind = (
            _ledger.ROLLBACK
            if promoted and all(entry.get("kind") == _ledger.ROLLBACK for entry in promoted)
            else _ledger.UPGRADE
        )
        return {
            "ledger": ledger,
            "results": results,
            "closed": "",
            "kind": kind,
            "began": times[0] if times else None,
            "ended": times[-1] if times else None,
            "applications": _run.split_by_application(ledger),
        }

    @staticmethod
    def _read_plan(directory: pathlib.Path) -> dict[str, Any]:
        try:
            plan = json.loads((directory / "plan.json").read_text(encoding="utf-8"))
            return {"target": plan["target"], "plan": plan["id"]}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write_run(
        self, folder: pathlib.Path, document: dict[str, Any], given: Mapping[str, Any], hostvars: Mapping[str, Any]
    ) -> None:
        """Write the run's folder, ``run.json`` last."""
        if given["final"]:
            for host in [row["host"] for row in document["ledger"]]:
                record = _get_record(hostvars[host], given["records"]) or _host_record.get_journal(
                    _host_record.get_host_record(hostvars[host])
                )
                write_private(
                    folder / "timelines" / f"{make_file_name(host)}.md",
                    _record.format_timeline(host, record, given["run_id"]),
                )
            write_private(folder / "change-record.md", _record.format_change_record(document))
        if given["plan_dir"]:
            self._record_evidence(expand_path(given["plan_dir"]), document["results"])
        write_private(folder / "run.json", format_json(document))

    def _record_evidence(self, directory: pathlib.Path, entries: list[dict[str, Any]]) -> None:
        """Add what the promotions so far teach to the plan directory; a report does not fail for that."""

        def lock(identifier: str) -> str | None:
            path = directory / "locks" / f"{identifier}.txt"
            return path.read_text(encoding="utf-8") if path.exists() else None

        today = get_today().isoformat()
        try:
            lessons = list_lessons(entries, lock, today)
            for _minor, entry in lessons.learned:
                for row in append_constraints(directory, [entry.to_row()]):
                    self._display.display(f"{row['host']}: {row['requirement']}: {row['reason']}")
            seen = [*Evidence.from_run(entries, lock, today), *lessons.evidence]
            if seen:
                update_matrix(directory, seen, get_today())
        except (OSError, ValueError, KeyError) as error:
            self._display.warning(f"the results of this run were not added to the evidence in {directory}: {error}")


def _get_record(facts: Mapping[str, Any], variable: str) -> Mapping[str, Any] | None:
    """The record that a host gave, if it did."""
    taken = facts.get(variable)
    return taken if taken and not taken.get("failed") and not taken.get("unreachable") and "events" in taken else None
