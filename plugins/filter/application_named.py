# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Returns a declared application by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: application_named
short_description: Return the declared application with a name
version_added: 0.1.0
description: Returns the entry of C(oxzep7_applications) that has the given name, and fails when there is none.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The declared applications.
    type: list
    elements: dict
    required: true
  name:
    description: The name.
    type: str
    required: true
positional: name
"""

EXAMPLES = r"""
- name: Check the health of billing
  oxzep7.python.health_check:
    application: "{{ oxzep7_applications | oxzep7.python.application_named('billing') }}"
"""

RETURN = r"""
_value:
  description: The entry.
  type: dict
"""


def application_named(applications: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The entry of *applications* called *name*. Raises AnsibleFilterError when there is none."""
    for application in applications:
        if application["name"] == name:
            return application
    raise AnsibleFilterError(f"no application called {name} is declared in oxzep7_applications")


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"application_named": application_named}
