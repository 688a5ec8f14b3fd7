#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the wheels of a lock on the host. The work is done by the action plugin of this name and by wheelhouse_store."""

DOCUMENTATION = r"""
module: wheelhouse
short_description: Have the wheels of a lock on the host
version_added: 0.1.0
description:
  - Downloads the wheels of a lock once to the controller, and sends each host, in one transfer, only those it lacks.
  - Can send the controller's C(uv) along, so that hosts build with it.
author: oxzep7.python contributors (@oxzep7)
options:
  lock:
    description: Identifier of a lock in O(plan_dir).
    type: str
    required: true
  version:
    description: Python version that the lock is for.
    type: str
    required: true
  architecture:
    description: The host's machine type, such as V(x86_64).
    type: str
    required: true
  libc_version:
    description: Version of the host's C library (glibc).
    type: str
    required: true
  plan_dir:
    description: Directory on the controller with the plan.
    type: path
    required: true
  cache_dir:
    description: Directory on the controller that keeps downloaded wheels.
    type: path
    default: ~/.cache/oxzep7
  ship_uv:
    description: Whether to send C(uv), when the controller and the host have the same architecture.
    type: bool
    default: true
  known:
    description: What M(oxzep7.python.preflight) saw in O(directory), as its RV(oxzep7.python.preflight#module:wheels); what is there is not asked for again.
    type: dict
    default: {}
  directory:
    description: Directory on the host that keeps the wheels. Every user can read it.
    type: path
    default: /opt/oxzep7/wheelhouse
extends_documentation_fragment:
  - oxzep7.python.sources
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: partial
    details: In check mode nothing is downloaded, so wheels that neither the controller nor the host has are only counted.
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Send what the host lacks
  oxzep7.python.wheelhouse:
    lock: "{{ step.lock }}"
    version: "3.9"
    architecture: x86_64
    libc_version: "2.36"
    plan_dir: ./oxzep7/plan
"""

RETURN = r"""
sent:
  description: Names of the files that were sent, or would be.
  returned: success
  type: list
  elements: str
directory:
  description: Where the wheels are on the host.
  returned: success
  type: str
uv:
  description: Path of C(uv) on the host, if it was sent.
  returned: success
  type: str
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""
