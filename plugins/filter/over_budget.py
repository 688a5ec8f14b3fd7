# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate between waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils import _waves

DOCUMENTATION = r"""
name: over_budget
short_description: Failed hosts of earlier waves, if there are too many
version_added: 0.1.0
description:
  - Returns the hosts before the current batch whose outcome is not good, if there are more of them than allowed, and an empty list otherwise.
  - A host without a record is unknown, and unknown counts as failed.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  all_hosts:
    description: Every host of the rollout, in its order.
    type: list
    elements: str
    required: true
  batch:
    description: The hosts of the current batch.
    type: list
    elements: str
    required: true
  maximum:
    description: How many failed hosts are allowed.
    type: int
    required: true
positional: all_hosts, batch, maximum
"""

EXAMPLES = r"""
- name: Stop when earlier waves failed too often
  ansible.builtin.assert:
    that: hostvars | oxzep7.python.over_budget(ansible_play_hosts_all, ansible_play_batch, 0) == []
"""

RETURN = r"""
_value:
  description: The failed hosts, sorted.
  type: list
  elements: str
"""


def over_budget(hostvars: Mapping[str, Any], all_hosts: Sequence[str], batch: Sequence[str], maximum: int) -> list[str]:
    """The failed hosts of the waves before *batch*, if there are more than *maximum*; otherwise nobody."""
    outcomes = {host: _waves.outcome(hostvars[host]) for host in _waves.earlier(all_hosts, batch)}
    return _waves.over_budget(outcomes, int(maximum))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"over_budget": over_budget}
