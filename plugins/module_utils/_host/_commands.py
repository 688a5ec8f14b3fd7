# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs commands on a managed host, as lists of words and never as shell strings."""

import collections
import contextlib
import os
import select
import shlex
import signal
import stat
import subprocess
import tempfile
import time
from typing import IO, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
    get_current_identity,
)

OUTPUT_TAIL = 4000
# Bytes of standard output that are held to be parsed; those of output that is only evidence; and the size at which a
# log is emptied before the next command.
WHOLE_BYTES, EVIDENCE_BYTES, LOG_BYTES = 64 << 20, 1 << 20, 1 << 20
# Exit status and reason of a command that prints more than is held to be parsed.
TOO_MUCH = (125, "\nstopped, because it printed more than %d MiB" % (WHOLE_BYTES >> 20))
# Bytes that are read at once, and that a pipe can hold without privileges (pipe(7)).
READ_BYTES, PIPE_BYTES = 1 << 16, 1 << 20
# Seconds between two questions whether a process has ended, where the kernel does not tell.
POLL_SECONDS = 0.05


class CommandResult(NamedTuple):
    """The words of a command, its exit status and its output.

    The status is negative for a signal, 124 for a timeout, 125 for too much output, 127 for a program that was not
    started. ``dropped`` is the number of bytes of standard output that came before ``stdout`` and were not kept.
    """

    cmd: List[str]
    rc: int
    stdout: str
    stderr: str
    dropped: int = 0

    def to_dict(self) -> Dict[str, Union[str, int, List[str]]]:
        """The result as a module returns it; each stream is cut to its last 4,000 characters."""
        stdout = self.stdout[-OUTPUT_TAIL:]
        if self.dropped:
            stdout = "[more than %d bytes of output came before this]\n%s" % (self.dropped, stdout)
        return {"cmd": self.cmd, "rc": self.rc, "stdout": stdout, "stderr": self.stderr[-OUTPUT_TAIL:]}

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


class _Output:
    """The bytes that were read from a pipe, of which only the last *limit* are held."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._blocks: "collections.deque[bytes]" = collections.deque()
        self._held = 0
        self._total = 0

    def add(self, data: bytes) -> None:
        """Append *data*."""
        self._blocks.append(data)
        self._held += len(data)
        self._total += len(data)
        while self._held - len(self._blocks[0]) >= self._limit:
            self._held -= len(self._blocks.popleft())

    def is_exceeded(self) -> bool:
        """Whether there were more bytes than the limit."""
        return self._total > self._limit

    def get_text(self) -> str:
        """What is held, as text."""
        return b"".join(self._blocks)[-self._limit :].decode("utf-8", "replace")

    def count_dropped(self) -> int:
        """The number of bytes that came before the text."""
        return max(0, self._total - self._limit)


def _open_log(path: str) -> IO[bytes]:
    """The log *path*, opened to append; emptied before, if it has more than `LOG_BYTES`.

    It is ``/dev/null`` if that is not possible, because a full disk must not prevent an undo.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.dirname(path), 0o700)
        handle = os.open(path, flags, 0o600)
    except OSError:
        handle = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    stream = os.fdopen(handle, "r+b", 0)
    state = os.fstat(handle)
    if stat.S_ISREG(state.st_mode) and state.st_size > LOG_BYTES:
        os.ftruncate(handle, 0)
    return stream


def _open_scratch_file() -> IO[bytes]:
    return tempfile.TemporaryFile()


class RunningCommand:
    """A running command.

    Its output is read from pipes while `wait` runs, and held in memory up to a limit. A process that the command leaves
    behind cannot write to them any more, and is ended by that (signal(7), SIGPIPE); what may start a service needs a
    *log*.
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
        tail: int = 0,
        log: Optional[str] = None,
        umask: Optional[int] = None,
    ) -> None:
        """Start *command* as *identity*, by default the account of this process, in a session of its own.

        It reads the text *stdin*, or the file descriptor *source*. Its output goes to the result, or to the file
        descriptor *target*. With *tail*, the result has the last *tail* bytes of it; without, a command that prints
        more than `WHOLE_BYTES` is killed. With *log*, both streams are appended to the file of that path, which stays,
        and the result has the last `EVIDENCE_BYTES` of what was added. With *umask* it gets that one, and not that of
        this process.
        """
        account = identity or get_current_identity()
        self._command = command
        self._out, self._err = _Output(tail or WHOLE_BYTES), _Output(EVIDENCE_BYTES)
        self._whole = not tail
        self._log = _open_log(log) if log is not None else None
        self._log_start = os.fstat(self._log.fileno()).st_size if self._log else 0
        self._process: "Optional[subprocess.Popen[bytes]]" = None
        self._problem = ""
        text = None
        if stdin is not None and source is None:
            text = _open_scratch_file()
            text.write(stdin.encode("utf-8"))
            text.seek(0)
        try:
            # AnsibleModule.run_command can neither become another user irrevocably nor kill a whole session.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                command,
                bufsize=0,
                stdin=text or (subprocess.DEVNULL if source is None else source),
                stdout=self._log or (subprocess.PIPE if target is None else target),
                stderr=self._log or subprocess.PIPE,
                cwd=cwd,
                start_new_session=True,
                env=build_process_environment(account) if environment is None else environment,
                preexec_fn=_make_preparation(account, umask),
            )
        except (OSError, subprocess.SubprocessError) as error:
            self._problem = "%s: %s" % (command[0], error)
        finally:
            if text is not None:
                text.close()

    def wait(self, timeout: float) -> CommandResult:
        """The result after at most *timeout* seconds, when the command and its session are killed.

        A program that cannot be started has exit status 127 and the reason as output, as in a shell. One that is killed
        because it prints too much has exit status 125 and no standard output, so that no part of it is taken for all.
        """
        process = self._process
        if process is None:
            if self._log:
                self._log.close()
            return CommandResult(self._command, 127, "", self._problem)
        pipes = self._list_pipes(process)
        try:
            status, note = self._follow(process, dict(pipes), timeout)
            if note:
                _signal_session(process.pid, signal.SIGKILL)
            rc = process.wait()
            for handle, output in pipes.items():
                _read_rest(handle, output)
            if self._log:
                self._read_log(self._log)
        finally:
            for opened in (process.stdout, process.stderr, self._log):
                if opened is not None:
                    opened.close()
        return self._make_result(status or rc, note)

    def wait_until(
        self, condition: Callable[[], bool], timeout: float, interval: float, grace: float
    ) -> Tuple[bool, CommandResult]:
        """Whether *condition*, asked at every *interval*, came true within *timeout* seconds, and the result.

        The command is stopped then: its session gets SIGTERM, and SIGKILL after *grace* seconds.
        """
        process = self._process
        if process is None:
            return False, self.wait(0)
        pipes = self._list_pipes(process)
        following, deadline = dict(pipes), time.monotonic() + timeout
        met = False
        try:
            while True:
                status, _note = self._follow(process, following, interval)
                met = status == 124 and condition()
                if met or status != 124 or time.monotonic() > deadline:
                    break
            if status == 124:
                _signal_session(process.pid, signal.SIGTERM)
                self._follow(process, following, grace)
            _signal_session(process.pid, signal.SIGKILL)
            rc = process.wait()
            for handle, output in pipes.items():
                _read_rest(handle, output)
        finally:
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        return met, self._make_result(
            status or rc, "" if met or status != 124 else "\nstopped after %g seconds" % timeout
        )

    def _list_pipes(self, process: "subprocess.Popen[bytes]") -> Dict[int, _Output]:
        pipes: Dict[int, _Output] = {}
        for stream, output in ((process.stdout, self._out), (process.stderr, self._err)):
            if stream is not None:
                pipes[stream.fileno()] = output
        return pipes

    def _make_result(self, status: int, note: str) -> CommandResult:
        """The result of a command that ended with *status*, and was killed for the reason *note*, if any."""
        text, dropped = self._out.get_text(), self._out.count_dropped()
        if self._whole:
            dropped = 0
            if self._out.is_exceeded():
                # The last of it may have been read after the end of the command.
                (status, note), text = TOO_MUCH, ""
        return CommandResult(self._command, status, text, self._err.get_text() + note, dropped)

    def _follow(self, process: "subprocess.Popen[bytes]", pipes: Dict[int, _Output], timeout: float) -> Tuple[int, str]:
        """Read *pipes* until *process* ends; returns the status and the reason with which it must be killed, if any."""
        deadline = time.monotonic() + timeout
        with _open_process_handle(process.pid) as handle:
            poller = select.poll()
            for number in list(pipes) + ([handle] if handle is not None else []):
                poller.register(number, select.POLLIN)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return 124, "\nstopped after %g seconds" % timeout
                if handle is None and not pipes:
                    return (0, "") if _wait_by_polling(process, left) else (124, "\nstopped after %g seconds" % timeout)
                # Without a handle, the end of a process that leaves the pipes to another one must be asked for.
                ready = poller.poll(1000.0 * (left if handle is not None else min(left, POLL_SECONDS)))
                for number, _event in ready:
                    if number in pipes and not _read_once(number, pipes[number]):
                        poller.unregister(number)
                        del pipes[number]
                if self._whole and self._out.is_exceeded():
                    return TOO_MUCH
                ended = (
                    process.poll() is not None if handle is None else any(number == handle for number, _event in ready)
                )
                if ended:
                    return 0, ""

    def _read_log(self, log: IO[bytes]) -> None:
        """Read what was added to *log*."""
        size = os.fstat(log.fileno()).st_size
        self._out = _Output(EVIDENCE_BYTES)
        self._whole = False
        log.seek(max(self._log_start if size >= self._log_start else 0, size - EVIDENCE_BYTES))
        self._out.add(log.read(EVIDENCE_BYTES) or b"")


def _signal_session(leader: int, number: int) -> None:
    """Send the signal *number* to the processes of the session that *leader* has begun, if any are left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def _make_preparation(account: Identity, umask: Optional[int]) -> Optional[Callable[[], None]]:
    """What a child does before its program: become *account*, with *umask*; None if there is nothing to do."""
    if umask is None:
        return None if account.is_current() else account.drop_privileges

    def prepare() -> None:
        os.umask(umask)
        account.drop_privileges()

    return prepare


def _read_once(handle: int, output: _Output) -> bool:
    """Add what the pipe *handle* has to *output*; returns whether more may come."""
    data = os.read(handle, READ_BYTES)
    output.add(data)
    return bool(data)


def _read_rest(handle: int, output: _Output) -> None:
    """Add what the pipe *handle* still has; no more than a pipe can hold, because a process may still write to it."""
    os.set_blocking(handle, False)
    with contextlib.suppress(BlockingIOError):
        for _block in range(PIPE_BYTES // READ_BYTES):
            if not _read_once(handle, output):
                return


@contextlib.contextmanager
def _open_process_handle(pid: int) -> Iterator[Optional[int]]:
    """A descriptor that is readable when the process *pid* has ended; None where pidfd_open(2) is not available."""
    handle = None
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _wait_by_polling(process: "subprocess.Popen[bytes]", timeout: float) -> bool:
    """Whether *process* ends within *timeout* seconds."""
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
    tail: int = 0,
    log: Optional[str] = None,
    umask: Optional[int] = None,
) -> CommandResult:
    """Run *command* to its end, or for at most *timeout* seconds; see `RunningCommand`."""
    return RunningCommand(command, identity, cwd, environment, stdin, source, target, tail, log, umask).wait(timeout)


def require_success(purpose: str, result: CommandResult) -> CommandResult:
    """*result*, if its command succeeded. Raises CommandError whose text begins with *purpose* otherwise."""
    if result.rc != 0:
        raise CommandError(purpose, result)
    return result
