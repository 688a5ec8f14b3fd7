# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declaration of an application, in the form that the modules work with."""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._services import find_service_accounts
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    resolve_uid,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import Service, ServiceError

# The directory of generations has the name of the live path with this suffix.
GENERATIONS_SUFFIX = ".generations"
# What the port of a start takes the place of.
PORT_MARK = "{port}"


class DatabaseSettings(NamedTuple):
    """A declared database: its name in a backup, its kind, and the options of that kind."""

    name: str
    kind: str
    options: Dict[str, Any]


class BackupSettings(NamedTuple):
    """Contents of backups besides environment and source: absolute paths and databases; and the commands around it."""

    paths: Tuple[str, ...] = ()
    databases: Tuple[DatabaseSettings, ...] = ()
    quiesce: Tuple[List[str], ...] = ()
    resume: Tuple[List[str], ...] = ()


class DrillSettings(NamedTuple):
    """Additional proofs of a drill: a command with its time limit in seconds, pickles to load, and commands."""

    command: Tuple[str, ...] = ()
    timeout: float = 300.0
    pickles: Tuple[str, ...] = ()
    reads: Tuple[List[str], ...] = ()


class StartSettings(NamedTuple):
    """How a rehearsal starts the application beside the live one.

    Either the words of a command, or the systemd unit of which it is the command. ``{port}`` in words, variables and
    the check, and the variable ``port_variable``, get a free port. The check, of any kind, must pass within ``timeout``
    seconds.
    """

    command: Tuple[str, ...] = ()
    service: Optional[str] = None
    port_variable: Optional[str] = None
    directory: Optional[str] = None
    variables: Tuple[Tuple[str, str], ...] = ()
    check: Optional[Dict[str, Any]] = None
    timeout: float = 60.0


def replace_port(value: Any, port: int) -> Any:
    """*value* of an option with the number *port* for ``{port}`` in every text."""
    if isinstance(value, dict):
        return {name: replace_port(inner, port) for name, inner in value.items()}
    if isinstance(value, list):
        return [replace_port(inner, port) for inner in value]
    return value.replace(PORT_MARK, str(port)) if isinstance(value, str) else value


class Application(NamedTuple):
    """A declared application. Paths are absolute; ``user`` is None for the owner of the environment.

    ``formerly`` is the name under which this host has its record, if it was renamed. ``stay`` has the ``reason`` for
    which it stays at its version, and the day ``until`` which it does.
    """

    name: str
    environment: str
    source: Optional[str]
    user: Optional[str]
    services: List[Service]
    checks: List[Dict[str, Any]]
    tests: List[List[str]]
    tests_timeout: float
    requirements: List[str]
    goal: str
    carry: str
    benchmarks: List[List[str]]
    drain: List[List[str]]
    undrain: List[List[str]]
    keeping: BackupSettings = BackupSettings()
    drill: DrillSettings = DrillSettings()
    formerly: Optional[str] = None
    start: Optional[StartSettings] = None
    stay: Optional[Dict[str, Any]] = None

    def generations_directory(self) -> str:
        """The directory of this application's generations, beside the live path."""
        return self.environment + GENERATIONS_SUFFIX

    def generation_path(self, identifier: str) -> str:
        """The directory of the generation called *identifier*."""
        return os.path.join(self.generations_directory(), identifier)

    def resolve_account(self) -> Identity:
        """The account that the application runs as: the declared one, the owner of its environment, or its services'.

        Root owns environments of applications that run as other accounts, so root is used only where it is declared.
        Raises UndeclaredAccountError, IdentityError, OSError.
        """
        if self.user:
            return resolve_user(self.user)
        owner = os.stat(self.environment).st_uid
        return resolve_uid(owner) if owner != 0 else self._resolve_service_account()

    def _resolve_service_account(self) -> Identity:
        try:
            accounts = find_service_accounts(self.services)
        except ServiceError as error:
            raise UndeclaredAccountError(self, "what its services run as is unknown: %s" % error)
        if not accounts:
            raise UndeclaredAccountError(self, "none of its services says what it runs as")
        if len(accounts) > 1:
            listed = ", ".join("%s (%s)" % (name, ", ".join(units)) for name, units in sorted(accounts.items()))
            raise UndeclaredAccountError(self, "its services run as different users: %s" % listed)
        account = resolve_user(next(iter(accounts)))
        if account.uid == 0:
            raise UndeclaredAccountError(self, "its services run as root")
        return account


class UndeclaredAccountError(IdentityError):
    """Root owns the environment, and the account that may run the application's code is unknown.

    ``detail`` is the cause, ``remediation`` the next step.
    """

    def __init__(self, application: Application, reason: str) -> None:
        self.detail = "application %s: root owns %s, and %s" % (application.name, application.environment, reason)
        self.remediation = "set `user` of the application; `user: root` runs its code and its tests as root"
        super().__init__("%s; %s" % (self.detail, self.remediation))


class ApplicationError(CollectionError, ValueError):
    """An invalid declaration; the text names the application and the option."""
