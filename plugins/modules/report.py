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
  - Gathers the results that the hosts of this run have so far, as rows and as a table for reading, and writes them to the controller.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description: Directory on the controller; the report is C(runs/<run_id>.json) in it, readable by its owner only.
    type: path
    required: true
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  hosts:
    description: The hosts to report on. One that recorded nothing is reported as unknown.
    type: list
    elements: str
    required: true
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
- name: Report
  oxzep7.python.report:
    report_dir: ./oxzep7/report
    run_id: nightly
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
path:
  description: The report's path.
  returned: success
  type: str
"""
