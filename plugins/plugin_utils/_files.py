# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on the controller, written so that a crash leaves either the old or the new content; host data are private."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Data that come with the collection; `_data/README.md` has their sources and dates.
DATA = pathlib.Path(__file__).resolve().parent / "_data"


def write_private(path: pathlib.Path, text: str) -> None:
    """Replace *path* with *text*, mode 0600, creating its directory. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def format_json(value: Any) -> str:
    """*value* as JSON for reading: sorted keys, two spaces, a newline at the end."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def make_file_name(host: str) -> str:
    """The name of a host as one component of a path; an inventory may have any text for it."""
    return re.sub(r"^[.-]|[^A-Za-z0-9._-]", "_", host) or "_"


def expand_path(path: str) -> pathlib.Path:
    """*path* with ``~`` expanded, absolute from the directory that the run was started in."""
    return pathlib.Path(path).expanduser().absolute()


@contextmanager
def lock_file(path: pathlib.Path) -> Iterator[None]:
    """Let one process at a time run the block; *path* is the lock file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
