# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The complete declaration of an application."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    ApplicationError,
    BackupSettings,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import DatabaseError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import (
    DATABASES_ARGUMENT,
    parse_databases,
)
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import (
    build_checked_options,
    parse_checked_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import (
    parse_commands,
    require_absolute,
    validate_parameters,
)

BACKUP_OPTIONS: Dict[str, Any] = {
    "paths": {"type": "list", "elements": "str", "default": []},
    "databases": DATABASES_ARGUMENT,
    "quiesce": {"type": "list", "elements": "raw", "default": []},
    "resume": {"type": "list", "elements": "raw", "default": []},
}


def build_application_options() -> Dict[str, Any]:
    """The options that declare an application."""
    return dict(build_checked_options(), backup={"type": "dict", "options": BACKUP_OPTIONS})


def build_application_argument() -> Dict[str, Any]:
    """The option ``application`` of modules."""
    return {"type": "dict", "required": True, "options": build_application_options()}


def _parse_backup_settings(application: str, parameters: Dict[str, Any]) -> BackupSettings:
    try:
        databases = parse_databases(parameters.get("databases") or [])
    except DatabaseError as error:
        raise ApplicationError("application %s: %s" % (application, error))
    paths = [require_absolute(application, "backup.paths", path) for path in parameters.get("paths") or []]
    quiesce, resume = parse_commands(parameters, "quiesce"), parse_commands(parameters, "resume")
    return BackupSettings(tuple(paths), databases, tuple(quiesce), tuple(resume))


def parse_application(parameters: Dict[str, Any]) -> Application:
    """The application that validated *parameters* declare. Raises ApplicationError."""
    application = parse_checked_application(parameters)
    try:
        keeping = _parse_backup_settings(application.name, parameters.get("backup") or {})
    except ApplicationError:
        raise
    except ValueError as error:
        raise ApplicationError("application %s: a command cannot be split into words: %s" % (application.name, error))
    return application._replace(keeping=keeping)


def validate_declaration(parameters: Dict[str, Any]) -> Dict[str, Any]:
    """*parameters* validated against the options of an application, with defaults. Raises ApplicationError."""
    return validate_parameters(parameters, build_application_options())
