# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the operator's channels what happens in a run."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import get_utc_timestamp
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _notifications

CHANNEL_OPTIONS: dict[str, Any] = {
    "kind": {
        "type": "str",
        "required": True,
        "choices": [_notifications.WEBHOOK, _notifications.SLACK, _notifications.TEAMS, _notifications.EMAIL],
    },
    "events": {"type": "list", "elements": "str", "choices": list(_notifications.EVENTS), "default": []},
    "url": {"type": "str", "no_log": True},
    "secret": {"type": "str", "no_log": True},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "encryption": {"type": "str", "choices": ["none", "starttls", "tls"], "default": "starttls"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "sender": {"type": "str"},
    "recipients": {"type": "list", "elements": "str", "default": []},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10.0},
    "tries": {"type": "int", "default": 3},
    "pause": {"type": "float", "default": 1.0},
}


class ActionModule(ActionBase):
    """Send one piece of news over every channel that wants it. What is not delivered is a warning, and never fails a run."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """No module execution; nothing is sent in check mode."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            argument_spec={
                "channels": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": CHANNEL_OPTIONS,
                    "required_if": [
                        ["kind", "webhook", ["url"]],
                        ["kind", "slack", ["url"]],
                        ["kind", "teams", ["url"]],
                        ["kind", "email", ["host", "sender", "recipients"]],
                    ],
                },
                "event": {"type": "str", "required": True, "choices": list(_notifications.EVENTS)},
                "run_id": {"type": "str", "required": True},
                "kind": {"type": "str", "default": "upgrade"},
                "text": {"type": "str", "required": True},
                "wave": {"type": "int"},
                "waves": {"type": "int"},
                "ledger": {"type": "list", "elements": "dict", "default": []},
            }
        )
        outcomes: dict[str, list[str]] = {}
        for row in given["ledger"]:
            outcomes.setdefault(str(row["outcome"]), []).append(str(row["host"]))
        news = _notifications.Notification(
            given["event"],
            given["run_id"],
            given["kind"],
            given["text"],
            get_utc_timestamp(),
            given["wave"],
            given["waves"],
            outcomes,
        )
        problems = [] if self._task.check_mode else _notifications.notify_channels(given["channels"], news)
        for problem in problems:
            self._display.warning(f"oxzep7_notifications: {problem}")
        result.update(changed=False, problems=problems)
        return result
