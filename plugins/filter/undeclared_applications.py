# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists names of applications that no host declares."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import list_undeclared

DOCUMENTATION = r"""
name: undeclared_applications
short_description: List names of applications that no host declares
version_added: 0.1.0
description:
  - Returns those of the given names and patterns that match no entry of C(oxzep7_applications) of any host, whether or
    not C(--limit) leaves the host out.
  - Returns none where the declaration of a host needs what only a host that was reached has.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  names:
    description: Names, or shell patterns such as V(web-*).
    type: list
    elements: str
    required: true
positional: names
"""

EXAMPLES = r"""
- name: Fail for a name that no host declares
  ansible.builtin.assert:
    that: hostvars | oxzep7.python.undeclared_applications(oxzep7_only_applications) == []
"""

RETURN = r"""
_value:
  description: The names and patterns.
  type: list
  elements: str
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"undeclared_applications": list_undeclared}
