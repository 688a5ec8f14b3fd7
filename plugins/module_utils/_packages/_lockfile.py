# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock files: pins with hashes, identifiers, and the locks on a host.

A lock is a requirements file for pip and uv. Lines of its own, comments for them, say of each package where its file is
from and which packages of the lock require it.
"""

import hashlib
import os
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
HASH = re.compile(r"^\s+--hash=sha256:([0-9a-f]{64})\b")
SOURCE = re.compile(r"^\s+# from: (\S+)$")
REQUIRERS = re.compile(r"^\s+# required by: ([a-z0-9, -]+)$")
LEFT_OUT = re.compile(r"^# left out: ([a-z0-9-]+)$")


class LockedPackage(NamedTuple):
    """A package of a lock: normalized name, version, SHA-256 of the files that are accepted, where its file is from
    (a URL, or the name of a file that the controller has), and the packages of the lock that require it."""

    name: str
    version: str
    hashes: Tuple[str, ...]
    source: str = ""
    requirers: Tuple[str, ...] = ()


def compute_lock_id(text: str) -> str:
    """The SHA-256 of *text*, hexadecimal; it is the name of a lock."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def parse_pins(text: str) -> Dict[str, str]:
    """Version by normalized package name in the lock *text*."""
    return {normalize_name(match.group(1)): match.group(2) for match in map(PIN.match, text.splitlines()) if match}


def format_lock(packages: Iterable[LockedPackage]) -> str:
    """The text of the lock of *packages*, sorted by name."""
    lines = []
    for package in sorted(packages):
        lines.append("%s==%s \\" % (package.name, package.version))
        lines.append(" \\\n".join("    --hash=sha256:%s" % digest for digest in package.hashes))
        if package.source:
            lines.append("    # from: %s" % package.source)
        if package.requirers:
            lines.append("    # required by: %s" % ", ".join(sorted(package.requirers)))
    return "".join("%s\n" % line for line in lines)


def parse_lock(text: str) -> Dict[str, LockedPackage]:
    """The packages of the lock *text* by name."""
    found: Dict[str, LockedPackage] = {}
    name = ""
    for line in text.splitlines():
        pin = PIN.match(line)
        if pin:
            name = normalize_name(pin.group(1))
            found[name] = LockedPackage(name, pin.group(2), ())
        if not name:
            continue
        digest, source, requirers = HASH.match(line), SOURCE.match(line), REQUIRERS.match(line)
        if digest:
            found[name] = found[name]._replace(hashes=found[name].hashes + (digest.group(1),))
        elif source:
            found[name] = found[name]._replace(source=source.group(1))
        elif requirers:
            found[name] = found[name]._replace(requirers=tuple(requirers.group(1).split(", ")))
    return found


def format_left_out(names: Iterable[str]) -> str:
    """Comments that name packages (normalized) that a lock leaves out although others may require them."""
    return "".join("# left out: %s\n" % name for name in sorted(names))


def parse_left_out(text: str) -> List[str]:
    """The packages that the lock *text* leaves out although others may require them."""
    return [match.group(1) for match in map(LEFT_OUT.match, text.splitlines()) if match]


def _is_complete(root: str, name: str) -> bool:
    return compute_lock_id(read_text(os.path.join(root, "locks", name + ".txt")) or "") == name


def read_delivery(root: str) -> Dict[str, Any]:
    """The SHA-256 of the ``plan`` in the state directory *root*, or None, and identifiers of its complete ``locks``.

    An account that cannot read the directory gets the result of an empty one.
    """
    try:
        plan = read_text(os.path.join(root, "plan.json"))
        names = sorted(name[:-4] for name in os.listdir(os.path.join(root, "locks")) if name.endswith(".txt"))
        complete = [name for name in names if _is_complete(root, name)]
    except OSError:
        return {"plan": None, "locks": []}
    return {"plan": compute_lock_id(plan) if plan is not None else None, "locks": complete}
