# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows what every host is doing, instead of every task."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Show what every host is doing
version_added: 0.1.0
description:
  - On a terminal, draws and updates a table of all hosts with their application, step, phase and its duration.
  - Elsewhere, as in AWX or a pipeline, prints a line for each change of phase.
  - Failures, and the messages of debug tasks, are printed in either case.
  - Of long stages on the controller, such as planning and rehearsing, shows how much of their work is done.
author: oxzep7.python contributors (@oxzep7)
requirements:
  - To be enabled as C(stdout_callback = oxzep7.python.progress) in ansible.cfg.
"""

import json
import os
import shutil
import sys
import threading
import time
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _progress
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._host_record import get_host_record
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._policy import CONTROLLER

TICK_SECONDS = 1.0
GATE = _progress.PREFIX + "wave_gate"
CENSORED = "not shown, because no_log is set"


def _read_attribute(result: Any, name: str) -> Any:
    """The part *name* of a task's result; ansible-core 2.19 made these attributes public."""
    return getattr(result, name, None) if hasattr(result, name) else getattr(result, "_" + name)


def _extract_reason(answer: dict[str, Any]) -> str:
    """Return the message of a failed task."""
    if answer.get("_ansible_no_log"):
        return CENSORED
    failed = [item for item in answer.get("results") or [] if isinstance(item, dict) and item.get("failed")]
    return str((failed[0] if failed else answer).get("msg") or "no message was returned").strip()


def _format_warning(entry: Any) -> str:
    """Return the text of a warning, which ansible-core 2.19 made an object."""
    return str(getattr(getattr(entry, "event", None), "msg", None) or entry)


class CallbackModule(CallbackBase):
    """Updates the board with the events of a run, and shows it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "oxzep7.python.progress"

    def __init__(self) -> None:
        super().__init__()
        self._board = _progress.ProgressBoard()
        self._live = sys.stdout.isatty()
        self._drawn = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._warned: set[str] = set()
        self._pid = os.getpid()
        self._show = self._display.display
        self._display.display = self._receive_message
        if self._live:
            threading.Thread(target=self._refresh_table, daemon=True).start()

    def _refresh_table(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            self._print_lines([])

    def _print_lines(self, lines: list[str], keep: bool = True) -> None:
        """Print *lines*, which stay with *keep*, and on a terminal the table below them."""
        with self._lock:
            if not self._live:
                for line in lines:
                    self._show(f"{time.strftime('%H:%M:%S')} {line}")
                return
            size = shutil.get_terminal_size()
            table = (
                []
                if self._ended.is_set() and not self._board.rows
                else self._board.render_table(time.monotonic(), size.columns - 1, size.lines - 1)
            )
            # Up to where the table began, and everything below away.
            clear = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
            sys.stdout.write(clear + "".join(line + "\n" for line in (lines if keep else []) + table))
            sys.stdout.flush()
            self._drawn = len(table)

    def _receive_message(self, msg: Any, *given: Any, **options: Any) -> None:
        """Take a message for the display, of this process or of a worker, so that it does not tear the table.

        In a worker, which has this object as well, Ansible passes it on to the main process.
        """
        if os.getpid() != self._pid or given or not set(options) <= {"color"} or not str(msg).strip():
            self._show(msg, *given, **options)
            return
        if not self._live:
            self._print_lines(str(msg).splitlines())
            return
        self._show(msg, log_only=True)
        lines = str(msg).splitlines()
        lasting = [line for line in lines if not self._board.note_activity(line, time.monotonic())]
        self._print_lines(lasting)

    def _show_warnings(self, answer: dict[str, Any]) -> None:
        """Show the warnings of a task, each once."""
        told = [_format_warning(entry) for entry in answer.get("warnings") or []]
        new = [f"warning: {text}" for text in dict.fromkeys(told) if text not in self._warned]
        self._warned.update(told)
        if new:
            self._print_lines(new)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play or one of its batches begins."""
        hosts = [str(host) for host in self._list_hosts(play) if str(host) != CONTROLLER]
        self._print_lines(self._board.begin_play(play.get_name().strip(), hosts, time.monotonic()))

    @staticmethod
    def _list_hosts(play: Any) -> list[Any]:
        manager = play.get_variable_manager()
        inventory = getattr(manager, "_inventory", None)
        return list(inventory.get_hosts(play.hosts)) if inventory is not None else []

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task begins on a host."""
        phase = _progress.find_phase(str(task.action))
        if phase and str(host) != CONTROLLER:
            self._print_lines(self._board.start_phase(str(host), phase, time.monotonic()), keep=False)

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task went well on a host."""
        answer = _read_attribute(result, "result")
        self._show_warnings(answer)
        known = answer.get("ansible_facts") or {}
        step = get_host_record(known).get("step")
        if step:
            self._board.update_step(str(_read_attribute(result, "host")), step)
        if str(_read_attribute(result, "task").action) == GATE:
            self._print_lines(
                self._board.pass_gate(
                    answer.get("wave") or {}, bool(answer.get("open")), str(answer.get("reason") or "")
                )
            )
        if str(_read_attribute(result, "task").action) in ("ansible.builtin.debug", "debug") and not answer.get(
            "_ansible_no_log"
        ):
            self._print_lines(self._list_debug_lines(answer))

    @staticmethod
    def _list_debug_lines(answer: dict[str, Any]) -> list[str]:
        """Return the message of a debug task as lines."""
        shown = [key for key in answer if not key.startswith("_") and key not in ("changed", "failed", "skipped")]
        said = answer[shown[0]] if shown else None
        if isinstance(said, list) and all(isinstance(line, str) for line in said):
            return list(said)
        return str(said).splitlines() if isinstance(said, str) else json.dumps(said, indent=2, default=str).splitlines()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed on a host."""
        host, reason = str(_read_attribute(result, "host")), _extract_reason(_read_attribute(result, "result"))
        self._show_warnings(_read_attribute(result, "result"))
        if ignore_errors:
            self._print_lines([f"{host}: {reason} (the play goes on)"])
            return
        if host == CONTROLLER:
            self._print_lines(reason.splitlines())
            return
        self._print_lines(self._board.record_failure(host, _progress.FAILED, reason, time.monotonic()))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host cannot be reached."""
        self._print_lines(
            self._board.record_failure(
                str(_read_attribute(result, "host")),
                _progress.UNREACHABLE,
                _extract_reason(_read_attribute(result, "result")),
                time.monotonic(),
            )
        )

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Everything has ended."""
        lines = self._board.finish_hosts(time.monotonic())
        self._ended.set()
        self._print_lines(lines)
