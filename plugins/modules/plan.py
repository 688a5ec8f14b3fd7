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
  - Runs once, on the controller, for all hosts, with the result of M(oxzep7.python.host_info) for each.
  - The path visits every minor version between the current one and O(target); each step gets a lock with hashes.
  - A package moves only for a reason, and then to the nearest later version that works. Its version has no wheel for
    the next Python, or excludes it in C(Requires-Python), upper bounds included; or a dependency, a constraint, a fixed
    advisory or a failed rehearsal forces it.
  - A package that only the old Python needs is dropped. A package without a wheel in any later version is built once,
    by an account that owns nothing.
  - Each unique combination of pins, Python and platform is resolved once.
  - What cannot be planned is in the plan as blocked, with the reason, and nothing else is kept from being planned. An
    application has the steps up to the first one that is blocked. The module does not fail because of it.
author: oxzep7.python contributors (@oxzep7)
options:
  builder:
    description:
      - Name of the host that builds RV(needs). Without one, a wheel that the controller cannot build blocks its
        application.
    type: str
  copy_packages:
    description:
      - Whether RV(packages) are copied afterwards. Otherwise a package that no source has blocks its application, and
        one without a wheel is built.
    type: bool
    default: false
  copied:
    description:
      - The value RV(packages) of the call before, for which copies were tried. What is still missing of it blocks its
        application.
    type: dict
    default: {}
  built:
    description:
      - The value RV(needs) of the call before, for which the builder was asked. What is still missing of it blocks its
        application.
    type: list
    elements: dict
    default: []
  building:
    description: The result of M(oxzep7.python.wheel_build) for O(built), which says why wheels are missing.
    type: dict
    default: {}
  scan_wheels:
    description:
      - Whether to download the wheels of every lock, and to scan them for uses of names that their Python lacks. Each
        wheel is scanned once.
      - Results are evidence in the matrix. They move no package, because the code may never be executed.
    type: bool
    default: false
  plan_id:
    description:
      - Identifier of the reviewed plan in O(plan_dir). Only its steps are planned; an application that would have
        others is blocked. Another plan in O(plan_dir), or another O(target), is an error.
      - The plan directory is not changed then.
    type: str
  refusals:
    description:
      - Variable of the hosts with the result of M(oxzep7.python.preflight). The applications that its blocking findings
        concern are blocked, and hosts that have left the play since their inventory was taken are unknown.
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
  description:
    - Packages that no source has, and those that stay without having a wheel, by host and application, which
      M(oxzep7.python.package_copy) must copy first.
  returned: always
  type: dict
copied:
  description: The value of O(copied).
  returned: always
  type: dict
built:
  description: The value of O(built).
  returned: always
  type: list
  elements: dict
blocked:
  description:
    - A row for each reason why an application of a host, or its steps from one on, cannot be planned; each with
      C(host), C(application), C(key) of the finding, C(cause) and C(remediation).
  returned: success
  type: list
  elements: dict
blocked_lines:
  description: A line for each reason of RV(blocked), with all of its hosts.
  returned: success
  type: list
  elements: str
needs:
  description: Wheels that a builder host must build before the plan.
  returned: always
  type: list
  elements: dict
rehearse:
  description: Hosts that together have every different environment.
  returned: success
  type: list
  elements: str
scanned:
  description: Wheels that use on import a name that their Python lacks; empty without O(scan_wheels).
  returned: when there is something to do
  type: list
  elements: str
target:
  description: The version that is planned for; a symbolic target is resolved.
  returned: success
  type: str
findings:
  description: Findings about the target that do not block the plan.
  returned: success
  type: list
  elements: dict
id:
  description:
    - Digest of what the plan does; V(null) when there is nothing to do, and nothing is blocked. What is blocked is no
      part of it.
  returned: success
  type: str
steps:
  description: Number of steps still to do, by host.
  returned: success
  type: dict
waves:
  description:
    - The waves of the hosts with steps; each with C(number), C(hosts), C(applications) by host, C(steps), expected
      C(restarts), and estimated C(seconds) with their C(basis).
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
  description: Hosts without an inventory.
  returned: success
  type: list
  elements: str
directory:
  description:
    - Directory of the plan on the controller; in check mode in the cache directory. V(null) without RV(id).
  returned: success
  type: str
path:
  description: Path of the readable plan.
  returned: when there is something to do
  type: str
"""
