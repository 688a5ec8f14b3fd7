# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes of the waves, as ``serial`` wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: wave_sizes
short_description: Sizes of the planned waves
version_added: 0.1.0
description: Returns the number of hosts in each wave that M(oxzep7.python.plan) planned, as the play keyword C(serial) wants them.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  variable:
    description: Name of the variable in which the plan's result was registered.
    type: str
    required: true
positional: variable
"""

EXAMPLES = r"""
- name: Upgrade in waves
  hosts: oxzep7_pending
  serial: "{{ hostvars | oxzep7.python.wave_sizes('plan_result') }}"
"""

RETURN = r"""
_value:
  description: The sizes; one wave of one host when nothing is planned.
  type: list
  elements: int
"""


def wave_sizes(hostvars: Mapping[str, Any], variable: str) -> list[int]:
    """Sizes of the waves that the plan registered as *variable* on any host; one wave of one when there are none."""
    for host in hostvars:
        planned = hostvars[host].get(variable)
        if planned and planned.get("waves"):
            return [len(wave) for wave in planned["waves"]]
    return [1]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"wave_sizes": wave_sizes}
