#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two plans. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: plan_diff
short_description: Tell how two plans differ
version_added: 0.1.0
description:
  - Compares two plans on the controller, such as the reviewed one and a new one, by host and application.
  - Nothing is changed.
author: oxzep7.python contributors (@oxzep7)
options:
  before:
    description: The earlier plan; its directory or its C(plan.json).
    type: path
    required: true
  after:
    description: The later plan, in the same form.
    type: path
    required: true
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The difference of the two as people read them.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: What is different from what was reviewed?
  oxzep7.python.plan_diff:
    before: ./reviewed
    after: ./oxzep7/plan
"""

RETURN = r"""
differences:
  description: A line for each difference.
  returned: success
  type: list
  elements: str
"""
