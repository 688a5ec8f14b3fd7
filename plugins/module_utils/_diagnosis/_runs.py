# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands in two generations, and tells what differs."""

import inspect
import json
import os
import re
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis import _run_probe
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._differences import (
    COST,
    OUTPUT,
    RUN_FAILS,
    TOOLS,
    Difference,
)
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._sides import Side
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._variables import list_secrets, move_path
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    EVIDENCE_BYTES,
    join_command,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import create_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import make_printable, read_text_file

MAX_SCRIPTS, MAX_LINES, LINE_LENGTH = 40, 20, 300
# Only a multiple that is also large in itself is a difference, because short times and small sizes vary by themselves.
TIME_FACTOR, TIME_FLOOR = 4.0, 5.0
MEMORY_FACTOR, MEMORY_FLOOR = 3.0, 64 << 10
WARNING_LINE = re.compile(r"^\s*\S+?:\d+: (\w*Warning: .+)$|^(\w*Warning: .+)$", re.MULTILINE)
# What differs between two runs of the same program: addresses, times, durations, ids of processes, random names.
VOLATILE = (
    (re.compile(r"0x[0-9a-fA-F]+"), "0x"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:ms|us|µs|ns|s|sec|seconds)\b"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"(/tmp|/oxzep7/[0-9a-f]{8}/files)/[\w./-]+"), r"\1/FILE"),
    (re.compile(r"/oxzep7/[0-9a-f]{8}/files"), "/oxzep7/FILES"),
    (re.compile(r"\[\d+\]|\bpid[ =:]*\d+"), "[PID]"),
)


class Run(NamedTuple):
    """A run of a command: its exit status, its output, seconds of a processor and kibibytes of memory, or None."""

    rc: int
    stdout: str
    stderr: str
    seconds: Optional[float]
    memory: Optional[int]


class Request(NamedTuple):
    """A command that is run in both generations: how it is called, its words, and its limit in seconds."""

    label: str
    words: List[str]
    timeout: float


class Comparison(NamedTuple):
    """Both runs of a command, the cause of a failure that only one has, and what differs."""

    request: Request
    before: Run
    after: Run
    cause: Optional[str]
    differences: List[Difference]


def list_requests(
    commands: Sequence[List[str]],
    checks: Sequence[Dict[str, Any]],
    profiles: Tuple[Dict[str, Any], Dict[str, Any]],
    split: Any,
    timeout: float,
) -> List[Request]:
    """What is run: the given *commands*, or else the checks that are commands, or else ``--help`` of console scripts.

    *split* makes words of a command. Raises ValueError.
    """
    if commands:
        return [Request(join_command(words), words, timeout) for words in commands]
    declared = [check for check in checks if check.get("command")]
    if declared:
        found = []
        for check in declared:
            words = split(check["command"]["cmd"])
            limit = min(timeout, float(check["command"].get("timeout") or timeout))
            found.append(Request("check %s: %s" % (check["name"], join_command(words)), words, limit))
        return found
    names = sorted(_list_scripts(profiles[0]) & _list_scripts(profiles[1]))[:MAX_SCRIPTS]
    return [Request("%s --help" % name, [name, "--help"], timeout) for name in names]


def _list_scripts(profile: Dict[str, Any]) -> Set[str]:
    """The console scripts that packages declare and that exist."""
    found: Set[str] = set()
    for package, known in profile["packages"].items():
        if package not in TOOLS:
            found.update(known["scripts"])
    return found & set(profile["scripts"])


def compare_commands(
    requests: Sequence[Request], sides: Tuple[Side, Side], live: str, account: Identity
) -> List[Comparison]:
    """What differs when each of *requests* runs on both *sides*, as *account*. Raises OSError."""
    secrets = list_secrets(sides[0].variables) | list_secrets(sides[1].variables)
    found = []
    for request in requests:
        runs = [_run_on(side, request, live, account, secrets) for side in sides]
        cause = find_run_cause(runs[1] if runs[1].rc else runs[0]) if runs[0].rc != runs[1].rc else None
        differences = compare_runs(request.label, sides, (runs[0], runs[1]), cause, live)
        if any(one.area in ("output", "cost") for one in differences):
            # What the same generation does not do twice is no difference between the two.
            again = [_run_on(side, request, live, account, secrets) for side in sides]
            runs, differences = _keep_stable(request.label, sides, runs, again, cause, live, differences)
        found.append(Comparison(request, runs[0], runs[1], cause, differences))
    return found


def _keep_stable(
    label: str,
    sides: Tuple[Side, Side],
    runs: List[Run],
    again: List[Run],
    cause: Optional[str],
    live: str,
    differences: List[Difference],
) -> Tuple[List[Run], List[Difference]]:
    """Both runs with the lower costs of two, and of *differences* what the second runs show, too."""
    lower, stable = [], True
    for first, second, side in zip(runs, again, sides):
        seconds, memory = _lower(first.seconds, second.seconds), _lower(first.memory, second.memory)
        lower.append(first._replace(seconds=seconds, memory=memory))
        stable = stable and _plain_lines(first.stdout, side, live) == _plain_lines(second.stdout, side, live)
    kept = [one for one in compare_runs(label, sides, (lower[0], lower[1]), cause, live) if one.area != "output"]
    return lower, kept + [one for one in differences if one.area == "output" and stable]


def _lower(first: Any, second: Any) -> Any:
    return first if second is None else second if first is None else min(first, second)


def _run_on(side: Side, request: Request, live: str, account: Identity, secrets: FrozenSet[str]) -> Run:
    words = [move_path(word, live, side.path) for word in request.words]
    own = os.path.join(side.path, "bin", words[0])
    words = [own if "/" not in words[0] and os.path.lexists(own) else words[0]] + words[1:]
    with create_scratch(account) as scratch:
        used = os.path.join(scratch, "used")
        program = [side.get_python(), "-I", "-S", "-c", inspect.getsource(_run_probe), used]
        done = run_command(
            program + words,
            request.timeout,
            account,
            cwd=side.directory,
            environment=dict(side.variables, TMPDIR=scratch),
            tail=EVIDENCE_BYTES,
            umask=side.umask,
        )
        try:
            seconds, memory = json.loads(read_text_file(used) or "")
        except (ValueError, TypeError):
            seconds = memory = None
    hide = [make_printable(redact_text(text, secrets)) for text in (done.stdout, done.stderr)]
    return Run(done.rc, hide[0], hide[1], seconds, memory)


def find_run_cause(run: Run) -> Optional[str]:
    """Why *run* failed, as one line."""
    told = find_cause(run.stderr) or find_cause(run.stdout)
    lines = [line.strip() for line in (run.stdout + "\n" + run.stderr).splitlines() if line.strip()]
    return told or (lines[-1][:LINE_LENGTH] if lines else None)


def compare_runs(
    label: str, sides: Tuple[Side, Side], runs: Tuple[Run, Run], cause: Optional[str], live: str
) -> List[Difference]:
    """What differs between the two *runs* of the command *label*."""
    names = [side.identifier for side in sides]
    before, after = runs
    found: List[Difference] = []
    if before.rc != after.rc:
        told = "%s ends with %d in %s, with %d in %s" % (label, before.rc, names[0], after.rc, names[1])
        told += ": %s" % cause if cause else ""
        values = (str(before.rc), str(after.rc))
        found.append(Difference("run", label, values[0], values[1], "exit status", "exit status: " + told, RUN_FAILS))
    else:
        found += _compare_lines(label, sides, runs, live)
    heard = [_list_warnings(run.stderr, side, live) for run, side in zip(runs, sides)]
    new = [text for text in heard[1] if text not in heard[0]]
    gone = [text for text in heard[0] if text not in heard[1]]
    if new:
        told = "warning: %s of %s prints %s" % (label, names[1], new[0])
        found.append(Difference("warnings", label, "; ".join(gone[:5]), "; ".join(new[:5]), "warning", told, COST + 1))
    found += _compare_costs(label, names, runs)
    return found


def _compare_costs(label: str, names: Sequence[str], runs: Tuple[Run, Run]) -> List[Difference]:
    found = []
    for what, unit, factor, floor, values in (
        ("time", "s of a processor", TIME_FACTOR, TIME_FLOOR, [run.seconds for run in runs]),
        ("memory", "KiB", MEMORY_FACTOR, MEMORY_FLOOR, [run.memory for run in runs]),
    ):
        before, after = values
        if before is None or after is None:
            continue
        low, high = min(before, after), max(before, after)
        if high > factor * low and high - low > floor:
            told = "%s: %s needs %d %s in %s, %d %s in %s" % (
                what,
                label,
                before,
                unit,
                names[0],
                after,
                unit,
                names[1],
            )
            found.append(Difference("cost", label, "%d %s" % (before, unit), "%d %s" % (after, unit), what, told, COST))
    return found


def _compare_lines(label: str, sides: Tuple[Side, Side], runs: Tuple[Run, Run], live: str) -> List[Difference]:
    before, after = (_plain_lines(run.stdout, side, live) for run, side in zip(runs, sides))
    if before == after:
        return []
    known, present = set(before), set(after)
    gone, new = [line for line in before if line not in present], [line for line in after if line not in known]
    shown = [" | ".join(lines[:MAX_LINES])[:1000] for lines in (gone, new)]
    first = (
        "prints %r in %s" % (new[0], sides[1].identifier)
        if new
        else "does not print %r in %s"
        % (
            (gone or before or [""])[0],
            sides[1].identifier,
        )
    )
    return [Difference("output", label, shown[0], shown[1], "output", "output: %s %s" % (label, first), OUTPUT)]


def _plain_lines(text: str, side: Side, live: str) -> List[str]:
    """The lines of *text* without what differs between two runs of the same program."""
    found = []
    for line in text.splitlines():
        plain = move_path(move_path(line, side.path, "ENVIRONMENT"), live, "ENVIRONMENT")
        for pattern, name in VOLATILE:
            plain = pattern.sub(name, plain)
        found.append(" ".join(plain.split())[:LINE_LENGTH])
    return [line for line in found if line]


def _list_warnings(text: str, side: Side, live: str) -> List[str]:
    heard = []
    for first, second in WARNING_LINE.findall(text):
        heard.append(" ".join(_plain_lines(first or second, side, live)))
    return list(dict.fromkeys(heard))
