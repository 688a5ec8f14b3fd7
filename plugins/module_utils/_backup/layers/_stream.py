# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed streams to and from files: by zstd where the host has it, else by gzip; encrypted where requested."""

import contextlib
import fcntl
import functools
import os
import queue
import shutil
import subprocess
import threading
import zlib
from typing import IO, Callable, Dict, Iterator, List, Optional, Union, cast

from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._sealing import (
    EncryptionSettings,
    make_decrypt_command,
    make_encrypt_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

CHUNK = 1 << 20
# fcntl(2), F_SETPIPE_SZ; Python has its name since 3.10.
SET_PIPE_SIZE = 1031
ARCHIVE_SUFFIXES = {"zstd": ".tar.zst", "gzip": ".tar.gz"}
GZIP_WINDOW_BITS = 31
# Chunks that wait for a program that is slower than the reading.
QUEUE_LENGTH = 8
UNENCRYPTED = EncryptionSettings()


class StreamError(CollectionError):
    """A stream that could not be written or read to its end; the text says why."""


def choose_compression() -> str:
    """The compression of this host: ``zstd`` or ``gzip``."""
    return "zstd" if shutil.which("zstd") else "gzip"


def write_all(handle: int, data: bytes) -> None:
    """Write all of *data* to the descriptor *handle*. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


@contextlib.contextmanager
def open_writer(path: str, how: str, sealing: EncryptionSettings = UNENCRYPTED) -> Iterator[Callable[[bytes], object]]:
    """A function that appends to the new file *path*, compressed by *how* and encrypted as *sealing* says.

    The file is complete and on disk when the block ends. Raises StreamError, OSError.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.ExitStack() as stack:
            into = stack.enter_context(_pipe_through(make_encrypt_command(sealing), handle)) if sealing.how else handle
            if how == "zstd":
                into = stack.enter_context(_pipe_through(["zstd", "-q", "-1", "-T0", "--check", "-c"], into))
                yield lambda data: write_all(into, data)
            else:
                yield stack.enter_context(_compress_gzip(into))
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_in_thread(sink: Callable[[bytes], object]) -> Iterator[Callable[[bytes], object]]:
    """A function that passes bytes to *sink* in another thread, until the block ends. Raises what *sink* raises."""
    waiting: "queue.Queue[Optional[bytes]]" = queue.Queue(QUEUE_LENGTH)
    problems: List[BaseException] = []

    def work() -> None:
        for data in iter(waiting.get, None):
            try:
                if not problems:
                    sink(data)
            except BaseException as error:  # raised in the thread that gives the bytes
                problems.append(error)

    def give(data: bytes) -> None:
        if problems:
            raise problems[0]
        waiting.put(data)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield give
    finally:
        waiting.put(None)
        thread.join()
    if problems:
        raise problems[0]


def _start_program(words: List[str], source: int, target: int) -> "subprocess.Popen[bytes]":
    # AnsibleModule.run_command would hold all of its output in memory.
    return subprocess.Popen(words, stdin=source, stdout=target, stderr=subprocess.PIPE)  # pylint: disable=ansible-bad-function


@contextlib.contextmanager
def _pipe_through(words: List[str], handle: int) -> Iterator[int]:
    """A descriptor that leads through the program *words* into *handle*, until the block ends. Raises StreamError."""
    if not shutil.which(words[0]):
        raise StreamError("this host has no %s; install it" % words[0])
    with _start_program(words, subprocess.PIPE, handle) as working:
        try:
            into = working.stdin.fileno() if working.stdin else -1
            widen_pipe(into)
            yield into
        except BrokenPipeError:
            # Its messages say why it ended.
            pass
        except StreamError:
            # A program that writes into a failed one fails too; the message of the failed one is better.
            if working.poll() in (None, 0):
                working.kill()
                raise
        except BaseException:
            working.kill()
            raise
        if working.stdin:
            working.stdin.close()
        said = working.stderr.read() if working.stderr else b""
        if working.wait() != 0:
            raise StreamError("%s: %s" % (words[0], said.decode("utf-8", "replace").strip()))


@contextlib.contextmanager
def _compress_gzip(handle: int) -> Iterator[Callable[[bytes], object]]:
    working = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW_BITS)
    yield lambda data: write_all(handle, working.compress(data))
    write_all(handle, working.flush())


class StreamReader:
    """The content of a compressed file, from its beginning; `read` gives exactly what it is asked for."""

    def __init__(self, stream: Union[IO[bytes], "_GzipReader"], ended: Callable[[], Optional[str]]) -> None:
        self._stream = stream
        self._ended = ended

    def read(self, size: int) -> bytes:
        """The next *size* bytes. Raises StreamError if there are less."""
        parts: List[bytes] = []
        left = size
        while left:
            data = self._stream.read(left)
            if not data:
                raise StreamError("it ends too early%s" % (self._ended() or ""))
            parts.append(data)
            left -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_rest(self, take: Callable[[bytes], object]) -> None:
        """Pass everything up to the end to *take*. Raises StreamError if the program failed."""
        for data in iter(lambda: self._stream.read(CHUNK), b""):
            take(data)
        self.check_end()

    def check_end(self) -> None:
        """Raise StreamError unless the content has just ended, without a failure."""
        if self._stream.read(1):
            raise StreamError("it continues after its end")
        problem = self._ended()
        if problem:
            raise StreamError(problem)


class _GzipReader:
    """A gzip file, read piece by piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._working = zlib.decompressobj(GZIP_WINDOW_BITS)
        self._ready = b""

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and not self._working.eof:
            data = self._working.unconsumed_tail or self._file.read(CHUNK)
            if not data:
                break
            try:
                self._ready += self._working.decompress(data, CHUNK)
            except zlib.error as error:
                raise StreamError("gzip: %s" % error)
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken

    def describe_end(self) -> Optional[str]:
        """The problem at the end, if any."""
        if self._working.eof and not self._working.unused_data and not self._file.read(1):
            return None
        return "; the gzip file is incomplete, or followed by other data"


@contextlib.contextmanager
def open_reader(path: str, how: str, encryption: str = "", identity: Optional[str] = None) -> Iterator[StreamReader]:
    """The content of *path*, which *how* compressed and then *encryption* encrypted for the private key *identity*.

    Raises StreamError, OSError.
    """
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(open(path, "rb"))
        enders: List[Callable[[], Optional[str]]] = []
        commands = [make_decrypt_command(encryption, identity, path)] if encryption else []
        commands += [["zstd", "-dcq"]] if how == "zstd" else []
        for words in commands:
            if not shutil.which(words[0]):
                raise StreamError("%s needs %s, which this host lacks; install it" % (path, words[0]))
            working = stack.enter_context(_start_program(words, file.fileno(), subprocess.PIPE))
            stack.callback(working.kill)
            # While it is open here too, a program would wait for ever for the next one that has ended.
            file.close()
            file = cast("IO[bytes]", working.stdout)
            enders.append(functools.partial(_describe_failure, words[0], working))
        if how == "gzip":
            plain = _GzipReader(file)
            yield StreamReader(plain, lambda: plain.describe_end() or _find_first_problem(enders))
        else:
            yield StreamReader(file, lambda: _find_first_problem(enders))


@contextlib.contextmanager
def open_program_output(words: List[str], environment: Dict[str, str]) -> Iterator[StreamReader]:
    """The output of the program *words*, started in *environment*. Raises StreamError, OSError."""
    # Its output may exceed the memory.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as working:
        try:
            yield StreamReader(
                cast("IO[bytes]", working.stdout), functools.partial(_describe_failure, words[0], working)
            )
        finally:
            working.kill()


def widen_pipe(handle: int) -> None:
    """Let the pipe *handle* hold a mebibyte, if the kernel allows it: its ends wait less for each other."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(handle, SET_PIPE_SIZE, CHUNK)


def _describe_failure(name: str, working: "subprocess.Popen[bytes]") -> Optional[str]:
    """How the program *name* failed, if it did."""
    said = working.stderr.read().decode("utf-8", "replace").strip() if working.stderr else ""
    return "; %s: %s" % (name, said) if working.wait() else None


def _find_first_problem(enders: List[Callable[[], Optional[str]]]) -> Optional[str]:
    """The problem that the first of *enders* with one reports."""
    for ended in enders:
        problem = ended()
        if problem:
            return problem
    return None
