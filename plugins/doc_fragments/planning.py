# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that plan on the controller."""


class ModuleDocFragment:
    """Options of the modules that plan on the controller."""

    DOCUMENTATION = r"""
options:
  target:
    description:
      - The version to reach, as V(3.11) or V(3.11.9).
      - V(newest-supported) is the newest minor version that is released and supported, V(newest-1) the one before it.
      - A target past its end of life, or within a year of it, is a finding.
    type: str
    required: true
  plan_dir:
    description:
      - Directory on the controller for the plan; fit to be read and committed.
      - Its C(constraints.yml) has constraints on packages with reasons. Rehearsals add to it, and it may be edited.
      - Steps of an existing plan stay as they are if nothing that they depend on has changed.
    type: path
    required: true
  cache_dir:
    description: Directory on the controller that keeps resolutions, index pages and wheels.
    type: path
    default: ~/.cache/oxzep7
  inventories:
    description:
      - Name of the variable with the result of M(oxzep7.python.host_info), run with C(target), for each host.
    type: str
    default: inventory_result
  copies:
    description: Name of the variable with the result of M(oxzep7.python.package_copy) for each host, if any.
    type: str
    default: plan_copies
  advisories:
    description: Folder or zip on the controller with advisories in OSV's format.
    type: path
  fix_advisories:
    description: Whether a package with O(advisories) moves to the nearest version in which all known ones are fixed.
    type: bool
    default: false
"""
