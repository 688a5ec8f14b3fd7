# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories of one account, for the time of a block, below `SCRATCH_ROOT`."""

import contextlib
import os
import re
import shutil
import tempfile
from typing import Iterator, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity

SCRATCH_ROOT = "/var/tmp"
DUMP_NAME = "dump"
SCRATCH_NAME = re.compile(r"^oxzep7-([a-z0-9][a-z0-9_.-]*)-([0-9]+)-[^-]+$")


def remove_stale_scratch(application: str) -> None:
    """Remove the directories that dead processes left of `create_scratch`. Raises OSError."""
    for name in os.listdir(SCRATCH_ROOT):
        found = SCRATCH_NAME.match(name)
        if found and found.group(1) == application and not os.path.exists("/proc/" + found.group(2)):
            shutil.rmtree(os.path.join(SCRATCH_ROOT, name))


@contextlib.contextmanager
def create_scratch(who: Identity, application: str, dump: Optional[str] = None) -> Iterator[str]:
    """A directory of the account *who* alone, for the block; a copy of the file *dump* is in it as `DUMP_NAME`.

    Other accounts cannot reach root's directories. Once this one belongs to *who*, root writes nothing there: *who* can
    rename it, and put a link in its place. Raises OSError.
    """
    directory = tempfile.mkdtemp(prefix="oxzep7-%s-%d-" % (application, os.getpid()), dir=SCRATCH_ROOT)
    try:
        if dump is not None:
            shutil.copyfile(dump, os.path.join(directory, DUMP_NAME))
        if not who.is_current():
            if dump is not None:
                os.chown(os.path.join(directory, DUMP_NAME), who.uid, who.gid)
            os.chown(directory, who.uid, who.gid)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
