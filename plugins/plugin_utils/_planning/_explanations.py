# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failure has to do with what left Python: who uses it, and which later version no longer does."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import StdlibChange, load_changes

IMPORTED_NAME = re.compile(r"cannot import name '([\w.]+)' from (?:partially initialized module )?'([\w.]+)'")
MISSING_ATTRIBUTE = re.compile(r"module '([\w.]+)' has no attribute '(\w+)'")
MISSING_MODULE = re.compile(r"No module named '([\w.]+)'")
INSTALLED_FILE = re.compile(r"/(?:site|dist)-packages/(\S+?\.py)\b")


@dataclasses.dataclass(frozen=True)
class BrokenUser:
    """The installed file that fails: its path below site-packages, and its package with the version."""

    path: str
    package: str
    version: str

    def describe(self) -> str:
        """As messages say it, such as `bottle inside pypiserver 1.4.2`."""
        parts = self.path.removesuffix(".py").removesuffix("/__init__").split("/")
        own = self.package.replace("-", "_").lower()
        inside = "" if parts[-1].lower() == own or len(parts) == 1 else f"{parts[-1]} inside "
        return f"{inside}{self.package} {self.version}"


@dataclasses.dataclass(frozen=True)
class RemovedUse:
    """The use of the dotted ``name``, which left Python, in the file ``path`` of a package, below site-packages."""

    name: str
    path: str


def list_missed_names(text: str) -> list[str]:
    """The dotted names that the error *text* says are not there, in their order."""
    found = [(match.start(), f"{match[2]}.{match[1]}") for match in IMPORTED_NAME.finditer(text)]
    found += [(match.start(), f"{match[1]}.{match[2]}") for match in MISSING_ATTRIBUTE.finditer(text)]
    found += [(match.start(), match[1]) for match in MISSING_MODULE.finditer(text)]
    return [name for _start, name in sorted(found)]


def find_removal(text: str, minor: Minor) -> StdlibChange | None:
    """What left Python until *minor* and is named in the error *text* as missing; None if nothing is."""
    removed = {change.name: change for change in load_changes() if change.removed and change.removed <= minor}
    for name in list_missed_names(text):
        while name:
            if name in removed:
                return removed[name]
            name = name.rpartition(".")[0]
    return None


def find_broken_user(paths: Sequence[str], owners: Mapping[str, str], pins: Mapping[str, str]) -> BrokenUser | None:
    """The last of *paths* that is a file of a package; *owners* has packages by module, *pins* versions by package.

    None where there is none, or its package is not known for certain.
    """
    for path in reversed(paths):
        match = INSTALLED_FILE.search(path)
        if match is None:
            continue
        module = match[1].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        while module and module not in owners:
            module = module.rpartition(".")[0]
        package = owners.get(module)
        if package is None or package not in pins:
            return None
        return BrokenUser(match[1], package, pins[package])
    return None


def explain_failure(text: str, minor: Minor, user: BrokenUser | None, clean: str | None) -> str | None:
    """Why the error *text* appears on *minor*, as one sentence: what left Python, its *user*, and a way on.

    *clean* is the nearest later version of the user's package without it. None where nothing left.
    """
    change = find_removal(text, minor)
    if change is None or change.removed is None:
        return None
    parts = [f"{change.name} was removed in Python {format_minor(change.removed)}"]
    if user:
        parts.append(f"used by {user.describe()}")
        if clean:
            parts.append(f"{user.package} {clean} no longer uses it")
    return "; ".join(parts)
