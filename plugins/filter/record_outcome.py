# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records how the wave of a host ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record

DOCUMENTATION = r"""
name: record_outcome
short_description: Record how the wave of a host ended
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Returns the record of the host with its outcome. Without O(failure) that is V(upgraded) or V(reverted), by O(kind).
  - With O(failure) it is V(reverted) where an upgrade was undone, V(interrupted) where a module ended without a result,
    and V(failed) otherwise.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The record of the host so far; empty at first.
    type: dict
    required: true
  kind:
    description: Kind of the run. A rollback that was undone has failed.
    type: str
    choices: [upgrade, rollback]
    required: true
  failure:
    description: The result of the task that failed, C(ansible_failed_result).
    type: dict
  hook:
    description: Hook that failed after the host; O(failure) is added to the reason, and the outcome stays.
    type: str
  undone_for:
    description:
      - Reason why the host was rolled back with others after its wave; where only some of its applications were, a
        dictionary with the reason of each.
    type: raw
positional: kind, failure, hook, undone_for
"""

EXAMPLES = r"""
- name: Record the failure of the host
  ansible.builtin.set_fact:
    host_record: "{{ host_record | oxzep7.python.record_outcome('upgrade', ansible_failed_result) }}"
"""

RETURN = r"""
_value:
  description: The new record of the host.
  type: dict
"""


def record_outcome(
    record: Mapping[str, Any],
    kind: str,
    failure: Mapping[str, Any] | None = None,
    hook: str = "",
    undone_for: str | Mapping[str, str] = "",
) -> dict[str, Any]:
    """*record* when the wave of its host has ended, or what followed on it."""
    if undone_for:
        return _host_record.close_undone_wave(record, undone_for, failure)
    if failure is None:
        return _host_record.close_wave(record, kind)
    if hook:
        return _host_record.add_hook_failure(record, hook, failure)
    return _host_record.close_failed_wave(record, kind, failure)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"record_outcome": record_outcome}
