# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of interpreter sources, put together from that of each source."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES


def _list_sentences(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def document_source_options() -> dict[str, Any]:
    """The options of all sources; an option of several sources has the description of each."""
    options: dict[str, Any] = {}
    for source in INTERPRETER_SOURCES.values():
        for name, option in yaml.safe_load(source.documentation)["options"].items():
            known = options.setdefault(name, {**option, "description": []})
            known["description"] += _list_sentences(option["description"])
    for option in options.values():
        if len(option["description"]) == 1:
            (option["description"],) = option["description"]
    return options


def document_source_choice() -> dict[str, Any]:
    """The option ``source``."""
    sentences = []
    for source in INTERPRETER_SOURCES.values():
        sentences.append(str(yaml.safe_load(source.documentation)["description"]))
    return {
        "description": ["Kind of the source.", *sentences],
        "type": "str",
        "choices": list(INTERPRETER_SOURCES),
    }


def document_entries() -> dict[str, Any]:
    """The variable oxzep7_interpreters, as in the argument specs of a role."""
    meanings: list[str] = []
    required_if: list[list[Any]] = []
    for source in INTERPRETER_SOURCES.values():
        meaning = yaml.safe_load(source.documentation).get("without_version")
        meanings += [meaning] if meaning else []
        if source.entry_required:
            required_if.append(["source", source.name, list(source.entry_required)])
        if source.entry_required_one_of:
            required_if.append(["source", source.name, list(source.entry_required_one_of), True])
    version = {
        "description": ["Minor or exact version.", f"Without it, {', '.join(meanings)}."],
        "type": "str",
    }
    options = {"source": {**document_source_choice(), "required": True}, "version": version}
    options.update(document_source_options())
    options["key"]["no_log"] = False
    return {
        "description": "Sources of interpreters; for each version the first entry that provides it is used.",
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": options,
        "required_if": required_if,
    }
