# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build wheels on a host, and fetch them to the cache of the controller."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel, list_tool_days
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup as _planning


class ActionModule(CollectionAction):
    """Send the sources, run the module, and fetch each wheel."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Build the wheels that the cache lacks; one that cannot be built does not keep the others from it."""
        try:
            tools = _planning.build_tools({**given, "advisories": None})
        except ValueError as error:
            raise ActionFailedError(str(error)) from None
        wanted, problems = [], []
        for need in given["needs"]:
            try:
                required = _find_required_wheel(need, tools)
            except (CollectionError, ValueError) as error:
                problems.append({**need, "cause": str(error)})
                continue
            if not tools.builder.find_built_wheel(required):
                wanted.append(required)
        # Directories are on the controller; build requirements come from indexes.
        words = [] if given["offline"] else dataclasses.replace(tools.sources, folders=()).build_uv_options()
        arguments = {"interpreter_dir": given["interpreter_dir"], "words": words}
        if not wanted:
            return {"changed": False, "built": [], "problems": problems, "actions": []}
        if self._task.check_mode:
            return self.run_module({**arguments, "needs": list(map(_make_row, wanted))}, task_vars)
        answer = self._build_wheels(wanted, arguments, tools, task_vars)
        return {**answer, "problems": problems + answer.get("problems", [])}

    def _build_wheels(
        self, wanted: list[RequiredWheel], arguments: dict[str, Any], tools: _planning.PlanningTools, task_vars: Any
    ) -> dict[str, Any]:
        with (
            self.make_remote_directory() as remote,
            tempfile.TemporaryDirectory(prefix="oxzep7-wheels-") as scratch,
        ):
            files: dict[str, Any] = {"uv": find_uv()}
            rows, problems = [], []
            for entry in wanted:
                try:
                    path = tools.builder.fetch_source(entry, pathlib.Path(scratch))
                except CollectionError as error:
                    problems.append({**_make_row(entry), "cause": str(error)})
                    continue
                files[path.name] = path
                rows.append(_make_row(entry))
            self.send_files(remote, files)
            answer = self.run_module({**arguments, "needs": rows, "directory": remote}, task_vars)
            for row in answer.get("built", []) if not answer.get("failed") else []:
                local = pathlib.Path(scratch, "wheels", row["wheel"])
                local.parent.mkdir(exist_ok=True)
                self.fetch_file(self.join_remote(remote, f"out-{row['python']}", row["wheel"]), local)
                tools.builder.add_wheel(_select_wheel(wanted, row), local)
        return {**answer, "problems": problems + answer.get("problems", [])}


def _find_required_wheel(need: Mapping[str, Any], tools: _planning.PlanningTools) -> RequiredWheel:
    """The wheel to build for *need*. Raises ValueError, CollectionError."""
    minor = parse_version(str(need["python"]))[0]
    release = tools.index.find_release(str(need["name"]), str(need["version"]), minor, str(need["platform"]))
    if release is None or release.source is None:
        raise ValueError(f"{need['name']} {need['version']} has no source to build from")
    return RequiredWheel(str(need["name"]), str(need["version"]), release.source, minor, str(need["platform"]))


def _make_row(wheel: RequiredWheel) -> dict[str, Any]:
    return {
        "name": wheel.name,
        "version": wheel.version,
        "python": format_minor(wheel.minor),
        "platform": wheel.platform,
        "source": pathlib.PurePath(wheel.source.name).name,
        "days": list(list_tool_days(wheel)),
    }


def _select_wheel(wanted: list[RequiredWheel], row: Mapping[str, Any]) -> RequiredWheel:
    """The one of *wanted* that *row* of the module's result is about. Raises ValueError."""
    for entry in wanted:
        if entry.name == row["name"] and format_minor(entry.minor) == row["python"]:
            return entry
    raise ValueError(f"{row['name']} for Python {row['python']} was not requested")
