# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def align_columns(entries: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """The *columns* of *entries* as aligned lines of text, with a heading."""
    cells = [list(columns)] + [[_format_cell(entry.get(column)) for column in columns] for entry in entries]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _format_cell(value: Any) -> str:
    return "-" if value is None else str(value)
