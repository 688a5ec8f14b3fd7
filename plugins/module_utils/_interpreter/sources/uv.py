# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The managed Python interpreters of uv."""

import re
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import (
    InterpreterError,
    is_matching_version,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import list_installed_interpreters
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import (
    InterpreterRequest,
    InterpreterSource,
)

# How the origin of uv's archives begins.
ORIGIN_PREFIX = "uv: "


def _get_version_key(entry: Dict[str, Any]) -> List[int]:
    return [int(part) for part in re.findall(r"\d+", entry["version"])]


class UvSource(InterpreterSource):
    """A managed Python of uv: the controller fetches its archive, and hosts install that."""

    name = "uv"
    documentation = r"""
description: >-
  V(uv) for a managed Python of C(uv); the controller fetches its archive, C(uv) verifies it, and the host needs no
  network for it.
without_version: V(uv) the newest patch that C(uv) on the controller knows
options:
  mirror:
    description: With V(uv), URL of a mirror from which C(uv) fetches archives; C(file://) is allowed.
    type: str
  downloads:
    description:
      - With V(uv), URL, or path on the controller, of a list of archives in C(uv)'s own format. Default is the list
        built into C(uv).
    type: str
"""
    options = {"mirror": {"type": "str"}, "downloads": {"type": "str"}}

    def find_installed(self, request: InterpreterRequest, directory: str) -> Optional[Dict[str, Any]]:
        """The newest interpreter of uv under *directory* that fits *request*, or None."""
        found = []
        for entry in list_installed_interpreters(directory):
            if str(entry["source"]).startswith(ORIGIN_PREFIX) and is_matching_version(
                entry["version"], request.version
            ):
                found.append(entry)
        return max(found, key=_get_version_key) if found else None

    def needs_controller(self, request: InterpreterRequest, directory: str) -> bool:
        """As the base."""
        return not self.find_installed(request, directory)

    def obtain_interpreter(
        self, request: InterpreterRequest, directory: str, check_mode: bool, changes: Changes
    ) -> Dict[str, Any]:
        """As the base; the controller sends the archive of one that is not installed."""
        found = self.find_installed(request, directory)
        if found is None:
            raise InterpreterError("it is not installed under %s; the controller must send its archive" % directory)
        return found
