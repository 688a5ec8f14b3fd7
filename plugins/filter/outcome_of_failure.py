# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a host ended its wave when a task failed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger

DOCUMENTATION = r"""
name: outcome_of_failure
short_description: How a host ended its wave when a task failed there
version_added: 0.1.0
description:
  - Returns V(reverted) where an upgrade was undone, V(interrupted) where a module ended without an answer, so that nobody here knows what is left open, and
    V(failed) otherwise.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The result of the task, C(ansible_failed_result).
    type: dict
    required: true
  kind:
    description: Kind of the run. A rollback that was undone has failed.
    type: str
    choices: [upgrade, rollback]
    required: true
positional: kind
"""

EXAMPLES = r"""
- name: Record failure
  ansible.builtin.set_fact:
    wave_outcome: "{{ ansible_failed_result | oxzep7.python.outcome_of_failure('upgrade') }}"
"""

RETURN = r"""
_value:
  description: The outcome.
  type: str
"""


def outcome_of_failure(result: Mapping[str, Any], kind: str) -> str:
    """The outcome of a host on which a task ended with *result*, in a run of *kind*."""
    if "outcome" in result:
        return _ledger.REVERTED if result["outcome"] == _ledger.REVERTED and kind == _ledger.UPGRADE else _ledger.FAILED
    # What a module says that ends as it should is no standard output of a program.
    return _ledger.INTERRUPTED if "module_stdout" in result else _ledger.FAILED


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"outcome_of_failure": outcome_of_failure}
