# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a long stage on the controller is doing: counts of its work, and a line about them every few seconds.

A stage opens an `Activity`; whatever works below it counts by `expect`, `track`, `complete` and `follow`, which do
nothing without one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

# Seconds between two lines of one stage; a stage that ends within them has none.
INTERVAL = 15.0
# What each line begins with, so that a callback recognizes it.
MARK = "… "
# Pieces of work in progress that a line names for each kind.
MAXIMUM_RUNNING = 2

Answer = TypeVar("Answer")


@dataclasses.dataclass
class _WorkCount:
    """How much work of one kind is expected and done, and what is in progress. Nothing expected: it is unknown."""

    expected: int = 0
    done: int = 0
    running: dict[int, str] = dataclasses.field(default_factory=dict)

    def describe(self, kind: str) -> str:
        of = f" of {max(self.expected, self.done + len(self.running))}" if self.expected else ""
        names = list(self.running.values())
        more = len(names) - MAXIMUM_RUNNING
        now = ", ".join(names[:MAXIMUM_RUNNING]) + (f" and {more} more" if more > 0 else "")
        return f"{self.done}{of} {kind}" + (f" (now {now})" if now else "")


def format_elapsed(seconds: float) -> str:
    """*seconds* as text, such as 1m05s."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02d}s" if whole < 3600 else f"{whole // 3600}h{whole % 3600 // 60:02d}m"


class Activity:
    """The work of one stage, called *subject*; safe to use from several threads."""

    def __init__(
        self,
        subject: str,
        say: Callable[[str], None],
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*say* shows a line. *interval* and *clock* are in seconds."""
        self._subject = subject
        self._say = say
        self._interval = interval
        self._clock = clock
        self._began = clock()
        self._guard = threading.Lock()
        self._counts: dict[str, _WorkCount] = {}
        self._numbers = 0
        self._said = False
        self._ended = threading.Event()
        self._speaker = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Activity:
        """Begin, and be the activity of this process."""
        global _current
        _current = self
        self._speaker.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End; a stage that had lines gets a last one."""
        global _current
        _current = None
        self._ended.set()
        self._speaker.join()
        if self._said:
            self._say(self.describe())

    def _speak(self) -> None:
        while not self._ended.wait(self._interval):
            self._said = True
            self._say(self.describe())

    def expect(self, kind: str, count: int) -> None:
        """There is *count* more work of *kind*, a plural."""
        with self._guard:
            self._counts.setdefault(kind, _WorkCount()).expected += count

    def complete(self, kind: str) -> None:
        """A piece of work of *kind* is done."""
        with self._guard:
            self._counts.setdefault(kind, _WorkCount()).done += 1

    @contextlib.contextmanager
    def track(self, kind: str, what: str) -> Iterator[None]:
        """Work of *kind* on *what* is in progress until the block ends, also by an error."""
        with self._guard:
            count = self._counts.setdefault(kind, _WorkCount())
            self._numbers += 1
            number = self._numbers
            count.running[number] = what
        try:
            yield
        finally:
            with self._guard:
                del count.running[number]
                count.done += 1

    def describe(self) -> str:
        """The line for now."""
        with self._guard:
            parts = [count.describe(kind) for kind, count in self._counts.items()]
        return f"{MARK}{self._subject}: {'; '.join([*parts, format_elapsed(self._clock() - self._began)])}"


_current: Activity | None = None


def expect(kind: str, count: int) -> None:
    """As `Activity.expect`, for the activity of this process."""
    if _current is not None:
        _current.expect(kind, count)


def track(kind: str, what: str) -> contextlib.AbstractContextManager[None]:
    """As `Activity.track`, for the activity of this process."""
    return _current.track(kind, what) if _current is not None else contextlib.nullcontext()


def complete(kind: str) -> None:
    """As `Activity.complete`, for the activity of this process."""
    if _current is not None:
        _current.complete(kind)


def follow(kind: str, work: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """*work* on a name, tracked."""

    def followed(name: str) -> Answer:
        with track(kind, name):
            return work(name)

    return followed
