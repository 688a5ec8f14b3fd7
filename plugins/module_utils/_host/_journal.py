# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the journal of the host."""

from typing import List

from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command

JOURNALCTL = ["journalctl", "--quiet", "--no-pager", "--output=cat"]
READ_TIMEOUT = 30.0
# An application may be down meanwhile; what comes later is not seen.
FLUSH_TIMEOUT = 2.0


def flush_journal() -> None:
    """Return when the journal has what processes wrote so far, or after a few seconds.

    A line has the date of its reception, which may be later than the end of the process that wrote it.
    """
    run_command(["journalctl", "--sync"], FLUSH_TIMEOUT)


def read_journal(options: List[str], limit: int) -> CommandResult:
    """The messages that *options* of journalctl select, one a line; the last *limit* bytes of them."""
    return run_command(JOURNALCTL + options, READ_TIMEOUT, tail=limit)
