#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the run's report. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: report
short_description: Report what became of every host and application
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Gathers the outcome of every host of the waves that have ended, judges them by the budgets, and says which hosts are to go back.
  - Writes C(runs/<run_id>/run.json) on the controller; with O(final), C(change-record.md) and a timeline of each host, from what the hosts wrote down, too.
  - Without O(waves) the report is made from the hosts' own records alone, for a run that this controller did not see.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description: Directory on the controller; what is written there is readable by its owner only.
    type: path
    required: true
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  kind:
    description: What the run is for; it says which outcome is good.
    type: str
    choices: [upgrade, rollback]
    default: upgrade
  waves:
    description: The waves, as M(oxzep7.python.plan) or M(oxzep7.python.rollback_plan) describe them.
    type: list
    elements: dict
    default: []
  ended:
    description: Number of the wave that has just ended; 0 before the first one.
    type: int
    default: 0
  final:
    description: Whether the run has ended.
    type: bool
    default: false
  unknown:
    description: Hosts that nobody knows anything about, because they could not be reached when the run began. They are not on target.
    type: list
    elements: str
    default: []
  earlier:
    description: What this module returned before in the same run; what it said of hosts of earlier waves is kept.
    type: dict
    default: {}
  again:
    description: Hosts of earlier waves that something new is known of.
    type: list
    elements: str
    default: []
  closed:
    description: Why the gate is closed already; empty if it is not.
    type: str
    default: ""
  max_failed:
    description: How many hosts of the run may fail, as a count, or as a percentage, which is rounded down.
    type: raw
    default: 0
  max_failed_per_wave:
    description: How many hosts of a wave may fail; only O(max_failed) counts without it.
    type: raw
  on_failure:
    description: Which hosts go back when too many have failed.
    type: str
    choices: [stop, rollback_wave, rollback_run]
    default: stop
  hosts:
    description: Without O(waves), the hosts to report on.
    type: list
    elements: str
    default: []
  records:
    description: Name of the variable that holds the result of M(oxzep7.python.run_info) for each host.
    type: str
    default: record_result
  plan_dir:
    description: Directory on the controller with the plan. What was promoted is added to its evidence, and its matrix is made anew.
    type: path
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Report on a run that another controller did
  oxzep7.python.report:
    report_dir: ./oxzep7/report
    run_id: nightly
    final: true
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
table:
  description: The results as lines of text.
  returned: success
  type: list
  elements: str
results:
  description: One entry per host, application and step.
  returned: success
  type: list
  elements: dict
ledger:
  description: One entry per host, with C(wave), C(outcome), C(reason) and C(applications).
  returned: success
  type: list
  elements: dict
counts:
  description: How many hosts have each outcome.
  returned: success
  type: dict
failed_hosts:
  description: The hosts of the wave that has just ended whose outcome is not good.
  returned: success
  type: list
  elements: str
closed:
  description: Why no wave may begin any more; empty if one may.
  returned: success
  type: str
rollback:
  description: The hosts that are to go back, in the order in which they do, wave by wave.
  returned: success
  type: list
  elements: list
off_target:
  description: With O(final), a line for each host that is not where it should be.
  returned: success
  type: list
  elements: str
summary:
  description: What the run came to, in a few lines.
  returned: success
  type: str
ended:
  description: The option of this name.
  returned: success
  type: int
began:
  description: When the run began.
  returned: success
  type: str
path:
  description: The path of C(run.json).
  returned: success
  type: str
"""
