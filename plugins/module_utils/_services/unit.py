# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of systemd, of the system or of an account."""

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    COMMAND_TIMEOUT,
    RELOAD,
    RESTART,
    STOP_START,
    Service,
    ServiceProblem,
    ServiceState,
    require_control,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._systemctl import (
    is_systemd_running,
    read_unit_properties,
    render_systemctl,
    run_systemctl,
)

MISSING_STATES = ("not-found", "masked", "error", "bad-setting", None)
START_VERBS = {STOP_START: "start", RESTART: "restart", RELOAD: "reload"}
UNDO_VERBS = {STOP_START: "start", RESTART: "restart", RELOAD: "reload-or-restart"}


class UnitService(Service):
    """A unit of systemd."""

    options = {"user": {"type": ACCOUNT_NAME}, "pidfile": {"type": "str"}}
    documentation = """
user:
  description: Account whose systemd user instance manages the unit; the system instance by default.
  type: str
"""

    def __init__(
        self, name: str, action: str = STOP_START, user: Optional[str] = None, pidfile: Optional[str] = None
    ) -> None:
        """*user* is the account whose user instance of systemd manages the unit; None for the system instance."""
        super().__init__(name, action)
        self.user = user
        self.pidfile = pidfile

    @classmethod
    def from_entry(cls, entry: Dict[str, Any]) -> Service:
        """As the base."""
        return cls(entry["name"], entry.get("action") or STOP_START, entry.get("user"), entry.get("pidfile"))

    def list_units(self) -> List[str]:
        """As the base."""
        return [self.name]

    def list_pidfiles(self) -> List[str]:
        """As the base."""
        return [self.pidfile] if self.pidfile else []

    def _control(self, verb: str, timeout: float) -> None:
        require_control(verb, run_systemctl(self.user, [verb, "--", self.name], timeout))

    def stop(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base."""
        if self.action == STOP_START:
            self._control("stop", timeout)

    def start(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base."""
        if self.action in START_VERBS:
            self._control(START_VERBS[self.action], timeout)

    def forget_failures(self, timeout: float) -> None:
        """As the base."""
        if self.action in (STOP_START, RESTART):
            # systemd's start limit (systemd.unit(5), StartLimitBurst=) is for services that restart repeatedly by
            # themselves, and would refuse the one start after the swap. Here the reset costs no downtime.
            run_systemctl(self.user, ["reset-failed", "--", self.name], timeout)

    def render_stop(self, timeout: float) -> List[str]:
        """As the base."""
        if self.action != STOP_START:
            return []
        # A unit that does not stop in time is killed: it would keep using the environment that is removed.
        kill = render_systemctl(self.user, ["kill", "--signal=KILL", "--", self.name], timeout)
        return ["%s || %s" % (render_systemctl(self.user, ["stop", "--", self.name], timeout), kill)]

    def render_start(self, timeout: float) -> List[str]:
        """As the base."""
        lines = []
        if self.action in (STOP_START, RESTART):
            lines.append(render_systemctl(self.user, ["reset-failed", "--", self.name], timeout) + " 2>/dev/null")
        if self.action in UNDO_VERBS:
            words = [UNDO_VERBS[self.action], "--", self.name]
            lines.append(render_systemctl(self.user, words, timeout) + self.render_complaint())
        return lines

    @classmethod
    def observe(cls, services: Sequence["UnitService"]) -> Dict[Service, ServiceState]:
        """As the base; a unit behind a socket is healthy if the socket is active."""
        if not is_systemd_running():
            return {service: ServiceState(False, "not running") for service in services}
        names = ["ActiveState", "NRestarts", "TriggeredBy"]
        states: Dict[Service, ServiceState] = {}
        for service, properties in _read_properties(services, names).items():
            state = properties.get("ActiveState")
            running = state in ("active", "reloading") or _is_any_active(service.user, _list_sockets(properties))
            restarts = int(properties.get("NRestarts") or 0)
            evidence = "running" if running else "not running"
            states[service] = ServiceState(running, evidence, state == "failed", restarts)
        return states

    @classmethod
    def find_problems(cls, services: Sequence["UnitService"]) -> List[ServiceProblem]:
        """As the base."""
        missing = [service.name for service in services]
        if is_systemd_running():
            missing = []
            for service, properties in _read_properties(services, ["LoadState"]).items():
                missing += [service.name] if properties.get("LoadState") in MISSING_STATES else []
        detail = "no such service on this host: %s" % ", ".join(missing)
        return [ServiceProblem("service-not-found", detail, "correct `services`")] if missing else []

    @classmethod
    def adapt(cls, services: Sequence["UnitService"]) -> List[Service]:
        """As the base: those that are socket-activated and would be stopped are restarted behind the swap.

        A connection would start such a service again between the stop and the swap, in the old environment. After a
        restart behind the swap, connections that waited in the socket are served, and none is lost.
        """
        stopped = [service for service in services if service.action == STOP_START]
        found = _read_properties(stopped, ["TriggeredBy"]) if is_systemd_running() else {}
        adapted: List[Service] = []
        for service in services:
            sockets = _list_sockets(found.get(service) or {})
            adapted.append(service.with_action(RESTART) if sockets else service)
        return adapted

    @classmethod
    def read_log(cls, services: Sequence["UnitService"], lines: int) -> Optional[str]:
        """As the base: from the journal."""
        if not is_systemd_running():
            return None
        command = ["journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=%d" % lines]
        for service in services:
            command += ["--user-unit" if service.user else "--unit", service.name]
        return run_command(command, 20.0).stdout

    @classmethod
    def list_files(cls, services: Sequence["UnitService"]) -> List[str]:
        """As the base: unit files, drop-ins and environment files."""
        found: List[str] = []
        for properties in _read_properties(services, ["FragmentPath", "DropInPaths", "EnvironmentFiles"]).values():
            found += [properties.get("FragmentPath", "")] + properties.get("DropInPaths", "").split()
            found += [word for word in properties.get("EnvironmentFiles", "").split() if word.startswith("/")]
        return [path for path in found if path]


def _read_properties(services: Sequence[UnitService], names: Sequence[str]) -> Dict[UnitService, Dict[str, str]]:
    """Properties *names* of *services*, with one command for each systemd instance. Raises ServiceError."""
    found: Dict[UnitService, Dict[str, str]] = {}
    for user in sorted({service.user or "" for service in services}):
        own = [service for service in services if (service.user or "") == user]
        properties = read_unit_properties([service.name for service in own], names, user or None)
        found.update((service, properties[service.name]) for service in own)
    return found


def _list_sockets(properties: Dict[str, str]) -> List[str]:
    """The socket units that activate the unit with *properties*."""
    return [name for name in (properties.get("TriggeredBy") or "").split() if name.endswith(".socket")]


def _is_any_active(user: Optional[str], units: Sequence[str]) -> bool:
    """Whether one of *units* is active. Raises ServiceError."""
    return bool(units) and run_systemctl(user, ["is-active", "--quiet", "--"] + list(units), COMMAND_TIMEOUT).rc == 0
