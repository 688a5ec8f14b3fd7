# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of what makes waves on the controller."""


class ModuleDocFragment:
    """Options of what makes waves on the controller."""

    DOCUMENTATION = r"""
options:
  waves:
    description:
      - Shape of the rollout, as counts and percentages of hosts; the last entry repeats, and the shape begins anew with each criticality.
      - Lists of hosts and groups before those are waves of their own, as they are named.
    type: list
    elements: raw
    default: ["100%"]
  max_unavailable:
    description: How many of the hosts of one application may be in a wave, as a count, or as a percentage, which is rounded down; one always may.
    type: raw
    default: "100%"
  canaries:
    description: Whether a host waits until another one with the same environment was in an earlier wave.
    type: bool
    default: true
  promote:
    description: V(each_step) promotes at every minor version, V(final) only at the last one; it changes how many restarts are expected.
    type: str
    choices: [each_step, final]
    default: each_step
  stability_window:
    description: Seconds through which checks must keep passing; a part of the estimate of a step that nobody has measured.
    type: float
    default: 60.0
  report_dir:
    description: Directory on the controller with the records of earlier runs, whose steps tell how long a wave takes.
    type: path
"""
