# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the actions that make waves on the controller."""


class ModuleDocFragment:
    """Options of the actions that make waves on the controller."""

    DOCUMENTATION = r"""
options:
  waves:
    description:
      - Shape of the rollout, as counts and percentages of hosts; the last entry repeats.
      - The shape begins anew with each criticality.
      - Lists of hosts and groups before the counts are waves with exactly these hosts.
    type: list
    elements: raw
    default: ["100%"]
  max_unavailable:
    description:
      - Hosts of one application that may be in a wave, as a count, or a percentage, rounded down to at least one.
    type: raw
    default: "100%"
  canaries:
    description: Whether a host waits until another one with the same environment was in an earlier wave.
    type: bool
    default: true
  promote:
    description:
      - V(each_step) promotes at every minor version, V(final) only at the last one.
      - This changes the number of expected restarts.
    type: str
    choices: [each_step, final]
    default: each_step
  stability_window:
    description: Seconds for which checks must keep passing; part of the estimate of a step without measurements.
    type: float
    default: 60.0
  report_dir:
    description: Directory on the controller with the records of earlier runs, to estimate the duration of a wave.
    type: path
  only_applications:
    description: Names of applications, or shell patterns, to which the call is restricted. Without any, it is not.
    type: list
    elements: str
    default: []
  skip_applications:
    description: Names of applications, or shell patterns, that are left out.
    type: list
    elements: str
    default: []
"""
