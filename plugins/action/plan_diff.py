# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two plans on the controller."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._action import (
    ActionFailedError,
    CollectionAction,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._comparison import compare_plans
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan import format_plan_markdown


class ActionModule(CollectionAction):
    """Read two plans and list their differences."""

    _requires_connection = False

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """No module execution, and no change."""
        plans = []
        for option in ("before", "after"):
            path = expand_path(given[option])
            path = path / "plan.json" if path.is_dir() else path
            try:
                plans.append((path, json.loads(path.read_text(encoding="utf-8"))))
                texts = [format_plan_markdown(document) for _path, document in plans]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise ActionFailedError(f"{option}: {path} is not a plan: {error}") from None
        return {
            "differences": compare_plans(plans[0][1], plans[1][1]),
            "diff": {
                "before": texts[0],
                "after": texts[1],
                "before_header": str(plans[0][0]),
                "after_header": str(plans[1][0]),
            },
        }
