# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of an application: systemd units, or the commands an operator gave."""

import os
from typing import Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application import Service
from ansible_collections.oxzep7.python.plugins.module_utils._runner import Result, run

COMMAND_TIMEOUT = 120.0


class ServiceError(Exception):
    """A service that does not exist or did not do what it was told; the text says which and why."""


def systemd_runs() -> bool:
    """Whether systemd manages this host, by sd_booted(3)'s own test."""
    return os.path.isdir("/run/systemd/system")


def unit_properties(units: List[str], names: List[str]) -> Dict[str, Dict[str, str]]:
    """Properties *names* of each of *units*, from one ``systemctl show``. Raises ServiceError."""
    if not units:
        return {}
    shown = run(["systemctl", "show", "--property=" + ",".join(["Id"] + names), "--"] + units, COMMAND_TIMEOUT)
    if shown.rc != 0:
        raise ServiceError("systemctl show: %s" % shown.last_lines())
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
              for block in shown.stdout.strip().split("\n\n")]
    return {unit: blocks[index] for index, unit in enumerate(units)}


def missing(services: List[Service]) -> List[str]:
    """Names of the units among *services* that this host does not have."""
    units = [service.name for service in services if service.is_unit()]
    if units and not systemd_runs():
        return units
    return [unit for unit, properties in unit_properties(units, ["LoadState"]).items()
            if properties.get("LoadState") in ("not-found", "masked", "error", "bad-setting", None)]


def is_running(service: Service) -> bool:
    """Whether *service* is active now: the unit's state, or its status command ending with 0."""
    if service.is_unit():
        return run(["systemctl", "is-active", "--quiet", "--", service.name], COMMAND_TIMEOUT).rc == 0
    return run(service.status, COMMAND_TIMEOUT).rc == 0


def _units(services: List[Service]) -> List[str]:
    return [service.name for service in services if service.is_unit()]


def _each(verb: str, units: List[str], commands: Dict[str, List[str]]) -> None:
    done: List[Result] = []
    if units:
        done.append(run(["systemctl", verb, "--"] + units, COMMAND_TIMEOUT))
    done.extend(run(command, COMMAND_TIMEOUT) for command in commands.values())
    failed = [result for result in done if result.rc != 0]
    if failed:
        raise ServiceError("%s: %s ended with %d: %s" % (verb, " ".join(failed[0].cmd), failed[0].rc, failed[0].last_lines()))


def before_swap(services: List[Service]) -> None:
    """Stop what must not run across the swap. Raises ServiceError."""
    stopped = [service for service in services if service.action == "stop-start"]
    _each("stop", _units(stopped)[::-1], {service.name: service.stop for service in stopped[::-1] if not service.is_unit()})


def after_swap(services: List[Service]) -> None:
    """Start, restart or reload each service onto the live path as it is now. Raises ServiceError.

    systemd's limit of starts (systemd.unit(5), StartLimitBurst=) begins anew: it is meant for a service that starts over and over by
    itself, and would else refuse the one start that was asked for.
    """
    limited = [service for service in services if service.action in ("stop-start", "restart")]
    if _units(limited):
        run(["systemctl", "reset-failed", "--"] + _units(limited), COMMAND_TIMEOUT)
    for verb, actions in (("start", ("stop-start",)), ("restart", ("restart",)), ("reload", ("reload",))):
        chosen = [service for service in services if service.action in actions]
        commands = {service.name: service.start for service in chosen if not service.is_unit()}
        if verb == "restart":
            _each("stop", [], {service.name: service.stop for service in chosen if not service.is_unit()})
        _each(verb, _units(chosen), commands)


def log_tail(services: List[Service], lines: int = 15) -> Optional[str]:
    """The last journal *lines* of the units among *services*, as evidence; None without any."""
    units = _units(services)
    if not units or not systemd_runs():
        return None
    selected = [word for unit in units for word in ("--unit", unit)]
    return run(["journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=%d" % lines] + selected, 20.0).stdout
