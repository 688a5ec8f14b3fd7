# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run by the Python of the environment under test: imports modules, batch by batch, each batch in a child process.

Reads ``{"batches": [batch], "seconds": limit of all or null, "budget": limit of the shared batches or null}`` as JSON
from standard input. A batch has ``names``, ``paths`` (directories that are searched first), ``limit`` (seconds of one
import) and ``shared`` (whether it has a fair share of the budget; its warnings are left out). A name is ``module`` or
``module:attribute``.

Writes JSON lines: ``["begin", name]`` before an import, and ``["end", name, failure, warnings]`` after it. A failure is
null or has ``text``, ``exception``, ``frames`` (paths, deepest last), ``missing`` (name of the module that an import
lacks, or null) and ``ended`` (whether the import ended or blocked the process). Warnings are deprecations as
``path:line: text``. The last line is ``["done"]``; what has no answer by then was not reached. Output of the modules is
discarded. Python 3.6 and later.
"""

import contextlib
import functools
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
import warnings
from importlib.machinery import SourceFileLoader
from typing import Any, Callable, Dict, List, Optional, Tuple

MAX_FRAMES = 40
MAX_WARNINGS = 50
MAX_TEXT = 2000
MAX_CAUSES = 3
ALARM_SECONDS = 60
# Seconds after which it is asked again whether a child has ended, whose pipe a process of its own may hold open.
POLL_SECONDS, SHORT_POLL_SECONDS = 0.2, 0.01


def resolve(name: str) -> None:
    """Import ``module``, or what ``module:attribute`` names."""
    home, _colon, rest = name.partition(":")
    value = importlib.import_module(home)
    for depth, part in enumerate(rest.split(".") if rest else []):
        try:
            value = getattr(value, part)
        except AttributeError:
            if depth:
                raise
            below = home + "." + part
            try:
                value = importlib.import_module(below)
            except ModuleNotFoundError as error:
                if error.name != below:
                    raise
                place = getattr(sys.modules.get(home), "__file__", None) or "unknown location"
                raise ImportError("cannot import name %r from %r (%s)" % (part, home, place), name=home) from None


def list_causes(error: BaseException) -> List[BaseException]:
    """The exception *error* and those that led to it, the first one last."""
    found = [error]
    while len(found) <= MAX_CAUSES:
        last = found[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None or cause in found:
            break
        found.append(cause)
    return found


def list_frames(error: BaseException) -> List[Tuple[str, int]]:
    """Path and line of each frame of *error* and of what it does not parse, deepest last."""
    trace = traceback.extract_tb(error.__traceback__)
    found = [(frame.filename, frame.lineno or 0) for frame in trace if not frame.filename.startswith("<")]
    if isinstance(error, SyntaxError) and error.filename:
        found.append((error.filename, error.lineno or 0))
    return found


def describe(error: BaseException) -> Dict[str, Any]:
    """The failure *error* as it is answered."""
    causes = list_causes(error)
    frames = list_frames(error)
    where = "%s:%d: " % frames[-1] if frames else ""
    text = "%s%s: %s" % (where, type(error).__name__, error)
    paths = [path for path, _line in frames]
    for cause in causes[1:]:
        paths += [path for path, _line in list_frames(cause)]
    missing = [cause.name for cause in causes if isinstance(cause, ImportError) and cause.name]
    return {
        "text": text[:MAX_TEXT],
        "exception": type(error).__name__,
        "frames": paths[-MAX_FRAMES:],
        "missing": missing[0] if missing else None,
        "ended": False,
    }


def work(batch: Dict[str, Any], names: List[str], until: Optional[float], answers: int) -> None:
    """Import *names* of *batch* and write an answer for each to *answers*; begin none after the moment *until*."""
    own, paths = os.getpid(), batch["paths"]
    if paths:
        write_no_bytecode_below(paths)
        sys.path[:0] = paths
        with contextlib.suppress(OSError):
            os.chdir(paths[0])
    heard: List[str] = []
    warnings.simplefilter("ignore")
    for category in (DeprecationWarning, PendingDeprecationWarning):
        warnings.simplefilter("default", category)
    warnings.showwarning = lambda message, category, filename, lineno, *_rest: heard.append(
        "%s:%d: %s" % (filename, lineno, message)
    )
    for name in names:
        if until is not None and time.monotonic() > until:
            break
        del heard[:]
        # Where the parent is gone, nothing else ends this process.
        signal.alarm(int(batch["limit"]) + ALARM_SECONDS)
        write(answers, ["begin", name])
        try:
            resolve(name)
            failure = None
        except BaseException as error:  # a module may raise SystemExit, or worse, when it is imported
            failure = describe(error)
        if os.getpid() != own:
            os._exit(0)  # a child that the import forked, and that came back
        remember_libraries()
        write(answers, ["end", name, failure, [] if batch["shared"] else heard[:MAX_WARNINGS]])
    write(answers, ["done"])


def write_no_bytecode_below(directories: List[str]) -> None:
    """Let Python write the bytecode of modules elsewhere only."""
    places = tuple(os.path.join(os.path.realpath(directory), "") for directory in directories)
    loader: Any = SourceFileLoader
    set_data = loader.set_data

    def set_data_elsewhere(self: Any, path: str, data: bytes, **options: Any) -> None:
        if not os.path.realpath(path).startswith(places):
            set_data(self, path, data, **options)

    loader.set_data = set_data_elsewhere


def remember_libraries() -> None:
    """Let ``ctypes.util.find_library``, which starts several processes for each answer, do so once for each name.

    Modules whose library is missing ask for it again with every module that imports them.
    """
    util: Any = sys.modules.get("ctypes.util")
    find = getattr(util, "find_library", None)
    if callable(find) and not hasattr(find, "cache_info"):
        util.find_library = functools.lru_cache(maxsize=None)(find)


def write(handle: int, answer: List[Any]) -> None:
    """Write *answer* as a line to the descriptor *handle*."""
    data = (json.dumps(answer) + "\n").encode("ascii")
    while data:
        data = data[os.write(handle, data) :]


def parse(line: bytes) -> Tuple[str, str, List[Any]]:
    """The kind and the name of an answer, and the whole; empty for what is none."""
    try:
        message = json.loads(line.decode("ascii"))
        return str(message[0]), str(message[1]) if len(message) > 1 else "", message
    except (ValueError, LookupError, TypeError):
        return "", "", []


class Child:
    """A child process that imports, and what is read from it."""

    def __init__(self, batch: Dict[str, Any], names: List[str], until: Optional[float]) -> None:
        source, answers = os.pipe()
        errors, target = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setpgid(0, 0)
                nowhere = os.open(os.devnull, os.O_RDWR)
                for number, handle in ((0, nowhere), (1, nowhere), (2, target)):
                    os.dup2(handle, number)
                work(batch, names, until, answers)
            finally:
                os._exit(0)  # threads that an import started must not keep this process
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        os.close(answers)
        os.close(target)
        self.source, self.errors = source, errors
        self.open = [source, errors]
        self.buffer, self.words = b"", b""
        self.ended = False
        self.status = 0

    def read(self, seconds: float) -> List[bytes]:
        """The lines that arrive within *seconds*; sets ``ended`` when the child has ended."""
        # A process of the child's may hold the pipe open, and a module may close it.
        wait = min(seconds, POLL_SECONDS if self.source in self.open else SHORT_POLL_SECONDS)
        ready, _writable, _failed = select.select(self.open, [], [], max(0.0, wait))
        for handle in ready:
            data = os.read(handle, 1 << 16)
            if not data:
                self.open.remove(handle)
            elif handle == self.source:
                self.buffer += data
            else:
                self.words = (self.words + data)[-MAX_TEXT:]
        # Its number stays its own until it is closed.
        if self.source not in ready and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self._read_rest()
            self.ended = True
        lines = self.buffer.split(b"\n")
        self.buffer = lines.pop()
        return lines

    def _read_rest(self) -> None:
        """Read what the ended child has left in the pipe."""
        os.set_blocking(self.source, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                data = os.read(self.source, 1 << 16)
                if not data:
                    break
                self.buffer += data

    def close(self) -> None:
        """End the child and the processes that it has started."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        _pid, self.status = os.waitpid(self.pid, 0)
        os.close(self.source)
        os.close(self.errors)

    def describe_end(self) -> str:
        """How it ended."""
        code = -os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else os.WEXITSTATUS(self.status)
        words = self.words.decode("utf-8", "replace").strip().splitlines()
        return "the interpreter ended with %d while importing it: %s" % (code, "\n".join(words[-2:]))


def run_child(
    batch: Dict[str, Any],
    names: List[str],
    until: Optional[float],
    deadline: Optional[float],
    answer: Callable[[List[Any]], None],
) -> List[str]:
    """Import *names* in a child and *answer* for each; returns those that another child has to import."""
    child = Child(batch, names, until)
    done = 0
    begun: Optional[str] = None
    text: Optional[str] = None
    limit: Optional[float] = None
    try:
        while text is None:
            now = time.monotonic()
            ends = [moment for moment in (limit, deadline) if moment is not None]
            if ends and now >= min(ends):
                if begun is None or (limit is None or now < limit):
                    return []
                text = "still importing after %g seconds" % batch["limit"]
                break
            for line in child.read(min([moment - now for moment in ends] + [POLL_SECONDS])):
                kind, name, message = parse(line)
                if kind == "done":
                    return []
                if kind == "begin" and begun is None and name == names[done]:
                    begun, limit = name, time.monotonic() + batch["limit"]
                elif kind == "end" and begun is not None and name == begun:
                    begun, limit, done = None, None, done + 1
                else:
                    continue  # of the module, and not of this program
                answer(message)
            if child.ended:
                if begun is None:
                    return names[done:] if done else []
                text = ""
    finally:
        child.close()
    text = text or child.describe_end()
    failure: Dict[str, Any] = {"text": text, "exception": "", "frames": [], "missing": None, "ended": True}
    answer(["end", begun, failure, []])
    return names[done + 1 :]


def compute_share(budget: float, spent: float, count: int) -> float:
    """The seconds for the next of *count* batches that share what is left of *budget* after *spent* seconds."""
    return max(0.0, budget - spent) / count


def main() -> None:
    """Import every batch."""
    order = json.loads(sys.stdin.read())
    handle = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    started = time.monotonic()
    deadline = None if order["seconds"] is None else started + order["seconds"]
    sharing = sum(1 for batch in order["batches"] if batch["shared"])
    spent = 0.0
    for batch in order["batches"]:
        began, until = time.monotonic(), None
        if batch["shared"] and order["budget"] is not None:
            until = began + compute_share(order["budget"], spent, sharing)
        waiting = batch["names"]
        while waiting and not any(end is not None and time.monotonic() >= end for end in (deadline, until)):
            waiting = run_child(batch, waiting, until, deadline, lambda message: write(handle, message))
        if batch["shared"]:
            spent += time.monotonic() - began
            sharing -= 1
    write(handle, ["done"])
    os._exit(0)


if __name__ == "__main__":
    main()
