# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the run's report on the controller."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._compatibility import Evidence, update
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import absolute, canonical, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import today
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._run import rows, table


class ActionModule(ActionBase):
    """Gather every host's results so far and write them to ``report_dir``."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """No module execution; nothing is written in check mode."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(argument_spec={
            "report_dir": {"type": "path", "required": True},
            "run_id": {"type": "str", "required": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
            "plan_dir": {"type": "path"},
        })
        entries = rows(task_vars["hostvars"], given["hosts"])
        path = absolute(given["report_dir"]) / "runs" / f"{given['run_id']}.json"
        if not self._task.check_mode:
            write_private(path, canonical({"schema": 1, "run": given["run_id"], "results": entries}))
            if given["plan_dir"]:
                self._learn(absolute(given["plan_dir"]), entries)
        result.update(changed=False, table=table(entries), path=str(path), results=entries)
        return result

    def _learn(self, directory: pathlib.Path, entries: list[dict[str, Any]]) -> None:
        """Add to the plan directory what the promotions so far have shown; a report does not fail for that."""
        def lock(identifier: str) -> str | None:
            path = directory / "locks" / f"{identifier}.txt"
            return path.read_text(encoding="utf-8") if path.exists() else None

        try:
            seen = Evidence.of_run(entries, lock, today().isoformat())
            if seen:
                update(directory, seen, today())
        except (OSError, ValueError, KeyError) as error:
            self._display.warning(f"what this run showed was not added to the evidence in {directory}: {error}")
