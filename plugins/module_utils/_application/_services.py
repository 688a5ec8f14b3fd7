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
    environment_for,
    of_user,
    usable,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import Result, run

COMMAND_TIMEOUT = 120.0
STARTS = {"stop-start": "start", "restart": "restart", "reload": "reload"}
MISSING = ("not-found", "masked", "error", "bad-setting", None)


class ServiceError(CollectionError):
    """A service that does not exist or did not do what it was told; the text says which and why."""


def systemd_runs() -> bool:
    """Whether systemd manages this host, by sd_booted(3)'s own test."""
    return os.path.isdir("/run/systemd/system")


def manager_of(user: Optional[str]) -> Optional[Identity]:
    """The account whose systemd runs the units of *user*; None for the system's. Raises ServiceError where it does not run."""
    if user is None:
        return None
    try:
        who = of_user(user)
    except IdentityError as error:
        raise ServiceError(str(error))
    if not usable(who):
        raise ServiceError("only %s or root can manage the units of %s; run with become" % (user, user))
    if not os.path.isdir(runtime_directory(who) + "/systemd"):
        raise ServiceError("the systemd of %s does not run; enable it with loginctl enable-linger %s" % (user, user))
    return who


def runtime_directory(who: Identity) -> str:
    """Where systemd of the account *who* has its socket (pam_systemd(8), XDG_RUNTIME_DIR)."""
    return "/run/user/%d" % who.uid


def _systemctl(user: Optional[str], words: List[str], timeout: float) -> Result:
    who = manager_of(user)
    if who is None:
        return run(["systemctl"] + words, timeout)
    return run(
        ["systemctl", "--user"] + words,
        timeout,
        who,
        environment=dict(environment_for(who), XDG_RUNTIME_DIR=runtime_directory(who)),
    )


def unit_properties(units: List[str], names: List[str], user: Optional[str] = None) -> Dict[str, Dict[str, str]]:
    """Properties *names* of each of *units* of the system, or of *user*, from one ``systemctl show``. Raises ServiceError."""
    if not units:
        return {}
    shown = _systemctl(user, ["show", "--property=" + ",".join(["Id"] + names), "--"] + units, COMMAND_TIMEOUT)
    if shown.rc != 0:
        raise ServiceError("systemctl show: %s" % shown.last_lines())
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in shown.stdout.strip().split("\n\n")
    ]
    return {unit: blocks[index] for index, unit in enumerate(units)}


def properties_of(services: List[Service], names: List[str]) -> Dict[Service, Dict[str, str]]:
    """Properties *names* of the units among *services*; asked once of each systemd. Raises ServiceError."""
    found: Dict[Service, Dict[str, str]] = {}
    for user in sorted({service.user or "" for service in services if service.is_unit()}):
        units = [service for service in services if service.is_unit() and (service.user or "") == user]
        told = unit_properties([service.name for service in units], names, user or None)
        found.update((service, told[service.name]) for service in units)
    return found


def missing(services: List[Service]) -> List[str]:
    """Names of the units among *services* that this host does not have. Raises ServiceError."""
    units = [service for service in services if service.is_unit()]
    if units and not systemd_runs():
        return [service.name for service in units]
    return [
        service.name
        for service, properties in properties_of(units, ["LoadState"]).items()
        if properties.get("LoadState") in MISSING
    ]


def _is_active(user: Optional[str], units: List[str]) -> bool:
    return _systemctl(user, ["is-active", "--quiet", "--"] + units, COMMAND_TIMEOUT).rc == 0


def _sockets(services: List[Service]) -> Dict[Service, List[str]]:
    """The socket units that start each of the units *services* when somebody connects. Raises ServiceError."""
    return {
        service: [name for name in (properties.get("TriggeredBy") or "").split() if name.endswith(".socket")]
        for service, properties in properties_of(services, ["TriggeredBy"]).items()
    }


def restarted(services: List[Service]) -> Dict[Service, int]:
    """How often systemd restarted those units among *services* that it did restart by itself since somebody started them. Raises ServiceError."""
    counts = {
        service: int(properties.get("NRestarts") or 0)
        for service, properties in properties_of(services, ["NRestarts"]).items()
    }
    return {service: count for service, count in counts.items() if count}


def is_running(service: Service) -> bool:
    """Whether *service* is active now: the unit's state, or its status command ending with 0. Raises ServiceError.

    A unit that its socket starts when somebody connects is active with its socket.
    """
    if service.is_unit():
        if _is_active(service.user, [service.name]):
            return True
        sockets = _sockets([service])[service] if systemd_runs() else []
        return bool(sockets) and _is_active(service.user, sockets)
    return run(list(service.status), COMMAND_TIMEOUT).rc == 0


def effective(services: List[Service]) -> List[Service]:
    """*services*, with the action of those that a socket starts made to fit.

    A service behind a socket is started by whoever connects, also between a stop and the swap, with the old environment. It is restarted after the
    swap instead: meanwhile connections wait in the socket, and none is lost. Raises ServiceError.
    """
    units = [service for service in services if service.is_unit() and service.action == "stop-start"]
    by_socket = {service for service, sockets in _sockets(units if systemd_runs() else []).items() if sockets}
    return [service._replace(action="restart") if service in by_socket else service for service in services]


def _do(verb: str, service: Service, timeout: float) -> None:
    """Have *service* do *verb*. Raises ServiceError."""
    if service.is_unit():
        done = [_systemctl(service.user, [verb, "--", service.name], timeout)]
    else:
        commands = {"stop": [service.stop], "restart": [service.stop, service.start]}.get(verb, [service.start])
        done = [run(list(command), timeout) for command in commands]
    failed = [result for result in done if result.rc != 0]
    if failed:
        raise ServiceError(
            "%s: %s ended with %d: %s" % (verb, " ".join(failed[0].cmd), failed[0].rc, failed[0].last_lines())
        )


def before_swap(services: List[Service], timeout: float = COMMAND_TIMEOUT) -> None:
    """Stop what must not run across the swap, the last one first; each may take *timeout* seconds. Raises ServiceError."""
    for service in services:
        if service.is_unit() and service.action in ("stop-start", "restart"):
            # systemd's limit of starts (systemd.unit(5), StartLimitBurst=) is meant for a service that starts over and over by itself,
            # and would else refuse the one start that is asked for. Here nobody waits for it yet.
            _systemctl(service.user, ["reset-failed", "--", service.name], timeout)
    for service in services[::-1]:
        if service.action == "stop-start":
            _do("stop", service, timeout)


def after_swap(services: List[Service], timeout: float = COMMAND_TIMEOUT) -> None:
    """Start, restart or reload each service, in order, onto the live path as it is now. Raises ServiceError."""
    for service in services:
        if service.action in STARTS:
            _do(STARTS[service.action], service, timeout)


def log_tail(services: List[Service], lines: int = 15) -> Optional[str]:
    """The last journal *lines* of the units among *services*, as evidence; None without any."""
    units = [("--user-unit" if service.user else "--unit", service.name) for service in services if service.is_unit()]
    if not units or not systemd_runs():
        return None
    selected = [word for pair in units for word in pair]
    return run(["journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=%d" % lines] + selected, 20.0).stdout
