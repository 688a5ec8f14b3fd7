# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a declared application, as argument specs."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import DATABASES_ARGUMENT
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import list_check_kinds

GOAL_CHOICES = ["security", "performance", "compatibility"]
CARRY_CHOICES = ["ask", "copy", "patch", "drop"]
ACTION_CHOICES = ["stop-start", "restart", "reload", "none"]

BACKUP_OPTIONS: Dict[str, Any] = {
    "paths": {"type": "list", "elements": "str", "default": []},
    "databases": DATABASES_ARGUMENT,
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


def build_checks_option() -> Dict[str, Any]:
    """The option with the checks of an application; each check has the option of exactly one kind."""
    options: Dict[str, Any] = {"name": {"type": "str", "required": True}}
    for kind in list_check_kinds():
        options[kind.name] = kind.options
    names = sorted(set(options) - {"name"})
    return {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": options,
        "mutually_exclusive": [names],
        "required_one_of": [names],
    }


def build_backup_option() -> Dict[str, Any]:
    """The option with the contents of an application's backups."""
    return {"type": "dict", "options": BACKUP_OPTIONS}


def build_application_options() -> Dict[str, Any]:
    """The options that declare an application."""
    return {
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
        "checks": build_checks_option(),
        "tests": {"type": "list", "elements": "raw", "default": []},
        "tests_timeout": {"type": "float", "default": 900.0},
        "requirements": {"type": "list", "elements": "str", "default": []},
        "goal": {"type": "str", "choices": GOAL_CHOICES, "default": "compatibility"},
        "carry": {"type": "str", "choices": CARRY_CHOICES, "default": "ask"},
        "criticality": {"type": "str", "choices": ["low", "normal", "high"], "default": "normal"},
        "benchmarks": {"type": "list", "elements": "raw", "default": []},
        "backup": build_backup_option(),
        "drill": {"type": "dict", "options": DRILL_OPTIONS},
    }


def build_application_argument() -> Dict[str, Any]:
    """The option ``application`` of modules."""
    return {"type": "dict", "required": True, "options": build_application_options()}
