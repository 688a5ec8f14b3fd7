# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the failure of an application on a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record

DOCUMENTATION = r"""
name: record_failure
short_description: Record the failure of an application on a host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Returns the record of the host with the application that failed. No further step of it is taken in this run.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The record of the host so far.
    type: dict
    required: true
  failure:
    description: The result of the task that failed, C(ansible_failed_result).
    type: dict
    required: true
  kind:
    description: Kind of the step.
    type: str
    choices: [upgrade, rollback]
    required: true
  after_failure:
    description:
      - With V(leave_host) no other application of the host is treated. With V(continue) the others are, except where
        the failure concerns the host, such as a full disk or a lost privilege.
    type: str
    choices: [continue, leave_host]
    default: continue
positional: failure, kind, after_failure
"""

EXAMPLES = r"""
- name: Record the failure of the step
  ansible.builtin.set_fact:
    host_record: "{{ host_record | oxzep7.python.record_failure(ansible_failed_result, 'upgrade') }}"
"""

RETURN = r"""
_value:
  description: The new record of the host.
  type: dict
"""


def record_failure(
    record: Mapping[str, Any], failure: Mapping[str, Any], kind: str, after_failure: str = _host_record.CONTINUE
) -> dict[str, Any]:
    """*record* when a task of a step has failed."""
    return _host_record.add_failure(record, failure, kind, after_failure)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"record_failure": record_failure}
