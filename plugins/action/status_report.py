# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the status of the fleet on the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, format_json, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _status


class ActionModule(CollectionAction):
    """Collect the status of every host and write it to ``report_dir``."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution; the page is written in check mode, too."""
        rows = _status.collect_status(task_vars["hostvars"], given["hosts"], given["target"])
        counts = _status.count_states(rows)
        folder = expand_path(given["report_dir"])
        write_private(folder / "status.json", format_json({"applications": rows, "counts": counts}))
        write_private(folder / "status.html", _status.render_status_page(rows))
        return {
            "applications": rows,
            "counts": counts,
            "table": _status.format_status(rows),
            "unknown": {row["host"]: row["why"] for row in rows if row["state"] == _status.UNKNOWN},
            "path": str(folder / "status.html"),
        }
