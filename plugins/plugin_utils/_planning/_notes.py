# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes on the steps of an application for their review: risk with its terms, findings, and changes in Python."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._stay import check_stay
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.module_utils._services._registry import get_service_name
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._pinned_settings import check_pinned_settings
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _stdlib_changes
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._cargo import describe_local_changes
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._installed_uses import build_use_findings
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._retired import load_retired_packages

# Points of each term of the risk; an unknown term counts as if it applied.
RISK_POINTS = {
    "major moves": 3.0,
    "other moves": 0.5,
    "builds": 2.0,
    "findings": 5.0,
    "dependents": 1.0,
    "criticality": 5.0,
    "no tests": 15.0,
    "no checks": 10.0,
    "no backup": 15.0,
}
CRITICALITY_COUNTS = {"low": 0, "normal": 1, "high": 3}
MAXIMUM_NEWS = 12
MAXIMUM_WARNINGS = 3


class StepFinding(NamedTuple):
    """A finding, and the number of the step that it first concerns; None without steps."""

    step: int | None
    finding: dict[str, Any]


def build_notes(
    application: Mapping[str, Any], planned: Mapping[str, Any], advised: bool, today: datetime.date
) -> dict[str, Any]:
    """Risk, findings, success criteria, restarts and changes in Python of the *planned* steps of *application*.

    *today* decides whether the day until which it stays is past.
    """
    declared = application.get("declared") or {}
    scan = application.get("scan")
    steps = planned["steps"]
    minors = [_lifecycle.parse_version(step["to"])[0] for step in steps]
    current = [_lifecycle.parse_version(planned["from"])[0]] if steps else []
    placed = _collect_findings(application, planned, scan, advised)
    for entry in check_stay(planned["name"], planned.get("stay"), today):
        placed.append(StepFinding(None, entry))
    findings = [entry.finding for entry in placed]
    services = [get_service_name(service) for service in declared.get("services") or []]
    return {
        "risk": score_risk(application, steps, findings),
        "findings": findings,
        # By step, the positions of the findings that it is the first to meet.
        "met": [[at for at, entry in enumerate(placed) if entry.step == number] for number in range(len(steps))],
        "local": describe_local_changes(application["environment"]) if steps else [],
        "success": _list_success_criteria(declared),
        "services": services,
        "restarts": len(services) * len(steps),
        "last_downtime_ms": ((application.get("last") or {}).get("downtime_ms")),
        "python": [summarize_python_changes(scan, *pair) for pair in itertools.pairwise([*current, *minors])],
    }


def score_risk(
    application: Mapping[str, Any], steps: list[dict[str, Any]], findings: list[dict[str, Any]]
) -> dict[str, Any]:
    """The risk score: ``terms`` with count and points, and their sum, ``score``."""
    declared = application.get("declared") or {}
    moves = [row["move"] for step in steps for row in step["changes"]]
    environment = application["environment"] or {}
    counts = {
        "major moves": moves.count("major"),
        "other moves": len(moves) - moves.count("major"),
        "builds": len({name for step in steps for name in step["built"]}),
        "findings": len(findings),
        "dependents": max(len(environment.get("services") or []), len(declared.get("services") or [])),
        "criticality": CRITICALITY_COUNTS.get(str(declared.get("criticality") or "normal"), 1),
        "no tests": int(not declared.get("tests")),
        "no checks": int(not declared.get("checks")),
        "no backup": int(not declared.get("backup")),
    }
    terms = {name: {"count": count, "points": count * RISK_POINTS[name]} for name, count in counts.items() if count}
    return {"score": sum(term["points"] for term in terms.values()), "terms": terms}


def _collect_findings(
    application: Mapping[str, Any], planned: Mapping[str, Any], scan: Mapping[str, Any] | None, advised: bool
) -> list[StepFinding]:
    steps = planned["steps"]
    first = 0 if steps else None
    found: list[StepFinding] = []
    if steps and scan is None:
        found.append(
            StepFinding(
                first,
                build_finding(
                    key="source-unknown",
                    detail="its source was not read; what it uses of the standard library is unknown",
                    remediation="declare `source`",
                ),
            )
        )
    if steps and scan is not None:
        minors = [_lifecycle.parse_version(step["to"])[0] for step in steps]
        found += _check_source(scan, _lifecycle.parse_version(planned["from"])[0], minors)
    found += itertools.starmap(StepFinding, build_use_findings(scan, planned, application.get("clean") or {}))
    for number, step in enumerate(steps):
        for name, bound in step["doubts"].items():
            found.append(
                StepFinding(
                    number,
                    build_finding(
                        key="requires-python-excludes",
                        detail=f"{name} excludes Python {step['to']} ({bound}) in every version from the present one "
                        "on; it is kept",
                        remediation="rehearse, or replace the package",
                    ),
                )
            )
    found += _check_deprecations(application, planned)
    for name in (steps[0].get("copied") or []) if steps else []:
        found.append(
            StepFinding(
                first,
                build_finding(
                    key="package-copied",
                    detail=f"no source has {name}; its files are copied from this host as they are",
                    remediation="publish it, so that it can be rebuilt",
                ),
            )
        )
    if steps:
        found += [StepFinding(first, entry) for entry in _check_retired(application, steps)]
        pinned = application.get("pinned") or ()
        for entry in check_pinned_settings(pinned, str(planned.get("environment")), steps):
            found.append(StepFinding(first, entry))
    if application.get("goal") == "security" and not advised:
        found.append(
            StepFinding(
                first,
                build_finding(
                    key="advisories-missing",
                    detail="its goal is security, and there are no advisories",
                    remediation="give oxzep7_advisories",
                ),
            )
        )
    return found


def _check_deprecations(application: Mapping[str, Any], planned: Mapping[str, Any]) -> list[StepFinding]:
    """The finding about warnings that the present Python gave."""
    met = application.get("deprecations") or []
    if not met or not planned["steps"]:
        return []
    more = f" and {len(met) - MAXIMUM_WARNINGS} more" if len(met) > MAXIMUM_WARNINGS else ""
    finding = build_finding(
        key="deprecations-met",
        detail=f"Python {planned['from']} warned when it was built and tested: "
        f"{'; '.join(met[:MAXIMUM_WARNINGS])}{more}",
        remediation="rehearse; what is deprecated goes in some later version",
    )
    return [StepFinding(0, finding)]


def _check_retired(application: Mapping[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings about packages without releases that the last of *steps* still has."""
    left = {row["package"] for step in steps for row in step["changes"] if row["to"] is None}
    minor = _lifecycle.parse_version(steps[-1]["to"])[0]
    found = []
    for name in sorted({normalize_name(package["name"]) for package in application["environment"]["packages"]} - left):
        row = load_retired_packages().get(name)
        if row and row.kind == "dead":
            found.append(
                build_finding(key="package-retired", detail=row.describe(), remediation=row.describe_remedy(minor))
            )
    return found


def _check_source(scan: Mapping[str, Any], current: Minor, minors: Sequence[Minor]) -> list[StepFinding]:
    found = []
    for path in sorted({use[0] for use in scan["uses"]}):
        uses = [use[1:] for use in scan["uses"] if use[0] == path]
        for entry in _stdlib_changes.find_broken_uses(uses, current, minors[-1]):
            when = "on import" if entry.on_import else "when called"
            found.append(
                StepFinding(
                    next(number for number, minor in enumerate(minors) if minor >= entry.since),
                    build_finding(
                        key="source-uses-removed",
                        detail=f"{path}:{entry.line}: {_stdlib_changes.describe_broken_use(entry)} ({when})",
                        remediation="change the source before that step",
                    ),
                )
            )
    for problem in scan["problems"]:
        found.append(
            StepFinding(
                0,
                build_finding(
                    key="source-not-read",
                    detail=f"{problem['path']}: {problem['reason']}",
                    remediation="look at it; what it uses is unknown",
                ),
            )
        )
    if scan["dynamic"]:
        path, line = scan["dynamic"][0]
        found.append(
            StepFinding(
                0,
                build_finding(
                    key="source-imports-dynamically",
                    detail=f"{len(scan['dynamic'])} imports, the first in {path}:{line}, name their module when they "
                    "run",
                    remediation="tests tell what they import",
                ),
            )
        )
    return found


def _list_success_criteria(declared: Mapping[str, Any]) -> list[str]:
    found = [
        "every module that can be imported now can be imported",
        "every process of its services runs the new interpreter",
    ]
    found += [f"check {check['name']} passes, and keeps passing" for check in declared.get("checks") or []]
    for test in declared.get("tests") or []:
        command = test if isinstance(test, str) else " ".join(map(str, test))
        found.append(f"{command} ends with 0 before promotion")
    return found


def summarize_python_changes(scan: Mapping[str, Any] | None, before: Minor, minor: Minor) -> dict[str, Any]:
    """Removals, changed behaviour and news from *before* to *minor* in the modules that the source imports.

    Everything if the source is unknown. ``used`` are the removals that the source names.
    """
    imports = frozenset(scan["imports"]) | {"builtins", "open"} if scan is not None else None
    found = dict(_summarize_changes(imports, before, minor))
    named = {use[1] for use in scan["uses"]} if scan is not None else set()
    return {**found, "used": [name for name in found["removed"] if name in named]}


@functools.lru_cache(maxsize=1024)
def _summarize_changes(imports: frozenset[str] | None, before: Minor, minor: Minor) -> dict[str, Any]:
    def concerns(name: str) -> bool:
        return imports is None or name.split("(")[0].split(".")[0] in imports

    gone = [change for change in _stdlib_changes.list_removals(before, minor) if concerns(change.name)]
    other = [change for change in _stdlib_changes.list_alterations(before, minor) if concerns(change.name)]
    news = []
    for name in _stdlib_changes.load_additions().get(minor, ()):
        if imports is not None and concerns(name) and name.count(".") < 3:
            news.append(name.removeprefix("builtins."))
    return {
        "to": format_minor(minor),
        "removed": [change.name for change in gone],
        "changed": [f"{change.name}: {change.note}" for change in other],
        "new": news[:MAXIMUM_NEWS],
        "more": max(0, len(news) - MAXIMUM_NEWS),
    }
