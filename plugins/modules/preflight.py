#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module preflight: check everything that could stop an upgrade, without changing anything."""

DOCUMENTATION = r"""
module: preflight
short_description: Check what would stop an upgrade of a host
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Checks the preconditions of M(oxzep7.python.promotion) for all applications in one call, free space and inodes for
    the generations, backups and interpreters of the plan, and access to the interpreters. Changes nothing.
  - A promotion refuses with the text of the same findings, except for those about space and interpreters.
  - The action plugin of this name compares the host's clock with the controller's, and checks archives on the
    controller.
author: oxzep7.python contributors (@oxzep7)
options:
  applications:
    description:
      - All declared applications, as in C(oxzep7_applications). Those that have steps are checked; two that share an
        environment are found by all.
    type: list
    elements: dict
    required: true
  steps:
    description: The planned steps, as M(oxzep7.python.plan_delivery) returns them.
    type: list
    elements: dict
    required: true
  entries:
    description:
      - Sources, as C(oxzep7_interpreters) has them, for the credentials that URLs in O(steps) do not have.
      - Read by the action plugin.
    type: list
    elements: dict
    default: []
  interpreter_dir:
    description: Directory of installed interpreters.
    type: path
    default: /opt/oxzep7/interpreters
  wheelhouse_dir:
    description: Directory of wheels.
    type: path
    default: /opt/oxzep7/wheelhouse
  backup_dir:
    description: Directory on the host with the backups of its applications.
    type: path
    default: /var/lib/oxzep7/backups
  backup_layers:
    description: Layers of the backups that will be written on this host; empty if none will.
    type: list
    elements: str
    default: []
  accept_unhealthy:
    description: Names of checks that may fail.
    type: list
    elements: str
    default: []
  dead_man:
    description: Dead man's switch that promotions will demand; see M(oxzep7.python.promotion).
    type: str
    choices: [required, preferred]
    default: preferred
  max_skew:
    description: Seconds that the host's clock may differ from the controller's. Read by the action plugin.
    type: float
    default: 60.0
  known_findings:
    description: Keys of findings that are accepted. Read by the action plugin.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - oxzep7.python.host
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
- name: Check that an upgrade can begin
  oxzep7.python.preflight:
    applications: "{{ oxzep7_applications }}"
    steps: "{{ plan_delivered.steps }}"
"""

RETURN = r"""
findings:
  description: >-
    All findings; each with C(key), C(severity), C(title), C(detail), C(blocking), C(remediation) and C(applications),
    the names of those that it concerns.
  returned: success
  type: list
  elements: dict
blocking:
  description: The blocking findings whose keys are not in O(known_findings).
  returned: success
  type: list
  elements: dict
room:
  description: >-
    For each file system that will be used, its C(path), C(needed_bytes), C(free_bytes), C(needed_inodes),
    C(free_inodes) (V(null) for a file system without a limit), the uses, C(for), and the C(applications) that have
    them.
  returned: success
  type: list
  elements: dict
interpreters:
  description: >-
    The installed interpreters of O(steps) from archives; each with C(source), C(wanted) (the version in the step),
    C(version), C(path) and C(prefix).
  returned: success
  type: list
  elements: dict
wheels:
  description: Size in bytes of each file in O(wheelhouse_dir), by name.
  returned: success
  type: dict
clock:
  description: The host's time, in seconds since 1970.
  returned: success
  type: float
"""

import os
import time
from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import locate_environment
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheelhouse import list_file_sizes
from ansible_collections.oxzep7.python.plugins.module_utils._preflight import (
    PreflightOptions,
    run_preflight,
    select_installed_interpreters,
)
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import PromotionPolicy


def _parse_planned(declarations: List[Dict[str, Any]], steps: List[Dict[str, Any]]) -> List[Application]:
    """Return the applications of *declarations* that have *steps*. Raises CollectionError."""
    planned = {step["application"] for step in steps}
    found = []
    for declaration in declarations:
        if declaration.get("name") in planned:
            found.append(parse_application(validate_declaration(declaration)))
    return found


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "steps": {"type": "list", "elements": "dict", "required": True},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
            "entries": {"type": "list", "elements": "dict", "default": [], "no_log": True},
            "interpreter_dir": {"type": "path", "default": "/opt/oxzep7/interpreters"},
            "wheelhouse_dir": {"type": "path", "default": "/opt/oxzep7/wheelhouse"},
            "backup_dir": {"type": "path", "default": "/var/lib/oxzep7/backups"},
            "backup_layers": {"type": "list", "elements": "str", "default": []},
            "accept_unhealthy": {"type": "list", "elements": "str", "default": []},
            "dead_man": {"type": "str", "choices": ["required", "preferred"], "default": "preferred"},
            "max_skew": {"type": "float", "default": 60.0},
            "known_findings": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        applications = _parse_planned(given["applications"], given["steps"])
    except CollectionError as error:
        module.fail_json(msg=str(error))
    asked = PreflightOptions(
        given["run_id"],
        given["state_dir"],
        given["interpreter_dir"],
        given["backup_dir"],
        given["backup_layers"],
        PromotionPolicy(given["dead_man"], given["accept_unhealthy"]),
    )
    there = select_installed_interpreters(given["steps"], asked.interpreter_dir)
    declared = []
    for entry in given["applications"]:
        if entry.get("name") and os.path.isabs(str(entry.get("environment"))):
            declared.append(locate_environment(str(entry["name"]), os.path.normpath(str(entry["environment"]))))
    findings, room = run_preflight(applications, given["steps"], asked, there, declared)
    blocking = [entry for entry in findings if entry["blocking"] and entry["key"] not in given["known_findings"]]
    module.exit_json(
        changed=False,
        findings=findings,
        blocking=blocking,
        room=room,
        interpreters=there,
        wheels=list_file_sizes(given["wheelhouse_dir"]),
        clock=time.time(),
    )


if __name__ == "__main__":
    main()
