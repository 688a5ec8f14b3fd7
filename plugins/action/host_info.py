# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of host_info: keeps the full inventory in a file, and out of the result."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils import _beforehand
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, format_json, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import UnknownVersionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._originals import add_wheel_diffs
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import (
    EARLIEST_VERSION,
    build_watch_list,
)

# What every playbook begins with.
_beforehand.preload_plugins()


class ActionModule(ActionBase):
    """Run the module, write its inventory to ``report_dir`` and return the summary."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """One module execution; the report is written only outside check mode."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = {key: value for key, value in self._task.args.items() if value is not None}
        try:
            names = build_watch_list(EARLIEST_VERSION, str(given["target"])) if given.get("target") else {}
        except UnknownVersionError as error:
            result.update(failed=True, msg=f"host_info: {error}")
            return result
        result.update(self._execute_module(module_args={**names, **given}, task_vars=task_vars))
        if result.get("failed") or "inventory" not in result:
            return result
        originals = given.get("originals_dir")
        add_wheel_diffs(
            result["inventory"], expand_path(originals) if originals else None, boolean(given.get("download", False))
        )
        described = {entry["path"]: entry for entry in result["inventory"]["environments"]}
        for application in (*result["applications"], *result["inventory"]["applications"]):
            # The same environment again: what was changed in it is said by differences alone.
            if application["environment"]:
                application["environment"]["modified"] = described.get(application["environment"]["path"], {}).get(
                    "modified"
                )
        if given.get("report_dir") and not self._task.check_mode:
            path = expand_path(given["report_dir"]) / "hosts" / f"{task_vars['inventory_hostname']}.json"
            write_private(path, format_json(result["inventory"]))
            result["report"] = str(path)
        if not boolean(given.get("detail", False)):
            del result["inventory"]
        return result
