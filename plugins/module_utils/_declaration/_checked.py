# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declaration of an application with its checks, but without its backups."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    PORT_MARK,
    Application,
    ApplicationError,
    StartSettings,
    replace_port,
)
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import (
    build_core_options,
    parse_core_application,
    validate_parameters,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import (
    list_check_kinds,
    select_check_kind,
)

# Any port, to validate a declaration.
SAMPLE_PORT = 1


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


def build_checked_options() -> Dict[str, Any]:
    """The options that declare an application. Backups are accepted without a look at their contents."""
    return dict(build_core_options(), checks=build_checks_option())


def build_checked_argument() -> Dict[str, Any]:
    """The option ``application`` of modules that use checks, but no backups."""
    return {"type": "dict", "required": True, "options": build_checked_options()}


def _validate_check(application: str, check: Dict[str, Any]) -> None:
    try:
        kind, options = select_check_kind(check)
        kind.validate(options)
    except ValueError as error:
        raise ApplicationError("application %s: check %s: %s" % (application, check["name"], error))


def parse_checked_application(parameters: Dict[str, Any]) -> Application:
    """The application that validated *parameters* declare, without its backups. Raises ApplicationError."""
    for check in parameters.get("checks") or []:
        _validate_check(parameters["name"], check)
    application = parse_core_application(parameters)
    if application.start:
        build_start_check(application.name, application.start, SAMPLE_PORT)
    return application


def build_start_check(application: str, start: StartSettings, port: int) -> Dict[str, Any]:
    """The check that must pass when *start* has started *application* on *port*; by default that it is listened on.

    Raises ApplicationError.
    """
    declared = start.check or {"tcp": {"host": "127.0.0.1", "port": PORT_MARK}}
    check = dict(replace_port(declared, port), name="rehearse.start")
    options = {"name": {"type": "str"}, "checks": build_checks_option()}
    (found,) = validate_parameters({"name": application, "checks": [check]}, options)["checks"]
    _validate_check(application, found)
    return dict(found)


def parse_checked_declaration(declaration: Dict[str, Any]) -> Application:
    """The application of *declaration*, which is validated, without its backups. Raises ApplicationError."""
    return parse_checked_application(validate_parameters(declaration, build_checked_options()))
