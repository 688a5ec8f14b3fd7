# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the processes of a unit or of a process id file."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import (
    describe_interpreter,
    list_process_entries,
    read_process_use,
    select_members,
)
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME, SERVICE_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._services._proof import judge_processes
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import ServiceState, read_pidfile
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService


class ProcessCheck(CheckKind):
    """Examines running processes."""

    name = "process"
    options = {
        "type": "dict",
        "options": {
            "unit": {"type": SERVICE_NAME},
            "user": {"type": ACCOUNT_NAME},
            "pidfile": {"type": "str"},
            "interpreter": {"type": "str"},
        },
    }
    documentation = """
description: Check that Python processes are running.
type: dict
suboptions:
  unit:
    description: Systemd unit whose processes are examined.
    type: str
  user:
    description: Account whose systemd user instance manages the unit; the system instance by default.
    type: str
  pidfile:
    description: File with the process id of the process that is examined, together with its descendants.
    type: str
  interpreter:
    description: Interpreter that the Python processes among them must run.
    type: str
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when there are such processes and all run the interpreter. Raises ServiceError, OSError."""
        unit = UnitService(options.get("unit") or "", user=options.get("user"), pidfile=options.get("pidfile"))
        state = ServiceState(True, "", pids=read_pidfile(unit.pidfile))
        if options.get("unit"):
            state = UnitService.observe([unit])[unit]
        name = " and ".join(options[key] for key in ("unit", "pidfile") if options.get(key))
        members = select_members(list_process_entries(), state.groups, state.pids)
        if not members:
            return Verdict(False, "no process of %s is running" % name)
        wanted = describe_interpreter(options["interpreter"]) if options.get("interpreter") else None
        uses = [use for use in map(read_process_use, members) if use is not None]
        proof = judge_processes(name, uses, wanted, None)
        return Verdict(proof.passed and proof.shown, proof.evidence)
