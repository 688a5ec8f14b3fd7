# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller half of package_copy: keeps the wheels that the host made."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import store_wheel_copy


class ActionModule(ActionBase):
    """One module execution, and one fetch for each wheel that the cache lacks."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Copy, and keep what is new. The host is left as it was, in check mode and out of it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            argument_spec={
                "applications": {"type": "list", "elements": "dict", "required": True},
                "packages": {"type": "dict", "required": True},
                "cache_dir": {"type": "path", "default": "~/.cache/oxzep7"},
            }
        )
        cache = expand_path(given["cache_dir"])
        remote = self._make_tmp_path()
        try:
            result.update(
                self._execute_module(
                    "oxzep7.python.package_copy", module_args={**given, "directory": remote}, task_vars=task_vars
                )
            )
            if not result.get("failed"):
                self._keep_copies(result, cache, remote)
        except (OSError, ValueError) as error:
            result.update(failed=True, msg=f"copies of packages could not be kept in {cache}: {error}")
        finally:
            self._remove_tmp_path(remote)
        return result

    def _keep_copies(self, result: dict[str, Any], cache: pathlib.Path, remote: str) -> None:
        rows = {
            row["wheel"]: row["sha256"]
            for packages in result["copies"].values()
            for row in packages.values()
            if "wheel" in row
        }
        with tempfile.TemporaryDirectory(prefix="oxzep7-copies-") as scratch:
            for wheel, digest in rows.items():

                def fetch(target: pathlib.Path, wheel: str = wheel) -> None:
                    self._connection.fetch_file(self._connection._shell.join_path(remote, wheel), str(target))

                store_wheel_copy(cache, wheel, digest, pathlib.Path(scratch), fetch)
