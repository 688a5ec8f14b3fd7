#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides whether the next wave may begin. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: wave_gate
short_description: Decide whether the next wave may begin
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Checks, in this order, whether a gate has closed before, whether the hosts of the wave and those with an uncertain
    outcome are too many of one application, whether an application of the wave is still open, and whether the wave can
    end inside a change window.
  - Then waits for O(soak), and checks the approval and O(gate).
  - A closed gate is a result, not a failure, so that the tasks at the end of a run still run.
author: oxzep7.python contributors (@oxzep7)
options:
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  wave:
    description: Wave, as M(oxzep7.python.plan) describes it.
    type: dict
    required: true
  rows:
    description: Ledger so far, as M(oxzep7.python.report) returned it.
    type: list
    elements: dict
    default: []
  closed:
    description: Reason why the gate is closed already; empty if it is open.
    type: str
    default: ""
  closed_applications:
    description:
      - Applications of which no host is begun any more, each with C(wave) and C(reason), as M(oxzep7.python.report)
        returned them. A wave without any other application stays closed, and a later wave may begin.
    type: dict
    default: {}
  budget:
    description:
      - With V(application), an application of which too many hosts may be down is closed, and the others of the wave
        begin. With V(run), the gate is closed.
    type: str
    choices: [application, run]
    default: application
  max_unavailable:
    description: Hosts of one application that may be interrupted at once, as a count or a percentage.
    type: raw
    default: "100%"
  population:
    description: Number of hosts with each application.
    type: dict
    default: {}
  unknown:
    description: Hosts that could not be reached when the run began, and may be without their applications.
    type: list
    elements: str
    default: []
  blocked:
    description: The value RV(oxzep7.python.plan#module:blocked); hosts may be without what is down or being changed.
    type: list
    elements: dict
    default: []
  window:
    description:
      - Change windows, such as V(Sat,Sun 22:00-04:00 Europe/Berlin) or V(2026-11-28T22:00Z/2026-11-29T04:00Z).
      - A list, or text with commas, semicolons or line ends between windows, as surveys give it.
      - A wave begins only if it can end inside a window. Windows that follow one another without a break are one.
    type: raw
    default: []
  soak:
    description: Seconds for which to watch the wave before.
    type: float
    default: 0.0
  gate:
    description: Query that must succeed.
    type: dict
    default: {}
    suboptions:
      command:
        description: Command on the controller, as a list or as a string that is split into words. It must end with 0.
        type: raw
      url:
        description: URL that must answer.
        type: str
      headers:
        description: Headers of the request.
        type: dict
        default: {}
      expression:
        description: JMESPath expression that must be true of the JSON in the answer.
        type: str
        default: ""
      timeout:
        description: Seconds that an answer may take.
        type: float
        default: 30.0
      wait:
        description: Seconds within which the answer may become good.
        type: float
        default: 0.0
      interval:
        description: Seconds between two queries.
        type: float
        default: 10.0
      validate_certs:
        description: Whether to validate the certificate of the server.
        type: bool
        default: true
  approval:
    description: Whether every wave must be approved.
    type: bool
    default: false
  approved_waves:
    description: Numbers of the approved waves; V(all) for every wave.
    type: list
    elements: str
    default: []
  approval_file:
    description: File on the controller; a line with the identifier of the run, and a wave or V(all), approves.
    type: path
  approval_timeout:
    description: Seconds to wait for such a line.
    type: float
    default: 0.0
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
- name: Ask whether the second wave may begin
  oxzep7.python.wave_gate:
    run_id: nightly
    wave: "{{ plan_result.waves[1] }}"
    gate: {url: "http://monitoring.example.org/api/alerts", expression: "length(alerts) == `0`"}
  run_once: true
"""

RETURN = r"""
open:
  description: Whether the wave may begin.
  returned: success
  type: bool
closed:
  description: Reason why no wave may begin any more; empty if one may.
  returned: success
  type: str
closed_applications:
  description: Applications of which no host is begun any more, each with C(wave) and C(reason).
  returned: success
  type: dict
idle:
  description: Hosts of the wave whose applications are all closed.
  returned: success
  type: list
  elements: str
wave:
  description: The C(number) of the wave, and its C(hosts) that are not idle.
  returned: success
  type: dict
reason:
  description: Reason why the gate is closed; empty if it is open.
  returned: success
  type: str
"""
