# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live environment of an application: its generation, its configuration and its owner."""

import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    find_generation,
    get_timestamp,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    BuildError,
    PromotionRefused,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    find_entry_controller,
    resolve_uid,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import UnsafePathError, read_bytes

# Bytes; those that venv and its likes write are far smaller.
CONFIGURATION_LIMIT = 1 << 16


def read_configuration(environment: str) -> Dict[str, str]:
    """The values of *environment*'s ``pyvenv.cfg`` by lower-case key.

    Raises BuildError if the file is missing, or not a regular one; OSError.
    """
    path = os.path.join(environment, "pyvenv.cfg")
    try:
        text = read_bytes(path, limit=CONFIGURATION_LIMIT).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        raise BuildError("%s is not an environment: it has no pyvenv.cfg; correct `environment`" % environment)
    except UnsafePathError as error:
        raise BuildError("%s is %s; create the environment again" % (path, error.strerror))
    values = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            values[key.strip().lower()] = value.strip()
    return values


def read_python_version(environment: str) -> str:
    """The Python version that created *environment*, from its ``pyvenv.cfg``. Raises BuildError."""
    values = read_configuration(environment)
    version = values.get("version") or values.get("version_info")
    if not version:
        raise BuildError("%s/pyvenv.cfg names no Python version; create the environment again" % environment)
    return ".".join(version.split(".")[:3])


def resolve_builder(application: Application) -> Identity:
    """The account that writes generations: the owner of the directory around them or, below root's, of the environment.

    Raises IdentityError, OSError.
    """
    controller = find_entry_controller(application.environment)
    return controller if controller.uid != 0 else resolve_uid(os.stat(application.environment).st_uid)


def has_system_site(values: Dict[str, str]) -> bool:
    """Whether an environment with the configuration *values* can import the interpreter's packages."""
    return values.get("include-system-site-packages", "false").lower() == "true"


def read_live_target(application: Application) -> Optional[str]:
    """The target of the live symlink; None while the live path is a directory."""
    return os.readlink(application.environment) if os.path.islink(application.environment) else None


def find_live_generation(application: Application, record: Dict[str, Any], python: str) -> Dict[str, Any]:
    """The live generation: the recorded one, or one that adopts the existing environment.

    Raises PromotionRefused when the live path differs from the record.
    """
    target = read_live_target(application)
    if record["current"] is None:
        identifier = "0-py%s" % ".".join(python.split(".")[:2])
        path = os.path.realpath(application.environment) if target else application.generation_path(identifier)
        return {
            "id": identifier,
            "path": path,
            "python": python,
            "origin": "adopted",
            "lock": None,
            "complete": True,
            "target": target or os.path.relpath(path, os.path.dirname(application.environment)),
            "created": get_timestamp(),
        }
    known = find_generation(record, record["current"])
    if known is None or target is None or os.path.realpath(application.environment) != os.path.realpath(known["path"]):
        raise PromotionRefused(
            "the live path %s is %s, but the record says generation %s"
            % (application.environment, "-> " + target if target else "not a symlink", record["current"]),
            "put the live path back or correct state.json first",
        )
    return known
