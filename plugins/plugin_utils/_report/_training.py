# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Pythons of a plan bring to the people who write its applications: a page of its own, beside the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names

MAXIMUM_NAMED = 12
# The applications by what is new, behaves otherwise or is gone, by these words.
News = dict[str, dict[str, dict[str, None]]]
PARTS = (("new", "New"), ("changed", "Behaves otherwise"), ("removed", "Gone"))


def format_training_markdown(document: Mapping[str, Any]) -> str:
    """What each Python of the plan's *document* adds, changes and removes in modules that applications import."""
    versions, unread = _collect_news(document)
    lines = [f"# Training: to Python {document['target']}", ""]
    lines += ["Of the modules that the sources of the applications import, with the applications in parentheses.", ""]
    for version in sorted(versions, key=lambda text: parse_version(text)[0]):
        lines += [f"## Python {version}", ""]
        for key, title in PARTS:
            found = versions[version][key]
            if found:
                lines += [f"{title}:", "", *(_format_item(text, list(users)) for text, users in found.items()), ""]
        if not any(versions[version].values()):
            lines += ["Nothing that they import.", ""]
    if unread:
        lines += [f"No source was read of {compress_names(unread, MAXIMUM_NAMED)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _collect_news(document: Mapping[str, Any]) -> tuple[dict[str, News], list[str]]:
    """What each Python brings, and the applications whose source was not read."""
    versions: dict[str, News] = {}
    unread: dict[str, None] = {}
    for notes in document["notes"].values():
        for name, note in notes.items():
            if any(entry["key"] == "source-unknown" for entry in note["findings"]):
                unread[name] = None
                continue
            for row in note["python"]:
                known = versions.setdefault(row["to"], {key: {} for key, _title in PARTS})
                for key, found in known.items():
                    for text in row[key]:
                        found.setdefault(text, {})[name] = None
    return versions, list(unread)


def _format_item(text: str, users: list[str]) -> str:
    name, separator, rest = text.partition(": ")
    return f"- `{name}`{separator}{rest} ({compress_names(users, MAXIMUM_NAMED)})"
