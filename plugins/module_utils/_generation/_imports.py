# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports modules of an environment as the application's user."""

import inspect
import json
import os
from typing import Any, Dict, List, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._generation import _import_probe
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

# The failure of a module, from the probe: ``text``, ``frames`` and ``missing``.
ImportFailure = Dict[str, Any]


def _import_modules(
    environment: str, names: List[str], identity: Identity, timeout: float, deprecations: Set[str]
) -> Dict[str, ImportFailure]:
    """Import *names* in order, in as few processes as their crashes allow; returns failures by name.

    Deprecations are added to *deprecations*.
    """
    python = os.path.join(environment, "bin", "python")
    program = inspect.getsource(_import_probe)
    failed: Dict[str, ImportFailure] = {}
    waiting = list(names)
    while waiting:
        done = run_command(
            [python, "-c", program],
            timeout,
            identity,
            environment=build_process_environment(identity, os.path.dirname(python)),
            stdin=json.dumps(waiting),
        )
        answered = 0
        for line in done.stdout.splitlines():
            name, failure, warned = json.loads(line)
            deprecations.update(warned)
            answered += 1
            if failure is not None:
                failed[name] = failure
        waiting = waiting[answered:]
        if waiting:
            failed[waiting[0]] = {
                "text": "the interpreter ended with %d while importing it: %s" % (done.rc, done.last_lines(2)),
                "frames": [],
                "missing": None,
            }
            waiting = waiting[1:]
    return failed


def find_import_failures(
    environment: str,
    names: List[str],
    identity: Identity,
    timeout: float,
    alone: bool = False,
    deprecations: Optional[Set[str]] = None,
) -> Dict[str, ImportFailure]:
    """The *names* that cannot be imported in *environment*, each with its failure.

    One that fails after others were imported is tried again alone, because other modules may have caused that. With
    *alone* all are imported alone, because one that works after another may not work by itself. A module that ends the
    interpreter, or is still importing after *timeout* seconds, is a failure. Deprecations (``path:line: text``) are
    added to *deprecations*.
    """
    failed: Dict[str, ImportFailure] = {}
    found = deprecations if deprecations is not None else set()
    for name in names if alone else _import_modules(environment, names, identity, timeout, found):
        failed.update(_import_modules(environment, [name], identity, timeout, found))
    return failed
