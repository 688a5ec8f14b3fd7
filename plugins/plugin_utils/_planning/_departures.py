# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that constraints drop or replace, and those that take their places. Functions of data only."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import MoveReason, VersionLimit
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.requirements import Requirement


@dataclasses.dataclass(frozen=True)
class Departures:
    """What constraints make of a step: the packages that remain, the limits on them, and why the others leave.

    ``excluded`` are the names that no lock may have, whatever requires them.
    """

    packages: PackageSet
    limits: tuple[VersionLimit, ...]
    reasons: Mapping[str, MoveReason]
    excluded: frozenset[str]


def apply_departures(packages: PackageSet, limits: Sequence[VersionLimit]) -> Departures:
    """Take the packages that *limits* drop or replace out of *packages*, and demand the replacements of those there."""
    orders = {limit.name: limit for limit in limits if limit.is_departure()}
    if not orders:
        return Departures(packages, tuple(limits), {}, frozenset())
    remaining = [limit for limit in limits if limit.name not in orders]
    reasons = {}
    for name, order in sorted(orders.items()):
        if name not in packages.pins:
            continue
        reasons[name] = MoveReason(order.evidence, order.describe_departure(), order.date)
        if order.replaced_by:
            remaining.append(
                VersionLimit(
                    normalize_name(Requirement(order.replaced_by).name),
                    order.replaced_by,
                    f"replaces {name} {packages.pins[name]}: {order.reason}",
                    order.evidence,
                    order.date,
                    install=True,
                )
            )
    return Departures(packages.without(set(orders)), tuple(remaining), reasons, frozenset(orders))
