#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module recovery: close promotions that a dead run left open."""

DOCUMENTATION = r"""
module: recovery
short_description: Close promotions that were left open on a host
version_added: 0.1.0
description:
  - Undoes every promotion on the host that was neither committed nor undone, and records what C(undo.sh) did by itself.
  - Removes what such a run left, for instance partly written files.
  - Leaves an application alone that another process has locked, and returns it in RV(busy).
  - Takes over the record of an application that was renamed, if its declaration in O(applications) has C(formerly).
author: oxzep7.python contributors (@oxzep7)
options:
  applications:
    description:
      - All applications that are declared on the host, as in C(oxzep7_applications). Their checks decide whether an
        application is healthy after an undo. Of others only the failures of C(undo.sh) are known.
      - One with C(formerly) takes over the record of that name, if the host has it, it is for the same environment, and
        the name is not declared any more. Backups stay in the directory of the old name.
    type: list
    elements: dict
    default: []
  wait:
    description: Seconds to wait for an application that another process has locked.
    type: float
    default: 15.0
extends_documentation_fragment:
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
- name: Close open promotions
  oxzep7.python.recovery:
    applications: "{{ oxzep7_applications }}"
"""

RETURN = r"""
closed:
  description:
    - History entries of the promotions that were closed, each with its C(application).
    - Their C(event) is V(reverted), or V(failed) with the cause as C(problem) where the application is not healthy.
  returned: success
  type: list
  elements: dict
busy:
  description: Applications that another process has locked, with the content of its lease.
  returned: success
  type: dict
adopted:
  description: The applications that took over the record of another name, with that name.
  returned: success
  type: dict
runs:
  description: For each application, the runs that promoted one of its generations, oldest first.
  returned: success
  type: dict
actions:
  description: Actions of the module, or those that it would take in check mode.
  returned: success
  type: list
  elements: str
"""

import time
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._adoption import (
    adopt_record,
    is_adoption_due,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    LeaseHeldError,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import parse_checked_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._choice import list_promoting_runs
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._settlement import FAILED, settle_promotion

POLL_SECONDS = 0.2


class _Recovery:
    """Settles the applications of a host one after the other; see RETURN for ``closed`` and ``busy``."""

    def __init__(self, module: CollectionModule) -> None:
        self._root = module.params["state_dir"]
        self._run = module.params["run_id"]
        self._check_mode = module.check_mode
        self._until = time.monotonic() + (0.0 if module.check_mode else module.params["wait"])
        self._declarations = {one.get("name"): one for one in module.params["applications"]}
        self._module = module
        self.changes = Changes()
        self.closed: List[Dict[str, Any]] = []
        self.busy: Dict[str, Dict[str, Any]] = {}
        self.adopted: Dict[str, str] = {}

    def adopt(self, declarations: List[Dict[str, Any]]) -> None:
        """Take over the records of renamed applications. Raises CollectionError, ValueError, OSError."""
        declared = [str(entry.get("name")) for entry in declarations]
        for declaration in declarations:
            if not declaration.get("formerly"):
                continue
            application = parse_checked_declaration(declaration)
            if not is_adoption_due(application, self._root):
                continue
            old = str(application.formerly)
            try:
                adopt_record(application, declared, self._root, self._run, self._check_mode)
            except LeaseHeldError as error:
                self.busy[old] = error.holder
                continue
            self.changes.add("take over the record of %s as %s" % (old, application.name), old, old, application.name)
            self.adopted[application.name] = old

    def settle(self, name: str) -> bool:
        """Settle the application *name*; return whether to try again later.

        Raises CollectionError, ValueError, OSError.
        """
        state = ApplicationState(self._root, name)
        if not state.is_unsettled():
            return False
        try:
            with state.hold_lease(self._run, only_look=self._check_mode):
                self._announce(name, state)
                if not self._check_mode:
                    self._close(name, state)
        except LeaseHeldError as error:
            # The holder may be the dead man's switch, which ends soon.
            if time.monotonic() < self._until:
                return True
            self.busy[name] = error.holder
        return False

    def _close(self, name: str, state: ApplicationState) -> None:
        """Settle the application *name*, and warn where it is not healthy then. Raises as `settle`."""
        entry = settle_promotion(state, self._run, application=self._find_application(name))
        if entry is None:
            return
        self.closed.append(dict(entry, application=name))
        if entry["event"] == FAILED:
            self._module.warn(
                "application %s is not healthy after its change was undone: %s; repair it at once"
                % (name, entry["problem"])
            )

    def _find_application(self, name: str) -> Optional[Application]:
        """The declared application *name*; None without a valid declaration."""
        if name not in self._declarations:
            return None
        try:
            return parse_checked_declaration(self._declarations[name])
        except (CollectionError, ValueError) as error:
            self._module.warn("the checks of application %s could not be asked: %s" % (name, error))
            return None

    def _announce(self, name: str, state: ApplicationState) -> None:
        if state.is_open() or state.read_undone_record():
            self.changes.add("close the open promotion of %s" % name, name, "open", "undone")
            return
        leftovers = ", ".join(state.list_leftovers()) or "its lease"
        self.changes.add("remove what a dead run left of %s: %s" % (name, leftovers), name, "left", "gone")


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
            "wait": {"type": "float", "default": 15.0},
            "applications": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    root = module.params["state_dir"]
    recovery = _Recovery(module)
    runs = {}
    name = ""
    try:
        waiting = list_applications(root)
        while waiting:
            name = waiting.pop(0)
            if recovery.settle(name):
                waiting.append(name)
                time.sleep(POLL_SECONDS)
        name = "formerly"
        recovery.adopt(module.params["applications"])
        for name in list_applications(root):
            runs[name] = list_promoting_runs(ApplicationState(root, name).read())
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (name, error), closed=recovery.closed)
    module.exit_json(
        closed=recovery.closed,
        busy=recovery.busy,
        adopted=recovery.adopted,
        runs=runs,
        **recovery.changes.result(),
    )


if __name__ == "__main__":
    main()
