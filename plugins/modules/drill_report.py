#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the results of drills. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: drill_report
short_description: Report the results of drills, and the time of a recovery
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Collects C(drill_results) of the hosts of this run, and writes them to the controller, as JSON and as Markdown.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description:
      - Directory on the controller. The report is C(drills/<run_id>.json) and C(drills/<run_id>.md) in it.
      - The files are readable by their owner only.
    type: path
    required: true
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  hosts:
    description: Hosts to report on. A host without results is reported as unknown, and unknown counts as failed.
    type: list
    elements: str
    required: true
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
- name: Write the drill report
  oxzep7.python.drill_report:
    report_dir: ./oxzep7/report
    run_id: nightly
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
table:
  description: Results as lines of text.
  returned: success
  type: list
  elements: str
results:
  description: One entry per host and application.
  returned: success
  type: list
  elements: dict
unreliable:
  description: Reason for each host with a backup that is not reliable.
  returned: success
  type: dict
path:
  description: File with the results.
  returned: success
  type: str
"""
