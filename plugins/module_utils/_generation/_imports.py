# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports modules of an environment as the application's user."""

import inspect
import json
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._generation import _import_probe
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult, run_command

# The failure of a module, from the probe: ``text``, ``exception``, ``frames``, ``missing`` and ``ended``.
ImportFailure = Dict[str, Any]
# Seconds for the start of the probe and the end of its processes, and for all imports where nothing else limits them.
MARGIN_SECONDS = 30.0
LONGEST_SECONDS = 86400.0


class ImportBatch(NamedTuple):
    """Names that one process imports in order, each for at most ``limit`` seconds.

    A name is ``module`` or ``module:attribute``. The directories ``paths`` are searched first, and nothing is written
    into them. With ``shared`` the batch has a fair share of the time budget.
    """

    names: List[str]
    limit: float
    paths: Tuple[str, ...] = ()
    shared: bool = False


class ImportAnswers(NamedTuple):
    """What imports came to: failures by name, the names that were tried, and deprecations (``path:line: text``)."""

    failed: Dict[str, ImportFailure]
    tried: Set[str]
    deprecations: Set[str]


def run_imports(
    environment: str,
    batches: Sequence[ImportBatch],
    identity: Identity,
    seconds: Optional[float] = None,
    budget: Optional[float] = None,
    write: bool = True,
) -> ImportAnswers:
    """Import *batches* with the Python of *environment* as *identity*, for at most *seconds*, by default a day.

    Those that share *budget* (seconds) have equal parts of it, and of what others leave. A module that ends the
    process, or does not end in time, fails, and the next ones are imported in a new process. Without *write* no
    bytecode is written.
    """
    answers = ImportAnswers({}, set(), set())
    waiting = [batch for batch in batches if batch.names]
    limits = (seconds, budget, write)
    while waiting:
        end = _run_probe(environment, waiting, identity, limits, answers)
        if end.finished:
            break
        # Only an import can have ended the probe, and the last answers may be lost: one name decides alone.
        left = [batch._replace(names=[name for name in batch.names if name not in answers.tried]) for batch in waiting]
        waiting = [batch for batch in left if batch.names]
        if waiting:
            batch = next((batch for batch in waiting if end.begun in batch.names), waiting[0])
            name = end.begun if end.begun in batch.names else batch.names[0]
            alone = _run_probe(environment, [batch._replace(names=[name], shared=False)], identity, limits, answers)
            if name not in answers.tried:
                _take_answer(answers, str(name), _describe_end(alone.result), [])
    return answers


class _ProbeEnd(NamedTuple):
    """How a run of the probe ended: whether by itself, and with the import that had begun."""

    finished: bool
    begun: Optional[str]
    result: CommandResult


def _run_probe(
    environment: str,
    batches: Sequence[ImportBatch],
    identity: Identity,
    limits: Tuple[Optional[float], Optional[float], bool],
    answers: ImportAnswers,
) -> _ProbeEnd:
    """Run the probe once and add what it says to *answers*.

    *limits* are the seconds of all imports, the budget, and whether bytecode is written.
    """
    seconds, budget, write = limits
    python = os.path.join(environment, "bin", "python")
    done = run_command(
        [python] + ([] if write else ["-B"]) + ["-c", inspect.getsource(_import_probe)],
        LONGEST_SECONDS if seconds is None else seconds + MARGIN_SECONDS,
        identity,
        environment=build_process_environment(identity, os.path.dirname(python)),
        stdin=json.dumps(
            {"batches": [dict(batch._asdict()) for batch in batches], "seconds": seconds, "budget": budget}
        ),
    )
    begun = None
    for line in done.stdout.splitlines():
        try:
            message = json.loads(line)
            kind = message[0]
            if kind == "done":
                return _ProbeEnd(True, None, done)
            if kind == "begin":
                begun = str(message[1])
            elif kind == "end":
                begun = None
                _take_answer(answers, str(message[1]), message[2], message[3])
        except (ValueError, LookupError, TypeError, AttributeError):
            # What is imported can write to the probe's output, too.
            continue
    return _ProbeEnd(False, begun, done)


def _describe_end(done: CommandResult) -> ImportFailure:
    text = "the interpreter ended with %d while importing it: %s" % (done.rc, "\n".join(done.stderr.splitlines()[-2:]))
    return {"text": text, "exception": "", "frames": [], "missing": None, "ended": True}


def _take_answer(answers: ImportAnswers, name: str, failure: Any, warned: Any) -> None:
    """Add the answer for *name*, which another account's process gave.

    Raises LookupError, TypeError, AttributeError.
    """
    answers.tried.add(name)
    answers.deprecations.update(str(warning) for warning in warned)
    if failure is not None:
        missing = failure["missing"]
        answers.failed[name] = {
            "text": str(failure["text"]),
            "exception": str(failure["exception"]),
            "frames": [str(path) for path in failure["frames"]],
            "missing": None if missing is None else str(missing),
            "ended": bool(failure["ended"]),
        }


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
    found = deprecations if deprecations is not None else set()
    again = list(names)
    if not alone:
        answers = run_imports(environment, [ImportBatch(list(names), timeout)], identity)
        found.update(answers.deprecations)
        again = list(answers.failed)
    answers = run_imports(environment, [ImportBatch([name], timeout) for name in again], identity)
    found.update(answers.deprecations)
    return answers.failed
