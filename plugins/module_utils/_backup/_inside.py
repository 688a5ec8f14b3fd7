# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mount namespace (mount_namespaces(7)) with restored parts at their paths, for one process and its children."""

import ctypes
import os
from typing import Any, Callable, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._children import call_in_child
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

CLONE_NEWNS = 0x00020000
MOUNT_TIMEOUT = 60.0


class NamespaceError(CollectionError):
    """This host or this account cannot have a mount namespace; the text has the cause."""


def _enter_namespace(binds: Sequence[Tuple[str, str]]) -> None:
    """Enter a new namespace in which the first directory of each pair lies at the second. Raises NamespaceError."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS) != 0:
        raise NamespaceError("unshare: %s" % os.strerror(ctypes.get_errno()))
    commands: List[List[str]] = [["mount", "--make-rprivate", "/"]]
    commands += [["mount", "--bind", source, target] for source, target in binds]
    for command in commands:
        done = run_command(command, MOUNT_TIMEOUT)
        if done.rc != 0:
            raise NamespaceError(done.last_lines(2))


def run_in_namespace(binds: Sequence[Tuple[str, str]], function: Callable[[Optional[str]], Any]) -> Any:
    """The result of *function*, as JSON, in a process of its own in which *binds* are mounted.

    It gets None, or the cause why they are not mounted. Raises HelperError with the text of any exception, OSError.
    """

    def enter_and_call() -> Any:
        problem = None
        try:
            _enter_namespace(binds)
        except NamespaceError as error:
            problem = str(error)
        return function(problem)

    return call_in_child(enter_and_call)
