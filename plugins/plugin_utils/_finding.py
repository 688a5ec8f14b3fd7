# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of a finding of planning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils import _finding

MAXIMUM_NAMES = 5


def join_names(names: Sequence[str]) -> str:
    """The first five of *names*, and how many more there are."""
    more = len(names) - MAXIMUM_NAMES
    return ", ".join(names[:MAXIMUM_NAMES]) + (f" and {more} more" if more > 0 else "")


def build_controller_finding(key: str, detail: str, remediation: str, blocking: bool = True) -> dict[str, Any]:
    """A finding; *key* is stable across releases, and *remediation* the next step. What does not block is a warning."""
    return _finding.build_finding(
        key, key.replace("-", " "), detail, remediation, "error" if blocking else "warning", blocking
    )
