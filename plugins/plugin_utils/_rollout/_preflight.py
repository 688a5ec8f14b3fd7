# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings of preflight that only the controller can make, and the lines that stop a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import expand_path
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import get_controller_source


def check_clock_skew(
    clock: float, before: float, after: float, most: float, steps: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return a finding if *clock*, which was read between *before* and *after*, is off by more than *most* seconds.

    It concerns the applications of *steps*.
    """
    off = max(before - clock, clock - after, 0.0)
    if off <= most:
        return []
    direction = "behind" if clock < before else "ahead of"
    finding = build_finding(
        key="clock-skewed",
        detail=f"its clock is {off:.0f} seconds {direction} the controller's, and {most:g} are allowed",
        remediation="have it keep time, for example with chrony",
    )
    return [{**finding, "applications": sorted({step["application"] for step in steps})}]


def check_controller_archives(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a finding for each file that an interpreter of *steps* needs on the controller and that does not exist."""
    needed: dict[tuple[str, str], set[str]] = {}
    for step in steps:
        entry = step["interpreter"]
        for path in get_controller_source(entry["source"]).list_needed_files(entry):
            needed.setdefault((str(entry["version"]), path), set()).add(step["application"])
    found = []
    for (version, path), names in sorted(needed.items()):
        if not _is_file(path):
            found.append({**_build_archive_finding(version, path), "applications": sorted(names)})
    return found


def _is_file(path: str) -> bool:
    return expand_path(path).is_file()


def _build_archive_finding(version: str, path: str) -> dict[str, Any]:
    return build_finding(
        key="interpreter-unobtainable",
        detail=f"Python {version}: {path} does not exist on the controller",
        remediation="put it there, or correct oxzep7_interpreters",
    )


def _format_finding(host: str, finding: Mapping[str, Any]) -> str:
    return f"{host}: {finding['detail']} ({finding['key']}); {finding['remediation']}"


def list_blocking_lines(
    hostvars: Mapping[str, Any], hosts: Sequence[str], reachable: Sequence[str], known: Sequence[str]
) -> list[str]:
    """Return a line for each blocking finding, and one for each of *hosts* that is not *reachable*; no *known* keys."""
    unreachable = build_finding(
        key="host-unreachable",
        detail="it could not be reached, or failed before",
        remediation="repair the connection, leave the host out with --limit, or run without oxzep7_blocked=stop",
    )
    lines = []
    for host in hosts:
        result = hostvars[host].get("preflight_result") or {}
        lines += [_format_finding(host, entry) for entry in result.get("blocking") or []]
        if host not in reachable and unreachable["key"] not in known:
            lines.append(_format_finding(host, unreachable))
    return lines
