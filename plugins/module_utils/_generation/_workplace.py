# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment under construction: what is built where, by whom and for whom."""

import os
from typing import Any, Callable, Dict, NamedTuple, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    has_system_site,
    read_configuration,
    read_python_version,
    resolve_builder,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import CarryError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import (
    EnvironmentOrder,
    create_environment,
    sync_environment,
    write_lock,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._likeness import AccessError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._removal import Directories
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    can_become,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import check_directory
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins


class Workplace(NamedTuple):
    """The environment *path* under construction for *order*, with a *scratch* directory.

    The *builder* writes it, the *user* of the application proves it; *shared_site* lets it see the packages of its
    interpreter.
    """

    application: Application
    order: EnvironmentOrder
    path: str
    scratch: str
    builder: Identity
    user: Identity
    shared_site: bool
    directories: Directories

    @property
    def python_path(self) -> str:
        """The path of its interpreter."""
        return os.path.join(self.path, "bin", "python")

    @property
    def cache_directory(self) -> str:
        """The directory for uv's cache."""
        return os.path.join(self.scratch, "cache")

    def create_environment(self) -> None:
        """Create the empty environment. Raises CommandError."""
        create_environment(self.order, self.path, self.cache_directory, self.shared_site, self.builder)

    def install_lock(self, text: str) -> None:
        """Install the packages of the lock *text*. Raises CommandError, OSError."""
        lock = os.path.join(self.scratch, "lock.txt")
        call_as_identity(self.builder, write_lock, lock, text)
        sync_environment(self.order, self.path, lock, self.cache_directory, self.builder)

    def run_as_builder(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of *function*, called as the builder. Raises BuildError, OSError."""
        answer = call_as_identity(self.builder, _catch_refusal, function, *arguments)
        if "refused" in answer:
            raise BuildError(answer["refused"])
        return answer["result"]

    def load_cargo(self, load: Callable[..., Any]) -> Any:
        """The result of *load*, a function of `_carry`, for the cargo of the order. Raises BuildError, OSError."""
        live = self.application.environment
        before, after = _get_minor(read_python_version(live)), _get_minor(self.order.version)
        pins = parse_pins(self.order.lock or "")
        return self.run_as_builder(load, self.order.cargo, live, before, self.path, after, pins)


def _get_minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _catch_refusal(function: Callable[..., Any], *arguments: Any) -> Dict[str, Any]:
    try:
        return {"result": function(*arguments)}
    except (CarryError, AccessError) as error:
        return {"refused": str(error)}


def open_workplace(
    application: Application, state: ApplicationState, order: EnvironmentOrder, path: str, scratch: str
) -> Workplace:
    """The workplace for the environment *path* of *application*. Raises BuildError, OSError."""
    shared_site = has_system_site(read_configuration(application.environment))
    builder, user = resolve_build_accounts(application)
    check_directory(application.generations_directory(), builder.uid)
    directories = Directories(application, state, builder, order.run)
    return Workplace(application, order, path, scratch, builder, user, shared_site, directories)


def resolve_build_accounts(application: Application) -> Tuple[Identity, Identity]:
    """The account that builds generations and the one that proves them.

    Raises BuildError if this process cannot act as both.
    """
    builder, user = resolve_builder(application), application.resolve_account()
    for account in (builder, user):
        if not can_become(account):
            raise BuildError(
                "%s can only be built and tested by %s; run with become" % (application.name, account.name)
            )
    return builder, user
