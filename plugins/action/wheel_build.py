# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of wheel_build: sends sources to the builder host, and keeps the wheels that come back."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup as _planning


class ActionModule(CollectionAction):
    """One transfer of sources, one module execution, and one fetch for each wheel."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Build what the cache does not have."""
        try:
            parts = _planning.build_tools({**given, "advisories": None})
            required = [self._find_required_wheel(need, parts) for need in given["needs"]]
        except ValueError as error:
            raise ActionFailedError(str(error)) from None
        wanted = [entry for entry in required if not parts.builder.find_built_wheel(entry)]
        rows = [
            {
                "name": entry.name,
                "version": entry.version,
                "python": f"{entry.minor[0]}.{entry.minor[1]}",
                "platform": entry.platform,
                "source": pathlib.PurePath(entry.source.name).name,
            }
            for entry in wanted
        ]
        # Folders are the controller's; what builds need comes from indexes.
        words = [] if given["offline"] else dataclasses.replace(parts.sources, folders=()).build_uv_options()
        arguments = {"needs": rows, "interpreter_dir": given["interpreter_dir"], "words": words}
        if not rows:
            return {"changed": False, "built": [], "actions": []}
        if self._task.check_mode:
            return self.run_module(arguments, task_vars)
        return self._build_wheels(wanted, arguments, parts, task_vars)

    @staticmethod
    def _find_required_wheel(need: Mapping[str, Any], parts: _planning.PlanningTools) -> RequiredWheel:
        minor = parse_version(str(need["python"]))[0]
        release = parts.index.find_release(str(need["name"]), str(need["version"]), minor, str(need["platform"]))
        if release is None or release.source is None:
            raise ValueError(f"{need['name']} {need['version']} has no source to build from")
        return RequiredWheel(str(need["name"]), str(need["version"]), release.source, minor, str(need["platform"]))

    def _build_wheels(
        self, wanted: list[RequiredWheel], arguments: dict[str, Any], parts: _planning.PlanningTools, task_vars: Any
    ) -> dict[str, Any]:
        with (
            self.make_remote_directory() as remote,
            tempfile.TemporaryDirectory(prefix="oxzep7-wheels-") as scratch,
        ):
            files: dict[str, Any] = {"uv": find_uv()}
            for entry in wanted:
                path = parts.builder.fetch_source(entry, pathlib.Path(scratch))
                files[path.name] = path
            self.send_files(remote, files)
            answer = self.run_module({**arguments, "directory": remote}, task_vars)
            for row in answer.get("built", []) if not answer.get("failed") else []:
                local = pathlib.Path(scratch, "wheels", row["wheel"])
                local.parent.mkdir(exist_ok=True)
                self.fetch_file(self.join_remote(remote, f"out-{row['python']}", row["wheel"]), local)
                entry = next(
                    entry
                    for entry in wanted
                    if entry.name == row["name"] and f"{entry.minor[0]}.{entry.minor[1]}" == row["python"]
                )
                parts.builder.add_wheel(entry, local)
        return answer
