# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of interpreter: has what the host cannot get by itself, proves who made it, and transfers it when the host lacks the interpreter."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils import _interpreters
from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters import InterpreterSourceError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv

SIGNATURE_OPTIONS = ("signature", "key")


class ActionModule(CollectionAction):
    """Run the module; for what lies on the controller, first without it."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """One module execution, or two with a transfer or the package manager between them."""
        try:
            return self._provide_interpreter(self.list_arguments(), task_vars)
        except (CollectionError, OSError, ValueError) as error:
            raise ActionFailedError(f"Python {given['version']}: {error}") from None

    def _provide_interpreter(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        source = arguments.get("source")
        seen = _find_known(arguments.pop("known", None) or [], arguments)
        if seen:
            return seen
        if source == "archive":
            return self._install_archive(arguments, task_vars)
        asked = self.run_module(arguments, task_vars)
        if source not in ("uv", "package") or asked.get("failed") or asked.get("installed"):
            return asked
        if source == "package":
            return self._install_packages(arguments, task_vars)
        entry = {key: arguments.get(key) for key in ("mirror", "downloads")}
        if entry["downloads"] and "://" not in str(entry["downloads"]):
            entry["downloads"] = str(expand_path(entry["downloads"]))
        path, digest = _interpreters.fetch_managed_archive(
            _get_cache_path(arguments),
            find_uv(),
            str(arguments["version"]),
            asked["architecture"],
            entry,
            boolean(arguments.get("offline", False)),
        )
        origin = f"uv: {arguments['version']}"
        return self._send_archive(
            path, {**arguments, "source": "archive", "sha256": digest, "origin": origin}, task_vars
        )

    def _install_archive(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        given = str(arguments.get("sha256") or "")
        here = arguments.get("path")
        if here or any(arguments.get(key) for key in SIGNATURE_OPTIONS):
            arguments = {**arguments, "sha256": read_checksums(given)}
        if any(arguments.get(key) for key in SIGNATURE_OPTIONS):
            arguments["sha256"] = _interpreters.verify_signed_archive(_get_cache_path(arguments), arguments)
        if not here:
            return self.run_module(arguments, task_vars)
        arguments["origin"] = str(here)
        asked = self.run_module({**arguments, "path": None}, task_vars)
        if asked.get("failed") or asked.get("installed"):
            return asked
        return self._send_archive(expand_path(str(here)), arguments, task_vars)

    def _send_archive(self, source: pathlib.Path, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        """Transfer the archive *source* and have it installed; in check mode, have the module say what it would do."""
        if not source.is_file():
            raise InterpreterSourceError(f"{source} does not exist on the controller")
        if self._task.check_mode:
            return self.run_module({**arguments, "path": str(source)}, task_vars)
        with self.make_remote_directory() as directory:
            sent = self.send_files(directory, {"archive": source})
            return self.run_module({**arguments, "path": sent["archive"]}, task_vars)

    def _install_packages(self, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        """Have the operating system's packages, by Ansible's own means, and the interpreter that they bring."""
        names = list(arguments.get("packages") or [])
        actions = [f"install {', '.join(names)}"]
        if self._task.check_mode:
            return {
                "changed": True,
                "actions": actions,
                "installed": True,
                "version": arguments["version"],
                "path": arguments["path"],
                "prefix": "/usr",
                "diff": {"before": {arguments["path"]: None}, "after": {arguments["path"]: ", ".join(names)}},
            }
        done = self.run_action("ansible.builtin.package", {"name": names, "state": "present"}, task_vars)
        if done.get("failed"):
            raise InterpreterSourceError(
                f"the packages {', '.join(names)} could not be installed: {done.get('msg')}; name others in `packages`, or choose another source"
            )
        answer = self.run_module(arguments, task_vars)
        if not answer.get("failed") and not answer.get("installed"):
            raise InterpreterSourceError(
                f"the packages {', '.join(names)} brought no {arguments['path']}; correct `path` or `packages`"
            )
        return {
            **answer,
            "changed": True,
            "actions": actions,
            "diff": {"before": {arguments["path"]: None}, "after": {arguments["path"]: ", ".join(names)}},
        }


def _find_known(known: list[Mapping[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the module would answer for an interpreter that is one of *known*. What has to be signed is never taken for known."""
    if any(arguments.get(key) for key in SIGNATURE_OPTIONS):
        return None
    there = next(
        (
            entry
            for entry in known
            if entry["source"] == arguments.get("source") and entry["wanted"] == str(arguments.get("version"))
        ),
        None,
    )
    if there is None:
        return None
    return {
        "changed": False,
        "installed": True,
        "actions": [],
        "diff": {"before": {}, "after": {}},
        **{key: there[key] for key in ("version", "path", "prefix")},
    }


def _get_cache_path(arguments: Mapping[str, Any]) -> pathlib.Path:
    return expand_path(str(arguments.get("cache_dir") or "~/.cache/oxzep7"))


def read_checksums(given: str) -> str:
    """*given*, or what the detached file *given* on the controller says. Raises SourceError."""
    if "://" in given or "/" not in given:
        return given
    try:
        return pathlib.Path(given).expanduser().absolute().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InterpreterSourceError(f"the checksum {given} cannot be read: {error}") from None
