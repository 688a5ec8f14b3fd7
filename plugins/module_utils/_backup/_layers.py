# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which trees an application consists of."""

import os
from typing import Any, Dict, List, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import Application
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import BackupError, Source
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._reading import resolved

ENVIRONMENT, INTERPRETER, SOURCE = "environment", "interpreter", "source"
LAYERS = [ENVIRONMENT, INTERPRETER, SOURCE]
# A prefix that belongs to the operating system, whose packages bring it back.
SYSTEM = ("/usr", "/", "/usr/local")


def interpreter_prefix(environment: str) -> str:
    """The prefix of the interpreter that *environment* runs, or an empty string for the operating system's."""
    program = os.path.realpath(os.path.join(environment, "bin", "python"))
    prefix = os.path.dirname(os.path.dirname(program))
    return "" if prefix in SYSTEM else prefix


def sources_of(application: Application, live: Dict[str, Any], layers: Sequence[str]) -> List[Source]:
    """The trees of *application*, whose *live* generation is recorded so, that *layers* name. Raises BackupError, OSError."""
    # Where the original was not moved yet, it is the live path itself.
    environment = application.environment if not os.path.isdir(live["path"]) else live["path"]
    paths = {ENVIRONMENT: environment, SOURCE: application.source or "", INTERPRETER: interpreter_prefix(environment)}
    found = []
    for layer in layers:
        if paths[layer] and not os.path.isdir(paths[layer]):
            raise BackupError("the %s %s is not there; correct it in the declaration" % (layer, paths[layer]))
        if paths[layer]:
            found.append(Source(layer, resolved(paths[layer])))
    return found
