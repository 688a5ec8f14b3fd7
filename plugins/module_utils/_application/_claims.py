# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which application an environment belongs to, by the declarations and by the records of this host."""

import os
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import (
    GENERATIONS_SUFFIX,
    Application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import locate_live_path
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import PromotionRefused
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json


class EnvironmentPlace(NamedTuple):
    """Where an application has its environment: the live path, what that leads to, and the directory of generations.

    All without symlinks, except that the live path itself may be one.
    """

    name: str
    live: str
    real: str
    generations: str


class HostRecord(NamedTuple):
    """A record of this host: the application's name, its live path, and the generations, with unfinished ones.

    ``problem`` is set for one that cannot be read.
    """

    name: str
    live: Optional[str]
    generations: Sequence[Mapping[str, Any]]
    problem: Optional[str] = None


def locate_environment(name: str, environment: str) -> EnvironmentPlace:
    """The place of the *environment* of application *name*."""
    return EnvironmentPlace(
        name,
        locate_live_path(environment),
        os.path.realpath(environment),
        os.path.realpath(environment + GENERATIONS_SUFFIX),
    )


def _lies_in(path: str, directory: str) -> bool:
    return (path + "/").startswith(directory + "/")


def describe_overlap(one: EnvironmentPlace, other: EnvironmentPlace) -> Optional[str]:
    """What two applications have in common, in words; None if their environments are apart."""
    if one.live == other.live or one.real == other.real:
        return "the environment %s" % one.real
    if one.generations == other.generations:
        return "the directory of generations %s" % one.generations
    for inner, outer in ((one, other), (other, one)):
        if _lies_in(inner.real, outer.generations) or _lies_in(inner.live, outer.generations):
            return "the generation %s" % inner.real
    return None


def find_shared_environments(places: Sequence[EnvironmentPlace]) -> Dict[str, List[Tuple[str, str]]]:
    """For each name in *places* the other names with which it shares something, and what."""
    found: Dict[str, List[Tuple[str, str]]] = {}
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            common = describe_overlap(one, other)
            if common is not None and one.name != other.name:
                found.setdefault(one.name, []).append((other.name, common))
                found.setdefault(other.name, []).append((one.name, common))
    return found


def build_shared_finding(name: str, others: Sequence[Tuple[str, str]]) -> Dict[str, Any]:
    """The finding for application *name*, which shares something with *others*."""
    names = ", ".join(other for other, _common in others)
    return build_finding(
        key="environment-shared",
        where=name,
        detail="application %s shares %s with %s" % (name, others[0][1], names),
        remediation="declare one application with the services and checks of both, or give each an environment of its "
        "own",
    )


def read_host_records(root: str) -> List[HostRecord]:
    """The records of all applications below *root*, with what an open promotion would record."""
    found = []
    for name in list_applications(root):
        state = ApplicationState(root, name)
        live: Optional[str] = None
        generations: List[Mapping[str, Any]] = []
        try:
            for path in (state.undone_path, state.next_path, state.path):
                record = read_json(path) or {}
                live = record.get("live") or live
                generations += record.get("generations") or []
        except (ValueError, OSError) as error:
            found.append(HostRecord(name, None, [], str(error)))
            continue
        found.append(HostRecord(name, live, generations))
    return found


def find_claims(application: Application, records: Sequence[HostRecord]) -> List[str]:
    """The names of other applications whose *records* have the live path or the generations of *application*."""
    own = locate_environment(application.name, application.environment)
    found = []
    for record in records:
        if record.name == application.name:
            continue
        named = [os.path.realpath(os.path.dirname(str(entry.get("path")))) for entry in record.generations]
        live = locate_environment(record.name, record.live) if record.live else None
        if own.generations in named or (live is not None and describe_overlap(own, live) is not None):
            found.append(record.name)
    return found


def check_claims(application: Application, state: ApplicationState) -> Iterator[Dict[str, Any]]:
    """Yield a finding if the record of another application of this host has the environment of *application*."""
    for name in find_claims(application, read_host_records(state.root)):
        known = application.formerly == name
        yield build_finding(
            key="environment-claimed",
            where=application.name,
            detail="application %s: the record of application %s on this host has %s as its environment"
            % (application.name, name, application.environment),
            remediation="run oxzep7.python.recover, which takes over the record of %s" % name
            if known
            else "if %s is the new name of %s, set `formerly: %s` in its declaration and run oxzep7.python.recover; "
            "otherwise give each an environment of its own" % (application.name, name, name),
        )


def require_unclaimed(application: Application, state: ApplicationState) -> None:
    """Raise PromotionRefused if the record of another application has the environment of *application*."""
    for finding in check_claims(application, state):
        raise PromotionRefused(finding["detail"], finding["remediation"])
