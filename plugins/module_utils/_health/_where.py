# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a health check looks, and what it answers."""

from typing import Any, Dict, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity


class CheckContext(NamedTuple):
    """The account that runs commands (None: this process's), the live environment, and what the check measured before the promotion.

    ``before`` is None where there was no promotion: then nothing can be compared, and what looks at what came since finds nothing.
    """

    identity: Optional[Identity] = None
    environment: Optional[str] = None
    before: Optional[Dict[str, Any]] = None


# Whether it passed, the evidence for that, and what was measured for a later comparison.
Verdict = Tuple[bool, str, Dict[str, Any]]
