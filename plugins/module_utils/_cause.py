# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a program failed, as one line, from what it printed or logged.

The forms are those of CPython's traceback module and ``Programs/python.c``, of ld.so(8), systemd.exec(5), shells,
argparse, gunicorn and uWSGI.
"""

import re
from typing import List, NamedTuple, Optional, Sequence, Tuple

CAUSE_LENGTH = 400
HEADER = "Traceback (most recent call last):"
FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)')
# What a traceback ends with: the name of a class, and its message.
EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*)(?::\s?(.*))?$")
# A file of the standard library, or code without one.
LIBRARY_FILE = re.compile(r"^<|/lib(?:64)?/(?:python|pypy)\d[\d.]*/(?!site-packages/|dist-packages/)|\.zip/")
DIRECT_CAUSE = "The above exception was the direct cause of the following exception:"
# What goes before each line of an exception group.
GROUP_MARGIN = re.compile(r"^\s*(?:\+-\+-+|[+|])\s?(?:-+ \d+ -+)?")
# What ends a program that was asked to stop, or that reports the death of another one, says nothing about why.
UNINFORMATIVE = (
    "KeyboardInterrupt",
    "SystemExit",
    "GeneratorExit",
    "CancelledError",
    "asyncio.exceptions.CancelledError",
    "gunicorn.errors.HaltServer",
)
# Lines that name a cause where there is no traceback, from what says most to what says least.
PLAIN_LINES = (
    re.compile(r"error while loading shared libraries: .*"),
    re.compile(r"symbol lookup error: .*"),
    re.compile(r"\S+: /\S+: version `[^']+' not found \(required by .*"),
    re.compile(r"Fatal Python error: .*"),
    re.compile(r"^\S*(?:python|pypy)[\d.]*: (?:No module named|can't open file|Error while finding module) .*"),
    re.compile(r"Failed at step \w+ spawning .*"),
    re.compile(r"Unable to locate executable .*"),
    re.compile(r"Failed to (?:load environment files|execute|set up|run '\w+' task): .*"),
    re.compile(r"\S+: bad interpreter: .*|: \S+: cannot execute: .*"),
    re.compile(r"Failed with result 'oom-kill'.*|killed by the OOM killer.*"),
    re.compile(r"(?:Main|Control) process exited, code=(?:dumped|killed), .*"),
    re.compile(r"\b(?:start|watchdog) ?(?:operation )?timed? ?out\b.*", re.IGNORECASE),
    re.compile(r"\bConnection in use: .*|.*Address already in use.*"),
    re.compile(r"^\S+: error: .*|^Error: .*"),
    re.compile(r"unable to load app \d+ .*|--- no python application found.*"),
    re.compile(r"^\S*sh: (?:line )?\d*:? ?.*(?:not found|No such file or directory|Permission denied)$"),
    re.compile(r".*\b(?:CRITICAL|FATAL|ERROR|Error)\b.*"),
)
EXIT_LINE = re.compile(r"(?:Main|Control) process exited, code=exited, status=.*|Failed with result '.*'")
# What systemd itself says about a unit.
MANAGER_LINE = re.compile(
    r"^(?:\S+\.(?:service|socket|timer|target|scope): "
    r"|(?:Started|Starting|Stopped|Stopping|Failed to start|Reloaded|Reloading) )"
)


class _Raised(NamedTuple):
    """An exception that a traceback ends with: its class, and how it is described."""

    name: str
    text: str


def find_cause(text: str) -> Optional[str]:
    """The cause of a failure that *text*, a log or the output of a program, names; None if it names none.

    It is the last exception, with the file of the application or package that raised it, or else the last line of a
    form in which other programs say why they do not run. At most ``CAUSE_LENGTH`` characters, in one line.
    """
    lines = text.splitlines()
    raised = [entry for entry in _parse_tracebacks(lines) if entry.name not in UNINFORMATIVE]
    if raised:
        return _shorten(raised[-1].text)
    for pattern in PLAIN_LINES:
        matches = [match for match in map(pattern.search, lines) if match]
        if matches:
            return _shorten(matches[-1].group())
    return _find_exit(lines)


def _find_exit(lines: Sequence[str]) -> Optional[str]:
    """The last line of the program itself, and how its manager saw it end; None without such an end."""
    ends = [match for match in map(EXIT_LINE.search, lines) if match]
    if not ends:
        return None
    told = [line.strip() for line in lines if line.strip() and not MANAGER_LINE.match(line)]
    end = ends[0].group()
    return _shorten("%s (%s)" % (told[-1], end) if told else end)


def _parse_tracebacks(lines: Sequence[str]) -> List[_Raised]:
    found: List[_Raised] = []
    frames: List[Tuple[str, str]] = []
    prefix, inside, direct = "", False, False
    for line in lines:
        if HEADER in line:
            prefix, inside, frames = line[: line.index(HEADER)], True, []
            continue
        body = _strip_prefix(line, prefix) if inside else line
        frame = FRAME.match(body)
        if frame:
            # A syntax error of the program itself has no header.
            frames = frames + [(frame.group(1), frame.group(2))] if inside else [(frame.group(1), frame.group(2))]
            prefix, inside = prefix if inside else "", True
        elif inside and body.strip() and not body[0].isspace():
            match = EXCEPTION.match(body)
            if match and frames:
                text = _describe_exception(match.group(1), match.group(2) or "", frames)
                if direct and found:
                    text = "%s; caused by %s" % (text, found[-1].text)
                found.append(_Raised(match.group(1), text))
            prefix, inside, direct, frames = "", False, False, []
        elif not inside and body.strip():
            direct = body.strip() == DIRECT_CAUSE
    return found


def _describe_exception(name: str, message: str, frames: Sequence[Tuple[str, str]]) -> str:
    """An exception with the last of *frames* that is not of the standard library, if there is one."""
    own = [frame for frame in frames if not LIBRARY_FILE.search(frame[0])]
    path, line = (own or frames)[-1]
    return "%s (%s, line %s)" % ("%s: %s" % (name, message.strip()) if message.strip() else name, path, line)


def _strip_prefix(line: str, prefix: str) -> str:
    """*line* without what a logger put before the first line of a traceback and may put before each."""
    if prefix and line.startswith(prefix):
        return line[len(prefix) :]
    return GROUP_MARGIN.sub("", line) if GROUP_MARGIN.match(prefix) else line


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= CAUSE_LENGTH else flat[: CAUSE_LENGTH - 1] + "…"
