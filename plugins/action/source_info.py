# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of source_info: gives the names to look for."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import UnknownVersionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import (
    EARLIEST_VERSION,
    build_watch_list,
)


class ActionModule(ActionBase):
    """Run the module with the names that leave between two versions."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """One module execution."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = dict(self._task.args)
        try:
            names = build_watch_list(str(given.get("current", EARLIEST_VERSION)), str(given["target"]))
        except (KeyError, UnknownVersionError) as error:
            result.update(failed=True, msg=f"source_info: {error}")
            return result
        result.update(self._execute_module(module_args={**names, **given}, task_vars=task_vars))
        return result
