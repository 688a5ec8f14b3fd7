# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all kinds of services. The file of a kind has its options, its documentation and its behaviour."""

import copy
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, join_command

COMMAND_TIMEOUT = 120.0
# What a promotion does with a service; an operator declares one of them.
STOP_START, RESTART, RELOAD, LEAVE = "stop-start", "restart", "reload", "none"
ACTIONS = [STOP_START, RESTART, RELOAD, LEAVE]


class ServiceError(CollectionError):
    """A service that does not exist, or failed to start, stop or show its state; the text names it and the cause."""


class ServiceState(NamedTuple):
    """The state of a service: whether it is ``healthy``, and the ``evidence``.

    ``failed``: nothing will start it again by itself. ``restarts``: how often its manager restarted it by itself since
    its last start by hand.
    """

    healthy: bool
    evidence: str
    failed: bool = False
    restarts: int = 0


class ServiceProblem(NamedTuple):
    """What is wrong with how services are set up: the key of a finding, its detail and its remediation."""

    key: str
    detail: str
    remediation: str


Own = TypeVar("Own", bound="Service")


class Service:
    """A service of an application: what all kinds have in common, and what each of them must know.

    Class methods get all services of the kind at once, so that one command can serve them.

    An entry in `services` is of the kind whose option ``selector`` it has; the kind without one takes all others.
    ``options`` is the argument spec of the options of this kind, ``documentation`` documents them as YAML, and
    ``required_together`` lists those that need each other. Options that kinds share are declared alike.
    """

    selector: Optional[str] = None
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

    def list_units(self) -> List[str]:
        """The units of systemd that it is."""
        return []

    def list_pidfiles(self) -> List[str]:
        """The files with ids of its processes."""
        return []

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
    def find_problems(cls, services: Sequence[Any]) -> List[ServiceProblem]:
        """What is wrong with how *services*, all of this kind, are set up. Raises ServiceError."""
        return []

    @classmethod
    def adapt(cls, services: Sequence[Any]) -> List["Service"]:
        """*services*, all of this kind, as a promotion treats them in their present state. Raises ServiceError."""
        return list(services)

    @classmethod
    def read_log(cls, services: Sequence[Any], lines: int) -> Optional[str]:
        """The last *lines* of the log of *services*, all of this kind; None where this kind has none."""
        return None

    @classmethod
    def list_files(cls, services: Sequence[Any]) -> List[str]:
        """Files that set *services*, all of this kind, up. Raises ServiceError."""
        return []


def require_control(verb: str, result: CommandResult) -> None:
    """Raise ServiceError unless the command of *result*, which was to *verb* a service, succeeded."""
    if result.rc != 0:
        command = " ".join(result.cmd)
        raise ServiceError("%s: %s ended with %d: %s" % (verb, command, result.rc, result.last_lines()))
