# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives commands to the instances of systemd on this host, and reads the properties of their units."""

import os
from typing import Dict, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    build_process_environment,
    can_become,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandResult,
    join_command,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import COMMAND_TIMEOUT, ServiceError


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


def run_systemctl(user: Optional[str], words: List[str], timeout: float) -> CommandResult:
    """Run ``systemctl`` with *words* for the system instance, or for that of *user*. Raises ServiceError."""
    account = find_unit_manager(user)
    if account is None:
        return run_command(["systemctl"] + words, timeout)
    environment = dict(build_process_environment(account), XDG_RUNTIME_DIR=get_runtime_directory(account))
    return run_command(["systemctl", "--user"] + words, timeout, account, environment=environment)


def render_systemctl(user: Optional[str], words: List[str], timeout: float) -> str:
    """`run_systemctl` as a line of a shell script that the same account runs. Raises IdentityError."""
    if user is None:
        return join_command(["timeout", "%g" % timeout, "systemctl"] + words)
    who = resolve_user(user)
    become = (
        [] if who.is_current() else ["setpriv", "--reuid=%d" % who.uid, "--regid=%d" % who.gid, "--clear-groups", "--"]
    )
    environment = ["env", "XDG_RUNTIME_DIR=" + get_runtime_directory(who)]
    return join_command(["timeout", "%g" % timeout] + become + environment + ["systemctl", "--user"] + words)


def read_unit_properties(
    units: Sequence[str], names: Sequence[str], user: Optional[str] = None
) -> Dict[str, Dict[str, str]]:
    """Properties *names* of each of *units* of the system, or of *user*, from one ``systemctl show``.

    Raises ServiceError.
    """
    if not units:
        return {}
    shown = run_systemctl(
        user, ["show", "--property=" + ",".join(["Id"] + list(names)), "--"] + list(units), COMMAND_TIMEOUT
    )
    blocks = shown.stdout.strip().split("\n\n")
    if shown.rc != 0 or len(blocks) != len(units):
        raise ServiceError("systemctl show: %s" % shown.last_lines())
    return {unit: _parse_properties(block) for unit, block in zip(units, blocks)}


def _parse_properties(text: str) -> Dict[str, str]:
    """The properties in *text*, one ``name=value`` a line."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
