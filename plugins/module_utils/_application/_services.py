# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done with all services of an application, each of its kind."""

import functools
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Type

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    COMMAND_TIMEOUT,
    Service,
    ServiceError,
    ServiceState,
)


def _group_by_kind(services: Sequence[Service]) -> Iterator[Tuple[Type[Service], List[Service]]]:
    kinds: Dict[Type[Service], List[Service]] = {}
    for service in services:
        kinds.setdefault(type(service), []).append(service)
    return iter(kinds.items())


def observe_services(services: Sequence[Service]) -> Dict[Service, ServiceState]:
    """The present state of each of *services*, in their order. Raises ServiceError."""
    states: Dict[Service, ServiceState] = {}
    for kind, own in _group_by_kind(services):
        states.update(kind.observe(own))
    return {service: states[service] for service in services}


def find_service_problems(services: Sequence[Service]) -> List[Dict[str, Any]]:
    """Findings about *services* on this host, and about what depends on them. Raises ServiceError."""
    problems: List[Dict[str, Any]] = []
    dependents: List[str] = []
    for kind, own in _group_by_kind(services):
        problems += kind.find_problems(own)
        dependents += kind.find_dependents(own)
    if dependents:
        problems.append(
            build_finding(
                key="dependents-not-declared",
                detail="%s: active, stop with the services, and are started again after them" % ", ".join(dependents),
                remediation="declare them in `services`, in the order in which they start",
            )
        )
    return problems


def describe_service_problems(services: Sequence[Service]) -> str:
    """What is wrong with how *services* are set up; an empty text also where their manager does not answer."""
    problems: List[Dict[str, Any]] = []
    for kind, own in _group_by_kind(services):
        try:
            problems += kind.find_problems(own)
        except ServiceError:
            continue
    return "; ".join(problem["detail"] for problem in problems)


def adapt_services(services: Sequence[Service]) -> List[Service]:
    """What a promotion treats in place of *services* in their present state, in order. Raises ServiceError."""
    adapted: Dict[Service, List[Service]] = {}
    for kind, own in _group_by_kind(services):
        adapted.update(zip(own, kind.adapt(own)))
    return [found for service in services for found in adapted[service]]


@functools.lru_cache(maxsize=None)
def _find_accounts(services: Tuple[Service, ...]) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for kind, own in _group_by_kind(services):
        for service, account in kind.find_accounts(own).items():
            found.setdefault(account, []).append(service.name)
    return found


def find_service_accounts(services: Sequence[Service]) -> Dict[str, List[str]]:
    """Names of *services* by the account as which they are run, asked once; without those that do not say it.

    Raises ServiceError.
    """
    return _find_accounts(tuple(services))


def stop_before_swap(services: Sequence[Service], timeout: float = COMMAND_TIMEOUT, log: Optional[str] = None) -> None:
    """Stop *services* in reverse order, each within *timeout* seconds, as their actions say.

    The output of declared commands is appended to the file *log*. Raises ServiceError.
    """
    for service in services:
        service.forget_failures(timeout)
    for service in services[::-1]:
        service.stop(timeout, log)


def start_after_swap(services: Sequence[Service], timeout: float = COMMAND_TIMEOUT, log: Optional[str] = None) -> None:
    """Start, restart or reload each service, in order, with the environment that is live now.

    What a declared command starts may write to its output for ever, so that is appended to the file *log*. Raises
    ServiceError.
    """
    for service in services:
        service.start(timeout, log)


def render_stops(services: Sequence[Service], timeout: float) -> List[str]:
    """The lines of ``undo.sh`` that stop *services* in reverse order. Raises IdentityError."""
    lines: List[str] = []
    for service in services[::-1]:
        lines += service.render_stop(timeout)
    return lines


def render_starts(services: Sequence[Service], timeout: float) -> List[str]:
    """The lines of ``undo.sh`` that start *services* in order. Raises IdentityError."""
    lines: List[str] = []
    for service in services:
        lines += service.render_start(timeout)
    return lines


def list_service_files(services: Sequence[Service]) -> List[str]:
    """Files that set *services* up. Raises ServiceError."""
    found: List[str] = []
    for kind, own in _group_by_kind(services):
        found += kind.list_files(own)
    return found


def flush_logs(services: Sequence[Service]) -> None:
    """Return when what *services* wrote so far is in their logs, or after a few seconds."""
    for kind, own in _group_by_kind(services):
        kind.flush_log(own)


def read_logs(services: Sequence[Service], since: float, until: float) -> str:
    """What *services* logged between two moments, in seconds since the epoch. Raises ServiceError."""
    return "\n".join(kind.read_log(own, since, until) or "" for kind, own in _group_by_kind(services))
