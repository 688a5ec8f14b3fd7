# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the step that begins on a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record

DOCUMENTATION = r"""
name: record_step
short_description: Record the step that begins on a host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Returns the record of the host with the step that begins. The report shows the step when the host fails during it.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The record of the host so far; empty at first.
    type: dict
    required: true
  step:
    description: Entry of C(plan_delivered.steps), or a rollback with C(application), C(from) and C(to).
    type: dict
    required: true
  kind:
    description: Kind of the step. A host of an upgrade that is rolled back with others takes steps of a rollback.
    type: str
    choices: [upgrade, rollback]
    required: true
positional: step, kind
"""

EXAMPLES = r"""
- name: Record the step that begins
  ansible.builtin.set_fact:
    host_record: "{{ host_record | oxzep7.python.record_step(step_entry, 'upgrade') }}"
"""

RETURN = r"""
_value:
  description: The new record of the host.
  type: dict
"""


def record_step(record: Mapping[str, Any], step: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """*record* when *step* begins."""
    return _host_record.begin_step(record, step, kind)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"record_step": record_step}
