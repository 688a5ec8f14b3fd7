# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why applications could not be rehearsed: the cause of each, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._explanations import (
    RemovedUse,
    explain_failure,
    find_broken_user,
    find_removal,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    RehearsalResult,
    TrialFailure,
    VersionFinder,
)

# Failures of one application that a message has.
MAXIMUM_FAILURES = 3
ERROR_LENGTH = 1000


def build_problem(host: str, application: str, python: str, cause: str, constraints: str) -> dict[str, str]:
    """Why *application* of *host* could not be rehearsed, on *python* if that is known.

    Next is to edit the file *constraints*, unless the cause says otherwise, and to rehearse again.
    """
    advice = f"correct the source, replace the package, or constrain it in {constraints}; " if python else ""
    again = f"{advice}run oxzep7.python.rehearse again with --limit {host}"
    return {"application": application, "to": python, "cause": cause, "next": again}


def describe_problem(problem: Mapping[str, str]) -> str:
    """The *problem* as a line."""
    where = f" on Python {problem['to']}" if problem["to"] else ""
    return f"{problem['application']}{where}: {problem['cause']}; {problem['next']}"


def format_problems(host: str, problems: Sequence[Mapping[str, str]]) -> str:
    """The message of a job that could not rehearse all applications of *host*."""
    names = ", ".join(problem["application"] for problem in problems)
    lines = "\n".join(map(describe_problem, problems))
    return f"{host}: not rehearsed to the target: {names}; what was learned is kept\n{lines}"


def describe_error(text: str) -> str:
    """The error *text* as a message has it: its first line, and the cause that the output below it names."""
    first, _end, rest = text.strip().partition("\n")
    cause = find_cause(rest) if rest else None
    told = first if cause is None or cause in first else f"{first.rstrip(':; ')}: {cause}"
    return told[:ERROR_LENGTH]


def describe_failures(ended: RehearsalResult, minor: Minor, platform: str, later: VersionFinder) -> str:
    """What still fails at the end of a rehearsal, each with what left Python, who uses it, and from where on not."""
    pins = parse_pins(ended.found.text)
    told = []
    for name, failure in list(ended.failures.items())[:MAXIMUM_FAILURES]:
        told.append(f"{name}: {_describe_failure(failure, ended.owners, pins, minor, platform, later)}")
    left = len(ended.failures) - len(told)
    more = [f"and {left} more"] if left > 0 else []
    return "no version of any package cures " + "; ".join([*told, *more])


def _describe_failure(
    failure: TrialFailure,
    owners: Mapping[str, str],
    pins: Mapping[str, str],
    minor: Minor,
    platform: str,
    later: VersionFinder,
) -> str:
    user, change = find_broken_user(failure.frames, owners, pins), find_removal(failure.text, minor)
    clean = None
    if user and change:
        clean = later(user.package, user.version, RemovedUse(change.name, user.path), minor, platform)
    why = explain_failure(failure.text, minor, user, clean)
    text = find_cause(failure.text) or failure.text.strip()
    return f"{text} ({why})" if why else text
