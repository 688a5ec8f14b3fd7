# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of an application: systemd units, or the commands an operator gave."""

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
    """A service that does not exist or did not do what it was told; the text says which and why."""


def is_systemd_running() -> bool:
    """Whether systemd manages this host, by sd_booted(3)'s own test."""
    return os.path.isdir("/run/systemd/system")


def find_unit_manager(user: Optional[str]) -> Optional[Identity]:
    """The account whose systemd runs the units of *user*; None for the system's. Raises ServiceError where it does not run."""
    if user is None:
        return None
    try:
        who = resolve_user(user)
    except IdentityError as error:
        raise ServiceError(str(error))
    if not can_become(who):
        raise ServiceError("only %s or root can manage the units of %s; run with become" % (user, user))
    if not os.path.isdir(get_runtime_directory(who) + "/systemd"):
        raise ServiceError("the systemd of %s does not run; enable it with loginctl enable-linger %s" % (user, user))
    return who


def get_runtime_directory(who: Identity) -> str:
    """Where systemd of the account *who* has its socket (pam_systemd(8), XDG_RUNTIME_DIR)."""
    return "/run/user/%d" % who.uid


def _run_systemctl(user: Optional[str], words: List[str], timeout: float) -> CommandResult:
    who = find_unit_manager(user)
    if who is None:
        return run_command(["systemctl"] + words, timeout)
    return run_command(
        ["systemctl", "--user"] + words,
        timeout,
        who,
        environment=dict(build_process_environment(who), XDG_RUNTIME_DIR=get_runtime_directory(who)),
    )


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
    """Properties *names* of the units among *services*; asked once of each systemd. Raises ServiceError."""
    found: Dict[Service, Dict[str, str]] = {}
    for user in sorted({service.user or "" for service in services if service.is_unit()}):
        units = [service for service in services if service.is_unit() and (service.user or "") == user]
        told = read_unit_properties([service.name for service in units], names, user or None)
        found.update((service, told[service.name]) for service in units)
    return found


def find_missing_units(services: List[Service]) -> List[str]:
    """Names of the units among *services* that this host does not have. Raises ServiceError."""
    units = [service for service in services if service.is_unit()]
    if units and not is_systemd_running():
        return [service.name for service in units]
    return [
        service.name
        for service, properties in read_service_properties(units, ["LoadState"]).items()
        if properties.get("LoadState") in MISSING_STATES
    ]


def _is_active(user: Optional[str], units: List[str]) -> bool:
    return _run_systemctl(user, ["is-active", "--quiet", "--"] + units, COMMAND_TIMEOUT).rc == 0


def _find_sockets(services: List[Service]) -> Dict[Service, List[str]]:
    """The socket units that start each of the units *services* when somebody connects. Raises ServiceError."""
    return {
        service: [name for name in (properties.get("TriggeredBy") or "").split() if name.endswith(".socket")]
        for service, properties in read_service_properties(services, ["TriggeredBy"]).items()
    }


def count_restarts(services: List[Service]) -> Dict[Service, int]:
    """How often systemd restarted those units among *services* that it did restart by itself since somebody started them. Raises ServiceError."""
    counts = {
        service: int(properties.get("NRestarts") or 0)
        for service, properties in read_service_properties(services, ["NRestarts"]).items()
    }
    return {service: count for service, count in counts.items() if count}


def is_running(service: Service) -> bool:
    """Whether *service* is active now: the unit's state, or its status command ending with 0. Raises ServiceError.

    A unit that its socket starts when somebody connects is active with its socket.
    """
    if service.is_unit():
        if _is_active(service.user, [service.name]):
            return True
        sockets = _find_sockets([service])[service] if is_systemd_running() else []
        return bool(sockets) and _is_active(service.user, sockets)
    return run_command(list(service.status), COMMAND_TIMEOUT).rc == 0


def adapt_socket_services(services: List[Service]) -> List[Service]:
    """*services*, with the action of those that a socket starts made to fit.

    A service behind a socket is started by whoever connects, also between a stop and the swap, with the old environment. It is restarted after the
    swap instead: meanwhile connections wait in the socket, and none is lost. Raises ServiceError.
    """
    units = [service for service in services if service.is_unit() and service.action == "stop-start"]
    by_socket = {
        service for service, sockets in _find_sockets(units if is_systemd_running() else []).items() if sockets
    }
    return [service._replace(action="restart") if service in by_socket else service for service in services]


def _control_service(verb: str, service: Service, timeout: float) -> None:
    """Have *service* do *verb*. Raises ServiceError."""
    if service.is_unit():
        done = [_run_systemctl(service.user, [verb, "--", service.name], timeout)]
    else:
        commands = {"stop": [service.stop], "restart": [service.stop, service.start]}.get(verb, [service.start])
        done = [run_command(list(command), timeout) for command in commands]
    failed = [result for result in done if result.rc != 0]
    if failed:
        raise ServiceError(
            "%s: %s ended with %d: %s" % (verb, " ".join(failed[0].cmd), failed[0].rc, failed[0].last_lines())
        )


def stop_before_swap(services: List[Service], timeout: float = COMMAND_TIMEOUT) -> None:
    """Stop what must not run across the swap, the last one first; each may take *timeout* seconds. Raises ServiceError."""
    for service in services:
        if service.is_unit() and service.action in ("stop-start", "restart"):
            # systemd's limit of starts (systemd.unit(5), StartLimitBurst=) is meant for a service that starts over and over by itself,
            # and would else refuse the one start that is asked for. Here nobody waits for it yet.
            _run_systemctl(service.user, ["reset-failed", "--", service.name], timeout)
    for service in services[::-1]:
        if service.action == "stop-start":
            _control_service("stop", service, timeout)


def start_after_swap(services: List[Service], timeout: float = COMMAND_TIMEOUT) -> None:
    """Start, restart or reload each service, in order, onto the live path as it is now. Raises ServiceError."""
    for service in services:
        if service.action in START_VERBS:
            _control_service(START_VERBS[service.action], service, timeout)


def read_log_tail(services: List[Service], lines: int = 15) -> Optional[str]:
    """The last journal *lines* of the units among *services*, as evidence; None without any."""
    units = [("--user-unit" if service.user else "--unit", service.name) for service in services if service.is_unit()]
    if not units or not is_systemd_running():
        return None
    selected = [word for pair in units for word in pair]
    return run_command(
        ["journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=%d" % lines] + selected, 20.0
    ).stdout
