# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator declares about an application: its options, and the form the modules work with."""

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, resolve_uid, resolve_user
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import split_command

APPLICATION_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,62}$")
DATABASE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$")
# The options of checks that are regular expressions.
PATTERN_OPTIONS = ("body", "forbid", "require")
FACTOR_PATTERN = re.compile(r"^([0-9]+(?:\.[0-9]+)?)x$")
GOAL_CHOICES = ["security", "performance", "compatibility"]
CARRY_CHOICES = ["ask", "copy", "patch", "drop"]
ACTION_CHOICES = ["stop-start", "restart", "reload", "none"]

CHECK_OPTIONS: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "http": {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True},
            "status": {"type": "int", "default": 200},
            "body": {"type": "str"},
            "timeout": {"type": "float", "default": 5.0},
            "validate_certs": {"type": "bool", "default": True},
            "json_pointer": {"type": "str"},
            "json_value": {"type": "raw"},
            "latency": {"type": "float"},
            "at_most": {"type": "str"},
            "tls_days": {"type": "float"},
            "ca_path": {"type": "str"},
        },
    },
    "tcp": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int", "required": True},
            "timeout": {"type": "float", "default": 5.0},
        },
    },
    "systemd": {"type": "dict", "options": {"unit": {"type": "str", "required": True}, "user": {"type": "str"}}},
    "command": {
        "type": "dict",
        "options": {
            "cmd": {"type": "raw", "required": True},
            "rc": {"type": "int", "default": 0},
            "timeout": {"type": "float", "default": 30.0},
        },
    },
    "process": {
        "type": "dict",
        "options": {"unit": {"type": "str"}, "pidfile": {"type": "str"}, "interpreter": {"type": "str"}},
    },
    "port": {
        "type": "dict",
        "options": {
            "port": {"type": "int", "required": True},
        },
    },
    "failed_units": {
        "type": "dict",
        "options": {
            "ignore": {"type": "list", "elements": "str", "default": []},
        },
    },
    "log": {
        "type": "dict",
        "options": {
            "unit": {"type": "str"},
            "path": {"type": "str"},
            "forbid": {"type": "str"},
            "require": {"type": "str"},
        },
        "required_one_of": [["unit", "path"], ["forbid", "require"]],
        "mutually_exclusive": [["unit", "path"]],
    },
    "freshness": {
        "type": "dict",
        "options": {
            "path": {"type": "str"},
            "cmd": {"type": "raw"},
            "seconds": {"type": "float", "required": True},
            "timeout": {"type": "float", "default": 30.0},
        },
        "required_one_of": [["path", "cmd"]],
        "mutually_exclusive": [["path", "cmd"]],
    },
    "python": {
        "type": "dict",
        "options": {
            "imports": {"type": "list", "elements": "str"},
            "expression": {"type": "str"},
            "timeout": {"type": "float", "default": 30.0},
        },
        "required_one_of": [["imports", "expression"]],
    },
}
CHECK_KINDS = sorted(set(CHECK_OPTIONS) - {"name"})

DATABASE_OPTIONS: Dict[str, Any] = {
    "name": {"type": "str"},
    "sqlite": {"type": "str"},
    "postgresql": {
        "type": "dict",
        "options": {
            "database": {"type": "str", "required": True},
            "host": {"type": "str"},
            "port": {"type": "int"},
            "user": {"type": "str"},
            "passfile": {"type": "str", "no_log": False},
            "account": {"type": "str"},
        },
    },
    "mysql": {
        "type": "dict",
        "options": {
            "database": {"type": "str", "required": True},
            "defaults_file": {"type": "str"},
            "account": {"type": "str"},
        },
    },
    "command": {
        "type": "dict",
        "options": {
            "dump": {"type": "raw", "required": True},
            "rows": {"type": "raw"},
            "load": {"type": "raw"},
            "account": {"type": "str"},
        },
    },
}
DATABASE_KINDS = sorted(set(DATABASE_OPTIONS) - {"name"})
BACKUP_OPTIONS: Dict[str, Any] = {
    "paths": {"type": "list", "elements": "str", "default": []},
    "databases": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": DATABASE_OPTIONS,
        "mutually_exclusive": [DATABASE_KINDS],
        "required_one_of": [DATABASE_KINDS],
    },
    "quiesce": {"type": "list", "elements": "raw", "default": []},
    "resume": {"type": "list", "elements": "raw", "default": []},
}
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

APPLICATION_OPTIONS: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
    "source": {"type": "str"},
    "user": {"type": "str"},
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "action": {"type": "str", "choices": ACTION_CHOICES, "default": "stop-start"},
            "start": {"type": "raw"},
            "stop": {"type": "raw"},
            "status": {"type": "raw"},
            "pidfile": {"type": "str"},
            "user": {"type": "str"},
        },
        "required_together": [["start", "stop", "status"]],
        "mutually_exclusive": [["user", "start"]],
    },
    "drain": {"type": "list", "elements": "raw", "default": []},
    "undrain": {"type": "list", "elements": "raw", "default": []},
    "checks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": CHECK_OPTIONS,
        "mutually_exclusive": [CHECK_KINDS],
        "required_one_of": [CHECK_KINDS],
    },
    "tests": {"type": "list", "elements": "raw", "default": []},
    "tests_timeout": {"type": "float", "default": 900.0},
    "requirements": {"type": "list", "elements": "str", "default": []},
    "goal": {"type": "str", "choices": GOAL_CHOICES, "default": "compatibility"},
    "carry": {"type": "str", "choices": CARRY_CHOICES, "default": "ask"},
    "criticality": {"type": "str", "choices": ["low", "normal", "high"], "default": "normal"},
    "benchmarks": {"type": "list", "elements": "raw", "default": []},
    "backup": {"type": "dict", "options": BACKUP_OPTIONS},
    "drill": {"type": "dict", "options": DRILL_OPTIONS},
}

APPLICATION_ARGUMENT: Dict[str, Any] = {"type": "dict", "required": True, "options": APPLICATION_OPTIONS}


class Service(NamedTuple):
    """A service of an application; ``start``, ``stop`` and ``status`` are empty for a systemd unit, which *user*'s systemd runs if there is one."""

    name: str
    action: str
    start: Tuple[str, ...]
    stop: Tuple[str, ...]
    status: Tuple[str, ...]
    pidfile: Optional[str]
    user: Optional[str] = None

    def is_unit(self) -> bool:
        """Whether systemd runs it, rather than commands that the operator gave."""
        return not self.start


class Database(NamedTuple):
    """A database of an application: how it is called in a backup, its kind (a key of `DATABASE_OPTIONS`), and that key's options as declared."""

    name: str
    kind: str
    options: Dict[str, Any]


class BackupSettings(NamedTuple):
    """What a backup keeps beside the environment and the source: absolute paths, databases, and commands around it."""

    paths: Tuple[str, ...] = ()
    databases: Tuple[Database, ...] = ()
    quiesce: Tuple[List[str], ...] = ()
    resume: Tuple[List[str], ...] = ()


class DrillSettings(NamedTuple):
    """What a drill does beside what it always does: a command with its limit in seconds, and commands or pickles that must be readable."""

    command: Tuple[str, ...] = ()
    timeout: float = 300.0
    pickles: Tuple[str, ...] = ()
    reads: Tuple[List[str], ...] = ()


class Application(NamedTuple):
    """One declared application. Paths are absolute; ``user`` is None until the environment tells it."""

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

    def generations_directory(self) -> str:
        """Where this application's generations live, beside the live path."""
        return self.environment + ".generations"

    def generation_path(self, identifier: str) -> str:
        """The directory of the generation called *identifier*."""
        return os.path.join(self.generations_directory(), identifier)

    def resolve_account(self) -> Identity:
        """The account that the application runs as. Raises IdentityError, OSError when it cannot be told."""
        return resolve_user(self.user) if self.user else resolve_uid(os.stat(self.environment).st_uid)


class ApplicationError(CollectionError, ValueError):
    """A declaration that cannot be meant; the text names the application and the option."""


def _parse_service(entry: Dict[str, Any]) -> Service:
    start, stop, status = (tuple(split_command(entry.get(verb) or [])) for verb in ("start", "stop", "status"))
    return Service(
        entry["name"], entry.get("action") or "stop-start", start, stop, status, entry.get("pidfile"), entry.get("user")
    )


def _check_patterns(application: str, check: Dict[str, Any]) -> None:
    for options in check.values():
        for option in [option for option in PATTERN_OPTIONS if isinstance(options, dict) and options.get(option)]:
            try:
                re.compile(options[option])
            except re.error as error:
                raise ApplicationError(
                    "application %s: check %s: %s is no regular expression: %s"
                    % (application, check["name"], option, error)
                )
        if isinstance(options, dict) and options.get("at_most") and not FACTOR_PATTERN.match(options["at_most"]):
            raise ApplicationError(
                "application %s: check %s: at_most %r is no factor such as 1.5x"
                % (application, check["name"], options["at_most"])
            )


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
        _check_patterns(name, check)
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
    """*parameters* checked against `APPLICATION_OPTIONS`, with defaults filled in. Raises ApplicationError."""
    result = ArgumentSpecValidator(APPLICATION_OPTIONS).validate(parameters)
    if result.error_messages:
        raise ApplicationError(
            "application %s: %s" % (parameters.get("name", "without a name"), "; ".join(result.error_messages))
        )
    return dict(result.validated_parameters)
