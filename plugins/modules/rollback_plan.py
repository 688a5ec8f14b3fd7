#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a rollback is for. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: rollback_plan
short_description: Find what a rollback is for, and its waves
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Runs once, on the controller, for all hosts, from what M(oxzep7.python.recovery) returned for each as C(rollback_records).
  - Of each host, those of its C(oxzep7_applications) are meant that have one of the names, or all of them without names; with a run, only those of which that
    run promoted something; with a wave, only those of its hosts. That this is none on any host is an error, because nobody asks for a rollback of nothing.
  - The waves are those of the run, or of the plan, from the last one to the first, in pieces where one would interrupt too many hosts of an application.
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
- name: Find what is meant
  oxzep7.python.rollback_plan:
    run: nightly
    plan_dir: ./oxzep7/plan
    report_dir: ./oxzep7/report
  run_once: true
  register: rollback_plan
"""

RETURN = r"""
applications:
  description: Lists of declared applications by host.
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
  description: How many hosts have each application.
  returned: success
  type: dict
unknown:
  description: Hosts that gave no record.
  returned: success
  type: list
  elements: str
"""
