# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two generations of an application: what differs, and which difference is the likely cause of a failure.

Everything is read, or run in scratch directories by the application's user. Nothing is changed.
"""

import calendar
import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import load_record
from ansible_collections.oxzep7.python.plugins.module_utils._application._services import flush_logs, read_logs
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    find_generation,
)
from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._differences import (
    BROKEN,
    JOURNAL,
    RUN_FAILS,
    Culprit,
    Difference,
    compare_profiles,
    list_facts,
    order_differences,
)
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._explanation import (
    Failure,
    attach_failures,
    describe_owner,
    describe_removed,
    find_missing_name,
)
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._logs import LogChange, compare_logs
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._profile import ProfileError, take_profile
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._runs import (
    Comparison,
    compare_commands,
    list_requests,
)
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._sides import (
    Side,
    build_sides,
    read_settings,
)
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._variables import list_secrets
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command, split_command

PROMOTION_EVENTS = ("promoted", "reverted", "failed")
# Seconds that a promotion which was undone is assumed to have taken.
ATTEMPT_SECONDS = 600.0
NAME_TIMEOUT = 30.0
MAX_LINES, MAX_DIFFERENCES, OUTPUT_LENGTH = 50, 300, 2000
EXCEPTION_NAME = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt)\b")
# Asked of the standard library alone: ends with 0 if the module, and what it should have, are there.
NAME_PROGRAM = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
sys.exit(0 if len(sys.argv) < 3 or hasattr(module, sys.argv[2]) else 1)
"""
MODULE_PROGRAM = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"


class DiagnosisError(CollectionError):
    """Two generations that cannot be compared; the text says why, and what to do."""


class NothingToCompareError(DiagnosisError):
    """An application that was never promoted, where no generations are named."""


class Request(NamedTuple):
    """What is asked: identifiers of generations, or empty; commands; limits in seconds of each and of the logs."""

    before: str
    after: str
    commands: List[List[str]]
    timeout: float
    log_seconds: float


class Pair(NamedTuple):
    """The generations to compare, and the entry in the history of the promotion between them, if there is one."""

    before: Dict[str, Any]
    after: Dict[str, Any]
    promotion: Optional[Dict[str, Any]]


def choose_pair(record: Dict[str, Any], before: str, after: str) -> Pair:
    """The generations *before* and *after* of *record*; without names those of its newest promotion.

    A promotion counts that was undone, too. Raises DiagnosisError.
    """
    newest: Optional[Dict[str, Any]] = None
    for entry in record["history"]:
        if entry["event"] in PROMOTION_EVENTS and entry.get("from") and entry.get("to"):
            newest = entry
    names = [before or (newest or {}).get("from"), after or (newest or {}).get("to")]
    known = ", ".join(entry["id"] for entry in record["generations"]) or "none"
    if None in names:
        raise NothingToCompareError(
            "application %s: no promotion is recorded; name two generations, such as -e oxzep7_diagnose_before=ID "
            "-e oxzep7_diagnose_after=ID. It has %s" % (record["application"], known)
        )
    found = []
    for name in names:
        generation = find_generation(record, name)
        if generation is None:
            raise DiagnosisError(
                "application %s: generation %s does not exist any more; name one of %s in oxzep7_diagnose_before or "
                "oxzep7_diagnose_after" % (record["application"], name, known)
            )
        found.append(generation)
    between = newest if newest and [newest["from"], newest["to"]] == names else None
    return Pair(found[0], found[1], between)


def choose_windows(entry: Dict[str, Any], now: float, limit: float) -> Tuple[float, float, float]:
    """Beginning, middle and end, in seconds since the epoch, of equally long times before and after a promotion."""
    moment = float(calendar.timegm(time.strptime(entry["time"], "%Y-%m-%dT%H:%M:%SZ")))
    if entry["event"] == "promoted":
        length = max(1.0, min(limit, now - moment))
        return moment - length, moment, moment + length
    # It ended at that moment.
    length = min(limit, ATTEMPT_SECONDS)
    return moment - 2 * length, moment - length, moment + 1


def diagnose(application: Application, state: ApplicationState, request: Request) -> Dict[str, Any]:
    """Compare two generations of *application*, as *request* says; returns what the module does.

    Raises CollectionError, ValueError, OSError.
    """
    record, _rebuilt = load_record(application, state)
    pair = choose_pair(_add_original(application, record), request.before, request.after)
    for generation in (pair.before, pair.after):
        if not os.path.isdir(generation["path"]):
            raise DiagnosisError(
                "application %s: %s of generation %s does not exist; build it again, or name another generation"
                % (application.name, generation["path"], generation["id"])
            )
    account = application.resolve_account()
    settings = read_settings(application, account)
    live = os.path.realpath(application.environment)
    current = next((one["id"] for one in pair[:2] if one and os.path.realpath(one["path"]) == live), "")
    sides = build_sides(application, pair.before, pair.after, current, settings)
    logs = _read_log_pair(application, pair, request) if pair.promotion else None
    hide = list_secrets(sides[0].variables) | list_secrets(sides[1].variables)
    texts = [redact_text(text, hide) for text in logs or ("", "")]
    found = compare_sides(application, sides, account, request, (texts[0], texts[1]))
    return dict(found, origin=settings.origin)


def _add_original(application: Application, record: Dict[str, Any]) -> Dict[str, Any]:
    """*record* with the environment that a first promotion was to replace, while it is still a directory."""
    origins = [entry["from"] for entry in record["history"] if entry["event"] in PROMOTION_EVENTS and entry.get("from")]
    if record["current"] is not None or not origins or find_generation(record, origins[-1]):
        return record
    original = {"id": origins[-1], "path": application.environment}
    return dict(record, generations=record["generations"] + [original])


def _read_log_pair(application: Application, pair: Pair, request: Request) -> Optional[Tuple[str, str]]:
    try:
        flush_logs(application.services)
        begin, middle, end = choose_windows(pair.promotion or {}, time.time(), request.log_seconds)
        before = read_logs(application.services, begin, middle)
        return before, read_logs(application.services, middle, end)
    except (CollectionError, OSError):
        return None


def compare_sides(
    application: Application, sides: Tuple[Side, Side], account: Identity, request: Request, logs: Tuple[str, str]
) -> Dict[str, Any]:
    """What differs between *sides*; *logs* are those before and after. Raises ProfileError, ValueError, OSError."""
    names, live = (sides[0].identifier, sides[1].identifier), application.environment
    profiles, broken = _take_profiles(sides, account)
    changes = compare_logs(*logs)
    if broken or profiles is None:
        return _build_result(sides, profiles, [Culprit(one, []) for one in broken], broken, [], changes)
    differences = compare_profiles(names, profiles, (sides[0].path, sides[1].path), live)
    requests = list_requests(request.commands, application.checks, profiles, split_command, request.timeout)
    comparisons = compare_commands(requests, sides, live, account)
    failures = []
    for one in comparisons:
        if one.before.rc != one.after.rc and one.cause:
            failures.append(Failure(one.differences[0].text.partition(": ")[2], one.cause))
    ran = [one for comparison in comparisons for one in comparison.differences]
    culprits = order_differences(differences)
    logged = find_cause(logs[1])
    if logged and logged != find_cause(logs[0]):
        failures.append(Failure("the log has %s" % logged, logged))
    removed, rest = _find_removed(failures, sides, profiles, account)
    culprits, left = attach_failures(rest, culprits, profiles[0]["packages"])
    explained = {failure.text for failure in failures} - {failure.text for failure in left}
    others = [one for one in ran if one.text.partition(": ")[2] not in explained]
    others += _describe_log(changes, logged if logged and "the log has %s" % logged not in explained else None)
    told = culprits + [Culprit(one, []) for one in removed + others]
    told.sort(key=lambda one: -one.difference.rank)
    return _build_result(sides, profiles, told, differences + removed + ran, comparisons, changes)


def _take_profiles(
    sides: Tuple[Side, Side], account: Identity
) -> Tuple[Optional[Tuple[Dict[str, Any], Dict[str, Any]]], List[Difference]]:
    """Both profiles; or None and the interpreter that does not answer. Raises ProfileError if none does."""
    found: List[Dict[str, Any]] = []
    problems: List[Difference] = []
    for number, side in enumerate(sides):
        try:
            found.append(take_profile(side, account))
        except ProfileError as error:
            values = ("works", "fails") if number else ("fails", "works")
            text = "interpreter: %s" % error
            problems.append(Difference("interpreter", side.get_python(), *values, "interpreter", text, BROKEN))
    if len(problems) == 2:
        raise ProfileError("; ".join(problem.text for problem in problems))
    return ((found[0], found[1]) if len(found) == 2 else None), problems


def _find_removed(
    failures: Sequence[Failure],
    sides: Tuple[Side, Side],
    profiles: Tuple[Dict[str, Any], Dict[str, Any]],
    account: Identity,
) -> Tuple[List[Difference], List[Failure]]:
    """The failures of which the standard library's difference is the cause, as differences; and the other ones."""
    found: List[Difference] = []
    rest = []
    for failure in failures:
        missing = find_missing_name(failure.cause)
        if missing is None:
            rest.append(failure)
            continue
        if not _has_name(sides[0], missing, account) or _has_name(sides[1], missing, account):
            rest.append(failure._replace(known=_has_module(sides[0], missing.module, account)))
            continue
        versions = (str(profiles[0]["version"]), str(profiles[1]["version"]))
        owner = describe_owner(failure.cause, profiles[1]["packages"])
        found.append(describe_removed(missing, versions, failure, owner))
    return found, rest


def _has_name(side: Side, missing: Any, account: Identity) -> bool:
    words = [missing.module] + ([missing.name] if missing.name else [])
    program = [side.get_python(), "-I", "-S", "-c", NAME_PROGRAM]
    return run_command(program + words, NAME_TIMEOUT, account, environment=side.variables, tail=1024).rc == 0


def _has_module(side: Side, module: str, account: Identity) -> bool:
    """Whether the interpreter of *side*, as the service starts it, finds the top of *module*."""
    program = [side.get_python(), "-c", MODULE_PROGRAM, module.split(".")[0]]
    done = run_command(program, NAME_TIMEOUT, account, side.directory, dict(side.variables), tail=1024)
    return done.rc == 0


def _describe_log(changes: Sequence[LogChange], cause: Optional[str]) -> List[Difference]:
    found = []
    if cause:
        # An exception is a failure. Another line may be about anything that happened meanwhile.
        rank = RUN_FAILS - 1 if EXCEPTION_NAME.match(cause) else JOURNAL + 1
        found.append(Difference("log", cause, "", cause, "log", "log: since the promotion: %s" % cause, rank))
    for change in changes:
        if change.trouble and change.kind != "gone" and not (cause and change.kind == "new"):
            text = "log: %s: %s (%d times, %d before)" % (change.kind, change.example, change.after, change.before)
            found.append(
                Difference("log", change.signature, str(change.before), str(change.after), "log", text, JOURNAL)
            )
    return found


def _build_result(
    sides: Tuple[Side, Side],
    profiles: Optional[Tuple[Dict[str, Any], Dict[str, Any]]],
    told: Sequence[Culprit],
    differences: Sequence[Difference],
    comparisons: Sequence[Comparison],
    changes: Sequence[LogChange],
) -> Dict[str, Any]:
    hide = list_secrets(sides[0].variables) | list_secrets(sides[1].variables)
    versions = [str(profile["version"]) for profile in profiles] if profiles else [None, None]
    result: Dict[str, Any] = {
        "before": {"id": sides[0].identifier, "path": sides[0].path, "python": versions[0]},
        "after": {"id": sides[1].identifier, "path": sides[1].path, "python": versions[1]},
        "lines": [redact_text(culprit.tell(), hide) for culprit in told[:MAX_LINES]],
        "differences": [dict(one._asdict()) for one in differences[:MAX_DIFFERENCES]],
        "facts": [list(fact) for fact in list_facts(profiles)] if profiles else [],
        "runs": [_describe_run(one) for one in comparisons],
        "log": [dict(change._asdict()) for change in changes],
    }
    return result


def _describe_run(comparison: Comparison) -> Dict[str, Any]:
    entry: Dict[str, Any] = {"command": comparison.request.label, "cause": comparison.cause}
    for name, run in (("before", comparison.before), ("after", comparison.after)):
        entry[name] = {
            "rc": run.rc,
            "seconds": run.seconds,
            "memory": run.memory,
            "stdout": run.stdout[-OUTPUT_LENGTH:] if comparison.differences else "",
            "stderr": run.stderr[-OUTPUT_LENGTH:] if comparison.differences else "",
        }
    entry["differs"] = [one.culprit for one in comparison.differences]
    return entry
