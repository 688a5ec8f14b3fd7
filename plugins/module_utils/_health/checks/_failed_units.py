# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that no further systemd unit has failed."""

from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import COMMAND_TIMEOUT, ServiceError

# Units of this collection may fail while a promotion is open.
UNDO_UNIT_PREFIX = "oxzep7-undo"


def list_failed_units() -> List[str]:
    """The failed units of the system instance of systemd, sorted. Raises ServiceError."""
    done = run_command(
        ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"], COMMAND_TIMEOUT
    )
    if done.rc != 0:
        raise ServiceError("systemctl list-units failed: %s" % done.last_lines(2))
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return sorted(line.split()[0] for line in lines if not line.startswith(UNDO_UNIT_PREFIX))


class FailedUnitsCheck(CheckKind):
    """Compares the failed units with those before the promotion."""

    name = "failed_units"
    options = {"type": "dict", "options": {"ignore": {"type": "list", "elements": "str", "default": []}}}
    documentation = """
description: Check that no systemd unit has failed since the promotion began.
type: dict
suboptions:
  ignore:
    description: Units that may fail.
    type: list
    elements: str
    default: []
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when every failed unit had failed before, or is ignored. Raises ServiceError."""
        failed = list_failed_units()
        if context.before is None:
            return Verdict(True, "%d units failed before" % len(failed), {"failed": failed})
        new = sorted(set(failed) - set(context.before.get("failed") or []) - set(options["ignore"]))
        return Verdict(not new, "failed since: %s" % (", ".join(new) or "none"))
