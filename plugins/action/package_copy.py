# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy installed packages of a host to the controller."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import ActionFailedError, CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import store_wheel_copy


class ActionModule(CollectionAction):
    """Run the module, and fetch each wheel that the cache lacks."""

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Copy the packages. The host stays as it was, in check mode and otherwise."""
        cache = expand_path(given["cache_dir"])
        with self.make_remote_directory() as remote:
            result = self.run_module({**self.list_arguments(), "directory": remote}, task_vars)
            if not result.get("failed"):
                try:
                    self._keep_copies(result, cache, remote)
                except (OSError, ValueError) as error:
                    raise ActionFailedError(f"copies of packages could not be kept in {cache}: {error}") from None
        return result

    def _keep_copies(self, result: dict[str, Any], cache: pathlib.Path, remote: str) -> None:
        digests = {}
        for packages in result["copies"].values():
            for row in packages.values():
                if "wheel" in row:
                    digests[row["wheel"]] = row["sha256"]
        with tempfile.TemporaryDirectory(prefix="oxzep7-copies-") as scratch:
            for wheel, digest in digests.items():

                def fetch(target: pathlib.Path, wheel: str = wheel) -> None:
                    self.fetch_file(self.join_remote(remote, wheel), target)

                store_wheel_copy(cache, wheel, digest, pathlib.Path(scratch), fetch)
