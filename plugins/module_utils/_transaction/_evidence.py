# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was logged for an application while it failed."""

import os
import time
from typing import List, NamedTuple

from ansible_collections.oxzep7.python.plugins.module_utils._application import _services
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import LOG_LIMIT

TAIL_LINES, TAIL_BYTES = 30, 8192


class LogMark(NamedTuple):
    """Where logs ended: a moment in seconds since the epoch, and the size of the log of declared commands."""

    moment: float
    size: int


def mark_logs(state: ApplicationState) -> LogMark:
    """Where the logs of the application of *state* end now."""
    try:
        size = os.stat(state.log_path).st_size
    except OSError:
        size = 0
    return LogMark(time.time(), size)


def read_logs_between(application: Application, state: ApplicationState, start: LogMark, end: LogMark) -> str:
    """What was logged between *start* and *end*, without credentials; a line about what cannot be read."""
    texts: List[str] = []
    try:
        texts.append(_read_command_log(state.log_path, start.size, end.size))
        texts.append(_services.read_logs(application.services, start.moment, end.moment))
    except (CollectionError, OSError) as error:
        texts.append("the log could not be read: %s" % error)
    return redact_text("\n".join(text.strip("\n") for text in texts if text.strip()))


def take_tail(text: str) -> str:
    """The last lines of *text*."""
    return "\n".join(text.splitlines()[-TAIL_LINES:])[-TAIL_BYTES:]


def _read_command_log(path: str, start: int, end: int) -> str:
    # It is emptied when it has become large.
    begin = max(start if start <= end else 0, end - LOG_LIMIT)
    try:
        with open(path, "rb") as stream:
            stream.seek(begin)
            return stream.read(end - begin).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
