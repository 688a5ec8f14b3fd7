# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install or check an interpreter on a host, with the controller's part of its source."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._arguments import (
    INTERPRETER_RULES,
    flatten_options,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import (
    get_controller_source,
    restore_credentials,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    ControllerSource,
    InterpreterSourceError,
)


class ActionModule(CollectionAction):
    """Run the module, before or after the controller's part of the source."""

    RULES = INTERPRETER_RULES

    def list_arguments(self) -> dict[str, Any]:
        """As the base, with the options in ``interpreter`` beside the others, and the credentials of URLs."""
        given = super().list_arguments()
        entries = given.pop("entries", None) or []
        return restore_credentials(flatten_options(given), entries)

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Reuse a known interpreter, or have the source provide it."""
        try:
            source = get_controller_source(given["source"])
            known = _find_known(source, given)
            if known:
                return known
            options = {key: given[key] for key in ("version", "cache_dir", "offline")}
            return source.provide_interpreter(
                {**self.list_arguments(), **options, "known": []}, _TaskHost(self, task_vars)
            )
        except (CollectionError, OSError, ValueError) as error:
            raise ActionFailedError(f"Python {given['version']}: {error}") from error


class _TaskHost:
    """The host of the task, as `HostActions`."""

    def __init__(self, action: ActionModule, task_vars: Any) -> None:
        self._action = action
        self._task_vars = task_vars
        self.check_mode: bool = action._task.check_mode

    def run_module(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """As `HostActions`."""
        return self._action.run_module(options, self._task_vars)

    def run_action(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """As `HostActions`."""
        return self._action.run_action(name, options, self._task_vars)

    def send_archive(self, source: pathlib.Path, options: Mapping[str, Any]) -> dict[str, Any]:
        """As `HostActions`. In check mode nothing is sent, and the module reports what it would do."""
        if not source.is_file():
            raise InterpreterSourceError(f"{source} does not exist on the controller")
        if self.check_mode:
            return self.run_module({**options, "path": str(source)})
        with self._action.make_remote_directory() as directory:
            sent = self._action.send_files(directory, {"archive": source})
            return self.run_module({**options, "path": sent["archive"]})


def _find_known(source: ControllerSource, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The result for an interpreter that is one of ``known``, or None."""
    known: Sequence[Mapping[str, Any]] = given["known"] if source.is_reusable(given) else ()
    for entry in known:
        if entry["source"] == given["source"] and entry["wanted"] == given["version"]:
            found = {key: entry[key] for key in ("version", "path", "prefix")}
            diff: dict[str, Any] = {"before": {}, "after": {}}
            return {"changed": False, "installed": True, "actions": [], "diff": diff, **found}
    return None
