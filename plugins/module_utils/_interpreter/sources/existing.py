# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpreters that are on the host already."""

from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import PathSource


class ExistingSource(PathSource):
    """An interpreter that is on the host already. It is checked, never changed."""

    name = "existing"
    documentation = r"""
description: V(existing) for one that is on the host already.
without_version: V(existing) means any interpreter in the inventory of the host
options:
  path:
    description: With V(existing), the executable's path on the host.
    type: path
"""
    options = {"path": {"type": "path"}}
    required = ("path",)
