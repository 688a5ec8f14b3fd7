# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of an application: systemd units, or declared commands."""

import os
from typing import Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Service
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    build_process_environment,
    can_become,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command

COMMAND_TIMEOUT = 120.0
START_VERBS = {"stop-start": "start", "restart": "restart", "reload": "reload"}
MISSING_STATES = ("not-found", "masked", "error", "bad-setting", None)


class ServiceError(CollectionError):
    """A service that does not exist, or failed to start, stop or show its state; the text names it and the cause."""


def is_systemd_running() -> bool:
    """Whether systemd manages this host, as sd_booted(3) determines it."""
    return os.path.isdir("/run/systemd/system")


def find_unit_manager(user: Optional[str]) -> Optional[Identity]:
    """The account whose systemd user instance manages the units of *user*; None for the system instance.

    Raises ServiceError if that instance is not running.
    """
    if user is None:
        return None
    try:
        account = resolve_user(user)
    except IdentityError as error:
        raise ServiceError(str(error))
    if not can_become(account):
        raise ServiceError("only %s or root can manage the units of %s; run with become" % (user, user))
    if not os.path.isdir(get_runtime_directory(account) + "/systemd"):
        raise ServiceError(
            "the systemd user instance of %s is not running; enable it with loginctl enable-linger %s" % (user, user)
        )
    return account


def get_runtime_directory(account: Identity) -> str:
    """The directory with the socket of *account*'s systemd user instance (pam_systemd(8), XDG_RUNTIME_DIR)."""
    return "/run/user/%d" % account.uid


def _run_systemctl(user: Optional[str], words: List[str], timeout: float) -> CommandResult:
    account = find_unit_manager(user)
    if account is None:
        return run_command(["systemctl"] + words, timeout)
    environment = dict(build_process_environment(account), XDG_RUNTIME_DIR=get_runtime_directory(account))
    return run_command(["systemctl", "--user"] + words, timeout, account, environment=environment)


def read_unit_properties(units: List[str], names: List[str], user: Optional[str] = None) -> Dict[str, Dict[str, str]]:
    """Properties *names* of each of *units* of the system, or of *user*, from one ``systemctl show``.

    Raises ServiceError.
    """
    if not units:
        return {}
    shown = _run_systemctl(user, ["show", "--property=" + ",".join(["Id"] + names), "--"] + units, COMMAND_TIMEOUT)
    blocks = shown.stdout.strip().split("\n\n")
    if shown.rc != 0 or len(blocks) != len(units):
        raise ServiceError("systemctl show: %s" % shown.last_lines())
    return {unit: _parse_properties(block) for unit, block in zip(units, blocks)}


def _parse_properties(text: str) -> Dict[str, str]:
    """The properties in *text*, one ``name=value`` a line."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def read_service_properties(services: List[Service], names: List[str]) -> Dict[Service, Dict[str, str]]:
    """Properties *names* of the units among *services*, with one command for each systemd instance.

    Raises ServiceError.
    """
    by_user: Dict[str, List[Service]] = {}
    for service in services:
        if service.is_unit():
            by_user.setdefault(service.user or "", []).append(service)
    found: Dict[Service, Dict[str, str]] = {}
    for user, units in sorted(by_user.items()):
        properties = read_unit_properties([service.name for service in units], names, user or None)
        for service in units:
            found[service] = properties[service.name]
    return found


def find_missing_units(services: List[Service]) -> List[str]:
    """Names of the units among *services* that do not exist on this host. Raises ServiceError."""
    units = [service for service in services if service.is_unit()]
    if units and not is_systemd_running():
        return [service.name for service in units]
    states = read_service_properties(units, ["LoadState"])
    return [service.name for service, state in states.items() if state.get("LoadState") in MISSING_STATES]


def _is_active(user: Optional[str], units: List[str]) -> bool:
    return _run_systemctl(user, ["is-active", "--quiet", "--"] + units, COMMAND_TIMEOUT).rc == 0


def _find_sockets(services: List[Service]) -> Dict[Service, List[str]]:
    """The socket units that activate each of the units *services*. Raises ServiceError."""
    sockets = {}
    for service, properties in read_service_properties(services, ["TriggeredBy"]).items():
        triggers = (properties.get("TriggeredBy") or "").split()
        sockets[service] = [name for name in triggers if name.endswith(".socket")]
    return sockets


def count_restarts(services: List[Service]) -> Dict[Service, int]:
    """Automatic restarts of each unit among *services* since its last manual start, without units that have none.

    Raises ServiceError.
    """
    counts = {}
    for service, properties in read_service_properties(services, ["NRestarts"]).items():
        count = int(properties.get("NRestarts") or 0)
        if count:
            counts[service] = count
    return counts


def is_running(service: Service) -> bool:
    """Whether *service* is active: by the state of its unit, or by the exit status of its status command.

    A socket-activated unit is active if its socket is. Raises ServiceError.
    """
    if service.is_unit():
        if _is_active(service.user, [service.name]):
            return True
        sockets = _find_sockets([service])[service] if is_systemd_running() else []
        return bool(sockets) and _is_active(service.user, sockets)
    return run_command(list(service.status), COMMAND_TIMEOUT).rc == 0


def adapt_socket_services(services: List[Service]) -> List[Service]:
    """*services* with the action ``restart`` for those that are socket-activated and would be stopped.

    A connection would start such a service again between the stop and the swap, in the old environment. After a restart
    behind the swap, connections that waited in the socket are served, and none is lost. Raises ServiceError.
    """
    units = [service for service in services if service.is_unit() and service.action == "stop-start"]
    sockets = _find_sockets(units) if is_systemd_running() else {}
    adapted = []
    for service in services:
        adapted.append(service._replace(action="restart") if sockets.get(service) else service)
    return adapted


def _control_service(verb: str, service: Service, timeout: float) -> None:
    """Start, stop, restart or reload *service*, as *verb* says. Raises ServiceError."""
    if service.is_unit():
        results = [_run_systemctl(service.user, [verb, "--", service.name], timeout)]
    else:
        commands = {"stop": [service.stop], "restart": [service.stop, service.start]}.get(verb, [service.start])
        results = []
        for words in commands:
            results.append(run_command(list(words), timeout))
    for result in results:
        if result.rc != 0:
            command = " ".join(result.cmd)
            raise ServiceError("%s: %s ended with %d: %s" % (verb, command, result.rc, result.last_lines()))


def stop_before_swap(services: List[Service], timeout: float = COMMAND_TIMEOUT) -> None:
    """Stop the services with action ``stop-start`` in reverse order, each within *timeout* seconds.

    Raises ServiceError.
    """
    for service in services:
        if service.is_unit() and service.action in ("stop-start", "restart"):
            # systemd's start limit (systemd.unit(5), StartLimitBurst=) is for services that restart repeatedly by
            # themselves, and would refuse the one start after the swap. Here the reset costs no downtime.
            _run_systemctl(service.user, ["reset-failed", "--", service.name], timeout)
    for service in services[::-1]:
        if service.action == "stop-start":
            _control_service("stop", service, timeout)


def start_after_swap(services: List[Service], timeout: float = COMMAND_TIMEOUT) -> None:
    """Start, restart or reload each service, in order, with the environment that is live now. Raises ServiceError."""
    for service in services:
        if service.action in START_VERBS:
            _control_service(START_VERBS[service.action], service, timeout)


def read_log_tail(services: List[Service], lines: int = 15) -> Optional[str]:
    """The last *lines* of the journal of the units among *services*; None without any unit."""
    selected: List[str] = []
    for service in services:
        if service.is_unit():
            selected += ["--user-unit" if service.user else "--unit", service.name]
    if not selected or not is_systemd_running():
        return None
    command = ["journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=%d" % lines]
    return run_command(command + selected, 20.0).stdout
