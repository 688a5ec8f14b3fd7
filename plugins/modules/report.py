#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the run's report. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: report
short_description: Report the outcome of every host and application
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Collects the outcomes of hosts of ended waves, compares them with the budgets, and selects the hosts to roll back.
  - Writes C(runs/<run_id>/run.json) on the controller; with O(final) also C(change-record.md), and a timeline of each
    host from its journal.
  - Without O(waves), the report is made from the journals of the hosts alone, for a run of another controller.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description: Directory on the controller; its files are readable by their owner only.
    type: path
    required: true
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  kind:
    description: Kind of the run; it decides which outcome is good.
    type: str
    choices: [upgrade, rollback]
    default: upgrade
  waves:
    description: Waves, as M(oxzep7.python.plan) or M(oxzep7.python.rollback_plan) describe them.
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
    description: Hosts that were unreachable when the run began. They are not on target.
    type: list
    elements: str
    default: []
  earlier:
    description: Earlier result of this module in the same run; its rows of hosts of earlier waves are kept.
    type: dict
    default: {}
  again:
    description: Hosts of earlier waves whose rows are made again.
    type: list
    elements: str
    default: []
  closed:
    description: Reason why the gate is closed already; empty if it is open.
    type: str
    default: ""
  closed_applications:
    description:
      - Applications of which no host is begun any more, each with the C(wave) after which that is so, and the
        C(reason). Those of O(earlier) stay.
    type: dict
    default: {}
  blocked:
    description:
      - What cannot be planned, each with C(host), C(application), C(key), C(cause) and C(remediation), and C(from) and
        C(to) where they are known. It is not on target, and no budget counts it.
    type: list
    elements: dict
    default: []
  budget:
    description:
      - With V(application), the hosts that failed are counted for each application, and what exceeds a budget stops
        that application only. With V(run), all hosts are counted together, and stop all.
    type: str
    choices: [application, run]
    default: application
  max_failed:
    description: Hosts that may fail, as a count, or as a percentage, which is rounded down.
    type: raw
    default: 0
  max_failed_per_wave:
    description: Hosts of a wave that may fail; only O(max_failed) counts by default.
    type: raw
  max_unavailable:
    description: Hosts of one application that may be interrupted at once, as a count or a percentage.
    type: raw
    default: "100%"
  population:
    description: Number of hosts with each application.
    type: dict
    default: {}
  on_failure:
    description: Hosts to roll back when too many have failed.
    type: str
    choices: [stop, rollback_wave, rollback_run]
    default: stop
  hosts:
    description: Hosts to report on, without O(waves).
    type: list
    elements: str
    default: []
  records:
    description: Variable with the result of M(oxzep7.python.run_info) for each host.
    type: str
    default: record_result
  plan_dir:
    description: Directory on the controller with the plan, to whose evidence the promotions are added.
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
- name: Report on a run of another controller
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
  description:
    - One entry per host, with C(wave), C(outcome), C(reason) and C(applications).
    - C(outcomes) are its applications, each with C(application), C(outcome), C(reason), and where known C(cause) and
      C(remediation). The outcome of the host is the worst of them.
  returned: success
  type: list
  elements: dict
counts:
  description: Number of hosts with each outcome.
  returned: success
  type: dict
failed_hosts:
  description: The hosts of the wave that has just ended whose outcome is not good, the most urgent first.
  returned: success
  type: list
  elements: str
failure:
  description: The same as a sentence, with the hosts first on which an application is down; empty without any.
  returned: success
  type: str
closed:
  description: Reason why no wave may begin any more; empty if one may.
  returned: success
  type: str
closed_applications:
  description: Applications of which no host is begun any more, each with C(wave) and C(reason).
  returned: success
  type: dict
returning:
  description: Applications to roll back, each with the reason.
  returned: success
  type: dict
rollback:
  description: Hosts to roll back, in this order, wave by wave.
  returned: success
  type: list
  elements: list
off_target:
  description: With O(final), a line for each host, and for each blocked application, that is not on target.
  returned: success
  type: list
  elements: str
summary:
  description: Summary of the run, in a few lines.
  returned: success
  type: str
ended:
  description: The option of this name.
  returned: success
  type: int
began:
  description: Time of the begin of the run.
  returned: success
  type: str
path:
  description: The path of C(run.json).
  returned: success
  type: str
"""
