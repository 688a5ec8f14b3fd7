#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the plan. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: plan
short_description: Plan every step of every application to the target
version_added: 0.1.0
description:
  - Runs once, on the controller, for all hosts, from what M(oxzep7.python.host_info) returned for each.
  - The path visits every minor version between the current one and O(target); each step gets a lock with hashes.
  - A package moves only for a reason, then to the nearest later version that works. Its version has no wheel for the next Python, or excludes
    it in C(Requires-Python), upper bounds included; a dependency, a constraint, a fixed advisory or what a rehearsal met forces it.
  - A package that only the old Python needed leaves. A package of which no later version has a wheel is built, once, by an account that owns nothing.
  - Each unique combination of pins, Python and platform is resolved once.
author: oxzep7.python contributors (@oxzep7)
options:
  builder:
    description: Name of the host that builds what RV(needs) names; without one, a wheel that must be built elsewhere is an error.
    type: str
  copy_packages:
    description: Whether RV(packages) are copied afterwards; if not, a package that no source has is an error.
    type: bool
    default: false
  scan_wheels:
    description:
      - Whether to have the wheels of every lock on the controller and to read them for what their Python lacks. Each wheel is read once.
      - What is found is evidence in the matrix; it moves no package, because only running tells whether that code is reached.
    type: bool
    default: false
  plan_id:
    description:
      - Identifier of the plan in O(plan_dir) that was reviewed. Anything but that plan, or what is left to do of it, is refused.
      - The plan directory is then left as it is.
    type: str
extends_documentation_fragment:
  - oxzep7.python.planning
  - oxzep7.python.rollout
  - oxzep7.python.sources
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The variables C(oxzep7_interpreters), C(oxzep7_constraints) and C(oxzep7_criticality) are read for each host.
"""

EXAMPLES = r"""
- name: Plan
  oxzep7.python.plan:
    target: "3.11"
    plan_dir: ./oxzep7/plan
  run_once: true
"""

RETURN = r"""
packages:
  description: Packages that no source has, and that M(oxzep7.python.package_copy) must copy before there can be a plan. Names by host and application.
  returned: always
  type: dict
needs:
  description: Wheels that a builder host must build before there can be a plan.
  returned: always
  type: list
  elements: dict
rehearse:
  description: Hosts that together have every different environment.
  returned: success
  type: list
  elements: str
scanned:
  description: What of the wheels uses on import what their Python lacks, by a scan; empty without O(scan_wheels).
  returned: when there is something to do
  type: list
  elements: str
target:
  description: The version that is planned for; a symbolic target is resolved.
  returned: success
  type: str
findings:
  description: What speaks against the target, and does not forbid it.
  returned: success
  type: list
  elements: dict
id:
  description: Digest of the plan; V(null) when there is nothing to do.
  returned: success
  type: str
steps:
  description: Number of steps still to do, by host.
  returned: success
  type: dict
waves:
  description:
    - The waves of the hosts that have something to do; each with C(number), C(hosts), C(applications) by host, C(steps), C(restarts) that are expected, and
      C(seconds) that it will take, with their C(basis).
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
  description: Hosts that gave no inventory.
  returned: success
  type: list
  elements: str
directory:
  description: Where the plan is on the controller; the cache directory in check mode.
  returned: success
  type: str
path:
  description: The plan for reading.
  returned: when there is something to do
  type: str
"""
