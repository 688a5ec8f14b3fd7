#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the fleet report. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: fleet_report
short_description: Report every Python on every host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Merges the inventories that M(oxzep7.python.host_info) wrote to the report directory in this and earlier runs.
  - Writes C(fleet.html), C(fleet.json), C(fleet.csv), C(applications.suggested.yml), and a CycloneDX
    document for each host in C(sbom).
  - A host outside this run keeps its last inventory, with its date. A host without any inventory is unknown.
author: oxzep7.python contributors (@oxzep7)
options:
  report_dir:
    description:
      - Directory on the controller with the inventories in C(hosts), and for the report.
      - Its files are readable by their owner only.
    type: path
    required: true
  hosts:
    description: The hosts of this run.
    type: list
    elements: str
    required: true
  inventories:
    description: Variable of each host with the result of M(oxzep7.python.host_info).
    type: str
    default: audit_result
  advisories:
    description:
      - Folder or zip on the controller with advisories in OSV format, for packages (C(PyPI)) and the interpreter.
      - Without it, vulnerabilities are unknown.
    type: path
  plan_dir:
    description: Directory on the controller with a plan, whose compatibility matrix becomes the page C(matrix.html).
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
- name: Write the fleet report
  oxzep7.python.fleet_report:
    report_dir: ./oxzep7/report
    hosts: "{{ ansible_play_hosts_all }}"
    advisories: ./advisories
  run_once: true
"""

RETURN = r"""
path:
  description: Path of the page.
  returned: success
  type: str
totals:
  description: Counts over the fleet, findings by severity.
  returned: success
  type: dict
end_of_life:
  description: Each version past its end of life, with the hosts that have it.
  returned: success
  type: list
  elements: dict
errors:
  description: The findings of this run's hosts with the severity error, as lines of text.
  returned: success
  type: list
  elements: str
earlier:
  description: Hosts outside this run, which are shown as they were.
  returned: success
  type: list
  elements: str
not_audited:
  description: Hosts of this run that gave no inventory, because they could not be reached, or failed.
  returned: success
  type: list
  elements: str
unknown:
  description: Hosts of this run without any inventory.
  returned: success
  type: list
  elements: str
"""
