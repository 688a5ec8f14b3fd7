# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to run a command on a managed host: a list of words, never a shell string."""

import os
import shlex
import signal
import subprocess
import tempfile
from typing import Dict, List, NamedTuple, Optional, Union

from ansible_collections.oxzep7.python.plugins.module_utils._identity import Identity, current, environment_for

TAIL = 4000


class Result(NamedTuple):
    """What a command did: its words, exit status (negative: signal; 124: timed out) and output."""

    cmd: List[str]
    rc: int
    stdout: str
    stderr: str

    def describe(self) -> Dict[str, Union[str, int, List[str]]]:
        """The result as a module returns it; each stream is cut to its last 4,000 characters."""
        return {"cmd": self.cmd, "rc": self.rc, "stdout": self.stdout[-TAIL:], "stderr": self.stderr[-TAIL:]}

    def last_lines(self, count: int = 5) -> str:
        """The last *count* lines of what it printed, standard error after standard output."""
        lines = (self.stdout + "\n" + self.stderr).strip().splitlines()
        return "\n".join(line for line in lines[-count:])


class CommandError(Exception):
    """A command that ended with a status its caller did not accept; ``result`` is a `Result`."""

    def __init__(self, what: str, result: Result) -> None:
        super().__init__("%s: %s ended with %d: %s" % (what, join(result.cmd), result.rc, result.last_lines()))
        self.result = result


def words(command: Union[str, List[str]]) -> List[str]:
    """*command* as a list; a string is split as a shell would, but nothing is expanded. Raises ValueError."""
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]


def join(command: List[str]) -> str:
    """*command* as one line that a POSIX shell reads back as the same words."""
    return " ".join(shlex.quote(word) for word in command)


def run(command: List[str], timeout: float, identity: Optional[Identity] = None, cwd: str = "/",
        environment: Optional[Dict[str, str]] = None, stdin: Optional[str] = None) -> Result:
    """Run *command* as *identity* (default: this process's account) for at most *timeout* seconds.

    The command gets its own session, and all of that is killed when time is up. A program that
    cannot be started gives rc 127 with the reason, as a shell would.
    """
    who = identity or current()
    given = environment_for(who) if environment is None else environment
    become = None if who.is_current() else who.assume
    # Files, not pipes: a daemon that the command leaves behind may keep its standard streams open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as text:
        if stdin:
            text.write(stdin.encode("utf-8"))
            text.seek(0)
        try:
            # AnsibleModule.run_command can neither become another user for good nor kill what a command leaves behind.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                command, stdin=text, stdout=out, stderr=err, cwd=cwd, env=given, start_new_session=True, preexec_fn=become)
        except (OSError, subprocess.SubprocessError) as error:
            return Result(command, 127, "", "%s: %s" % (command[0], error))
        try:
            rc = process.wait(timeout=timeout)
            note = ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            rc, note = 124, "\nstopped after %g seconds" % timeout
        out.seek(0)
        err.seek(0)
        return Result(command, rc, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace") + note)


def must(what: str, result: Result) -> Result:
    """*result*, if its command succeeded. Raises CommandError that starts with *what* otherwise."""
    if result.rc != 0:
        raise CommandError(what, result)
    return result
