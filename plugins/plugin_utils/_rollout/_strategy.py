# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which strategies of Ansible the collection's plays can be run with."""

from __future__ import annotations

from typing import Any

REFUSED_STRATEGIES = ("free", "host_pinned")


def check_strategy(task: Any) -> str:
    """Why nothing can be done in the play of *task*, or an empty string."""
    name = str(getattr(task.get_play(), "strategy", "") or "").rpartition(".")[2]
    if name not in REFUSED_STRATEGIES:
        return ""
    return (
        f"the strategy {name} lets every host go on without the others, so no gate could stand between waves, and what "
        "is done once for all hosts would be done before all of them are ready; unset `strategy` of the play, or "
        "ANSIBLE_STRATEGY, or `strategy` in ansible.cfg"
    )
