# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applications that stay at their version for a declared reason, until a declared day."""

import datetime
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding

STAY_OPTIONS: Dict[str, Any] = {
    "reason": {"type": "str", "required": True},
    "until": {"type": "str", "required": True},
}


def parse_day(text: str) -> datetime.date:
    """The day that *text* names as YYYY-MM-DD. Raises ValueError."""
    return datetime.datetime.strptime(text, "%Y-%m-%d").date()


def check_stay(name: str, stay: Optional[Dict[str, Any]], today: datetime.date) -> List[Dict[str, Any]]:
    """A finding where the application *name* was declared to *stay* until a day before *today*. Raises ValueError."""
    if not stay or parse_day(str(stay["until"])) >= today:
        return []
    return [
        build_finding(
            key="stay-expired",
            where=name,
            detail="it was to stay until %s, and it still does: %s" % (stay["until"], stay["reason"]),
            remediation="take `stay` out of the declaration, or give another date",
        )
    ]
