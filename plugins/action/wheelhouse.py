# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send the wheels of a lock to a host: downloaded once, and sent in one transfer."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._names import LOCK_ID
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheelhouse import WHEELHOUSE_RULES
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages import _wheels
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._uv_program import obtain_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup as _planning


class ActionModule(CollectionAction):
    """Send a host the wheels that it lacks."""

    RULES = WHEELHOUSE_RULES

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the module twice with a transfer between; once or not at all on a host that lacks nothing."""
        if given["files"] is not None:
            return self.run_module(self.list_arguments(), task_vars)
        cache, directory = expand_path(given["cache_dir"]), given["directory"]
        lock = expand_path(given["plan_dir"]) / "locks" / f"{LOCK_ID(given['lock'])}.txt"
        files = _wheels.read_known_files(cache, given["lock"])
        if files is None and self._task.check_mode:
            count = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
            action = f"download up to {count} wheels and send those that the host lacks"
            return {"changed": True, "sent": [], "directory": directory, "uv": None, "actions": [action]}
        if files is None:
            files = _fetch_wheels(cache, lock, given)
        paths = {entry["name"]: cache / "wheels" / entry["name"] for entry in files}
        result: dict[str, Any] = {}
        uv = self._find_usable_uv(given, cache) if given["ship_uv"] else None
        if uv:
            described = _wheels.describe_program(cache, uv, "uv")
            paths[described["name"]] = uv
            files = [*files, described]
            result["uv"] = f"{directory}/{described['name']}"
        if all(given["known"].get(entry["name"]) == entry["size"] for entry in files):
            result.update(changed=False, sent=[], directory=directory, actions=[], diff={"before": {}, "after": {}})
            return result
        arguments = {"files": files, "directory": directory}
        answer = self.run_module(arguments, task_vars)
        missing = answer.get("missing", [])
        if not answer.get("failed") and missing and not self._task.check_mode:
            answer = self._send_wheels(arguments, [(name, paths[name]) for name in missing], task_vars)
        result.update(answer, sent=missing)
        return result

    def _find_usable_uv(self, given: Mapping[str, Any], cache: pathlib.Path) -> pathlib.Path | None:
        """A uv that the host can run; None, and a warning, where no source has one."""
        try:
            return obtain_uv(given["architecture"], _planning.build_sources(given), cache)
        except (CollectionError, OSError, ValueError) as error:
            self._display.warning(
                f"the wheels of hosts with {given['architecture']} are installed by their pip: {error}"
            )
            return None

    def _send_wheels(
        self, arguments: dict[str, Any], files: list[tuple[str, pathlib.Path]], task_vars: Any
    ) -> dict[str, Any]:
        with self.make_remote_directory() as directory:
            with tempfile.TemporaryDirectory(prefix="oxzep7-wheels-") as scratch:
                bundle = pathlib.Path(scratch, "wheels.tar")
                _wheels.write_bundle(bundle, files)
                sent = self.send_files(directory, {bundle.name: bundle})
            return self.run_module({**arguments, "bundle": sent[bundle.name]}, task_vars)


def _fetch_wheels(cache: pathlib.Path, lock: pathlib.Path, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files of the lock at *lock*, fetched to *cache*. Raises ActionFailedError."""
    try:
        return _wheels.WheelStore(cache, _planning.build_sources(given)).fetch_lock(lock, given["lock"])
    except (CollectionError, OSError, ValueError) as error:
        raise ActionFailedError(f"wheels of lock {given['lock'][:12]} could not be fetched: {error}") from None
