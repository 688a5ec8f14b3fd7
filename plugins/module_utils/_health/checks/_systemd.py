# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that a systemd unit is active."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME, SERVICE_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._services._systemctl import read_unit_properties

PROPERTIES = ["ActiveState", "SubState", "Result", "NRestarts"]


class SystemdCheck(CheckKind):
    """Reads the state of a unit."""

    name = "systemd"
    options = {
        "type": "dict",
        "options": {"unit": {"type": SERVICE_NAME, "required": True}, "user": {"type": ACCOUNT_NAME}},
    }
    documentation = """
description: Check that a systemd unit is active, and that systemd has not restarted it since the promotion began.
type: dict
suboptions:
  unit:
    description: Name of the unit.
    type: str
    required: true
  user:
    description: Account whose systemd user instance manages the unit; the system instance by default.
    type: str
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the unit is active and was not restarted automatically. Raises ServiceError."""
        found = read_unit_properties([options["unit"]], PROPERTIES, options.get("user"))[options["unit"]]
        restarts = int(found.get("NRestarts") or 0)
        evidence = "%s is %s (%s), result %s, restarts %d" % (
            options["unit"],
            found.get("ActiveState"),
            found.get("SubState"),
            found.get("Result"),
            restarts,
        )
        # A manual start resets the counter, so any other number is of automatic restarts.
        steady = context.before is None or restarts in (0, context.before.get("restarts"))
        return Verdict(found.get("ActiveState") == "active" and steady, evidence, {"restarts": restarts})
