# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the planner and its parts from the options of a task."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._build_interpreters import (
    BuildInterpreters,
    choose_unpack_directory,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import UnpackPlace
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters.uv import list_managed_interpreters
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories, load_advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import Resolver, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import WheelStore
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._later_wheels import (
    LaterWheels,
    build_fetcher,
    note_clean_versions,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Obtaining, Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import collect_earlier_steps


@dataclasses.dataclass(frozen=True)
class PlanningTools:
    """The parts that planning works with."""

    sources: PackageSources
    index: PackageIndex
    store: WheelStore
    builder: WheelBuilder
    locker: StepLocker
    advisories: Advisories | None
    cache: pathlib.Path


def build_sources(given: Mapping[str, Any]) -> PackageSources:
    """Where packages come from, by the validated options *given*. Raises ValueError."""
    return PackageSources.from_options(
        given["indexes"], [str(expand_path(folder)) for folder in given["find_links"]], given["offline"]
    )


def list_managed(entry: Mapping[str, Any], architecture: str) -> Sequence[Mapping[str, str]]:
    """A `ManagedLister`: what uv can install for *entry*."""
    return list_managed_interpreters(find_uv(), architecture, entry.get("downloads"))


def build_tools(given: Mapping[str, Any], entries: Sequence[Mapping[str, Any]] = ()) -> PlanningTools:
    """The parts for the validated options *given*; *entries* of oxzep7_interpreters are what wheels are built with.

    Raises CollectionError.
    """
    cache, uv = expand_path(given["cache_dir"]), find_uv()
    sources = build_sources(given)
    place = UnpackPlace(cache, choose_unpack_directory(cache), bool(given["offline"]))
    here = BuildInterpreters(entries, place, list_managed)
    index, builder = PackageIndex(sources, cache), WheelBuilder(cache, uv, sources, provide=here.provide)
    store = WheelStore(cache, sources, index)
    resolver = Resolver(cache, uv, sources, store, index)
    advisories = load_advisories(expand_path(given["advisories"])) if given["advisories"] else None
    return PlanningTools(sources, index, store, builder, StepLocker(resolver, index, builder), advisories, cache)


def note_installed_uses(hosts: Iterable[PlannedHost], parts: PlanningTools, given: Mapping[str, Any]) -> None:
    """As `note_clean_versions`, for the validated options *given*. Raises UnknownVersionError."""
    note_clean_versions(hosts, build_later_wheels(parts), given["target"])


def build_later_wheels(parts: PlanningTools) -> LaterWheels:
    """What reads the wheels of later versions."""
    return LaterWheels(parts.index, build_fetcher(parts.sources), parts.cache)


def build_planner(given: Mapping[str, Any], parts: PlanningTools, review: Mapping[str, Any] | None = None) -> Planner:
    """The planner for the validated options *given*; equal steps of the plan directory are kept.

    *review* is the document of the reviewed plan, if there has to be one.
    """
    directory = expand_path(given["plan_dir"])

    def lock(identifier: str) -> str | None:
        try:
            return (directory / "locks" / f"{identifier}.txt").read_text(encoding="utf-8")
        except OSError:
            return None

    try:
        document = json.loads((directory / "plan.json").read_text(encoding="utf-8"))
        earlier = collect_earlier_steps(document, lock)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        earlier = {}
    return Planner(
        given["target"],
        parts.locker,
        advisories=parts.advisories,
        fix=given["fix_advisories"],
        earlier=earlier,
        review=review,
        managed=list_managed,
        copying=bool(given.get("copy_packages")),
        obtaining=Obtaining(
            bool(given.get("copy_packages")),
            bool(given.get("builder")),
            tuple(given.get("built") or ()),
            given.get("building") or {},
        ),
    )
