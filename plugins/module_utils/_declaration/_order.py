# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the applications of a host: what they come after, then how critical they are, then their names."""

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError

CRITICALITIES = ("low", "normal", "high")


def _list_predecessors(declarations: Sequence[Mapping[str, Any]]) -> Dict[str, List[str]]:
    return {str(entry["name"]): [str(name) for name in entry.get("after") or []] for entry in declarations}


def order_applications(declarations: Sequence[Mapping[str, Any]]) -> List[str]:
    """The names of *declarations* in the order in which they are upgraded; a rollback takes them from the last.

    Never fails: a name in ``after`` that is not declared does not count, and a circle is broken where it begins.
    """
    before = _list_predecessors(declarations)
    ranks: Dict[str, Tuple[int, str]] = {}
    for entry in declarations:
        own = str(entry.get("criticality") or "normal")
        ranks[str(entry["name"])] = (CRITICALITIES.index(own) if own in CRITICALITIES else 1, str(entry["name"]))
    waiting = sorted(before, key=ranks.__getitem__)
    found: List[str] = []
    while waiting:
        ready = [name for name in waiting if not any(other in waiting for other in before[name])]
        found.append((ready or waiting)[0])
        waiting.remove(found[-1])
    return found


def check_order(declarations: Sequence[Mapping[str, Any]]) -> None:
    """Raise ApplicationError where ``after`` of one of *declarations* is of no use.

    That is a name without a declaration on this host, or a circle.
    """
    before = _list_predecessors(declarations)
    for name in sorted(before):
        for other in before[name]:
            if other not in before:
                raise ApplicationError(
                    "application %s: `after` names %s, which is not declared on this host; correct the name, or "
                    "declare it here" % (name, other)
                )
    for name in sorted(before):
        circle = _find_circle(before, name)
        if circle:
            raise ApplicationError(
                "application %s: `after` leads back to itself: %s; remove one of these" % (name, " after ".join(circle))
            )


def _find_circle(before: Mapping[str, Sequence[str]], start: str) -> List[str]:
    """The names from *start* over what they come after to *start* again; empty where nothing leads back."""
    paths: List[List[str]] = [[start]]
    seen: Set[str] = set()
    while paths:
        path = paths.pop(0)
        for other in before[path[-1]]:
            if other == start:
                return path + [other]
            if other not in seen:
                seen.add(other)
                paths.append(path + [other])
    return []
