# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether installed packages fit together, by the output of ``pip check`` or ``uv pip check``."""

import re
from typing import Collection, List, Match, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

# The requirement that is not installed, in the words of pip and of uv.
MISSING_PATTERNS = (
    re.compile(r"^\S+ \S+ requires ([A-Za-z0-9._-]+)\S*, which is not installed\.$"),
    re.compile(r"^The package `[^`]+` requires `([A-Za-z0-9._-]+)[^`]*`, but it's not installed$"),
)
PROGRESS = ("Using Python ", "Checked ", "Found ")


def list_inconsistencies(done: CommandResult, left_out: Collection[str]) -> List[str]:
    """The complaints of the check *done*, without those that one of the packages *left_out* is not installed."""
    if done.rc == 0:
        return []
    found = []
    accepted = 0
    for line in (done.stdout + "\n" + done.stderr).splitlines():
        text = line.strip()
        if not text or text.startswith(PROGRESS):
            continue
        if any(match and normalize_name(match.group(1)) in left_out for match in _match_missing(text)):
            accepted += 1
        else:
            found.append(text)
    # A check that failed without a word is no proof.
    return found if found or accepted else ["the check ended with %d" % done.rc]


def _match_missing(text: str) -> List[Optional[Match[str]]]:
    return [pattern.match(text) for pattern in MISSING_PATTERNS]
