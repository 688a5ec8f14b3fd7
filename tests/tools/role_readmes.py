# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the README.md of each role from its argument specs: ``python -m tests.tools.role_readmes``.

A test compares the two, so a README can be changed only in ``meta/argument_specs.yml``.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARKUP = re.compile(r"\b[BCEIMOPRV]+\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
USED_ROLE = re.compile(r"oxzep7\.python\.(\w+)$")
ROLE_KEYWORDS = ("ansible.builtin.include_role", "ansible.builtin.import_role")
SHARED = "oxzep7"


def format_markup(text: str) -> str:
    """*text* of a specification as Markdown."""
    return MARKUP.sub(r"`\1`", " ".join(str(text).split()))


def list_sentences(description: str | Sequence[str]) -> list[str]:
    """The paragraphs of a *description*, which may be a single one."""
    return [description] if isinstance(description, str) else list(description)


def _find_roles(tasks: Any) -> set[str]:
    """The roles of this collection that *tasks*, or the plays of a playbook, name."""
    if isinstance(tasks, list):
        return set().union(*map(_find_roles, tasks))
    if not isinstance(tasks, Mapping):
        return set()
    found = set()
    for keyword in ROLE_KEYWORDS:
        found |= _match_role(tasks.get(keyword, {}).get("name"))
    for entry in tasks.get("roles") or []:
        found |= _match_role(entry["role"] if isinstance(entry, Mapping) else entry)
    for keyword in ("tasks", "block", "rescue", "always"):
        found |= _find_roles(tasks.get(keyword))
    return found


def _match_role(name: str | None) -> set[str]:
    match = USED_ROLE.search(name or "")
    return {match.group(1)} if match else set()


def _load_used_roles(paths: Iterable[pathlib.Path]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        found |= _find_roles(yaml.safe_load(path.read_text(encoding="utf-8")))
    return found


def _load_dependencies(role: pathlib.Path) -> set[str]:
    meta = yaml.safe_load((role / "meta" / "main.yml").read_text(encoding="utf-8"))
    return _find_roles({"roles": meta["dependencies"]})


def find_playbooks() -> dict[str, list[str]]:
    """The playbooks that run each role, by themselves or through another role."""
    uses = {}
    for role in sorted((ROOT / "roles").iterdir()):
        uses[role.name] = _load_used_roles(sorted(role.glob("tasks/*.yml"))) | _load_dependencies(role)
    found: dict[str, list[str]] = {name: [] for name in uses}
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        waiting, seen = _load_used_roles([path]), set()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            waiting |= uses[name] - seen
        for name in seen:
            found[name].append(path.stem)
    return found


def format_options(options: Mapping[str, Any]) -> list[str]:
    """*options* as rows of a table, with a heading."""
    lines = ["| Variable | Type | Default | Description |", "|---|---|---|---|"]
    for name, option in options.items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        default = "required" if option.get("required") else _format_default(option.get("default"))
        text = " ".join(map(format_markup, list_sentences(option["description"])))
        if "choices" in option:
            text += f" One of {', '.join(map(_format_default, option['choices']))}."
        lines.append(f"| `{name}` | {kind} | {default} | {text} |".replace("\\|", "|"))
    return lines


def _format_default(value: Any) -> str:
    return "" if value is None else f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def format_readme(name: str, specs: Mapping[str, Any], playbooks: Sequence[str]) -> str:
    """The README of the role *name*, which *playbooks* run."""
    lines = [f"# {name}", ""]
    for entry, spec in specs.items():
        if entry != "main":
            lines += [f"## Entry point `{entry}`", ""]
        lines += [f"{format_markup(spec['short_description'])}.", ""]
        for sentence in list_sentences(spec["description"]):
            lines.append(f"- {format_markup(sentence)}")
        lines.append("")
        if spec.get("options"):
            lines += [*format_options(spec["options"]), ""]
    names = ", ".join(f"`oxzep7.python.{playbook}`" for playbook in playbooks)
    lines += ["## Playbooks", "", f"Run by {names}." if names else "No playbook of the collection runs it.", ""]
    if name != SHARED:
        lines += [
            f"The options of the collection are those of the role [{SHARED}](../{SHARED}/README.md), which it needs.",
            "",
        ]
    lines += [f"`ansible-doc -t role oxzep7.python.{name}` shows this page in a terminal."]
    return "\n".join(lines) + "\n"


def render_readmes() -> dict[pathlib.Path, str]:
    """The text of the README of each role by its path."""
    playbooks = find_playbooks()
    found = {}
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        role = path.parent.parent
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        found[role / "README.md"] = format_readme(role.name, specs, playbooks[role.name])
    return found
