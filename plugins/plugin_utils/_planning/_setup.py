# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plan and rehearse share on the controller: their options, the parts that planning works with, and the files of the plan directory."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters.uv import list_managed_interpreters
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories, load_advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex, PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import Resolver, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import PlanError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import collect_earlier_steps

SOURCE_OPTIONS: dict[str, Any] = {
    "indexes": {"type": "list", "elements": "raw", "default": []},
    "find_links": {"type": "list", "elements": "path", "default": []},
    "offline": {"type": "bool", "default": False},
}
PLANNING_OPTIONS: dict[str, Any] = {
    "target": {"type": "str", "required": True},
    "plan_dir": {"type": "path", "required": True},
    "cache_dir": {"type": "path", "default": "~/.cache/oxzep7"},
    "inventories": {"type": "str", "default": "inventory_result"},
    "copies": {"type": "str", "default": "plan_copies"},
    "advisories": {"type": "path"},
    "fix_advisories": {"type": "bool", "default": False},
    **SOURCE_OPTIONS,
}
CONSTRAINTS_HEADING = """---
# What must hold from a Python on, and why. Rehearsals add lines at the end; edit, correct and remove what you know better.
"""


@dataclasses.dataclass(frozen=True)
class PlanningTools:
    """The parts that planning works with."""

    sources: PackageSources
    index: PackageIndex
    builder: WheelBuilder
    locker: StepLocker
    advisories: Advisories | None
    cache: pathlib.Path


def build_sources(given: Mapping[str, Any]) -> PackageSources:
    """Where packages come from, by the validated options *given*. Raises ValueError."""
    return PackageSources.from_options(
        given["indexes"], [str(expand_path(folder)) for folder in given["find_links"]], given["offline"]
    )


def build_tools(given: Mapping[str, Any]) -> PlanningTools:
    """The parts for the validated options *given*. Raises UvMissing, AdvisoriesUnreadable, IndexUnavailable, ValueError."""
    cache, uv = expand_path(given["cache_dir"]), find_uv()
    sources = build_sources(given)
    index, builder = PackageIndex(sources, cache), WheelBuilder(cache, uv, sources)
    advisories = load_advisories(expand_path(given["advisories"])) if given["advisories"] else None
    return PlanningTools(
        sources, index, builder, StepLocker(Resolver(cache, uv, sources), index, builder), advisories, cache
    )


def build_planner(given: Mapping[str, Any], parts: PlanningTools, reviewed: bool = False) -> Planner:
    """The planner for the validated options *given*; what the plan directory has already is kept where it is asked the same."""
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
        reviewed=reviewed,
        managed=lambda entry, architecture: list_managed_interpreters(find_uv(), architecture, entry.get("downloads")),
    )


def build_planned_host(
    name: str, facts: Mapping[str, Any], given: Mapping[str, Any], learned: Sequence[Mapping[str, Any]]
) -> PlannedHost | None:
    """The host *name* as its variables *facts* tell it, or None when its inventory is not there."""
    taken = facts.get(given["inventories"])
    if not taken or taken.get("failed") or taken.get("unreachable") or "applications" not in taken:
        return None
    declared = {entry.get("name"): entry for entry in facts.get("oxzep7_applications") or []}
    scans = {entry["name"]: entry for entry in taken.get("sources") or []}
    copies = (facts.get(given["copies"]) or {}).get("copies") or {}
    applications = [
        {
            **entry,
            "goal": declared.get(entry["name"], {}).get("goal") or "compatibility",
            "scan": scans.get(entry["name"]),
            "declared": declared.get(entry["name"]) or {},
            "copies": copies.get(entry["name"]) or {},
            "wanted": list_wanted_packages(entry["environment"], scans.get(entry["name"])),
        }
        for entry in taken["applications"]
    ]
    return PlannedHost(
        name,
        taken["host"],
        applications,
        taken["interpreters"],
        facts.get("oxzep7_interpreters") or [],
        [*(facts.get("oxzep7_constraints") or []), *learned],
        str(facts.get("oxzep7_criticality") or ""),
    )


def list_wanted_packages(environment: Mapping[str, Any] | None, scan: Mapping[str, Any] | None) -> list[str]:
    """The packages of *environment* that the application itself names in its requirement files or imports in its source."""
    if environment is None or scan is None:
        return []
    imports = set(scan["imports"])
    named = set(scan["required"])
    return sorted(
        {
            normalize_name(package["name"])
            for package in environment["packages"]
            if normalize_name(package["name"]) in named or imports.intersection(package.get("modules") or [])
        }
    )


def read_constraints(directory: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of ``constraints.yml`` in the plan directory. Raises PlanError."""
    path = directory / "constraints.yml"
    try:
        lines = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except FileNotFoundError:
        return []
    except (OSError, yaml.YAMLError) as error:
        raise PlanError(f"{path} cannot be read: {error}; correct it") from None
    if not isinstance(lines, list) or not all(isinstance(line, dict) and line.get("requirement") for line in lines):
        raise PlanError(f"{path} is no list of mappings that have `requirement`; correct it")
    return lines


def append_constraints(directory: pathlib.Path, rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Add those of *rows* to ``constraints.yml`` that are not there; what was written stays as it is. Returns those added."""
    path = directory / "constraints.yml"
    with lock_file(directory / ".constraints.lock"):
        known = {(str(line["requirement"]), str(line.get("python") or "")) for line in read_constraints(directory)}
        added = [dict(row) for row in rows if (row["requirement"], row.get("python", "")) not in known]
        if added:
            before = path.read_text(encoding="utf-8") if path.exists() else CONSTRAINTS_HEADING
            text = yaml.safe_dump(added, sort_keys=False, allow_unicode=True, width=140)
            write_private(path, before.rstrip("\n") + "\n" + text)
    return added
