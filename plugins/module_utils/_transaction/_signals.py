# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals while a transaction is open: SIGTERM and SIGINT end it in order, a lost connection does not."""

import signal
from typing import Any, List, Tuple


class InterruptedBySignalError(Exception):
    """The module was ended by a signal while a transaction was open.

    It is no CollectionError: a health check, during which most signals arrive, would take that for its own failure.
    """


def handle_signals() -> List[Tuple[int, Any]]:
    """Raise InterruptedBySignalError on SIGTERM and SIGINT, ignore SIGHUP and SIGPIPE; return the previous handlers."""
    return restore_signals(
        [
            (signal.SIGTERM, _interrupt),
            (signal.SIGINT, _interrupt),
            (signal.SIGHUP, _ignore_signal),
            (signal.SIGPIPE, _ignore_signal),
        ]
    )


def ignore_signals(handlers: List[Tuple[int, Any]]) -> None:
    """Ignore the signals of *handlers* from now on."""
    for number, _handler in handlers:
        signal.signal(number, _ignore_signal)


def restore_signals(handlers: List[Tuple[int, Any]]) -> List[Tuple[int, Any]]:
    """Install *handlers*, pairs of a signal and its handler; return the previous ones."""
    return [(number, signal.signal(number, handler)) for number, handler in handlers]


def _interrupt(number: int, _frame: Any) -> None:
    # Only the first signal ends the module; another one could arrive while it ends.
    for also in (signal.SIGTERM, signal.SIGINT):
        signal.signal(also, _ignore_signal)
    raise InterruptedBySignalError("the module was ended by signal %d" % number)


def _ignore_signal(_number: int, _frame: Any) -> None:
    """Do nothing. Unlike SIG_IGN this is not inherited by the services that are started meanwhile."""
