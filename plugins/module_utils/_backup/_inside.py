# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A view of the host in which what was restored lies where it belongs, for one process and those it starts; nobody else sees it (mount_namespaces(7))."""

import ctypes
import json
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

CLONE_NEWNS = 0x00020000
MOUNT_TIMEOUT = 60.0


class NamespaceError(CollectionError):
    """This host or this account cannot have such a view; the text says why."""


def _enter_namespace(binds: Sequence[Tuple[str, str]]) -> None:
    """Have a view of one's own in which each pair's first directory lies at the second. Raises NotPossible."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS) != 0:
        raise NamespaceError("unshare: %s" % os.strerror(ctypes.get_errno()))
    commands: List[List[str]] = [["mount", "--make-rprivate", "/"]] + [
        ["mount", "--bind", source, target] for source, target in binds
    ]
    for command in commands:
        done = run_command(command, MOUNT_TIMEOUT)
        if done.rc != 0:
            raise NamespaceError(done.last_lines(2))


def run_in_namespace(binds: Sequence[Tuple[str, str]], function: Callable[[Optional[str]], Any]) -> Any:
    """What *function* returns, as JSON can have it, in a process of its own that has *binds*.

    It gets None, or why it does not have them. Raises RuntimeError with the text of any exception.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            problem = None
            try:
                _enter_namespace(binds)
            except NamespaceError as error:
                problem = str(error)
            answer: Dict[str, Any] = {"result": function(problem)}
        except BaseException as error:  # the child must always answer and end here, whatever happened
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        with os.fdopen(writer, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    reply = json.loads(text) if text else {"error": "the helper process died"}
    if "error" in reply:
        raise RuntimeError(reply["error"])
    return reply["result"]
