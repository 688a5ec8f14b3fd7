#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects the applications of a rollback. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: rollback_plan
short_description: Select the applications and the waves of a rollback
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Runs once, on the controller, for all hosts. C(rollback_records) of each host is the result of
    M(oxzep7.python.recovery).
  - Selects, of C(oxzep7_applications) of each host, those with one of the names in O(applications), or all of them
    without names; with O(run), only those that the run promoted; with O(wave), only those of its hosts. An empty
    selection is an error.
  - The waves are those of the run, or of the plan, from the last one to the first. A wave that would interrupt too many
    hosts of an application is split.
author: oxzep7.python contributors (@oxzep7)
options:
  applications:
    description: Names of applications.
    type: list
    elements: str
    default: []
  run:
    description: Identifier of a run.
    type: str
    default: ""
  wave:
    description: Number of a wave of that run, or of the plan, from 1.
    type: int
    default: 0
  plan_dir:
    description: The plan directory.
    type: path
    required: true
extends_documentation_fragment:
  - oxzep7.python.rollout
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
- name: Select the applications and the waves
  oxzep7.python.rollback_plan:
    run: nightly
    plan_dir: ./oxzep7/plan
    report_dir: ./oxzep7/report
  run_once: true
  register: rollback_plan
"""

RETURN = r"""
applications:
  description: Lists of names of applications by host.
  returned: success
  type: dict
waves:
  description: The waves, as M(oxzep7.python.plan) describes them.
  returned: success
  type: list
  elements: dict
wave_table:
  description: The waves as lines of text.
  returned: success
  type: list
  elements: str
placed:
  description: Each C(host) of the waves with the number of its C(wave), in order.
  returned: success
  type: list
  elements: dict
population:
  description: Number of hosts with each application.
  returned: success
  type: dict
unknown:
  description: Hosts without a record.
  returned: success
  type: list
  elements: str
"""
