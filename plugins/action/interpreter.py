# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of interpreter: transfers an archive that lies on the controller, when the host lacks the interpreter."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Run the module; for an archive on the controller, first without it."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """One module execution, or two and a transfer when an archive must be sent."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        archive = arguments.get("path") if arguments.get("source") == "archive" else None
        if not archive:
            result.update(self._execute_module(task_vars=task_vars))
            return result
        try:
            arguments.update(sha256=checksums(str(arguments.get("sha256") or "")), origin=str(archive))
        except (OSError, ValueError) as error:
            result.update(failed=True, msg=f"Python {arguments.get('version')}: the checksum {arguments['sha256']} cannot be read: {error}")
            return result
        asked = self._execute_module(module_args={**arguments, "path": None}, task_vars=task_vars)
        if asked.get("failed") or asked.get("installed"):
            result.update(asked)
            return result
        source = os.path.abspath(os.path.expanduser(str(archive)))
        if not os.path.isfile(source):
            result.update(failed=True, msg=f"Python {arguments.get('version')}: {source} does not exist on the controller")
            return result
        if self._task.check_mode:
            result.update(self._execute_module(module_args={**arguments, "path": source}, task_vars=task_vars))
            return result
        directory = self._make_tmp_path()
        target = self._connection._shell.join_path(directory, "archive")
        self._transfer_file(source, target)
        self._fixup_perms2((directory, target))
        result.update(self._execute_module(module_args={**arguments, "path": target}, task_vars=task_vars))
        self._remove_tmp_path(directory)
        return result


def checksums(given: str) -> str:
    """*given*, or what the detached file *given* on the controller says. Raises OSError."""
    return given if "://" in given or "/" not in given else pathlib.Path(given).expanduser().absolute().read_text(encoding="utf-8")
