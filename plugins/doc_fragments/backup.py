# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say where backups are, and what makes them."""

import textwrap

from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import ENGINE_DOCUMENTATION


class ModuleDocFragment:
    """Where backups are; and ``engine``: what makes them."""

    DOCUMENTATION = r"""
options:
  backup_dir:
    description: Directory on the host with the backups of its applications; mode V(0700).
    type: path
    default: /var/lib/oxzep7/backups
"""

    # An annotated assignment: ansible-test reads the text of plain ones without importing them.
    ENGINE: str = "options:\n" + textwrap.indent(ENGINE_DOCUMENTATION, "  ")
