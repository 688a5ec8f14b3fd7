# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks modules and expressions in the live environment."""

import json
import os
from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    build_process_environment,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import EVIDENCE_BYTES, run_command

# Runs in the environment's interpreter; reads the options as JSON from standard input.
PYTHON_PROGRAM = """
import importlib, json, sys
options = json.load(sys.stdin)
names = {}
for name in options["imports"]:
    importlib.import_module(name)
    top = name.split(".")[0]
    names[top] = importlib.import_module(top)
if options["expression"] and not eval(options["expression"], names):
    sys.exit("%s is not true" % options["expression"])
"""


class PythonCheck(CheckKind):
    """Imports modules and evaluates an expression with the live environment's interpreter."""

    name = "python"
    options = {
        "type": "dict",
        "options": {
            "imports": {"type": "list", "elements": "str"},
            "expression": {"type": "str"},
            "timeout": {"type": "float", "default": 30.0},
        },
        "required_one_of": [["imports", "expression"]],
    }
    documentation = """
description: Import modules and evaluate an expression in the live environment, as the application's user.
type: dict
suboptions:
  imports:
    description: Modules to import.
    type: list
    elements: str
  expression:
    description: Python expression that must be true; it can use the imported modules.
    type: str
  timeout:
    description: Seconds after which the interpreter is killed and the check fails.
    type: float
    default: 30.0
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the modules can be imported and the expression is true. Raises OSError."""
        if not context.environment:
            return Verdict(False, "the application has no environment")
        python = os.path.join(context.environment, "bin", "python")
        user = context.identity or get_current_identity()
        request = {"imports": options.get("imports") or [], "expression": options.get("expression")}
        done = run_command(
            [python, "-c", PYTHON_PROGRAM],
            options["timeout"],
            user,
            environment=build_process_environment(user, os.path.dirname(python)),
            stdin=json.dumps(request),
            tail=EVIDENCE_BYTES,
        )
        return Verdict(done.rc == 0, "ended with %d: %s" % (done.rc, done.last_lines(3)))
