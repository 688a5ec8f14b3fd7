# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The deadline of a living module, before which the dead man's switch leaves it alone.

It counts seconds since the host started, a clock that cannot be set.
"""

import os

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState, read_start_time
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import attach_error_path, remove_quietly

# A living module may be silent for so long beyond what its work takes.
MARGIN_SECONDS = 60.0


def read_uptime() -> float:
    """Seconds since the host started (proc(5) ``uptime``), which ``undo.sh`` compares with. Raises OSError."""
    with open("/proc/uptime", encoding="ascii") as stream:
        return float(stream.read().split()[0])


class Deadline:
    """The second after which this process counts as dead and may be killed, in the application's directory."""

    def __init__(self, state: ApplicationState) -> None:
        self._path = state.deadline_path
        self._holder = "%d %s" % (os.getpid(), read_start_time(os.getpid()))
        self._until = 0.0

    def extend(self, seconds: float) -> None:
        """Move the deadline to *seconds* from now, unless it is later already. Raises OSError."""
        now = read_uptime()
        if now + seconds < self._until:
            return
        self._until = now + seconds
        temporary = self._path + ".next"
        with attach_error_path(self._path), open(temporary, "w", encoding="ascii") as stream:
            stream.write("%d %s\n" % (self._until + 1, self._holder))
        os.rename(temporary, self._path)

    def clear(self) -> None:
        """Remove the deadline. Raises OSError."""
        remove_quietly(self._path + ".next")
        remove_quietly(self._path)
