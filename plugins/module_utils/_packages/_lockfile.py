# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock files: pins, identifiers, and the locks on a host."""

import hashlib
import os
import re
from typing import Any, Dict, Iterable, List

from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_text
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
LEFT_OUT = re.compile(r"^# left out: ([a-z0-9-]+)$")


def compute_lock_id(text: str) -> str:
    """The SHA-256 of *text*, hexadecimal; it is the name of a lock."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def parse_pins(text: str) -> Dict[str, str]:
    """Version by normalized package name in the lock *text*."""
    return {normalize_name(match.group(1)): match.group(2) for match in map(PIN.match, text.splitlines()) if match}


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
