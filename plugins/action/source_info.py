# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller part of source_info: sets the names to search for."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import build_watch_list


class ActionModule(CollectionAction):
    """Run the module with the names that are removed between two versions."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the module."""
        names = build_watch_list(given["current"], given["target"])
        return self.run_module({**names, **self.list_arguments()}, task_vars)
