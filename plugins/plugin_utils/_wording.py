# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Phrases that several reports and messages use."""

from __future__ import annotations

from collections.abc import Sequence

MAXIMUM_NAMES = 5


def join_names(names: Sequence[str]) -> str:
    """Return the first five of *names*, and how many more there are."""
    more = len(names) - MAXIMUM_NAMES
    return ", ".join(names[:MAXIMUM_NAMES]) + (f" and {more} more" if more > 0 else "")
