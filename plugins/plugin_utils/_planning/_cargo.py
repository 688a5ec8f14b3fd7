# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an environment no lock accounts for, and what an operator wants to become of it. Data in, data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._local_changes import (
    CARRY_ADVICE,
    MISSING,
    MODIFIED,
    UNMANAGED,
    LocalChange,
    list_local_changes,
)
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

CARRYING_POLICIES = ("copy", "patch")
KINDS = (UNMANAGED, MODIFIED, MISSING)


def select_cargo(environment: Mapping[str, Any], policy: str) -> dict[str, Any] | None:
    """What is taken along under *policy*, as the module environment wants it; None where that is nothing."""
    changes = list_local_changes(environment)
    if policy not in CARRYING_POLICIES or not changes:
        return None
    cargo: dict[str, Any] = {"policy": policy, "files": [], "changes": []}
    for change in changes:
        row: dict[str, Any] = {"path": change.path, "package": change.package, "version": change.version}
        if change.change == UNMANAGED:
            cargo["files"].append(change.path)
        elif change.change == MISSING:
            cargo.setdefault("removed", []).append(row)
        else:
            if policy == "patch":
                row["diff"] = change.diff
                row.update({"digest": change.digest} if change.digest else {})
            cargo["changes"].append(row)
    return cargo


def describe_local_changes(environment: Mapping[str, Any]) -> list[str]:
    """A line for each file of *environment* that differs from its packages."""
    return [change.describe() for change in list_local_changes(environment)]


def check_cargo(application: str, environment: Mapping[str, Any], policy: str) -> list[dict[str, Any]]:
    """Blocking findings about files in the *environment* of *application* that an upgrade would lose."""
    changes = list_local_changes(environment)
    found = _build_change_findings(application, changes) if policy == "ask" else []
    lists = [environment.get(kind) or [] for kind in KINDS]
    counts = environment.get("counts") or {}
    if policy in CARRYING_POLICIES and sum(counts.get(kind) or 0 for kind in KINDS) > sum(map(len, lists)):
        found.append(
            build_finding(
                key="too-many-to-carry",
                detail=f"{application}: more files than the inventory lists ({sum(map(len, lists))}) are in no package "
                "or were changed",
                remediation="package them, or set `carry` of the application to drop",
            )
        )
    unknown = [change.path for change in changes if change.change == MODIFIED and not change.diff]
    if policy == "patch" and unknown:
        found.append(
            build_finding(
                key="change-unknown",
                detail=f"{application}: what was changed is not known, because no original was found: "
                f"{join_names(unknown)}",
                remediation="put the packages' wheels where oxzep7_download_originals finds them, "
                "or set `carry` of the application to copy or drop",
            )
        )
    return found


def _build_change_findings(application: str, changes: Sequence[LocalChange]) -> list[dict[str, Any]]:
    listed = {}
    for kind in KINDS:
        listed[kind] = "; ".join(change.describe() for change in changes if change.change == kind)
    advice = f"publish them as package versions, or {CARRY_ADVICE}"
    found = []
    if listed[UNMANAGED]:
        found.append(
            build_finding(
                key="unmanaged-files",
                detail=f"{application}: in no package, so an upgrade would leave them behind: {listed[UNMANAGED]}",
                remediation=advice,
            )
        )
    if listed[MODIFIED]:
        found.append(
            build_finding(
                key="modified-files",
                detail=f"{application}: changed by hand: {listed[MODIFIED]}",
                remediation=advice,
            )
        )
    if listed[MISSING]:
        found.append(
            build_finding(
                key="missing-files",
                detail=f"{application}: recorded by packages and removed, so an upgrade would bring them back: "
                f"{listed[MISSING]}",
                remediation=advice,
            )
        )
    return found
