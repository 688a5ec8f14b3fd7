# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls a function in a forked process."""

import json
import os
from typing import Any, Callable, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError


class HelperError(CollectionError, RuntimeError):
    """A function that failed in a helper process; the text is that of a CollectionError, or names the exception."""


def call_in_child(function: Callable[[], Any]) -> Any:
    """Call *function* in a child process; return its result, which JSON must be able to hold.

    Raises the OSError of the function, or HelperError with the text of any other exception.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            answer: Dict[str, Any] = {"result": function()}
        except CollectionError as error:
            answer = {"error": str(error)}
        except OSError as error:
            answer = {"errno": error.errno, "text": error.strerror, "path": error.filename}
        except BaseException as error:  # the child must always reply and end here
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        with os.fdopen(writer, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    reply = json.loads(text) if text else {"error": "the helper process died without a reply"}
    if "result" in reply:
        return reply["result"]
    if "errno" in reply:
        raise OSError(reply["errno"], reply["text"], reply["path"])
    raise HelperError(reply["error"])
