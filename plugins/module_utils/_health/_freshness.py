# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges whether something happened lately: a file's change, or a time that a command prints."""

import datetime
import os
import re
import time
from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._health._where import CheckContext, Verdict
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command, split_command

ISO_TIME_PATTERN = re.compile(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))?$")


def parse_timestamp(text: str) -> float:
    """The time that *text* tells, in seconds since the epoch: a number of those, or ISO 8601 (UTC without an offset). Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        match = ISO_TIME_PATTERN.match(text)
    if not match:
        raise ValueError("%r is neither a number of seconds nor a time in ISO 8601" % text[:100])
    told = datetime.datetime.strptime("%s %s" % match.group(1, 2), "%Y-%m-%d %H:%M:%S").replace(
        tzinfo=datetime.timezone.utc
    )
    offset = datetime.timedelta(hours=int(match.group(4) or 0), minutes=int(match.group(5) or 0))
    return (told + (offset if match.group(3) == "-" else -offset)).timestamp()


def check_freshness(options: Dict[str, Any], where: CheckContext) -> Verdict:
    """The verdict about ``freshness`` *options*. Raises OSError, ValueError."""
    if options.get("path"):
        name, when = options["path"], os.stat(options["path"]).st_mtime
    else:
        done = run_command(split_command(options["cmd"]), options["timeout"], where.identity)
        if done.rc != 0:
            return False, "ended with %d: %s" % (done.rc, done.last_lines(2)), {}
        name, when = " ".join(done.cmd), parse_timestamp(done.stdout.strip())
    age = time.time() - when
    return (
        age <= options["seconds"],
        "%s is %d seconds old, at most %g are allowed" % (name, age, options["seconds"]),
        {},
    )
