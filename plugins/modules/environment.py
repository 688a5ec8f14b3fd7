#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a generation of an application's environment."""

DOCUMENTATION = r"""
module: environment
short_description: Build a generation from a lock, beside the live environment
version_added: 0.1.0
description:
  - Builds an environment with O(interpreter) from the wheels of O(lock), offline and with hashes required, in the application's
    generations directory.
  - Checks that its packages fit together, imports every top-level module as the application's user and runs the application's tests.
    A module that cannot be imported in the live environment either is not a failure.
  - Group, modes, POSIX ACLs and SELinux labels follow the live environment.
  - The live environment is not touched. A generation that was built from the same lock and interpreter is found, not built again.
author: oxzep7.python contributors (@oxzep7)
options:
  interpreter:
    description: Executable of the interpreter.
    type: path
    required: true
  version:
    description: The interpreter's version.
    type: str
    required: true
  lock:
    description: Identifier of the lock, which M(oxzep7.python.plan_delivery) has stored in O(state_dir).
    type: str
    required: true
  wheels:
    description: Directory with the wheels.
    type: path
    default: /opt/oxzep7/wheelhouse
  uv:
    description: Path of C(uv) on the host. Without it, C(uv) from E(PATH) is used, else the interpreter's own C(venv) and C(pip).
    type: path
  tiers:
    description:
      - Names of packages in the order in which they are installed and tried again when the generation does not import or fit together, so that the first
        tier that shows it is named. Each tier brings what it needs; the rest comes last.
      - Without it there are two tiers, what is in the lower half of the longest chain of needs, and what stands on it.
    type: list
    elements: list
    default: []
extends_documentation_fragment:
  - oxzep7.python.application
  - oxzep7.python.cargo
  - oxzep7.python.host
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Build the generation for Python 3.9
  oxzep7.python.environment:
    application: {name: billing, environment: /srv/billing/venv, tests: ["python -m pytest -q"], source: /srv/billing/app}
    interpreter: /opt/oxzep7/interpreters/3.9.18/bin/python3.9
    version: 3.9.18
    lock: "{{ step.lock }}"
"""

RETURN = r"""
generation:
  description: Identifier of the generation.
  returned: success
  type: str
path:
  description: Its directory.
  returned: success
  type: str
deprecation_warnings:
  description: What imports and tests said will not work in a later Python; file, line and sentence.
  returned: success
  type: list
  elements: str
details:
  description: Evidence, such as modules that could not be imported or the output of a test.
  returned: failure
  type: dict
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
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError, PromotionRefused, UndoFailedError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import build_generation
from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import (
    CARRY_ARGUMENT,
    CarryError,
    parse_cargo,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import EnvironmentOrder, find_usable_uv
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "application": build_application_argument(),
            "interpreter": {"type": "path", "required": True},
            "version": {"type": "str", "required": True},
            "lock": {"type": "str", "required": True},
            "wheels": {"type": "path", "default": "/opt/oxzep7/wheelhouse"},
            "uv": {"type": "path"},
            "tiers": {"type": "list", "elements": "list", "default": []},
            "cargo": CARRY_ARGUMENT,
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    lock = read_text(os.path.join(given["state_dir"], "locks", given["lock"] + ".txt"))
    if lock is None and not module.check_mode:
        module.fail_json(msg="lock %s is not in %s; deliver the plan first" % (given["lock"], given["state_dir"]))
    if not module.check_mode and not os.access(given["interpreter"], os.X_OK):
        module.fail_json(msg="%s is not an executable; install the interpreter first" % given["interpreter"])
    try:
        application = parse_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        order = EnvironmentOrder(
            given["interpreter"],
            given["version"],
            given["lock"],
            lock,
            given["wheels"],
            find_usable_uv(given["uv"]),
            given["run_id"],
            given["tiers"],
            parse_cargo(given["cargo"]) if given["cargo"] else None,
            application.carry == "drop",
        )
        generation = build_generation(application, state, order, module.check_mode, changes)
    except BuildError as error:
        module.fail_json(msg=str(error), details=error.details, **changes.result())
    except (
        ApplicationError,
        CarryError,
        IdentityError,
        LeaseHeldError,
        PromotionRefused,
        UndoFailedError,
        ValueError,
        OSError,
    ) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    module.exit_json(
        generation=generation["id"],
        path=generation["path"],
        deprecation_warnings=generation.get("deprecations") or [],
        **changes.result(),
    )


if __name__ == "__main__":
    main()
