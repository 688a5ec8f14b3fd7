# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the result of the step that ended on a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _host_record

DOCUMENTATION = r"""
name: record_result
short_description: Record the result of the step that ended on a host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Returns the record of the host with a row for the step that began last.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The record of the host so far; empty at first.
    type: dict
    required: true
  promotion:
    description: Result of M(oxzep7.python.promotion); empty, or the result of a skipped task, without a promotion.
    type: dict
    required: true
  untried:
    description: The value RV(oxzep7.python.environment#module:untried), what the proof of the generation did not try.
    type: list
    elements: dict
    default: []
positional: promotion, untried
"""

EXAMPLES = r"""
- name: Record the result of the step
  ansible.builtin.set_fact:
    host_record: "{{ host_record | oxzep7.python.record_result(step_promotion) }}"
"""

RETURN = r"""
_value:
  description: The new record of the host.
  type: dict
"""


def record_result(
    record: Mapping[str, Any], promotion: Mapping[str, Any], untried: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """*record* when its step has ended well; *untried* is what its proof did not try."""
    return _host_record.add_result(record, promotion, untried)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"record_result": record_result}
