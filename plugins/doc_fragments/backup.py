# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that says where backups are."""


class ModuleDocFragment:
    """The option that says where backups are."""

    DOCUMENTATION = r"""
options:
  backup_dir:
    description: Directory on the host with the backups of its applications; mode V(0700).
    type: path
    default: /var/lib/oxzep7/backups
"""
