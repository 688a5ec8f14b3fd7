# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads what every worker of Ansible needs into the process that they are forked from; otherwise each loads it again, for each task and host.

An action plugin calls it when it is imported, which the strategy does before it forks. On ansible-core 2.21 the filters alone take a tenth of a second.
"""

from __future__ import annotations

from ansible.plugins import loader


def preload_plugins() -> None:
    """Have the filters and tests of Ansible itself, and the plugins of connections by SSH."""
    for kind, names in (
        ("filter_loader", ("ternary", "default")),
        ("test_loader", ("defined",)),
        ("connection_loader", ("ssh", "local")),
        ("shell_loader", ("sh",)),
        ("become_loader", ("sudo",)),
    ):
        for name in names:
            getattr(loader, kind).get(name, class_only=True)
