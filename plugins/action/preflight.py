# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of preflight: the clock, and what lies on the controller."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._finding import build_controller_finding


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
        ) + self._check_controller_archives(arguments)
        known = set(arguments.get("known_findings") or [])
        result["findings"] += own
        result["blocking"] += [entry for entry in own if entry["key"] not in known]
        return result

    @staticmethod
    def _check_controller_archives(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Findings about archives that should lie on the controller."""
        paths = {
            str(step["interpreter"]["version"]): step["interpreter"]["path"]
            for step in arguments.get("steps") or []
            if step["interpreter"]["source"] == "archive" and step["interpreter"].get("path")
        }
        return [
            build_controller_finding(
                "interpreter-unobtainable",
                f"Python {version}: {path} does not exist on the controller",
                "put it there, or correct oxzep7_interpreters",
            )
            for version, path in sorted(paths.items())
            if not expand_path(path).is_file()
        ]


def check_clock_skew(clock: float, before: float, after: float, most: float) -> list[dict[str, Any]]:
    """The finding about a host whose *clock* was read at some time between *before* and *after*, if it must be off by more than *most* seconds."""
    off = max(before - clock, clock - after, 0.0)
    if off <= most:
        return []
    return [
        build_controller_finding(
            "clock-skewed",
            f"its clock is {off:.0f} seconds {'behind' if clock < before else 'ahead of'} the controller's, and {most:g} are allowed",
            "have it keep time, for example with chrony",
        )
    ]
