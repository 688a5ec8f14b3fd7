# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which the packages of a lock are installed and tried, to find the first that fails."""

from typing import Dict, List, Sequence, Set

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import PIN, parse_lock
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name


def list_dependencies(text: str) -> Dict[str, Set[str]]:
    """The dependencies of each package of the lock *text* among its packages."""
    packages = parse_lock(text)
    found: Dict[str, Set[str]] = {name: set() for name in packages}
    for package in packages.values():
        for who in package.requirers:
            if who in found:
                found[who].add(package.name)
    return found


def _add_dependencies(names: Set[str], needed: Dict[str, Set[str]]) -> Set[str]:
    """*names* and all their dependencies."""
    found: Set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needed[name]
    return found


def _compute_heights(needed: Dict[str, Set[str]]) -> Dict[str, int]:
    """The length of the longest chain of dependencies below each package; a circle counts as one package."""
    below = {name: _add_dependencies({name}, needed) for name in needed}
    heights: Dict[str, int] = {}
    for name in sorted(needed, key=lambda one: (len(below[one]), one)):
        lower = [other for other in below[name] if other in heights and name not in below[other]]
        heights[name] = max([heights[other] + 1 for other in lower] or [0])
    return heights


def split_tiers(text: str, named: Sequence[Sequence[str]]) -> List[List[str]]:
    """The packages of the lock *text* in tiers; each depends only on itself and on the tiers before it.

    The tiers that an operator *named* come first, each with its dependencies, and the other packages last. Without them
    there are two, the lower and the upper half of the longest chain of dependencies.
    """
    needed = list_dependencies(text)
    if named:
        wanted = [{normalize_name(name) for name in names} & set(needed) for names in named]
    else:
        heights = _compute_heights(needed)
        half = (max(heights.values() or [0]) + 1) // 2
        wanted = [{name for name, height in heights.items() if height < half}]
    found: List[List[str]] = []
    taken: Set[str] = set()
    for names in wanted + [set(needed)]:
        tier = _add_dependencies(names, needed) - taken
        if tier:
            found.append(sorted(tier))
            taken |= tier
    return found


def filter_lock(text: str, names: Set[str]) -> str:
    """The lock *text* with the packages *names* alone."""
    lines: List[str] = []
    keep = True
    for line in text.splitlines(True):
        pin = PIN.match(line)
        if pin:
            keep = normalize_name(pin.group(1)) in names
        if keep:
            lines.append(line)
    return "".join(lines)
