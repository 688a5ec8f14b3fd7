# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Returns the declared applications that are rolled back, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._scope import order_rollback

DOCUMENTATION = r"""
name: rollback_order
short_description: Return the declared applications that are rolled back, in order
version_added: 0.1.0
description:
  - Returns the entries of C(oxzep7_applications) with one of the given names, in the reverse of the order in which an
    upgrade takes them. What is not declared is left out.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The declared applications.
    type: list
    elements: dict
    required: true
  names:
    description: Names of the applications to roll back.
    type: list
    elements: str
    required: true
positional: names
"""

EXAMPLES = r"""
- name: Show what is rolled back first
  ansible.builtin.debug:
    msg: "{{ (oxzep7_applications | oxzep7.python.rollback_order(['billing', 'billing-db']))[0].name }}"
"""

RETURN = r"""
_value:
  description: The entries.
  type: list
  elements: dict
"""


def rollback_order(applications: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    """The entries of *applications* with one of *names*, the one first that an upgrade takes last."""
    return order_rollback(applications, names)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"rollback_order": rollback_order}
