# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module interpreter, for the module and for its action plugin."""

from typing import Any, Dict, List, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES


def _collect_source_options() -> Dict[str, Dict[str, Any]]:
    options: Dict[str, Dict[str, Any]] = {}
    for source in INTERPRETER_SOURCES.values():
        options.update(source.options)
    return options


def _list_requirements() -> List[Tuple[str, str, List[str]]]:
    requirements = []
    for source in INTERPRETER_SOURCES.values():
        if source.required:
            requirements.append(("source", source.name, list(source.required)))
    return requirements


INTERPRETER_ARGUMENTS: Dict[str, Dict[str, Any]] = dict(
    _collect_source_options(),
    interpreter={"type": "dict"},
    source={"type": "str", "choices": list(INTERPRETER_SOURCES)},
    version={"type": "str"},
    origin={"type": "str"},
    cache_dir={"type": "path", "default": "~/.cache/oxzep7"},
    offline={"type": "bool", "default": False},
    entries={"type": "list", "elements": "dict", "default": [], "no_log": True},
    known={"type": "list", "elements": "dict", "default": []},
    directory={"type": "path", "default": "/opt/oxzep7/interpreters"},
)
INTERPRETER_RULES: Dict[str, Any] = {
    "required_if": _list_requirements(),
    # The controller checks that a signature has its key.
    "required_by": {"source": ["version"]},
    "required_one_of": [("source", "interpreter")],
    "mutually_exclusive": [("source", "interpreter"), ("url", "path")],
}


def flatten_options(options: Dict[str, Any]) -> Dict[str, Any]:
    """*options* without unset ones, and with those in ``interpreter`` in their place unless ``source`` is set, too."""
    flat = {name: value for name, value in options.items() if value is not None}
    if flat.get("source") or not flat.get("interpreter"):
        return flat
    return dict(flat.pop("interpreter"), **flat)
