# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpreter sources on the controller, by name."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    ControllerSource,
    InterpreterSourceError,
    InterpreterWish,
)


def get_controller_source(name: str) -> ControllerSource:
    """The controller's part of the source *name*: ``SOURCE`` of the file of its name here, else the base.

    Raises InterpreterSourceError for a source that does not exist.
    """
    if name not in INTERPRETER_SOURCES:
        raise InterpreterSourceError(
            f"{name} is not an interpreter source; use one of {', '.join(INTERPRETER_SOURCES)}"
        )
    module_name = f"{__package__}.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        return ControllerSource()
    source: ControllerSource = module.SOURCE
    return source


def choose_from_entries(entries: Iterable[Mapping[str, Any]], wish: InterpreterWish) -> dict[str, Any] | None:
    """The options of the first of *entries* that fulfils *wish*, or None. Raises InterpreterSourceError."""
    for entry in entries:
        chosen = get_controller_source(entry["source"]).choose_interpreter(entry, wish)
        if chosen:
            return chosen
    return None


def restore_credentials(options: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """*options*, as a plan has them, with the credentials that the same URLs have in *entries*."""
    known: dict[str, str] = {}
    for entry in entries:
        for value in entry.values():
            if isinstance(value, str) and "://" in value:
                known.setdefault(redact_url(value), value)
    return {key: known.get(value, value) if isinstance(value, str) else value for key, value in options.items()}
