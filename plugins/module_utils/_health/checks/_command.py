# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the exit status of a command."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    EVIDENCE_BYTES,
    run_command,
    split_command,
)


class CommandCheck(CheckKind):
    """Runs a command as the application's user."""

    name = "command"
    options = {
        "type": "dict",
        "options": {
            "cmd": {"type": "raw", "required": True},
            "rc": {"type": "int", "default": 0},
            "timeout": {"type": "float", "default": 30.0},
        },
    }
    documentation = """
description: Run a command as the application's user.
type: dict
suboptions:
  cmd:
    description: Command, as a list or as a string that is split into words; no shell is involved.
    type: raw
    required: true
  rc:
    description: Expected exit status.
    type: int
    default: 0
  timeout:
    description: Seconds after which the command is killed and the check fails.
    type: float
    default: 30.0
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the command ends with the expected status. Raises ValueError."""
        done = run_command(split_command(options["cmd"]), options["timeout"], context.identity, tail=EVIDENCE_BYTES)
        evidence = "ended with %d, expected %d: %s" % (done.rc, options["rc"], done.last_lines())
        return Verdict(done.rc == options["rc"], evidence)
