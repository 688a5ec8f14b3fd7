# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile of a generation: what its interpreter says about itself, and libraries that its extensions miss."""

import inspect
import json
import os
import stat
from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis import _profile_probe
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._sides import Side
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._extensions import is_extension, read_extension
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, call_as_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    DIRECTORY_FLAGS,
    make_printable,
)

PROFILE_TIMEOUT = 120.0
# Bytes of a profile; the largest known one has three hundred thousand.
PROFILE_LIMIT = 8 << 20
MAX_EXTENSIONS = 5000


class ProfileError(CollectionError):
    """An interpreter that does not start, or does not answer; the text says why."""


def take_profile(side: Side, account: Identity) -> Dict[str, Any]:
    """The profile of the interpreter of *side*, started by *account* as the service is. Raises ProfileError."""
    done = run_command(
        [side.get_python(), "-c", inspect.getsource(_profile_probe)],
        PROFILE_TIMEOUT,
        account,
        cwd=side.directory,
        environment=side.variables,
        tail=PROFILE_LIMIT,
        umask=side.umask,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(_profile_probe.MARK)]
    try:
        profile = make_printable(json.loads(lines[-1][len(_profile_probe.MARK) :]))
    except (IndexError, ValueError):
        reason = find_cause(done.stderr) or done.last_lines(2) or "it ended with %d" % done.rc
        raise ProfileError("the interpreter of %s does not answer: %s" % (side.identifier, reason))
    roots = [str(profile["library"])] + [path for path in profile["path"] if path.startswith(str(profile["prefix"]))]
    search = [path for path in side.variables.get("LD_LIBRARY_PATH", "").split(":") if path]
    search += [path for path in profile["environ"].get("LD_LIBRARY_PATH", "").split(":") if path]
    profile["unresolved"] = call_as_identity(account, find_unresolved, sorted(set(roots)), search)
    return dict(profile)


def find_unresolved(roots: List[str], search: List[str]) -> List[List[str]]:
    """Library and file of each that an extension below *roots* needs and does not find, also not in *search*.

    For a process that acts as the account that can change those directories.
    """
    libraries = SharedLibraries()
    found: List[List[str]] = []
    seen = 0
    for root in roots:
        for folder, below, names in os.walk(root):
            below[:] = [name for name in below if name != "__pycache__" and os.path.join(folder, name) not in roots]
            wanted = [name for name in names if is_extension(name)]
            if not wanted or seen > MAX_EXTENSIONS:
                continue
            seen += len(wanted)
            try:
                found += _look_in(folder, wanted, set(names), libraries, search)
            except OSError:
                continue
    return sorted(found)


def _look_in(
    folder: str, wanted: List[str], beside: Any, libraries: SharedLibraries, search: List[str]
) -> List[List[str]]:
    found: List[List[str]] = []
    handle = os.open(folder, DIRECTORY_FLAGS)
    try:
        for name in sorted(wanted):
            if not stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                continue
            extension = read_extension(handle, name, os.path.join(folder, name), "")
            if extension is None:
                continue
            for library in extension.needed:
                if library not in beside and not libraries.find(library, search + extension.search, folder):
                    found.append([library, extension.path])
    finally:
        os.close(handle)
    return found
