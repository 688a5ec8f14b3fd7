#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries a lock beside an application's live environment."""

DOCUMENTATION = r"""
module: trial
short_description: Try a lock beside an application's live environment
version_added: 0.1.0
description:
  - Installs a lock in a scratch environment beside the live one, imports every top-level module as the application's user, runs the
    application's tests, and compares with the same in the live environment.
  - Only what fails and did not fail before is returned. Nothing that is live is touched; no generation is made.
  - The rehearsal of M(oxzep7.python.rehearse) calls it for every lock that it tries.
author: oxzep7.python contributors (@oxzep7)
options:
  interpreter:
    description: Executable of the interpreter. Not needed to O(state=absent).
    type: path
  version:
    description: The interpreter's version.
    type: str
  lock:
    description: The text of the lock.
    type: str
  wheels:
    description: Directory with the wheels.
    type: path
    default: /opt/oxzep7/wheelhouse
  uv:
    description: Path of C(uv) on the host. Without it, C(uv) from E(PATH) is used, else the interpreter's own C(venv) and C(pip).
    type: path
  modules:
    description: Import these only. Default is every top-level module.
    type: list
    elements: str
  tests:
    description: Whether to compile the application's source with the interpreter and, when every import works, to run its tests.
    type: bool
    default: false
  benchmarks:
    description: Whether to time the application's benchmarks in the live environment and in the scratch environment.
    type: bool
    default: false
  state:
    description:
      - V(absent) removes the scratch environments.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - oxzep7.python.application
  - oxzep7.python.cargo
  - oxzep7.python.host
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Says that it would try.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The scratch environment is made to be what the lock says; the outcome is that of the lock.
"""

EXAMPLES = r"""
- name: Try a lock
  oxzep7.python.trial:
    application: {name: billing, environment: /srv/billing/venv, tests: ["python -m pytest -q"], source: /srv/billing/app}
    interpreter: /opt/oxzep7/interpreters/3.12.1/bin/python3.12
    version: 3.12.1
    lock: "{{ lookup('ansible.builtin.file', 'lock.txt') }}"
    tests: true
"""

RETURN = r"""
failures:
  description: Modules that cannot be imported and could before, each with C(text), C(frames) and C(missing).
  returned: success
  type: dict
tests:
  description: Tests that fail and did not before, in the same form.
  returned: success
  type: dict
sources:
  description: Files of the source that the interpreter does not compile and the live one does, in the same form.
  returned: success
  type: dict
owners:
  description: The package of each top-level module, before and now.
  returned: success
  type: dict
modules:
  description: How many modules there are to import.
  returned: success
  type: int
gone:
  description: Those of O(modules) that are not there.
  returned: success
  type: list
  elements: str
benchmarks:
  description: For each benchmark the shortest of three runs before and after, in seconds, and their ratio.
  returned: success
  type: list
  elements: dict
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, LeaseHeldError
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._options import build_application_argument
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._parse import parse_application
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import (
    CARRY_ARGUMENT,
    CarryError,
    parse_cargo,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import EnvironmentOrder, find_usable_uv
from ansible_collections.oxzep7.python.plugins.module_utils._generation._trial import (
    TrialRequest,
    list_trial_directories,
    remove_trials,
    run_trial,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import compute_lock_id


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "application": build_application_argument(),
            "interpreter": {"type": "path"},
            "version": {"type": "str"},
            "lock": {"type": "str"},
            "wheels": {"type": "path", "default": "/opt/oxzep7/wheelhouse"},
            "uv": {"type": "path"},
            "cargo": CARRY_ARGUMENT,
            "modules": {"type": "list", "elements": "str"},
            "tests": {"type": "bool", "default": False},
            "benchmarks": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
        },
        required_if=[("state", "present", ["interpreter", "version", "lock"])],
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    try:
        application = parse_application(given["application"])
        if given["state"] == "absent":
            for path in list_trial_directories(application) if module.check_mode else remove_trials(application):
                changes.add("remove %s" % path, path, "present", "absent")
            module.exit_json(**changes.result())
        if module.check_mode:
            changes.add(
                "try lock %s for %s" % (compute_lock_id(given["lock"])[:12], application.name),
                application.name,
                None,
                given["version"],
            )
            module.exit_json(
                failures={}, tests={}, sources={}, owners={}, modules=0, gone=[], benchmarks=[], **changes.result()
            )
        if not os.access(given["interpreter"], os.X_OK):
            module.fail_json(msg="%s is not an executable; install the interpreter first" % given["interpreter"])
        order = EnvironmentOrder(
            given["interpreter"],
            given["version"],
            compute_lock_id(given["lock"]),
            given["lock"],
            given["wheels"],
            find_usable_uv(given["uv"]),
            given["run_id"],
            cargo=parse_cargo(given["cargo"]) if given["cargo"] else None,
        )
        ask = TrialRequest(given["modules"], given["tests"], application.benchmarks if given["benchmarks"] else [])
        answer = run_trial(application, ApplicationState(given["state_dir"], application.name), order, ask)
    except (ApplicationError, BuildError, CarryError, CommandError, IdentityError, LeaseHeldError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    module.exit_json(changed=False, actions=[], **answer)


if __name__ == "__main__":
    main()
