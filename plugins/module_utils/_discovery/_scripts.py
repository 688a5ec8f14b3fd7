# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognizes scripts that run Python: by their first line, or by the commands of a shell script."""

import re
import shlex
from typing import List, NamedTuple, Optional, Tuple

HEAD_SIZE = 4096
# pip and uv write this if the path is too long for the kernel or has spaces.
TRAMPOLINE_LINE = re.compile(rb"^'''exec' (?:\"([^\"]+)\"|'([^']+)'|(\S+))", re.MULTILINE)
# The name of an interpreter: its implementation and its version.
PYTHON_NAME = re.compile(r"^(?:platform-)?(python|pypy)(\d+(?:\.\d+)?)?[dmtu]*$")
PYTHON_CALL = re.compile(
    r"(?:^|[\s;&|('\"`=])((?:[^\s;&|()'\"`=]*/)?(?:(?:python|pypy)(?:\d(?:\.\d+)?)?|activate))(?=[\s;&|)'\"`]|$)"
)
QUOTE_CHARACTERS = re.compile(r"[\\\"']")
SHELL_NAMES = {"sh", "bash", "dash", "ksh", "zsh", "ash"}


class PythonScript(NamedTuple):
    """A script: the interpreter in its first line, and the Pythons that a shell script calls."""

    interpreter: Optional[str]
    calls: List[str]


def parse_shebang(head: bytes) -> Tuple[Optional[str], int]:
    """The interpreter in the first line of *head*, a file's beginning, and the length of that line; 0 for no script."""
    if not head.startswith(b"#!"):
        return None, 0
    line = head.split(b"\n", 1)[0]
    words = line[2:].decode("utf-8", "surrogateescape").split()
    if not words:
        return None, len(line)
    if words[0].endswith("/env"):
        rest = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        return (rest[0] if rest else None), len(line)
    if words[0].rpartition("/")[2] in SHELL_NAMES:
        match = TRAMPOLINE_LINE.search(head)
        if match:
            return (match.group(1) or match.group(2) or match.group(3)).decode("utf-8", "surrogateescape"), len(line)
    return words[0], len(line)


def parse_script(head: bytes) -> Optional[PythonScript]:
    """The script that begins with *head*, or None for one that does not run Python."""
    interpreter, _length = parse_shebang(head)
    if interpreter is None:
        return None
    name = interpreter.rpartition("/")[2]
    if PYTHON_NAME.match(name):
        return PythonScript(interpreter, [])
    if name not in SHELL_NAMES:
        return None
    calls = find_python_calls(head.decode("utf-8", "surrogateescape"))
    return PythonScript(interpreter, calls) if calls else None


def find_python_calls(text: str) -> List[str]:
    """Each Python, and each ``activate``, that the shell script *text* calls, in order."""
    found = []
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            found += PYTHON_CALL.findall(line)
    return list(dict.fromkeys(found))


def split_command_line(line: str) -> List[str]:
    """The words of a command *line*; one that is no valid shell syntax is split at white space."""
    if not QUOTE_CHARACTERS.search(line):
        return line.split()
    try:
        return shlex.split(line, comments=False)
    except ValueError:
        return line.split()
