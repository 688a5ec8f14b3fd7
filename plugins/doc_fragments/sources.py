# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options for the sources of packages."""


class ModuleDocFragment:
    """Options for the sources of packages."""

    DOCUMENTATION = r"""
options:
  indexes:
    description:
      - Package indexes, as URLs or as mappings with C(name) and C(url). The first that has a package is used for it.
        Default is the index of E(UV_DEFAULT_INDEX), E(UV_INDEX_URL) or E(PIP_INDEX_URL), or else PyPI.
      - Credentials are read from E(UV_INDEX_<NAME>_USERNAME) and E(UV_INDEX_<NAME>_PASSWORD), netrc or a keyring.
    type: list
    elements: raw
    default: []
  find_links:
    description: Directories on the controller with wheels.
    type: list
    elements: path
    default: []
  offline:
    description: Whether to use no network; packages come from O(find_links) and the cache.
    type: bool
    default: false
"""
