# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an environment no lock accounts for, and what an operator wants to become of it. Data in, data out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import join_names

# Leftovers of an interrupted pip, which an environment does not need.
IGNORED_KINDS = ("leftover",)


def find_local_changes(environment: Mapping[str, Any]) -> tuple[list[str], list[Mapping[str, Any]]]:
    """The files of *environment* in no package, and those of packages that were changed by hand."""
    return (
        [entry["path"] for entry in environment.get("unmanaged") or [] if entry["kind"] not in IGNORED_KINDS],
        list(environment.get("modified") or []),
    )


def select_cargo(environment: Mapping[str, Any], policy: str) -> dict[str, Any] | None:
    """What is taken along under *policy*, as the module environment wants it; None where that is nothing."""
    files, changed = find_local_changes(environment)
    if policy not in ("copy", "patch") or not (files or changed):
        return None
    keys = ("path", "package", "version", "diff") if policy == "patch" else ("path", "package", "version")
    kept = [{key: entry[key] for key in keys} for entry in changed]
    return {"policy": policy, "files": files, "changes": kept}


def check_cargo(application: str, environment: Mapping[str, Any], policy: str) -> list[dict[str, Any]]:
    """Blocking findings about files in the *environment* of *application* that an upgrade would lose."""
    files, changed = find_local_changes(environment)
    found = []
    if policy == "ask" and files:
        found.append(
            build_finding(
                key="unmanaged-files",
                detail=f"{application}: in no package, so an upgrade would leave them behind: {join_names(files)}",
                remediation="package them, or set `carry` of the application to copy or drop",
            )
        )
    if policy == "ask" and changed:
        found.append(
            build_finding(
                key="modified-files",
                detail=f"{application}: changed by hand: {join_names([entry['path'] for entry in changed])}",
                remediation="publish the changes as package versions, "
                "or set `carry` of the application to patch, copy or drop",
            )
        )
    known = len(environment.get("unmanaged") or []) + len(changed)
    counts = environment.get("counts") or {}
    if policy in ("copy", "patch") and (counts.get("unmanaged") or 0) + (counts.get("modified") or 0) > known:
        found.append(
            build_finding(
                key="too-many-to-carry",
                detail=f"{application}: more files than the inventory lists ({known}) are in no package "
                "or were changed",
                remediation="package them, or set `carry` of the application to drop",
            )
        )
    unknown = [entry["path"] for entry in changed if not entry.get("diff")] if policy == "patch" else []
    if unknown:
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
