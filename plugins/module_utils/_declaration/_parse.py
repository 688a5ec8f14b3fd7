# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validates and parses the declaration of an application."""

import os
import re
from typing import Any, Dict

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    ApplicationError,
    BackupSettings,
    Database,
    DrillSettings,
    Service,
)
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._options import (
    DATABASE_KINDS,
    build_application_options,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import select_check_kind
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import split_command

APPLICATION_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,62}$")
DATABASE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$")


def _parse_service(entry: Dict[str, Any]) -> Service:
    start, stop, status = (tuple(split_command(entry.get(verb) or [])) for verb in ("start", "stop", "status"))
    return Service(
        entry["name"], entry.get("action") or "stop-start", start, stop, status, entry.get("pidfile"), entry.get("user")
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


def _parse_database(application: str, entry: Dict[str, Any]) -> Database:
    kind = next(kind for kind in DATABASE_KINDS if entry.get(kind) is not None)
    options = (
        {"path": _require_absolute(application, kind, entry[kind])}
        if kind == "sqlite"
        else {key: value for key, value in entry[kind].items() if value is not None}
    )
    for verb in ("dump", "rows", "load"):
        if verb in options:
            options[verb] = split_command(options[verb])
    name = entry.get("name") or os.path.basename(str(options.get("path") or options.get("database") or "custom"))
    if not DATABASE_NAME.match(name):
        raise ApplicationError(
            "application %s: %r cannot be the name of a database's file; give it another `name`" % (application, name)
        )
    return Database(name, kind, options)


def _parse_backup_settings(application: str, given: Dict[str, Any]) -> BackupSettings:
    databases = [_parse_database(application, entry) for entry in given.get("databases") or []]
    names = [database.name for database in databases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ApplicationError(
            "application %s: two databases are called %s; give one of them another `name`" % (application, twice)
        )
    return BackupSettings(
        tuple(_require_absolute(application, "backup.paths", path) for path in given.get("paths") or []),
        tuple(databases),
        *(tuple(split_command(command) for command in given.get(option) or []) for option in ("quiesce", "resume")),
    )


def _parse_drill_settings(application: str, given: Dict[str, Any]) -> DrillSettings:
    reads = given.get("reads") or []
    return DrillSettings(
        tuple(split_command(given.get("command") or [])),
        float(given.get("timeout") or 300.0),
        tuple(_require_absolute(application, "drill.reads", entry["pickle"]) for entry in reads if entry.get("pickle")),
        tuple(split_command(entry["command"]) for entry in reads if entry.get("command")),
    )


def parse_application(parameters: Dict[str, Any]) -> Application:
    """The application that validated module *parameters* declare. Raises ApplicationError."""
    name = parameters["name"]
    if not APPLICATION_NAME.match(name):
        raise ApplicationError(
            "application name %r: use lower-case letters, digits, '_', '.' and '-', at most 63" % name
        )
    paths = [(option, parameters.get(option)) for option in ("environment", "source")]
    for option, value in paths + [("requirements", path) for path in parameters.get("requirements") or []]:
        if value:
            _require_absolute(name, option, value)
    try:
        services = [_parse_service(entry) for entry in parameters.get("services") or []]
        tests, benchmarks, drain, undrain = (
            [split_command(command) for command in parameters.get(option) or []]
            for option in ("tests", "benchmarks", "drain", "undrain")
        )
        keeping = _parse_backup_settings(name, parameters.get("backup") or {})
        drill = _parse_drill_settings(name, parameters.get("drill") or {})
    except ValueError as error:
        raise ApplicationError("application %s: a command cannot be split into words: %s" % (name, error))
    for check in parameters.get("checks") or []:
        _validate_check(name, check)
    return Application(
        name,
        parameters["environment"].rstrip("/"),
        parameters.get("source"),
        parameters.get("user"),
        services,
        list(parameters.get("checks") or []),
        tests,
        float(parameters.get("tests_timeout") or 900.0),
        list(parameters.get("requirements") or []),
        parameters.get("goal") or "compatibility",
        parameters.get("carry") or "ask",
        benchmarks,
        drain,
        undrain,
        keeping,
        drill,
    )


def validate_declaration(parameters: Dict[str, Any]) -> Dict[str, Any]:
    """*parameters* checked against the options of an application, with defaults filled in. Raises ApplicationError."""
    result = ArgumentSpecValidator(build_application_options()).validate(parameters)
    if result.error_messages:
        raise ApplicationError(
            "application %s: %s" % (parameters.get("name", "without a name"), "; ".join(result.error_messages))
        )
    return dict(result.validated_parameters)
