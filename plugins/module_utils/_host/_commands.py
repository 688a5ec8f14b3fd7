# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands on a managed host, as lists of words and never as shell strings."""

import os
import select
import shlex
import signal
import subprocess
import tempfile
from typing import IO, Dict, List, NamedTuple, Optional, Union

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
    get_current_identity,
)

OUTPUT_TAIL = 4000


class CommandResult(NamedTuple):
    """The words of a command, its exit status (negative: signal; 124: timeout; 127: not started) and its output."""

    cmd: List[str]
    rc: int
    stdout: str
    stderr: str

    def to_dict(self) -> Dict[str, Union[str, int, List[str]]]:
        """The result as a module returns it; each stream is cut to its last 4,000 characters."""
        return {
            "cmd": self.cmd,
            "rc": self.rc,
            "stdout": self.stdout[-OUTPUT_TAIL:],
            "stderr": self.stderr[-OUTPUT_TAIL:],
        }

    def last_lines(self, count: int = 5) -> str:
        """The last *count* lines of the output, with standard error after standard output."""
        lines = (self.stdout + "\n" + self.stderr).strip().splitlines()
        return "\n".join(lines[-count:])


class CommandError(CollectionError):
    """A command that failed; ``result`` is its `CommandResult`."""

    def __init__(self, purpose: str, result: CommandResult) -> None:
        command = join_command(result.cmd)
        super().__init__("%s: %s ended with %d: %s" % (purpose, command, result.rc, result.last_lines()))
        self.result = result


def split_command(command: Union[str, List[str]]) -> List[str]:
    """*command* as a list; a string is split as a shell does it, without expansion. Raises ValueError."""
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]


def join_command(command: List[str]) -> str:
    """*command* as one line that a POSIX shell reads back as the same words."""
    return " ".join(shlex.quote(word) for word in command)


def _open_scratch_file() -> IO[bytes]:
    return tempfile.TemporaryFile()


class RunningCommand:
    """A running command.

    Its output goes to files, because pipes would stay open with a daemon that it leaves behind.
    """

    def __init__(
        self,
        command: List[str],
        identity: Optional[Identity] = None,
        cwd: str = "/",
        environment: Optional[Dict[str, str]] = None,
        stdin: Optional[str] = None,
        source: Optional[int] = None,
        target: Optional[int] = None,
    ) -> None:
        """Start *command* as *identity*, by default the account of this process, in a session of its own.

        It reads the text *stdin*, or the file descriptor *source*. Its output goes to the result, or to the file
        descriptor *target*.
        """
        account = identity or get_current_identity()
        self._command = command
        self._out, self._err = _open_scratch_file(), _open_scratch_file()
        self._process: "Optional[subprocess.Popen[bytes]]" = None
        self._problem = ""
        with _open_scratch_file() as text:
            text.write((stdin or "").encode("utf-8"))
            text.seek(0)
            try:
                # AnsibleModule.run_command can neither become another user irrevocably nor kill a whole session.
                self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                    command,
                    stdin=text if source is None else source,
                    stdout=self._out if target is None else target,
                    stderr=self._err,
                    cwd=cwd,
                    start_new_session=True,
                    env=build_process_environment(account) if environment is None else environment,
                    preexec_fn=None if account.is_current() else account.drop_privileges,
                )
            except (OSError, subprocess.SubprocessError) as error:
                self._problem = "%s: %s" % (command[0], error)

    def wait(self, timeout: float) -> CommandResult:
        """The result after at most *timeout* seconds, when the command and its session are killed.

        A program that cannot be started has exit status 127 and the reason as output, as in a shell.
        """
        with self._out, self._err:
            if self._process is None:
                return CommandResult(self._command, 127, "", self._problem)
            note = ""
            if not _wait_for_exit(self._process, timeout):
                os.killpg(self._process.pid, signal.SIGKILL)
                note = "\nstopped after %g seconds" % timeout
            rc = self._process.wait()
            self._out.seek(0)
            self._err.seek(0)
            return CommandResult(
                self._command,
                124 if note else rc,
                self._out.read().decode("utf-8", "replace"),
                self._err.read().decode("utf-8", "replace") + note,
            )


def _wait_for_exit(process: "subprocess.Popen[bytes]", timeout: float) -> bool:
    """Whether *process* ends within *timeout* seconds; without delay where pidfd_open(2) is available."""
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(process.pid)
        except OSError:
            handle = -1
        if handle >= 0:
            try:
                # Popen.wait would poll every 50 ms, while services may be down.
                return bool(select.select([handle], [], [], timeout)[0])
            finally:
                os.close(handle)
    try:
        process.wait(timeout=timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def run_command(
    command: List[str],
    timeout: float,
    identity: Optional[Identity] = None,
    cwd: str = "/",
    environment: Optional[Dict[str, str]] = None,
    stdin: Optional[str] = None,
    source: Optional[int] = None,
    target: Optional[int] = None,
) -> CommandResult:
    """Run *command* to its end, or for at most *timeout* seconds; see `RunningCommand`."""
    return RunningCommand(command, identity, cwd, environment, stdin, source, target).wait(timeout)


def require_success(purpose: str, result: CommandResult) -> CommandResult:
    """*result*, if its command succeeded. Raises CommandError whose text begins with *purpose* otherwise."""
    if result.rc != 0:
        raise CommandError(purpose, result)
    return result
