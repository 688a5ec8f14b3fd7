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

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import IndexUnavailableError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import UvMissingError, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup as _planning


class ActionModule(ActionBase):
    """One transfer of sources, one module execution, and one fetch for each wheel."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Build what the cache does not have."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            argument_spec={
                "needs": {"type": "list", "elements": "dict", "required": True},
                "interpreter_dir": {"type": "path", "default": "/opt/oxzep7/interpreters"},
                "advisories": {"type": "path"},
                "cache_dir": _planning.PLANNING_OPTIONS["cache_dir"],
                **_planning.SOURCE_OPTIONS,
            }
        )
        try:
            parts = _planning.build_tools(given)
            wanted = [
                wanted
                for need in given["needs"]
                for wanted in [self._find_required_wheel(need, parts)]
                if not parts.builder.find_built_wheel(wanted)
            ]
        except (IndexUnavailableError, UvMissingError, ValueError) as error:
            result.update(failed=True, msg=str(error))
            return result
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
            result.update(changed=False, built=[], actions=[])
        elif self._task.check_mode:
            result.update(self._execute_module("oxzep7.python.wheel_build", module_args=arguments, task_vars=task_vars))
        else:
            result.update(self._build_wheels(wanted, arguments, parts, task_vars))
        return result

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
        remote = self._make_tmp_path()
        join = self._connection._shell.join_path
        with tempfile.TemporaryDirectory(prefix="oxzep7-wheels-") as scratch:
            files = [(find_uv(), join(remote, "uv"))]
            for entry in wanted:
                path = parts.builder.fetch_source(entry, pathlib.Path(scratch))
                files.append((str(path), join(remote, path.name)))
            for source, target in files:
                self._transfer_file(source, target)
            self._fixup_perms2([remote, *(target for _source, target in files)])
            answer: dict[str, Any] = self._execute_module(
                "oxzep7.python.wheel_build", module_args={**arguments, "directory": remote}, task_vars=task_vars
            )
            for row in answer.get("built", []) if not answer.get("failed") else []:
                local = pathlib.Path(scratch, "wheels", row["wheel"])
                local.parent.mkdir(exist_ok=True)
                self._connection.fetch_file(join(join(remote, f"out-{row['python']}"), row["wheel"]), str(local))
                entry = next(
                    entry
                    for entry in wanted
                    if entry.name == row["name"] and f"{entry.minor[0]}.{entry.minor[1]}" == row["python"]
                )
                parts.builder.add_wheel(entry, local)
        self._remove_tmp_path(remote)
        return answer
