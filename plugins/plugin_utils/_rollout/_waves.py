# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves: which hosts are upgraded together, and in which order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._order import CRITICALITIES
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._amount import (
    Amount,
    AmountError,
    is_zero_amount,
    round_amount_down,
    round_amount_up,
)

WAVES, MAX_UNAVAILABLE = "oxzep7_waves", "oxzep7_max_unavailable"


class WavesError(CollectionError, ValueError):
    """Waves that cannot be made as they were asked for; the text says why and what to change."""


@dataclasses.dataclass(frozen=True)
class RolloutHost:
    """One host of a rollout: its criticality, the environments that change on it, and the interrupted applications.

    Equal environments have equal names on all hosts.
    """

    name: str
    criticality: str = "normal"
    environments: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class WavePolicy:
    """How waves are made.

    ``shape``: counts and percentages of hosts, the last of which repeats, and lists of hosts and groups for waves with
    exactly these. ``max_unavailable``: how many of the hosts of one application may be in a wave; one always may.
    ``population``: how many hosts have each application, whether they are part of the rollout or not.
    ``down``: how many of these may be without it from the beginning, because they could not be reached.
    ``canaries``: whether a host waits until another one with the same environment was in an earlier wave.
    """

    shape: Sequence[Amount | Sequence[str]]
    max_unavailable: Amount = "100%"
    population: Mapping[str, int] = dataclasses.field(default_factory=dict)
    canaries: bool = True
    groups: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    down: Mapping[str, int] = dataclasses.field(default_factory=dict)


def cut_waves(members: Sequence[RolloutHost], policy: WavePolicy) -> list[list[str]]:
    """Cut *members* into waves: named ones first, then by criticality from low to high, the shape anew with each.

    Raises WavesError, AmountError.
    """
    if not policy.shape:
        raise WavesError(f"{WAVES} is empty; give at least one count or percentage")
    known = {member.name: member for member in members}
    cut = _WaveCutter(policy, _compute_member_limits(members, policy))
    shape: list[Amount] = []
    for entry in policy.shape:
        if isinstance(entry, (int, str)):
            shape.append(entry)
        elif isinstance(entry, (list, tuple)) and not shape:
            cut.place_named_wave([known[name] for name in _resolve_names(entry, policy.groups) if name in known])
        else:
            raise WavesError(
                f"{WAVES}: {entry!r} is neither a count nor a percentage nor a list of hosts and groups before those"
            )
    for criticality in CRITICALITIES:
        rest = [member for member in members if member.criticality == criticality and member.name not in cut.placed]
        # Hosts without a name in a list come last, together.
        cut.place_by_shape(rest, shape or ["100%"])
    return cut.made


def _resolve_names(entry: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The hosts of a wave that is made as it is named: hosts, and the hosts of groups."""
    names: list[str] = []
    for name in map(str, entry):
        names += groups.get(name, [name])
    return list(dict.fromkeys(names))


def _compute_member_limits(members: Sequence[RolloutHost], policy: WavePolicy) -> dict[str, int]:
    """How many hosts of each application may be in one wave."""
    own: dict[str, int] = {}
    for member in members:
        if member.criticality not in CRITICALITIES:
            raise WavesError(
                f"{member.name}: oxzep7_criticality is {member.criticality!r}; it is one of {', '.join(CRITICALITIES)}"
            )
        for name in member.applications:
            own[name] = own.get(name, 0) + 1
    limits = compute_interruption_limits(own, policy)
    return {name: max(1, limit - policy.down.get(name, 0)) for name, limit in limits.items()}


def compute_interruption_limits(own: Mapping[str, int], policy: WavePolicy) -> dict[str, int]:
    """Return how many hosts of each application may be interrupted at once, of *own* or of all. Raises AmountError."""
    if is_zero_amount(policy.max_unavailable, MAX_UNAVAILABLE):
        raise AmountError(
            f"{MAX_UNAVAILABLE}: {policy.max_unavailable!r} lets nothing be upgraded; give a positive count or "
            "percentage"
        )
    found = {}
    for name, count in own.items():
        found[name] = max(
            1, round_amount_down(policy.max_unavailable, max(count, policy.population.get(name, 0)), MAX_UNAVAILABLE)
        )
    return found


def limit_interruptions(
    applications: Iterable[Sequence[str]], max_unavailable: Amount, population: Mapping[str, Any]
) -> dict[str, int]:
    """How many hosts of each of *applications*, the names of each host, may be interrupted at once.

    *population* says how many hosts have each application at all. Raises AmountError.
    """
    own: dict[str, int] = {}
    for names in applications:
        for name in names:
            own[name] = own.get(name, 0) + 1
    known = {name: int(count) for name, count in population.items()}
    return compute_interruption_limits(own, WavePolicy(["100%"], max_unavailable, known))


class _WaveCutter:
    """Waves in the making: the placed hosts, and the environments of earlier waves."""

    def __init__(self, policy: WavePolicy, limits: Mapping[str, int]) -> None:
        self._policy = policy
        self._limits = limits
        self._met: set[str] = set()
        self.placed: set[str] = set()
        self.made: list[list[str]] = []

    def _add_wave(self, wave: Sequence[RolloutHost]) -> None:
        if wave:
            self.made.append([member.name for member in wave])
            self.placed.update(member.name for member in wave)
            self._met.update(*(member.environments for member in wave))

    def place_named_wave(self, wave: Sequence[RolloutHost]) -> None:
        """Place exactly *wave*. Raises WavesError where that is more of an application than may be interrupted."""
        wave = [member for member in wave if member.name not in self.placed]
        for name, limit in self._limits.items():
            hosts = [member.name for member in wave if name in member.applications]
            if len(hosts) > limit:
                raise WavesError(
                    f"wave {len(self.made) + 1} of {WAVES} has {len(hosts)} hosts of {name} ({', '.join(hosts)}), "
                    f"and {MAX_UNAVAILABLE} allows "
                    f"{limit} at once; name fewer, or allow more"
                )
        self._add_wave(wave)

    def place_by_shape(self, members: Sequence[RolloutHost], shape: Sequence[Amount]) -> None:
        """Place all of *members* by *shape*; those who meet an environment first come first."""
        waiting = self._canaries_first(members)
        total, number = len(waiting), 0
        while waiting:
            size = round_amount_up(shape[min(number, len(shape) - 1)], total, WAVES)
            wave = self._select_wave(waiting, size)
            self._add_wave(wave)
            waiting = [member for member in waiting if member.name not in self.placed]
            number += 1

    def _canaries_first(self, members: Sequence[RolloutHost]) -> list[RolloutHost]:
        met = set(self._met)
        first: list[RolloutHost] = []
        others: list[RolloutHost] = []
        for member in members:
            (others if member.environments <= met else first).append(member)
            met |= member.environments
        return first + others

    def _select_wave(self, waiting: Sequence[RolloutHost], size: int) -> list[RolloutHost]:
        """At most *size* of *waiting*; the first of them is always among them, so that there is an end."""
        wave: list[RolloutHost] = []
        interrupted: dict[str, int] = {}
        fresh: set[str] = set()
        for member in waiting:
            if len(wave) == size:
                break
            if any(interrupted.get(name, 0) >= self._limits[name] for name in member.applications):
                continue
            if self._policy.canaries and wave and member.environments & fresh:
                continue
            wave.append(member)
            fresh |= member.environments - self._met
            for name in member.applications:
                interrupted[name] = interrupted.get(name, 0) + 1
        return wave
