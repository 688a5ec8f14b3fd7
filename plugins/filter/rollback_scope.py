# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: rollback_scope
short_description: The applications that a rollback is for, by host
version_added: 0.1.0
description:
  - Returns for each host those of its C(oxzep7_applications) that have one of the names, or all of them without names.
  - Fails when that is none on any host, because nobody asks for a rollback of nothing.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: The hosts of the rollback.
    type: list
    elements: str
    required: true
  names:
    description: Names of applications.
    type: list
    elements: str
    required: true
positional: hosts, names
"""

EXAMPLES = r"""
- name: Find what is meant
  ansible.builtin.set_fact:
    scope: "{{ hostvars | oxzep7.python.rollback_scope(ansible_play_hosts_all, ['billing']) }}"
"""

RETURN = r"""
_value:
  description: Lists of applications by host.
  type: dict
"""


def rollback_scope(hostvars: Mapping[str, Any], hosts: Sequence[str], names: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The applications called one of *names* (without names: all) of each of *hosts*. Raises AnsibleFilterError when there is none."""
    scope = {host: [application for application in hostvars[host].get("oxzep7_applications") or [] if not names or application["name"] in names]
             for host in hosts}
    if not any(scope.values()):
        raise AnsibleFilterError(f"no host of this run declares {', '.join(names) or 'an application'}; correct oxzep7_rollback_applications, or --limit")
    return scope


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"rollback_scope": rollback_scope}
