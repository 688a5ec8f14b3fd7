# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declaration of an application without its checks and backups, for modules that use neither.

Each kind of check or database that a module knows is a file that Ansible sends to the host and compiles there.
"""

import os
from typing import Any, Dict, List, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    Application,
    ApplicationError,
    DrillSettings,
    StartSettings,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._stay import STAY_OPTIONS, parse_day
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._order import CRITICALITIES
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import split_command
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME, APPLICATION_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._services._registry import (
    build_services_option,
    parse_service,
)

GOAL_CHOICES = ["security", "performance", "compatibility"]
CARRY_CHOICES = ["ask", "copy", "patch", "drop"]

DRILL_OPTIONS: Dict[str, Any] = {
    "command": {"type": "raw"},
    "timeout": {"type": "float", "default": 300.0},
    "reads": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"pickle": {"type": "str"}, "command": {"type": "raw"}},
        "mutually_exclusive": [["pickle", "command"]],
        "required_one_of": [["pickle", "command"]],
    },
}

REHEARSE_OPTIONS: Dict[str, Any] = {
    "start": {
        "type": "dict",
        "options": {
            "command": {"type": "raw"},
            "service": {"type": "str"},
            "port_variable": {"type": "str"},
            "directory": {"type": "str"},
            "variables": {"type": "dict"},
            "check": {"type": "dict"},
            "timeout": {"type": "float", "default": 60.0},
        },
        "mutually_exclusive": [["command", "service"]],
        "required_one_of": [["command", "service"]],
        "required_by": {"service": ["port_variable"]},
    },
}


def build_core_options() -> Dict[str, Any]:
    """The options that declare an application. Checks and backups are accepted without a look at their contents."""
    return {
        "name": {"type": APPLICATION_NAME, "required": True},
        "environment": {"type": "str", "required": True},
        "formerly": {"type": APPLICATION_NAME},
        "source": {"type": "str"},
        "user": {"type": ACCOUNT_NAME},
        "services": build_services_option(),
        "drain": {"type": "list", "elements": "raw", "default": []},
        "undrain": {"type": "list", "elements": "raw", "default": []},
        "checks": {"type": "list", "elements": "dict", "default": []},
        "tests": {"type": "list", "elements": "raw", "default": []},
        "tests_timeout": {"type": "float", "default": 900.0},
        "requirements": {"type": "list", "elements": "str", "default": []},
        "target": {"type": "str"},
        "stay": {"type": "dict", "options": STAY_OPTIONS},
        "goal": {"type": "str", "choices": GOAL_CHOICES, "default": "compatibility"},
        "carry": {"type": "str", "choices": CARRY_CHOICES, "default": "ask"},
        "criticality": {"type": "str", "choices": list(CRITICALITIES), "default": "normal"},
        "after": {"type": "list", "elements": "str", "default": []},
        "benchmarks": {"type": "list", "elements": "raw", "default": []},
        "backup": {"type": "dict"},
        "drill": {"type": "dict", "options": DRILL_OPTIONS},
        "rehearse": {"type": "dict", "options": REHEARSE_OPTIONS},
    }


def build_core_argument() -> Dict[str, Any]:
    """The option ``application`` of modules that use neither checks nor backups."""
    return {"type": "dict", "required": True, "options": build_core_options()}


def parse_commands(parameters: Dict[str, Any], option: str) -> List[List[str]]:
    """The commands that *option* lists. Raises ValueError."""
    return [split_command(command) for command in parameters.get(option) or []]


def require_absolute(application: str, option: str, value: str) -> str:
    """The path *value* of *option* without a slash at its end. Raises ApplicationError."""
    if not os.path.isabs(value) or os.path.normpath(value) != value.rstrip("/") or "\n" in value:
        raise ApplicationError("application %s: %s %r is not an absolute, normal path" % (application, option, value))
    return value.rstrip("/")


def _parse_drill_settings(application: str, parameters: Dict[str, Any]) -> DrillSettings:
    pickles, commands = [], []
    for entry in parameters.get("reads") or []:
        if entry.get("pickle"):
            pickles.append(require_absolute(application, "drill.reads", entry["pickle"]))
        elif entry.get("command"):
            commands.append(split_command(entry["command"]))
    command = tuple(split_command(parameters.get("command") or []))
    timeout = float(parameters.get("timeout") or DrillSettings().timeout)
    return DrillSettings(command, timeout, tuple(pickles), tuple(commands))


def _parse_start_settings(application: str, parameters: Optional[Dict[str, Any]]) -> Optional[StartSettings]:
    if not parameters:
        return None
    if parameters.get("directory"):
        require_absolute(application, "rehearse.start.directory", parameters["directory"])
    variables = parameters.get("variables") or {}
    return StartSettings(
        tuple(split_command(parameters.get("command") or [])),
        parameters.get("service"),
        parameters.get("port_variable"),
        parameters.get("directory"),
        tuple(sorted((str(name), str(value)) for name, value in variables.items())),
        parameters.get("check"),
        float(parameters.get("timeout") or StartSettings().timeout),
    )


def _parse_stay(application: str, parameters: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    stay: Optional[Dict[str, Any]] = parameters.get("stay") or None
    if not stay:
        return None
    if parameters.get("target"):
        raise ApplicationError("application %s: target and stay exclude each other" % application)
    try:
        parse_day(str(stay["until"]))
    except ValueError:
        raise ApplicationError("application %s: stay.until %r is no day as 2027-03-31" % (application, stay["until"]))
    return stay


def parse_core_application(parameters: Dict[str, Any]) -> Application:
    """The application that validated *parameters* declare, without its backups. Raises ApplicationError."""
    name = parameters["name"]
    if not APPLICATION_NAME.matches(name):
        raise ApplicationError("application name %r: use %s" % (name, APPLICATION_NAME.advice))
    environment = require_absolute(name, "environment", parameters["environment"])
    if parameters.get("source"):
        require_absolute(name, "source", parameters["source"])
    for path in parameters.get("requirements") or []:
        require_absolute(name, "requirements", path)
    try:
        return Application(
            name=name,
            environment=environment,
            source=parameters.get("source"),
            user=parameters.get("user"),
            services=[parse_service(entry) for entry in parameters.get("services") or []],
            checks=list(parameters.get("checks") or []),
            tests=parse_commands(parameters, "tests"),
            tests_timeout=float(parameters.get("tests_timeout") or 900.0),
            requirements=list(parameters.get("requirements") or []),
            goal=parameters.get("goal") or "compatibility",
            carry=parameters.get("carry") or "ask",
            benchmarks=parse_commands(parameters, "benchmarks"),
            drain=parse_commands(parameters, "drain"),
            undrain=parse_commands(parameters, "undrain"),
            drill=_parse_drill_settings(name, parameters.get("drill") or {}),
            formerly=parameters.get("formerly") or None,
            start=_parse_start_settings(name, (parameters.get("rehearse") or {}).get("start")),
            stay=_parse_stay(name, parameters),
        )
    except ApplicationError:
        raise
    except ValueError as error:
        raise ApplicationError("application %s: a command cannot be split into words: %s" % (name, error))


def validate_parameters(parameters: Dict[str, Any], options: Dict[str, Any]) -> Dict[str, Any]:
    """*parameters* of an application, validated against *options*, with defaults. Raises ApplicationError."""
    result = ArgumentSpecValidator(options).validate(parameters)
    if result.error_messages:
        raise ApplicationError(
            "application %s: %s" % (parameters.get("name", "without a name"), "; ".join(result.error_messages))
        )
    return dict(result.validated_parameters)


def parse_core_declaration(declaration: Dict[str, Any]) -> Application:
    """The application of *declaration*, which is validated, without its backups. Raises ApplicationError."""
    return parse_core_application(validate_parameters(declaration, build_core_options()))
