# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the options of applications and interpreters into the argument specs of the role ``oxzep7``.

The modules are the source of truth: their argument spec, and the documentation fragment or the kinds that describe it.
"""

from __future__ import annotations

import pathlib
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import yaml
from ansible_collections.oxzep7.python.plugins.doc_fragments.application import build_documentation
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import build_application_options
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._documentation import document_entries

SPECIFICATION = pathlib.Path(__file__).resolve().parents[2] / "roles" / "oxzep7" / "meta" / "argument_specs.yml"
OPTION = re.compile(
    r"(?<=^      oxzep7_applications:\n)(.*?^        options:\n).*?(?=^      \w)", re.DOTALL | re.MULTILINE
)
INTERPRETERS = re.compile(r"^      oxzep7_interpreters:\n.*?(?=^      \w)", re.DOTALL | re.MULTILINE)
WIDTH = 120
CONSTRAINTS = ("mutually_exclusive", "required_one_of", "required_together", "required_if")


def render_text(text: str, first: str, indent: int) -> str:
    """*text* as a YAML scalar that begins after *first* and goes on at *indent*."""
    if len(first) + len(text) <= WIDTH and yaml.safe_load(f"- {text}") == [text]:
        return f"{first}{text}\n"
    lines = textwrap.wrap(text, WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return f"{first}>-\n" + textwrap.indent("\n".join(lines), " " * indent) + "\n"


def render_list(values: list[Any], indent: int) -> str:
    """*values*, one a line; lists among them in brackets."""
    lines = ""
    for value in values:
        lines += " " * indent + "- " + yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n")[0] + "\n"
    return lines


def _get_plain_value(value: Any) -> Any:
    """*value* of an argument spec; a type of names is a text for YAML."""
    return str(value) if isinstance(value, str) else value


def render_constraints(option: Mapping[str, Any], indent: int) -> str:
    """What *option* says about those below it, as YAML."""
    pad = " " * indent
    text = ""
    for key in CONSTRAINTS:
        if key in option:
            text += f"{pad}{key}:\n" + render_list(option[key], indent + 2)
    if "required_by" in option:
        text += f"{pad}required_by:\n"
        for name, needed in option["required_by"].items():
            text += f"{pad}  {name}: [{', '.join(needed)}]\n"
    return text


def render_option(name: str, option: Mapping[str, Any], documentation: Mapping[str, Any], indent: int) -> str:
    """One option of an argument spec with its documentation, as YAML."""
    pad, inner = " " * indent, " " * (indent + 2)
    text = f"{pad}{name}:\n"
    description = documentation["description"]
    if isinstance(description, str):
        text += render_text(description, f"{inner}description: ", indent + 4)
    else:
        text += f"{inner}description:\n"
        for sentence in description:
            text += render_text(sentence, f"{inner}  - ", indent + 6)
    for key in ("type", "elements", "required", "default", "no_log"):
        if key in option:
            value = yaml.safe_dump(_get_plain_value(option[key]), default_flow_style=True)
            text += f"{inner}{key}: " + value.split("\n")[0] + "\n"
    if "choices" in option:
        text += f"{inner}choices:\n" + render_list(option["choices"], indent + 4)
    text += render_constraints(option, indent + 2)
    if "options" in option:
        text += f"{inner}options:\n" + render_options(option["options"], documentation["suboptions"], indent + 4)
    return text


def render_options(options: Mapping[str, Any], documentation: Mapping[str, Any], indent: int) -> str:
    """The *options* in the order of their *documentation*, as YAML."""
    text = ""
    for name in documentation:
        text += render_option(name, options[name], documentation[name], indent)
    return text


def render_specification() -> str:
    """The text of the role's argument specs with the options of an application as the modules have them."""
    documentation = yaml.safe_load(build_documentation())["options"]["application"]["suboptions"]
    options = render_options(build_application_options(), documentation, 10)
    text = SPECIFICATION.read_text(encoding="utf-8")
    text = OPTION.sub(lambda match: match.group(1) + options, text, count=1)
    entries = document_entries()
    interpreters = render_option("oxzep7_interpreters", entries, {**entries, "suboptions": entries["options"]}, 6)
    return INTERPRETERS.sub(lambda _match: interpreters, text, count=1)
