# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends notifications of a run."""

from __future__ import annotations

from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import CollectionAction
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import get_utc_timestamp
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _ledger, _notifications


class ActionModule(CollectionAction):
    """Send a notification over every channel that subscribes to it.

    A failed delivery is a warning, and never fails a run.
    """

    _requires_connection = False
    SUBOPTION_RULES = {
        "channels": {
            "required_if": [
                ["kind", "webhook", ["url"]],
                ["kind", "slack", ["url"]],
                ["kind", "teams", ["url"]],
                ["kind", "email", ["host", "sender", "recipients"]],
            ],
        },
    }

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution; nothing is sent in check mode."""
        outcomes: dict[str, list[str]] = {}
        causes: dict[str, list[str]] = {}
        for row in _ledger.sort_by_urgency(given["ledger"]):
            outcomes.setdefault(str(row["outcome"]), []).append(str(row["host"]))
            for cause in _ledger.list_causes(row):
                causes.setdefault(cause, []).append(str(row["host"]))
        news = _notifications.Notification(
            given["event"],
            given["run_id"],
            given["kind"],
            given["text"],
            get_utc_timestamp(),
            given["wave"],
            given["waves"],
            outcomes,
            causes,
        )
        problems = [] if self._task.check_mode else _notifications.notify_channels(given["channels"], news)
        for problem in problems:
            self._display.warning(f"oxzep7_notifications: {problem}")
        return {"problems": problems}
