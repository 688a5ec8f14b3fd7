# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records what a host does not do in its wave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record

DOCUMENTATION = r"""
name: record_wave
short_description: Record what a host does not do in its wave
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Returns the record of the host when its wave begins, with the applications of which no step is taken, because they
    are closed, or come after one that is closed or blocked.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The record of the host so far; empty at first.
    type: dict
    required: true
  delivered:
    description: The result of M(oxzep7.python.plan_delivery).
    type: dict
    required: true
  closed:
    description: The value C(closed_applications) of M(oxzep7.python.wave_gate).
    type: dict
    required: true
positional: delivered, closed
"""

EXAMPLES = r"""
- name: Record the applications of which no step is taken
  ansible.builtin.set_fact:
    host_record: "{{ {} | oxzep7.python.record_wave(plan_delivered, rollout_gate.closed_applications) }}"
"""

RETURN = r"""
_value:
  description: The new record of the host.
  type: dict
"""


def record_wave(record: Mapping[str, Any], delivered: Mapping[str, Any], closed: Mapping[str, Any]) -> dict[str, Any]:
    """*record* when the wave of its host begins."""
    return _host_record.begin_wave(record, delivered.get("after") or {}, delivered.get("blocked") or [], list(closed))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"record_wave": record_wave}
