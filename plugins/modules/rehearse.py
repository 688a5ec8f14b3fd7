#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearses the steps of a host's applications. The work is done by the action plugin of this name."""

DOCUMENTATION = r"""
module: rehearse
short_description: Rehearse the steps of the applications of a host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Makes the lock of each step of each application, tries it beside the live environment with
    M(oxzep7.python.environment), and collects new failures.
  - The package at fault is found by trial. Candidates are the owner of a missing module, the packages on the way to it,
    and their common requirements; the one whose nearest later version cures most failures is freed. This repeats until
    there are no new failures, or no version helps.
  - What is learned is added to C(constraints.yml) of the plan directory as soon as it is found, with reason, evidence,
    date and host. M(oxzep7.python.plan) reads it, and so do other rehearsals that are running. A rehearsal that was
    interrupted goes on from there.
  - An application that cannot be rehearsed does not end the others. The task fails when all have been tried.
  - If no version helps and a module was removed from the standard library, its replacement package is tried.
  - Live environments are not changed. Interpreters are installed and wheels are sent.
author: oxzep7.python contributors (@oxzep7)
options:
  planned_dir:
    description:
      - Directory on the controller with the plan whose steps are rehearsed. Without it, all steps to O(target) are.
    type: path
  state_dir:
    description: Directory on the host with the records of its applications.
    type: path
    default: /var/lib/oxzep7
  run_id:
    description: Identifier of the run.
    type: str
    default: manual
  interpreter_dir:
    description: Directory on the host for interpreters.
    type: path
    default: /opt/oxzep7/interpreters
  wheelhouse_dir:
    description: Directory on the host for wheels.
    type: path
    default: /opt/oxzep7/wheelhouse
  ship_uv:
    description: Whether the host gets the controller's uv.
    type: bool
    default: true
  probe:
    description: How much is imported of packages, as O(oxzep7.python.environment#module:probe) has it.
    type: str
    choices: [entry_points, modules, all]
    default: modules
extends_documentation_fragment:
  - oxzep7.python.planning
  - oxzep7.python.sources
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Lists the steps to rehearse.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: >-
      A rehearsal tries again what did not pass within the last day and has no generation; only new constraints are
      changes.
notes:
  - The variables C(oxzep7_applications), C(oxzep7_interpreters) and C(oxzep7_constraints) are read.
"""

EXAMPLES = r"""
- name: Rehearse
  oxzep7.python.rehearse:
    target: "3.12"
    plan_dir: ./oxzep7/plan
"""

RETURN = r"""
rehearsed:
  description:
    - For each step its C(application), C(to), C(rounds), C(trials), new constraints as C(learned), remaining
      C(failures), and C(benchmarks).
    - C(tried) is the number of imports that were tried; C(untried) says what was not tried or could not be compared, as
      M(oxzep7.python.environment) does.
  returned: always
  type: list
  elements: dict
problems:
  description:
    - The applications that were not rehearsed to the target, each with C(application), C(cause) and C(next), what to do
      next.
    - C(to) is the version where new failures remain; it is empty if the application could not be tried.
  returned: always
  type: list
  elements: dict
unrehearsed:
  description: The names of the applications with problems.
  returned: always
  type: list
  elements: str
constraints:
  description: Path of the file with constraints.
  returned: always
  type: str
actions:
  description: What was done, or would be.
  returned: always
  type: list
  elements: str
"""
