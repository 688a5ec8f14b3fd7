# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the age of a file, or of a time that a command prints."""

import datetime
import os
import re
import time
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

ISO_TIME_PATTERN = re.compile(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))?$")


def parse_timestamp(text: str) -> float:
    """The time in *text* in seconds since the epoch: a number of those, or ISO 8601 (UTC without an offset).

    Raises ValueError.
    """
    try:
        return float(text)
    except ValueError:
        match = ISO_TIME_PATTERN.match(text)
    if not match:
        raise ValueError("%r is neither a number of seconds nor a time in ISO 8601" % text[:100])
    local = datetime.datetime.strptime("%s %s" % match.group(1, 2), "%Y-%m-%d %H:%M:%S")
    local = local.replace(tzinfo=datetime.timezone.utc)
    offset = datetime.timedelta(hours=int(match.group(4) or 0), minutes=int(match.group(5) or 0))
    return (local + (offset if match.group(3) == "-" else -offset)).timestamp()


class FreshnessCheck(CheckKind):
    """Compares an age with a limit."""

    name = "freshness"
    options = {
        "type": "dict",
        "options": {
            "path": {"type": "str"},
            "cmd": {"type": "raw"},
            "seconds": {"type": "float", "required": True},
            "timeout": {"type": "float", "default": 30.0},
        },
        "required_one_of": [["path", "cmd"]],
        "mutually_exclusive": [["path", "cmd"]],
    }
    documentation = """
description: Check that a file, or a time printed by a command, is recent.
type: dict
suboptions:
  path:
    description: File whose modification time is examined.
    type: str
  cmd:
    description: >-
      Command that prints a time, as seconds since the epoch or in ISO 8601. It runs as the application's user.
    type: raw
  seconds:
    description: Maximum age in seconds.
    type: float
    required: true
  timeout:
    description: Seconds after which the command is killed and the check fails.
    type: float
    default: 30.0
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the age is within the limit. Raises OSError, ValueError."""
        if options.get("path"):
            name, timestamp = options["path"], os.stat(options["path"]).st_mtime
        else:
            done = run_command(split_command(options["cmd"]), options["timeout"], context.identity, tail=EVIDENCE_BYTES)
            if done.rc != 0:
                return Verdict(False, "ended with %d: %s" % (done.rc, done.last_lines(2)))
            name, timestamp = " ".join(done.cmd), parse_timestamp(done.stdout.strip())
        age = time.time() - timestamp
        evidence = "%s is %d seconds old, at most %g are allowed" % (name, age, options["seconds"])
        return Verdict(age <= options["seconds"], evidence)
