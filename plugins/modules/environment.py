#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build generations of an application's environment, and try locks."""

DOCUMENTATION = r"""
module: environment
short_description: Build a generation from a lock beside the live environment, or try a lock
version_added: 0.1.0
description:
  - Builds an environment with O(interpreter) from the wheels of O(lock), offline and with hashes required, in the
    application's directory for generations.
  - Checks that its packages fit together, imports as the application's user what is used of it, and runs the
    application's tests. What does not work in the live environment either is not a failure.
  - Imported are the first modules of every package, the modules and objects that entry points name, what the
    application's source imports, what services and jobs start, and, within a time budget, all modules of packages; see
    O(probe). Without O(application.tests), the application's own modules are imported, too. Where pip is one of the
    packages, C(pip list) and C(pip check) must work as they do in the live environment.
  - Group, modes, POSIX ACLs and SELinux labels follow the live environment.
  - The live environment is not touched. A generation that was built from the same lock and interpreter is reused.
  - Each directory has a record in itself, C(.oxzep7-generation.json), which says for which live path it is and whether
    it is complete. Only what is unfinished by its own record, and what nothing on the host needs, is removed.
  - Refuses an environment that the record of another application on the host has. Where the records of the host were
    lost, the record is made again from those of the generations.
  - With O(state=trial), installs a lock in a scratch environment, which is kept for the next trial, and returns the
    imports, tests and files of the source that fail there and not in the live environment.
    M(oxzep7.python.rehearse) does this for every lock that it tries.
author: oxzep7.python contributors (@oxzep7)
options:
  state:
    description:
      - V(present) builds a generation.
      - V(trial) tries a lock; no generation is built.
      - V(absent) removes the scratch environments of trials.
    type: str
    choices: [present, trial, absent]
    default: present
  interpreter:
    description: Path of the interpreter. Required unless O(state=absent).
    type: path
  version:
    description: Version of the interpreter. Required unless O(state=absent).
    type: str
  lock:
    description:
      - Identifier of a lock that M(oxzep7.python.plan_delivery) stored in O(state_dir).
      - With O(state=trial), the text of a lock.
      - Required unless O(state=absent).
    type: str
  wheels:
    description: Directory with the wheels.
    type: path
    default: /opt/oxzep7/wheelhouse
  uv:
    description:
      - Path of C(uv) on the host. Default is C(uv) in E(PATH), else C(venv) and C(pip) of the interpreter are used.
    type: path
  tiers:
    description:
      - Names of packages in the order in which they are installed again when a generation does not import or fit
        together, so that the message names the first tier at fault. Each tier includes its dependencies; the other
        packages come last.
      - Default is two tiers, the lower and the upper half of the longest chain of dependencies.
    type: list
    elements: list
    default: []
  modules:
    description: >-
      Names to try with O(state=trial), as in RV(failures), each alone. They work in the live environment, which is not
      asked again. Default is everything.
    type: list
    elements: str
  probe:
    description:
      - How much is imported of the packages.
      - V(entry_points) imports their first modules and what is used by name.
      - V(modules) imports their other modules, too, within two minutes that are divided fairly. Modules of tests are
        left out.
      - V(all) has no such limit, and includes the modules of tests.
    type: str
    choices: [entry_points, modules, all]
    default: modules
  tests:
    description:
      - With O(state=trial), whether to compile the application's source with the interpreter and, if every import
        works, to run its tests.
    type: bool
    default: false
  benchmarks:
    description:
      - With O(state=trial), whether to time the application's benchmarks in the live and in the scratch environment.
    type: bool
    default: false
extends_documentation_fragment:
  - oxzep7.python.application.core
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
    details: A trial is done again each time unless it passed as a whole within the last day.
"""

EXAMPLES = r"""
- name: Build the generation for Python 3.9
  oxzep7.python.environment:
    application:
      name: billing
      environment: /srv/billing/venv
      source: /srv/billing/app
      tests: ["python -m pytest -q"]
    interpreter: /opt/oxzep7/interpreters/3.9.18/bin/python3.9
    version: 3.9.18
    lock: "{{ step.lock }}"

- name: Try a lock
  oxzep7.python.environment:
    state: trial
    application:
      name: billing
      environment: /srv/billing/venv
      source: /srv/billing/app
      tests: ["python -m pytest -q"]
    interpreter: /opt/oxzep7/interpreters/3.12.1/bin/python3.12
    version: 3.12.1
    lock: "{{ lookup('ansible.builtin.file', 'lock.txt') }}"
    tests: true
"""

RETURN = r"""
generation:
  description: Identifier of the generation.
  returned: success and O(state=present)
  type: str
path:
  description: Directory of the generation.
  returned: success and O(state=present)
  type: str
kept:
  description:
    - Directories that no record needs and that were not removed, with the reason, such as one without a record of its
      own.
  returned: success and O(state) is V(present) or V(absent)
  type: dict
untried:
  description:
    - What was not tried or could not be compared, each with C(reason), C(count) and the first C(names), such as
      C(__main__) modules, tests, and what was not reached in the time.
  returned: success and O(state) is V(present) or V(trial)
  type: list
  elements: dict
tried:
  description: Number of imports that were tried.
  returned: success and O(state=trial)
  type: int
deprecation_warnings:
  description: Deprecations that imports and tests reported, each with file, line and text.
  returned: success and O(state=present)
  type: list
  elements: str
details:
  description: Evidence, such as modules that could not be imported or the output of a test.
  returned: failure
  type: dict
failures:
  description:
    - What cannot be imported or started and could before. A name is a module, C(module:attribute), C(bin/program) or a
      command of pip.
    - Each has C(text), C(exception), C(file), the C(package) that the file belongs to, C(frames), and C(missing), the
      module that was not found. C(others) counts modules of packages that fail with the same text.
  returned: success and O(state=trial)
  type: dict
tests:
  description: Tests that fail and did not before, in the form of RV(failures).
  returned: success and O(state=trial)
  type: dict
sources:
  description:
    - Files of the source that the interpreter does not compile and the live one does, in the form of RV(failures).
  returned: success and O(state=trial)
  type: dict
owners:
  description: Package of each top-level module, before and now.
  returned: success and O(state=trial)
  type: dict
modules:
  description: Number of modules to import.
  returned: success and O(state=trial)
  type: int
gone:
  description: Modules in O(modules) that do not exist.
  returned: success and O(state=trial)
  type: list
  elements: str
known:
  description:
    - Why the lock was not tried, if it passed within the last day with the same source, services, tests and live
      environment, or if a generation has been proved with it; empty otherwise.
  returned: success and O(state=trial)
  type: str
benchmarks:
  description: For each benchmark the shortest of three runs before and after, in seconds, and their ratio.
  returned: success and O(state=trial)
  type: list
  elements: dict
actions:
  description: Actions that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import (
    build_core_argument,
    parse_core_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError, CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import build_generation
from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import CARRY_ARGUMENT, parse_cargo
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import EnvironmentOrder, find_usable_uv
from ansible_collections.oxzep7.python.plugins.module_utils._generation._targets import MODULES, PROBE_CHOICES
from ansible_collections.oxzep7.python.plugins.module_utils._generation._trial import (
    TrialRequest,
    plan_trial,
    remove_trials,
    run_trial,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._names import LOCK_ID
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import compute_lock_id


def _make_order(
    module: CollectionModule, application: Application, identifier: str, text: Optional[str]
) -> EnvironmentOrder:
    given = module.params
    if not module.check_mode and not os.access(given["interpreter"], os.X_OK):
        module.fail_json(msg="%s is not an executable; install the interpreter first" % given["interpreter"])
    return EnvironmentOrder(
        interpreter=given["interpreter"],
        version=given["version"],
        lock_id=identifier,
        lock=text,
        wheels=given["wheels"],
        uv=find_usable_uv(given["uv"]),
        run=given["run_id"],
        tiers=given["tiers"],
        cargo=parse_cargo(given["cargo"]) if given["cargo"] else None,
        probe=given["probe"],
        drop=application.carry == "drop",
    )


def _build(
    module: CollectionModule, application: Application, state: ApplicationState, changes: Changes
) -> Dict[str, Any]:
    identifier, directory = LOCK_ID(module.params["lock"]), module.params["state_dir"]
    text = read_text(os.path.join(directory, "locks", identifier + ".txt"))
    if text is None and not module.check_mode:
        module.fail_json(msg="lock %s is not in %s; deliver the plan first" % (identifier, directory))
    order = _make_order(module, application, identifier, text)
    kept: Dict[str, str] = {}
    try:
        generation = build_generation(application, state, order, module.check_mode, changes, kept)
    finally:
        _warn_of_kept(module, kept)
    return {
        "kept": kept,
        "generation": generation["id"],
        "path": generation["path"],
        "deprecation_warnings": generation.get("deprecations") or [],
        "untried": generation.get("untried") or [],
    }


def _try_lock(
    module: CollectionModule, application: Application, state: ApplicationState, changes: Changes
) -> Dict[str, Any]:
    given = module.params
    order = _make_order(module, application, compute_lock_id(given["lock"]), given["lock"])
    if module.check_mode:
        return plan_trial(application, order, changes)
    benchmarks = application.benchmarks if given["benchmarks"] else []
    return run_trial(application, state, order, TrialRequest(given["modules"], given["tests"], benchmarks))


def _remove_trials(
    module: CollectionModule, application: Application, state: ApplicationState, changes: Changes
) -> Dict[str, Any]:
    kept = remove_trials(application, state, module.params["run_id"], module.check_mode, changes)
    _warn_of_kept(module, kept)
    return {"kept": kept}


def _warn_of_kept(module: CollectionModule, kept: Dict[str, str]) -> None:
    for path, reason in sorted(kept.items()):
        module.warn("%s was not removed: %s" % (path, reason))


STATES = {"present": _build, "trial": _try_lock, "absent": _remove_trials}


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "application": build_core_argument(),
            "state": {"type": "str", "choices": list(STATES), "default": "present"},
            "interpreter": {"type": "path"},
            "version": {"type": "str"},
            "lock": {"type": "str"},
            "wheels": {"type": "path", "default": "/opt/oxzep7/wheelhouse"},
            "uv": {"type": "path"},
            "tiers": {"type": "list", "elements": "list", "default": []},
            "cargo": CARRY_ARGUMENT,
            "modules": {"type": "list", "elements": "str"},
            "probe": {"type": "str", "choices": PROBE_CHOICES, "default": MODULES},
            "tests": {"type": "bool", "default": False},
            "benchmarks": {"type": "bool", "default": False},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
        },
        required_if=[
            ("state", "present", ["interpreter", "version", "lock"]),
            ("state", "trial", ["interpreter", "version", "lock"]),
        ],
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    try:
        application = parse_core_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        result = STATES[given["state"]](module, application, state, changes)
    except BuildError as error:
        subject = "" if given["state"] == "present" else given["application"]["name"] + ": "
        module.fail_json(msg=subject + str(error), details=error.details, **changes.result())
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    module.exit_json(**result, **changes.result())


if __name__ == "__main__":
    main()
