# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of preflight: the clock, and what lies on the controller."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._preflight import (
    check_clock_skew,
    check_controller_archives,
)


class ActionModule(ActionBase):
    """Run the module, and add what only the controller can tell."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """One module execution."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {key: value for key, value in self._task.args.items() if value is not None}
        before = time.time()
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        after = time.time()
        if result.get("failed") or "findings" not in result:
            return result
        own = check_clock_skew(
            result["clock"], before, after, float(arguments.get("max_skew", 60.0))
        ) + check_controller_archives(arguments.get("steps") or [])
        known = set(arguments.get("known_findings") or [])
        result["findings"] += own
        result["blocking"] += [entry for entry in own if entry["key"] not in known]
        return result
