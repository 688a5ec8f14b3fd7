# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses declared applications by their names."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import choose_names

DOCUMENTATION = r"""
name: chosen_names
short_description: Choose declared applications by their names
version_added: 0.1.0
description:
  - Returns the names of the entries of C(oxzep7_applications) that a run is about.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The declared applications.
    type: list
    elements: dict
    required: true
  only:
    description: Names, or shell patterns such as V(web-*). Without any, all applications are chosen.
    type: list
    elements: str
    required: true
  skip:
    description: Names or shell patterns of applications that are not chosen.
    type: list
    elements: str
    required: true
positional: only, skip
"""

EXAMPLES = r"""
- name: Show the applications of this run
  ansible.builtin.debug:
    msg: "{{ oxzep7_applications | oxzep7.python.chosen_names(oxzep7_only_applications, oxzep7_skip_applications) }}"
"""

RETURN = r"""
_value:
  description: The names, in the order of the declaration.
  type: list
  elements: str
"""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"chosen_names": choose_names}
