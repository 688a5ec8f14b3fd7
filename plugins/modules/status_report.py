#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the status of the fleet. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: status_report
short_description: Report where every application stands
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Collects C(status_result) of the hosts of this run, and writes it to the controller as a page and as data.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description:
      - Directory on the controller. C(status.html) and C(status.json) in it are replaced.
      - They are readable by their owner only.
    type: path
    required: true
  target:
    description: Target of applications that no plan names; empty for none.
    type: str
    default: ""
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
  oxzep7.python.status_report:
    report_dir: ./oxzep7/report
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
table:
  description: Every application as a line of text, with a heading, and how many there are of each state.
  returned: success
  type: list
  elements: str
applications:
  description: A row for each application, and for each host that did not answer, with its C(state).
  returned: success
  type: list
  elements: dict
counts:
  description: Number of rows by state.
  returned: success
  type: dict
unknown:
  description: Hosts that did not answer, or whose records cannot be read, each with the reason.
  returned: success
  type: dict
path:
  description: The page.
  returned: success
  type: str
"""
