#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the page of diagnoses. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: diagnose_report
short_description: Report what generations differ in
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Collects C(diagnose_results) of the hosts of this run, and writes them to the controller as one page.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description:
      - Directory on the controller. The page is C(diagnoses/<run_id>.html) in it.
      - It is readable by its owner only.
    type: path
    required: true
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  hosts:
    description: Hosts to report on.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: The page is written, too, as nothing on hosts depends on it.
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Write the page
  oxzep7.python.diagnose_report:
    report_dir: ./oxzep7/report
    run_id: tuesday
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
text:
  description: What differs, as lines of text.
  returned: success
  type: list
  elements: str
failures:
  description: Reason for each host with an application that could not be diagnosed.
  returned: success
  type: dict
path:
  description: The page.
  returned: success
  type: str
"""
