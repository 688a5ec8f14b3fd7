# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that are declared by commands."""

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    join_command,
    run_command,
    split_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    COMMAND_TIMEOUT,
    LEAVE,
    PIDFILE_DOCUMENTATION,
    PIDFILE_OPTION,
    RESTART,
    STOP_START,
    Service,
    ServiceState,
    read_pidfile,
    require_control,
)


class CommandService(Service):
    """A service that commands start, stop and ask."""

    selector = "start"
    options = dict({"start": {"type": "raw"}, "stop": {"type": "raw"}, "status": {"type": "raw"}}, **PIDFILE_OPTION)
    required_together = (("start", "stop", "status"),)
    documentation = """
start:
  description: >-
    Command that starts the service, as a list or as a string that is split into words; no shell is involved. What it
    and the service print is appended to C(logs/<name>.log) in the state directory.
  type: raw
stop:
  description: Command that stops the service.
  type: raw
status:
  description: Command that ends with 0 if, and only if, the service is running.
  type: raw
""" + PIDFILE_DOCUMENTATION.lstrip()

    def __init__(
        self,
        name: str,
        action: str,
        commands: Dict[str, List[str]],
        pidfile: Optional[str] = None,
    ) -> None:
        """*commands* has the words to ``start`` and ``stop`` the service, and to ask for its ``status``."""
        super().__init__(name, action)
        self.commands = commands
        self.pidfile = pidfile

    @classmethod
    def from_entry(cls, entry: Dict[str, Any]) -> Service:
        """As the base."""
        commands = {verb: split_command(entry.get(verb) or []) for verb in ("start", "stop", "status")}
        return cls(entry["name"], entry.get("action") or STOP_START, commands, entry.get("pidfile"))

    def _run(self, verb: str, timeout: float, log: Optional[str]) -> None:
        require_control(verb, run_command(self.commands[verb], timeout, log=log))

    def stop(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base."""
        if self.action == STOP_START:
            self._run("stop", timeout, log)

    def start(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base; a restart is a stop and a start, and so is a reload a start."""
        if self.action == RESTART:
            self._run("stop", timeout, log)
        if self.action != LEAVE:
            self._run("start", timeout, log)

    def render_stop(self, timeout: float) -> List[str]:
        """As the base."""
        return [self._render("stop", timeout)] if self.action in (STOP_START, RESTART) else []

    def render_start(self, timeout: float) -> List[str]:
        """As the base."""
        return [self._render("start", timeout) + self.render_complaint()] if self.action != LEAVE else []

    def _render(self, verb: str, timeout: float) -> str:
        # ``undo.sh`` holds the lease by descriptor 9, which a daemon must not inherit.
        return "apart %s 9>&-" % join_command(["timeout", "%g" % timeout] + self.commands[verb])

    def is_running(self) -> bool:
        """Whether the status command ends with 0."""
        return run_command(self.commands["status"], COMMAND_TIMEOUT).rc == 0

    @classmethod
    def observe(cls, services: Sequence["CommandService"]) -> Dict[Service, ServiceState]:
        """As the base."""
        states: Dict[Service, ServiceState] = {}
        for service in services:
            running = service.is_running()
            state = ServiceState(running, "running" if running else "not running")
            states[service] = state._replace(
                pids=read_pidfile(service.pidfile), traceable=bool(service.pidfile), has_processes=running
            )
        return states
