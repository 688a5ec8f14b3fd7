# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the page of diagnoses on the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _diagnoses


class ActionModule(CollectionAction):
    """Collect every host's diagnoses and write them to ``report_dir``."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution; the page is written in check mode, too."""
        entries = _diagnoses.collect_diagnoses(task_vars["hostvars"], given["hosts"])
        path = expand_path(given["report_dir"]) / "diagnoses" / f"{given['run_id']}.html"
        write_private(path, _diagnoses.render_diagnoses_page(given["run_id"], entries))
        return {
            "text": _diagnoses.format_diagnoses(entries),
            "failures": _diagnoses.list_failures(entries),
            "path": str(path),
        }
