# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of preflight: the clock, and what lies on the controller."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import restore_credentials
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._preflight import (
    check_clock_skew,
    check_controller_archives,
)


class ActionModule(CollectionAction):
    """Run the module, and add what only the controller can tell."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """One module execution."""
        before = time.time()
        steps = []
        for step in given["steps"]:
            steps.append({**step, "interpreter": restore_credentials(step["interpreter"], given["entries"])})
        result = self.run_module({**self.list_arguments(), "steps": steps, "entries": []}, task_vars)
        after = time.time()
        if result.get("failed") or "findings" not in result:
            return result
        own = check_clock_skew(result["clock"], before, after, given["max_skew"], given["steps"])
        own += check_controller_archives(given["steps"])
        known = set(given["known_findings"])
        result["findings"] += own
        result["blocking"] += [entry for entry in own if entry["key"] not in known]
        return result
