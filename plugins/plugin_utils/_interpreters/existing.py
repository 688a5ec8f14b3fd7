# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source ``existing`` on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    ControllerSource,
    InterpreterWish,
)


def _parse_patch(version: str) -> int:
    digits = version.split(".")[2] if version.count(".") >= 2 else "0"
    return int("".join(character for character in digits if character.isdigit()) or 0)


def _get_rank(entry: Mapping[str, Any]) -> tuple[int, str]:
    return _parse_patch(entry["version"]), entry["path"]


def _find_installed(wish: InterpreterWish) -> Mapping[str, Any] | None:
    """The newest interpreter in the host's inventory that fits, outside every generation."""
    fitting = []
    for entry in wish.installed:
        version = entry.get("version")
        if not version or entry["implementation"] != "CPython":
            continue
        if entry.get("architecture") not in (None, wish.architecture):
            continue
        if version == wish.version or version.startswith(wish.version + "."):
            fitting.append(entry)
    return max(fitting, key=_get_rank, default=None)


class ExistingController(ControllerSource):
    """Chooses from the host's inventory where the entry has no path."""

    def choose_interpreter(self, entry: Mapping[str, Any], wish: InterpreterWish) -> dict[str, Any] | None:
        """As the base."""
        if entry.get("path"):
            return super().choose_interpreter(entry, wish)
        version = str(entry.get("version") or "")
        found = _find_installed(wish)
        if found is None or (version and not wish.is_covered_by(version)):
            return None
        return {"source": entry["source"], "version": found["version"], "path": found["path"]}


SOURCE = ExistingController()
