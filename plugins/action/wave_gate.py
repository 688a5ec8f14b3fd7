# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides on the controller whether the next wave may begin."""

from __future__ import annotations

import datetime
import shlex
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _gate, _ledger, _window
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._policy import list_lost_rows, map_doubtful_hosts
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._strategy import check_strategy
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import limit_interruptions

POLL_SECONDS = 2.0


class ActionModule(CollectionAction):
    """Check everything that can keep a gate closed, the cheapest first. A closed gate is a result, not a failure."""

    _requires_connection = False
    SUBOPTION_RULES = {"gate": {"mutually_exclusive": [["command", "url"]]}}

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution. In check mode nothing is waited for and no query is sent."""
        why = check_strategy(self._task)
        if why:
            raise ActionFailedError(why)
        wave = given["wave"]
        closed = dict(given["closed_applications"])
        idle: list[str] = []
        try:
            reason = given["closed"]
            if not reason:
                unavailable = find_unavailable_applications(given, closed, task_vars)
                if given["budget"] == _ledger.PER_APPLICATION:
                    for name, why in unavailable.items():
                        closed[name] = {"wave": int(wave["number"]) - 1, "reason": why}
                else:
                    reason = next(iter(unavailable.values()), "")
                idle = list_idle_hosts(wave, closed)
                if not reason and len(idle) < len(wave["hosts"]):
                    reason = self._find_reason(given)
        except ValueError as error:
            reason = str(error)
        working = [host for host in wave["hosts"] if host not in set(idle)]
        return {
            "open": not reason and bool(working),
            "reason": reason or ("" if working else describe_idle_wave(wave, closed)),
            "closed": reason,
            "closed_applications": closed,
            "idle": idle,
            "wave": {"number": wave.get("number"), "hosts": working},
        }

    def _find_reason(self, given: Mapping[str, Any]) -> str:
        # A reason that is known at once is reported before any wait.
        reason = self._check_window(given)
        if reason or self._task.check_mode:
            return reason
        number = int(given["wave"]["number"])
        if number > 1:
            self._wait_for_soak(number, given["soak"])
        return self._wait_for_approval(number, given) or self._ask_gate(given["gate"]) or self._check_window(given)

    @staticmethod
    def _check_window(given: Mapping[str, Any]) -> str:
        return (
            _window.check_change_windows(
                given["window"], datetime.datetime.now(datetime.timezone.utc), float(given["wave"]["seconds"])
            )
            or ""
        )

    def _wait_for_soak(self, number: int, seconds: float) -> None:
        if seconds > 0:
            self._display.display(f"wave {number - 1} is watched for {seconds:g} seconds before wave {number}")
            time.sleep(seconds)

    def _wait_for_approval(self, number: int, given: Mapping[str, Any]) -> str:
        if not given["approval"]:
            return ""
        path = expand_path(given["approval_file"]) if given["approval_file"] else None
        until = time.monotonic() + (given["approval_timeout"] if path else 0.0)
        told = False
        line = f"{given['run_id']} {number}"
        while not _gate.is_wave_approved(given["run_id"], number, given["approved_waves"], path):
            if time.monotonic() >= until:
                where = (
                    f"run with -e oxzep7_run_id={given['run_id']} and the line '{line}' in {path}, or " if path else ""
                )
                variable = f'{{"oxzep7_approved_waves": [{number}]}}'
                return f"wave {number} is not approved; {where}run again with -e '{variable}'"
            if not told:
                self._display.display(
                    f"wave {number} waits up to {given['approval_timeout']:g} seconds for the line '{line}' in {path}"
                )
            told = True
            time.sleep(POLL_SECONDS)
        return ""

    @staticmethod
    def _ask_gate(options: Mapping[str, Any] | None) -> str:
        if not options or not (options.get("command") or options.get("url")):
            return ""
        command = options.get("command") or []
        question = _gate.GateQuestion(
            shlex.split(command) if isinstance(command, str) else [str(word) for word in command],
            options.get("url") or "",
            options.get("headers") or {},
            options.get("expression") or "",
            options["timeout"],
            options["wait"],
            options["interval"],
            options["validate_certs"],
        )
        why = _gate.poll_gate(question)
        return f"oxzep7_gate: {why}" if why else ""


def list_idle_hosts(wave: Mapping[str, Any], closed: Mapping[str, Any]) -> list[str]:
    """The hosts of *wave* all of whose applications are *closed*; one without any is not idle."""
    names = {host: wave["applications"].get(host) or [] for host in wave["hosts"]}
    return [host for host in wave["hosts"] if names[host] and all(name in closed for name in names[host])]


def describe_idle_wave(wave: Mapping[str, Any], closed: Mapping[str, Any]) -> str:
    """Why *wave* has nothing to do: the reasons for which its applications are *closed*."""
    names = {name for own in wave["applications"].values() for name in own}
    return "; ".join(dict.fromkeys(str(closed[name]["reason"]) for name in sorted(names) if name in closed))


def find_unavailable_applications(
    given: Mapping[str, Any], closed: Mapping[str, Any], task_vars: Mapping[str, Any]
) -> dict[str, str]:
    """The applications that the wave may not interrupt, with the reason: too many hosts may be without them already.

    What is *closed* is not interrupted.
    """
    wave = given["wave"]
    own = {host: [name for name in names if name not in closed] for host, names in wave["applications"].items()}
    rows = [*given["rows"], *_list_lost_rows(given, task_vars)]
    limits = limit_interruptions(wave["applications"].values(), given["max_unavailable"], given["population"])
    every = {**{row["host"]: _ledger.list_doubtful_applications(row) for row in rows}, **own}
    without = map_doubtful_hosts(given["blocked"])
    return _ledger.find_unavailable_applications(rows, wave["hosts"], every, limits, without)


def _list_lost_rows(given: Mapping[str, Any], task_vars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the hosts without an outcome that cannot be reached: before the run, or since then."""
    told = {row["host"] for row in given["rows"]}
    there = set(task_vars.get("ansible_play_hosts") or [])
    lost = [name for name in task_vars.get("ansible_play_hosts_all") or [] if name not in there]
    names = [name for name in dict.fromkeys([*given["unknown"], *lost]) if name not in told]
    return list_lost_rows(names, task_vars["hostvars"])
