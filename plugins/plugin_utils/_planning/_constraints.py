# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``constraints.yml`` of the plan directory: what must hold from a Python on, and why."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import PlanError

CONSTRAINTS_HEADING = """---
# Constraints on packages from a Python on, and their reasons. Rehearsals add entries at the end; edit them as needed.
"""


def read_constraints(directory: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of ``constraints.yml`` in the plan directory. Raises PlanError."""
    path = directory / "constraints.yml"
    try:
        lines = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except FileNotFoundError:
        return []
    except (OSError, yaml.YAMLError) as error:
        raise PlanError(f"{path} cannot be read: {error}; correct it") from None
    if not isinstance(lines, list) or not all(isinstance(line, dict) and line.get("requirement") for line in lines):
        raise PlanError(f"{path} is no list of mappings that have `requirement`; correct it")
    return lines


def _build_key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What two equal constraints have in common."""
    return tuple(str(row.get(name) or "") for name in ("requirement", "python", "drop", "replaced_by", "build"))


def append_constraints(directory: pathlib.Path, rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Add new *rows* to ``constraints.yml`` and return them; the rest stays as it is. Raises OSError.

    Others may add rows at the same time, and an operator may edit the file. While it cannot be read, rows are added all
    the same.
    """
    path = directory / "constraints.yml"
    with lock_file(directory / ".constraints.lock"):
        while True:
            before = path.read_text(encoding="utf-8") if path.exists() else CONSTRAINTS_HEADING
            known = _list_known_keys(directory)
            added = [dict(row) for row in rows if _build_key(row) not in known]
            text = yaml.safe_dump(added, sort_keys=False, allow_unicode=True, width=140)
            # Who edits the file does not take the lock.
            if not added or not path.exists() or path.read_text(encoding="utf-8") == before:
                break
        if added:
            write_private(path, before.rstrip("\n") + "\n" + text)
    return added


def _list_known_keys(directory: pathlib.Path) -> set[tuple[str, ...]]:
    try:
        return {_build_key(line) for line in read_constraints(directory)}
    except PlanError:
        return set()
