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
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, RunningCommand

PIP_TIMEOUT = 300.0
PIP_COMMANDS = ("list", "check")
PIP_SETTINGS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_NO_COLOR": "1"}


def name_pip_command(verb: str) -> str:
    """How failures name the command of pip."""
    return "python -m pip " + verb


def _start_pip(environment: str, verb: str, user: Identity) -> RunningCommand:
    python = os.path.join(environment, "bin", "python")
    settings = dict(build_process_environment(user, os.path.dirname(python)), **PIP_SETTINGS)
    return RunningCommand([python, "-B", "-m", "pip", verb], user, environment=settings)


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


def start_pip_commands(
    environment: str, user: Identity, only: Optional[Collection[str]] = None
) -> Dict[str, RunningCommand]:
    """The commands of pip, or those in *only*, at work in *environment*; they change nothing."""
    asked = [verb for verb in PIP_COMMANDS if only is None or name_pip_command(verb) in only]
    return {verb: _start_pip(environment, verb, user) for verb in asked}


def find_new_pip_failures(
    started: Dict[str, RunningCommand], live: str, user: Identity, left_out: Collection[str]
) -> Dict[str, Dict[str, Any]]:
    """The commands of pip that were *started*, do not work and work in the environment *live*, each with its failure.

    ``pip check`` fails if it complains of what it does not complain of in *live*, other than that the packages
    *left_out* are not installed.
    """
    found: Dict[str, Dict[str, Any]] = {}
    for verb, running in started.items():
        now = running.wait(PIP_TIMEOUT)
        before = _start_pip(live, verb, user).wait(PIP_TIMEOUT) if now.rc != 0 else None
        failure = _judge(verb, now, before, left_out) if before is not None else None
        if failure is not None:
            found[name_pip_command(verb)] = failure
    return found
