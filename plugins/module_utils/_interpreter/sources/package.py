# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpreters in packages of the operating system."""

import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import InterpreterRequest, PathSource


class PackageSource(PathSource):
    """The operating system's packages, which the controller has M(ansible.builtin.package) install."""

    name = "package"
    documentation = r"""
description: V(package) for the packages of the operating system, installed by M(ansible.builtin.package).
without_version: V(package) the version in the release of the operating system
options:
  path:
    description: With V(package), the path on the host of the executable that the packages install.
    type: path
  packages:
    description:
      - With V(package), names of the packages.
      - A plan fills in the names and the path that are known for the release of the operating system.
    type: list
    elements: str
"""
    options = {"path": {"type": "path"}, "packages": {"type": "list", "elements": "str"}}
    required = ("path", "packages")

    def find_usable_path(self, options: Dict[str, Any]) -> Optional[str]:
        """As the base."""
        return super().find_usable_path(options) if os.path.exists(options.get("path") or "") else None

    def needs_controller(self, request: InterpreterRequest, directory: str) -> bool:
        """As the base."""
        return not os.path.exists(request.options.get("path") or "")
