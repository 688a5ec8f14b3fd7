# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that keep a record on the host."""


class ModuleDocFragment:
    """Options of the modules that keep a record on the host."""

    DOCUMENTATION = r"""
options:
  state_dir:
    description: Directory on the host with the records of its applications; mode V(0700).
    type: path
    default: /var/lib/oxzep7
  run_id:
    description: Identifier of the run, under which events are recorded on the host.
    type: str
    default: manual
"""
