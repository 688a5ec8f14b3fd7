# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validates and parses the declaration of an application."""

import os
import re
from typing import Any, Dict, List

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    ApplicationError,
    BackupSettings,
    DrillSettings,
    Service,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import DatabaseError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import parse_databases
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._options import (
    build_application_options,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import select_check_kind
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import split_command

APPLICATION_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,62}$")


def _parse_commands(parameters: Dict[str, Any], option: str) -> List[List[str]]:
    """The commands that *option* lists. Raises ValueError."""
    return [split_command(command) for command in parameters.get(option) or []]


def _parse_service(entry: Dict[str, Any]) -> Service:
    return Service(
        entry["name"],
        entry.get("action") or "stop-start",
        tuple(split_command(entry.get("start") or [])),
        tuple(split_command(entry.get("stop") or [])),
        tuple(split_command(entry.get("status") or [])),
        entry.get("pidfile"),
        entry.get("user"),
    )


def _validate_check(application: str, check: Dict[str, Any]) -> None:
    try:
        kind, options = select_check_kind(check)
        kind.validate(options)
    except ValueError as error:
        raise ApplicationError("application %s: check %s: %s" % (application, check["name"], error))


def _require_absolute(application: str, option: str, value: str) -> str:
    if not os.path.isabs(value) or os.path.normpath(value) != value.rstrip("/") or "\n" in value:
        raise ApplicationError("application %s: %s %r is not an absolute, normal path" % (application, option, value))
    return value.rstrip("/")


def _parse_backup_settings(application: str, parameters: Dict[str, Any]) -> BackupSettings:
    try:
        databases = parse_databases(parameters.get("databases") or [])
    except DatabaseError as error:
        raise ApplicationError("application %s: %s" % (application, error))
    paths = [_require_absolute(application, "backup.paths", path) for path in parameters.get("paths") or []]
    quiesce, resume = _parse_commands(parameters, "quiesce"), _parse_commands(parameters, "resume")
    return BackupSettings(tuple(paths), databases, tuple(quiesce), tuple(resume))


def _parse_drill_settings(application: str, parameters: Dict[str, Any]) -> DrillSettings:
    pickles, commands = [], []
    for entry in parameters.get("reads") or []:
        if entry.get("pickle"):
            pickles.append(_require_absolute(application, "drill.reads", entry["pickle"]))
        elif entry.get("command"):
            commands.append(split_command(entry["command"]))
    command = tuple(split_command(parameters.get("command") or []))
    timeout = float(parameters.get("timeout") or DrillSettings().timeout)
    return DrillSettings(command, timeout, tuple(pickles), tuple(commands))


def parse_application(parameters: Dict[str, Any]) -> Application:
    """The application that validated *parameters* declare. Raises ApplicationError."""
    name = parameters["name"]
    if not APPLICATION_NAME.match(name):
        raise ApplicationError(
            "application name %r: use lower-case letters, digits, '_', '.' and '-', at most 63" % name
        )
    environment = _require_absolute(name, "environment", parameters["environment"])
    if parameters.get("source"):
        _require_absolute(name, "source", parameters["source"])
    for path in parameters.get("requirements") or []:
        _require_absolute(name, "requirements", path)
    for check in parameters.get("checks") or []:
        _validate_check(name, check)
    try:
        return Application(
            name=name,
            environment=environment,
            source=parameters.get("source"),
            user=parameters.get("user"),
            services=[_parse_service(entry) for entry in parameters.get("services") or []],
            checks=list(parameters.get("checks") or []),
            tests=_parse_commands(parameters, "tests"),
            tests_timeout=float(parameters.get("tests_timeout") or 900.0),
            requirements=list(parameters.get("requirements") or []),
            goal=parameters.get("goal") or "compatibility",
            carry=parameters.get("carry") or "ask",
            benchmarks=_parse_commands(parameters, "benchmarks"),
            drain=_parse_commands(parameters, "drain"),
            undrain=_parse_commands(parameters, "undrain"),
            keeping=_parse_backup_settings(name, parameters.get("backup") or {}),
            drill=_parse_drill_settings(name, parameters.get("drill") or {}),
        )
    except ApplicationError:
        raise
    except ValueError as error:
        raise ApplicationError("application %s: a command cannot be split into words: %s" % (name, error))


def validate_declaration(parameters: Dict[str, Any]) -> Dict[str, Any]:
    """*parameters* validated against the options of an application, with defaults. Raises ApplicationError."""
    result = ArgumentSpecValidator(build_application_options()).validate(parameters)
    if result.error_messages:
        raise ApplicationError(
            "application %s: %s" % (parameters.get("name", "without a name"), "; ".join(result.error_messages))
        )
    return dict(result.validated_parameters)
