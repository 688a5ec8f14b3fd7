# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The selection of a rollback, and the order of its hosts. Pure functions of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._order import order_applications
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout import _policy as _rollout
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._selection import EVERYTHING, Selection
from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._waves import RolloutHost, WavePolicy, cut_waves


class ScopeError(CollectionError, ValueError):
    """An empty or unknown selection for a rollback; the text names the option to correct."""


def select_rollback_applications(
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
    names: Sequence[str],
    run: str,
    wave: int,
    known: Sequence[Sequence[str]],
    selection: Selection = EVERYTHING,
) -> dict[str, list[Mapping[str, Any]]]:
    """Select the applications with one of *names*, or all, of each of *hosts*. Raises ScopeError for an empty result.

    *selection* leaves out others.

    With *run* those that it promoted; with *wave* those of the hosts that the *known* waves have in it.
    """
    if wave and not 0 < wave <= len(known):
        raise ScopeError(f"there are {len(known)} waves; there is no wave {wave}")
    chosen = set(hosts) & set(known[wave - 1]) if wave else set(hosts)
    found: dict[str, list[Mapping[str, Any]]] = {host: [] for host in hosts}
    for host in [name for name in hosts if name in chosen]:
        for application in hostvars[host].get("oxzep7_applications") or []:
            promoted = not run or run in _list_runs(hostvars[host], application["name"])
            if promoted and selection.includes(application["name"]) and (not names or application["name"] in names):
                found[host].append(application)
    if not any(found.values()):
        of_wave = f" in wave {wave}" if wave else ""
        raise ScopeError(
            f"run {run} promoted nothing of {', '.join(names) or 'any application'} on a host of this rollback{of_wave}"
            "; correct oxzep7_rollback_run, or --limit"
            if run
            else f"no host of this run{of_wave} declares {', '.join(names) or 'an application'}; correct "
            f"oxzep7_rollback_applications{', oxzep7_rollback_wave' if wave else ''}"
            f"{', oxzep7_only_applications, oxzep7_skip_applications' if selection != EVERYTHING else ''}, or --limit"
        )
    return found


def _list_runs(facts: Mapping[str, Any], name: str) -> Sequence[str]:
    return ((facts.get("rollback_records") or {}).get("runs") or {}).get(name) or ()


def order_rollback(applications: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return those of the declared *applications* with one of *names*, the one first that an upgrade takes last."""
    known = {str(application["name"]): application for application in applications}
    return [known[name] for name in reversed(order_applications(applications)) if name in names]


def order_rollback_waves(
    meant: Mapping[str, Sequence[Mapping[str, Any]]],
    known: Sequence[Sequence[str]],
    own: Mapping[str, str],
    rules: WavePolicy,
) -> list[list[str]]:
    """Return the hosts of *meant* in waves: the *known* ones backwards, split where one would interrupt too many hosts.

    Hosts that no wave has come last, by the policy *rules*, the most critical first. Raises WavesError, AmountError.
    """
    members = {}
    for host, applications in meant.items():
        members[host] = RolloutHost(
            host,
            _rollout.derive_criticality(own.get(host, ""), applications),
            frozenset(),
            frozenset(entry["name"] for entry in applications),
        )
    placed = {host for wave in known for host in wave}
    every = (
        [cut_waves([member for name, member in members.items() if name not in placed], rules)]
        if set(members) - placed
        else []
    )
    pieces = WavePolicy(["100%"], rules.max_unavailable, rules.population, False, down=rules.down)
    every += [cut_waves([members[host] for host in wave if host in members], pieces) for wave in known]
    return [list(wave) for group in reversed(every) for wave in reversed(group)]
