#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivers a host's part of the plan. The work is done by the action plugin of this name and by plan_store."""

DOCUMENTATION = r"""
module: plan_delivery
short_description: Deliver each host its part of the plan
version_added: 0.1.0
description:
  - Reads the plan on the controller and stores the host's part, with its locks, in the state directory on the host.
author: oxzep7.python contributors (@oxzep7)
options:
  plan_dir:
    description: Directory on the controller with the plan.
    type: path
    required: true
  state_dir:
    description: Directory on the host with the records of its applications.
    type: path
    default: /var/lib/oxzep7
  known:
    description: What M(oxzep7.python.host_info) saw to be C(delivered); a host that was seen to have it all is not asked again.
    type: dict
    default: {}
  promote:
    description: V(each_step) has every step promoted, V(final) builds and tests every step and promotes only the last of each application.
    type: str
    choices: [each_step, final]
    default: each_step
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Deliver the plan
  oxzep7.python.plan_delivery:
    plan_dir: ./oxzep7/plan
"""

RETURN = r"""
path:
  description: The plan's path on the host.
  returned: success
  type: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
steps:
  description:
    - The steps of the host in the order in which they are done, each with C(application), C(label), C(from), C(to), C(lock), C(interpreter) and C(cargo).
    - C(promote) tells whether the step ends with a promotion.
  returned: success
  type: list
  elements: dict
"""
