# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of supervisor."""

import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandResult,
    join_command,
    run_command,
    split_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    COMMAND_TIMEOUT,
    LOG_LIMIT,
    RELOAD,
    RESTART,
    STOP_START,
    Service,
    ServiceError,
    ServiceState,
    describe_missing_service,
)

# An argument of supervisorctl, which takes what begins with a hyphen for an option.
PROGRAM_NAME = re.compile(r"[^\s:-][^\s:]*(:[^\s:]+)?\Z")
DEFAULT_CONTROL = ["supervisorctl"]
STATUS_LINE = re.compile(
    r"^(\S+)\s+(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b\s*(.*)$", re.MULTILINE
)
PROCESS_ID = re.compile(r"^pid (\d+)")
MISSING_LINE = re.compile(r"ERROR \(no such (?:process|group)\)")
# Answers with which nothing is left to do: supervisorctl has its exit status for them only since version 4.
ACCEPTED_ERRORS = ("ERROR (already started)", "ERROR (not running)")
# Bytes of each log: it also has what was written before a promotion, and only the end is about it.
SUPERVISOR_LOG_LIMIT = 8192
LOG_ERROR = re.compile(r"\S+: ERROR \(")
RUNNING, FATAL = "RUNNING", "FATAL"
# For awk: whether every line of the output of the command `status` is about a running process, and there is one.
ALL_RUNNING = '$2 != "RUNNING" { bad = 1 } END { exit bad || !NR }'
START_COMMANDS = {STOP_START: ["start"], RESTART: ["restart"], RELOAD: ["signal", "HUP"]}


class ProgramStatus(NamedTuple):
    """A process of a program: its name, its state, and what supervisor adds to it."""

    name: str
    state: str
    detail: str


class SupervisorService(Service):
    """A program of supervisor, or a group of them."""

    selector = "supervisor"
    names_itself = True
    options = {"supervisor": {"type": "str"}, "supervisorctl": {"type": "raw"}}
    documentation = """
supervisor:
  description:
    - Name of a program of supervisor, as C(supervisorctl status) shows it; V(group:program) for one in a group, and
      V(group:*) for all of a group.
    - It is also the default of C(name).
  type: str
supervisorctl:
  description: >-
    Command that controls supervisor, with options such as V(-c) and the path of its configuration. Default is
    C(supervisorctl).
  type: raw
"""

    def __init__(
        self, name: str, action: str = STOP_START, program: Optional[str] = None, control: Sequence[str] = ()
    ) -> None:
        """*program* is called *name* by default; *control* are the words that begin each command."""
        super().__init__(name, action)
        self.program = program or name
        self.control = list(control) or DEFAULT_CONTROL

    @classmethod
    def from_entry(cls, entry: Dict[str, Any]) -> Service:
        """As the base."""
        control = split_command(entry.get("supervisorctl") or [])
        if not PROGRAM_NAME.match(entry["supervisor"]):
            raise ServiceError("supervisor %r: use the name that supervisorctl status shows" % entry["supervisor"])
        action = entry.get("action") or STOP_START
        return cls(entry.get("name") or entry["supervisor"], action, entry["supervisor"], control)

    def get_managed_name(self) -> str:
        """As the base."""
        return self.program

    def _run(self, words: Sequence[str], timeout: float) -> CommandResult:
        return run_command(self.control + list(words) + [self.program], timeout)

    def _control(self, words: Sequence[str], timeout: float) -> None:
        done = self._run(words, timeout)
        errors = [line for line in done.stdout.splitlines() if "ERROR (" in line and not line.endswith(ACCEPTED_ERRORS)]
        if done.rc != 0 or errors:
            text = "; ".join(errors) or done.last_lines()
            raise ServiceError("%s: %s ended with %d: %s" % (words[0], join_command(done.cmd), done.rc, text))

    def stop(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base."""
        if self.action == STOP_START:
            self._control(["stop"], timeout)

    def start(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base; a reload is a SIGHUP."""
        if self.action in START_COMMANDS:
            self._control(START_COMMANDS[self.action], timeout)

    def _render(self, words: Sequence[str], timeout: float) -> str:
        return join_command(["timeout", "%g" % timeout] + self.control + list(words) + [self.program])

    def render_stop(self, timeout: float) -> List[str]:
        """As the base. Supervisor itself kills a program that does not stop in time."""
        return [self._render(["stop"], timeout)] if self.action == STOP_START else []

    def render_start(self, timeout: float) -> List[str]:
        """As the base."""
        if self.action not in START_COMMANDS:
            return []
        # Before version 4 the exit status of supervisorctl has no meaning.
        return [
            self._render(START_COMMANDS[self.action], timeout),
            "%s | %s%s"
            % (self._render(["status"], timeout), join_command(["awk", ALL_RUNNING]), self.render_complaint()),
        ]

    def read_status(self) -> List[ProgramStatus]:
        """The processes of the program; empty if supervisor does not know it. Raises ServiceError."""
        done = self._run(["status"], COMMAND_TIMEOUT)
        found = parse_status(done.stdout)
        if not found and not MISSING_LINE.search(done.stdout):
            raise ServiceError("%s: %s" % (join_command(done.cmd), done.last_lines() or "no answer"))
        return found

    @classmethod
    def observe(cls, services: Sequence["SupervisorService"]) -> Dict[Service, ServiceState]:
        """As the base."""
        return {service: judge_program(service.read_status()) for service in services}

    @classmethod
    def find_problems(cls, services: Sequence["SupervisorService"]) -> List[Dict[str, Any]]:
        """As the base."""
        return [describe_missing_service(service.name) for service in services if not service.read_status()]

    @classmethod
    def read_log(cls, services: Sequence["SupervisorService"], since: float, until: float) -> Optional[str]:
        """As the base, but only the newest of what they wrote: supervisor does not know when that was."""
        texts = []
        for service in services:
            names = [service.program]
            if service.program.endswith(":*"):
                names = [process.name for process in service.read_status()]
            for name in names:
                # The channel is standard error unless that is redirected to standard output.
                for channel in ("stdout", "stderr"):
                    words = ["tail", "-%d" % SUPERVISOR_LOG_LIMIT, name, channel]
                    done = run_command(service.control + words, COMMAND_TIMEOUT, tail=LOG_LIMIT)
                    texts += [] if LOG_ERROR.match(done.stdout) else [done.stdout]
        return "\n".join(texts)


def parse_status(text: str) -> List[ProgramStatus]:
    """The processes in *text*, the output of ``supervisorctl status``."""
    return [ProgramStatus(*match.groups()) for match in STATUS_LINE.finditer(text)]


def judge_program(processes: Sequence[ProgramStatus]) -> ServiceState:
    """The state of the program with *processes*: healthy if all of them run."""
    if not processes:
        return ServiceState(False, "not running: supervisor does not know it")
    down = [process for process in processes if process.state != RUNNING]
    pids = _list_pids(processes)
    if down:
        evidence = "; ".join("%s is %s: %s" % (process.name, process.state, process.detail) for process in down)
        failed = any(process.state == FATAL for process in down)
        return ServiceState(False, "not running: " + evidence, failed, pids=pids)
    return ServiceState(True, "running", pids=pids, has_processes=True)


def _list_pids(processes: Sequence[ProgramStatus]) -> Tuple[int, ...]:
    found = [PROCESS_ID.match(process.detail) for process in processes]
    return tuple(int(match.group(1)) for match in found if match)
