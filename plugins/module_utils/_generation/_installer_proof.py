# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the pip of an environment works, compared with that of the live one."""

import os
from typing import Any, Collection, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._generation._consistency import (
    find_inconsistencies,
    parse_complaints,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._output import parse_failure
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command

PIP_TIMEOUT = 300.0
PIP_COMMANDS = ("list", "check")
PIP_SETTINGS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_NO_COLOR": "1"}


def name_pip_command(verb: str) -> str:
    """How failures name the command of pip."""
    return "python -m pip " + verb


def _run_pip(environment: str, verb: str, user: Identity) -> CommandResult:
    python = os.path.join(environment, "bin", "python")
    settings = dict(build_process_environment(user, os.path.dirname(python)), **PIP_SETTINGS)
    return run_command([python, "-B", "-m", "pip", verb], PIP_TIMEOUT, user, environment=settings)


def _has_answered(verb: str, done: CommandResult) -> bool:
    """Whether pip did what it was asked for: a check that complains of packages has."""
    return done.rc == 0 or (verb == "check" and any(complaint.package for complaint in parse_complaints(done)))


def _judge(verb: str, now: CommandResult, before: CommandResult, left_out: Collection[str]) -> Optional[Dict[str, Any]]:
    """The failure of the command *verb* of pip, which did not succeed *now*; None where it is not new."""
    if not _has_answered(verb, before):
        return None
    if not _has_answered(verb, now):
        return dict(parse_failure(now.stdout + "\n" + now.stderr), packages=["pip"])
    new = find_inconsistencies(now, left_out, before)
    packages = sorted({name for complaint in new for name in (complaint.package, complaint.requires) if name})
    failure: Dict[str, Any] = {"text": "\n".join(new.values()), "exception": "", "frames": [], "missing": None}
    return dict(failure, packages=packages) if new else None


def find_new_pip_failures(
    live: str, path: str, user: Identity, left_out: Collection[str], only: Optional[Collection[str]] = None
) -> Dict[str, Dict[str, Any]]:
    """Commands of pip that do not work in the environment *path* and work in *live*, each with its failure.

    ``pip check`` fails if it complains of what it does not complain of in *live*, other than that the packages
    *left_out* are not installed. Of the commands in *only*, if given.
    """
    found: Dict[str, Dict[str, Any]] = {}
    for verb in PIP_COMMANDS:
        if only is None or name_pip_command(verb) in only:
            now = _run_pip(path, verb, user)
            failure = _judge(verb, now, _run_pip(live, verb, user), left_out) if now.rc != 0 else None
            if failure is not None:
                found[name_pip_command(verb)] = failure
    return found
