# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops a run before its first wave."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._preflight import list_blocking_lines

DOCUMENTATION = r"""
name: blocking_findings
short_description: What stops a run before its first wave
version_added: 0.1.0
description:
  - Returns a line for each finding that M(oxzep7.python.preflight) made on some host and that blocks, and for each host that is not there.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The variables of all hosts, C(hostvars), with C(preflight_result) as M(oxzep7.python.preflight) returned it.
    type: dict
    required: true
  hosts:
    description: Every host of the run.
    type: list
    elements: str
    required: true
  reachable:
    description: The hosts that are there.
    type: list
    elements: str
    required: true
  known:
    description: Keys of findings that are accepted.
    type: list
    elements: str
    required: true
positional: hosts, reachable, known
"""

EXAMPLES = r"""
- name: Stop before anything is touched
  ansible.builtin.assert:
    that: hostvars | oxzep7.python.blocking_findings(ansible_play_hosts_all, ansible_play_hosts, oxzep7_known_findings) == []
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"blocking_findings": list_blocking_lines}
