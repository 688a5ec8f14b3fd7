# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the findings that stop a run before its first wave."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._preflight import list_blocking_lines

DOCUMENTATION = r"""
name: blocking_findings
short_description: List the findings that stop a run before its first wave
version_added: 0.1.0
description:
  - Returns a line for each blocking finding of M(oxzep7.python.preflight), and for each unreachable host.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: C(hostvars), with the result of M(oxzep7.python.preflight) of each host in C(preflight_result).
    type: dict
    required: true
  hosts:
    description: Hosts of the run.
    type: list
    elements: str
    required: true
  reachable:
    description: Reachable hosts.
    type: list
    elements: str
    required: true
  known:
    description: Keys of accepted findings.
    type: list
    elements: str
    required: true
positional: hosts, reachable, known
"""

EXAMPLES = r"""
- name: Stop before any change
  ansible.builtin.assert:
    that: hostvars | oxzep7.python.blocking_findings(ansible_play_hosts_all, ansible_play_hosts, []) == []
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
