# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all kinds of services. The file of a kind has its options, its documentation and its behaviour."""

import copy
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, join_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_text_file

# Bytes of a log in which the cause of a failure is looked for.
LOG_LIMIT = 1 << 16
COMMAND_TIMEOUT = 120.0
PIDFILE_LIMIT = 100
# What a promotion does with a service; an operator declares one of them.
STOP_START, RESTART, RELOAD, LEAVE = "stop-start", "restart", "reload", "none"
ACTIONS = [STOP_START, RESTART, RELOAD, LEAVE]
# What follows from the state of a service: it is only examined, it is started again because it was stopped with another
# one, or it is restarted if it runs.
WATCH, START_AGAIN, RESTART_RUNNING = "watch", "start-again", "restart-running"

# Kinds whose processes can be found by a file with an id share this option.
PIDFILE_OPTION: Dict[str, Dict[str, Any]] = {"pidfile": {"type": "str"}}
PIDFILE_DOCUMENTATION = """
pidfile:
  description: File with the process id of the main process, so that the service's processes can be examined.
  type: str
"""


class ServiceError(CollectionError):
    """A service that does not exist, or failed to start, stop or show its state; the text names it and the cause."""


class ServiceState(NamedTuple):
    """The state of a service: whether it is ``healthy``, and the ``evidence``.

    ``failed``: nothing will start it again by itself. ``restarts``: how often its manager restarted it by itself since
    its last start by hand. ``groups`` are the control groups of its processes (cgroups(7)), ``pids`` are ids of others;
    with ``traceable`` off nothing leads to them. A service that ``has_processes`` must have one.
    """

    healthy: bool
    evidence: str
    failed: bool = False
    restarts: int = 0
    groups: Tuple[str, ...] = ()
    pids: Tuple[int, ...] = ()
    traceable: bool = True
    has_processes: bool = False


Own = TypeVar("Own", bound="Service")


class Service:
    """A service of an application: what all kinds have in common, and what each of them must know.

    Class methods get all services of the kind at once, so that one command can serve them.

    An entry in `services` is of the kind whose option ``selector`` it has; the kind without one takes all others.
    ``options`` is the argument spec of the options of this kind, ``documentation`` documents them as YAML, and
    ``required_together`` lists those that need each other. Options that kinds share are declared alike.
    """

    selector: Optional[str] = None
    # Whether the value of the selector is also the name of a service without `name`.
    names_itself = False
    options: Dict[str, Dict[str, Any]] = {}
    documentation = ""
    required_together: Tuple[Tuple[str, ...], ...] = ()

    def __init__(self, name: str, action: str = STOP_START) -> None:
        """*action* is one of `ACTIONS`."""
        self.name = name
        self.action = action

    @classmethod
    def from_entry(cls, entry: Dict[str, Any]) -> "Service":
        """The service that the validated *entry* declares. Raises ValueError."""
        raise NotImplementedError

    def get_label(self) -> str:
        """What messages call it, different from all others of this host."""
        return self.name

    def get_managed_name(self) -> str:
        """What its manager calls it."""
        return self.name

    def is_started(self) -> bool:
        """Whether a promotion starts it anew."""
        return self.action in (STOP_START, RESTART, START_AGAIN)

    def with_action(self: Own, action: str) -> Own:
        """A copy of this service that a promotion treats as *action* says."""
        changed = copy.copy(self)
        changed.action = action
        return changed

    def stop(self, timeout: float, log: Optional[str] = None) -> None:
        """Stop it before the environment is replaced, within *timeout* seconds. Raises ServiceError.

        The output of commands that an operator declared is appended to the file *log*.
        """
        raise NotImplementedError

    def start(self, timeout: float, log: Optional[str] = None) -> None:
        """Start, restart or reload it, as its action says, with the environment that is live now.

        As for `stop`, output goes to *log*. Raises ServiceError.
        """
        raise NotImplementedError

    def forget_failures(self, timeout: float) -> None:
        """Have the manager start it again, however often it was started recently."""

    def render_stop(self, timeout: float) -> List[str]:
        """The lines of ``undo.sh`` that stop it before the old environment is put back. Raises IdentityError."""
        raise NotImplementedError

    def render_start(self, timeout: float) -> List[str]:
        """The lines of ``undo.sh`` that start it in the old environment, with `render_complaint` if it does not.

        Raises IdentityError.
        """
        raise NotImplementedError

    def render_complaint(self) -> str:
        """The end of a line of ``undo.sh`` that reports the failure of its command."""
        return " || fail " + join_command(["service %s did not start" % self.name])

    @classmethod
    def observe(cls, services: Sequence[Any]) -> Dict["Service", ServiceState]:
        """The state of each of *services*, which are all of this kind. Raises ServiceError."""
        raise NotImplementedError

    @classmethod
    def find_problems(cls, services: Sequence[Any]) -> List[Dict[str, Any]]:
        """Findings about how *services*, all of this kind, are set up. Raises ServiceError."""
        return []

    @classmethod
    def find_dependents(cls, services: Sequence[Any]) -> List[str]:
        """Active services that stop with *services*, all of this kind, and are not among them. Raises ServiceError."""
        return []

    @classmethod
    def adapt(cls, services: Sequence[Any]) -> List[List["Service"]]:
        """What a promotion treats in place of each of *services*, all of this kind, in their present state.

        Raises ServiceError.
        """
        return [[service] for service in services]

    @classmethod
    def find_accounts(cls, services: Sequence[Any]) -> Dict["Service", str]:
        """The account as which each of *services*, all of this kind, is run; without those that do not say it.

        Raises ServiceError.
        """
        return {}

    @classmethod
    def flush_log(cls, services: Sequence[Any]) -> None:
        """Return when what *services*, all of this kind, wrote so far is in their log, or after a few seconds."""

    @classmethod
    def read_log(cls, services: Sequence[Any], since: float, until: float) -> Optional[str]:
        """What *services*, all of this kind, logged between two moments, in seconds since the epoch.

        At most ``LOG_LIMIT`` bytes, the newest; None where this kind has no log.
        """
        return None

    @classmethod
    def list_files(cls, services: Sequence[Any]) -> List[str]:
        """Files that set *services*, all of this kind, up. Raises ServiceError."""
        return []


def read_pidfile(path: Optional[str]) -> Tuple[int, ...]:
    """The process id in the file *path*; empty without one."""
    text = (read_text_file(path, limit=PIDFILE_LIMIT) or "").strip() if path else ""
    return (int(text),) if text.isdigit() else ()


def require_control(verb: str, result: CommandResult) -> None:
    """Raise ServiceError unless the command of *result*, which was to *verb* a service, succeeded."""
    if result.rc != 0:
        command = " ".join(result.cmd)
        raise ServiceError("%s: %s ended with %d: %s" % (verb, command, result.rc, result.last_lines()))


def describe_missing_service(name: str) -> Dict[str, Any]:
    """The finding that this host has no service called *name*."""
    return build_finding(
        key="service-not-found",
        detail="no such service on this host: %s" % name,
        remediation="correct `services`",
    )
