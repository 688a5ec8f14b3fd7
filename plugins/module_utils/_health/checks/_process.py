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
from ansible_collections.oxzep7.python.plugins.module_utils._host._processes import examine_processes
from ansible_collections.oxzep7.python.plugins.module_utils._names import SERVICE_NAME


class ProcessCheck(CheckKind):
    """Examines running processes."""

    name = "process"
    options = {
        "type": "dict",
        "options": {"unit": {"type": SERVICE_NAME}, "pidfile": {"type": "str"}, "interpreter": {"type": "str"}},
    }
    documentation = """
description: Check that Python processes are running.
type: dict
suboptions:
  unit:
    description: Systemd unit whose processes are examined.
    type: str
  pidfile:
    description: File with the process id of the process that is examined, together with its descendants.
    type: str
  interpreter:
    description: Interpreter that the Python processes among them must run.
    type: str
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when there are such processes and all run the interpreter. Raises OSError."""
        units = [options["unit"]] if options.get("unit") else []
        pidfiles = [options["pidfile"]] if options.get("pidfile") else []
        return Verdict(*examine_processes(units, pidfiles, options.get("interpreter"), None))
