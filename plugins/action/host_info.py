# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller part of host_info: writes the full inventory to a file and returns a summary."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import (
    expand_path,
    format_json,
    make_file_name,
    write_private,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import choose_newest_target, get_today
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._originals import add_wheel_diffs
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import (
    EARLIEST_VERSION,
    build_watch_list,
)


class ActionModule(CollectionAction):
    """Run the module, write its inventory to ``report_dir`` and return the summary."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the module, add diffs from wheels, and write the report unless in check mode."""
        names = {}
        if given["target"]:
            own = [str(entry["target"]) for entry in given["applications"] if entry.get("target")]
            names = build_watch_list(EARLIEST_VERSION, choose_newest_target(given["target"], own, get_today()))
        result = self.run_module({**names, **self.list_arguments()}, task_vars)
        if result.get("failed") or "inventory" not in result:
            return result
        originals = given["originals_dir"]
        add_wheel_diffs(result["inventory"], expand_path(originals) if originals else None, given["download"])
        modified = {entry["path"]: entry["modified"] for entry in result["inventory"]["environments"]}
        for application in (*result["applications"], *result["inventory"]["applications"]):
            # The environment of an application is a copy without the diffs.
            environment = application["environment"]
            if environment:
                environment["modified"] = modified.get(environment["resolved"])
        if given["report_dir"] and not self._task.check_mode:
            name = make_file_name(task_vars["inventory_hostname"])
            path = expand_path(given["report_dir"]) / "hosts" / f"{name}.json"
            write_private(path, format_json(redact(result["inventory"])))
            result["report"] = str(path)
        if not given["detail"]:
            del result["inventory"]
        return result
