# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the results of drills on the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, format_json, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _drills


class ActionModule(CollectionAction):
    """Collect every host's drills and write them to ``report_dir``."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution; nothing is written in check mode."""
        entries = _drills.collect_drill_results(task_vars["hostvars"], given["hosts"])
        folder = expand_path(given["report_dir"]) / "drills"
        path = folder / f"{given['run_id']}.json"
        if not self._task.check_mode:
            write_private(path, format_json({"schema": 1, "run": given["run_id"], "results": entries}))
            write_private(folder / f"{given['run_id']}.md", _drills.format_drill_page(given["run_id"], entries))
        # A drill in check mode has restored nothing, so it has nothing to fail with.
        failed = {} if self._task.check_mode else _drills.list_failed_drills(entries)
        return {
            "table": _drills.format_drill_table(entries),
            "path": str(path),
            "results": entries,
            "unreliable": failed,
        }
