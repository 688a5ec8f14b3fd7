# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies a function to many items in forked processes."""

import json
import os
import struct
import tempfile
from typing import IO, Any, Callable, Dict, List, Optional, Tuple

INDEX_FORMAT = struct.Struct("=I")
# The capacity of a pipe (pipe(7)) in indexes.
INDEXES_PER_PIPE = 65536 // INDEX_FORMAT.size


def count_workers() -> int:
    """The number of processes to use: the processors of this process, at most four."""
    return max(1, min(4, len(os.sched_getaffinity(0))))


def _open_scratch_file() -> IO[str]:
    return tempfile.TemporaryFile("w+")


def _process_queue(function: Callable[[Any], Any], items: List[Any], queue: int, out: IO[str]) -> None:
    while True:
        taken = os.read(queue, INDEX_FORMAT.size)
        if len(taken) < INDEX_FORMAT.size:
            return
        (index,) = INDEX_FORMAT.unpack(taken)
        out.write(json.dumps([index, function(items[index])]) + "\n")


def map_in_parallel(function: Callable[[Any], Any], items: List[Any], count: int) -> List[Optional[Any]]:
    """``function(item)`` for each of *items*, in *count* processes; None for an item whose process died.

    The results must be of types that JSON has.
    """
    if count < 2 or len(items) < 2:
        return [function(item) for item in items]
    answers: Dict[int, Any] = {}
    for start in range(0, len(items), INDEXES_PER_PIPE):
        part = items[start : start + INDEXES_PER_PIPE]
        queue, feed = os.pipe()
        os.write(feed, b"".join(INDEX_FORMAT.pack(index) for index in range(len(part))))
        os.close(feed)
        children: List[Tuple[int, IO[str]]] = []
        for _child in range(min(count, len(part))):
            out = _open_scratch_file()
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    _process_queue(function, part, queue, out)
                    out.flush()
                    status = 0
                finally:
                    os._exit(status)
            children.append((pid, out))
        os.close(queue)
        for pid, out in children:
            os.waitpid(pid, 0)
            with out:
                out.seek(0)
                for line in out:
                    if line.endswith("\n"):
                        index, answer = json.loads(line)
                        answers[start + index] = answer
    return [answers.get(index) for index in range(len(items))]
