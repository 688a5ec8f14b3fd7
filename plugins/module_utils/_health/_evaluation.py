# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates declared health checks."""

import time
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext, Verdict
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import select_check_kind

# Seconds between two evaluations while an application becomes healthy.
POLL_SECONDS = 0.05


def evaluate_check(check: Dict[str, Any], context: CheckContext) -> Dict[str, Any]:
    """Evaluate one *check*; ``{name, kind, passed, evidence, seconds, measured}``."""
    kind, options = select_check_kind(check)
    began = time.monotonic()
    try:
        verdict = kind.evaluate(options, context)
    except (CollectionError, OSError, ValueError) as error:
        verdict = Verdict(False, "%s: %s" % (type(error).__name__, error))
    return {
        "name": check["name"],
        "kind": kind.name,
        "passed": verdict.passed,
        "evidence": verdict.evidence,
        "measured": verdict.measured,
        "seconds": round(time.monotonic() - began, 3),
    }


def evaluate_checks(
    checks: List[Dict[str, Any]], context: CheckContext, before: Optional[Dict[str, Dict[str, Any]]] = None
) -> List[Dict[str, Any]]:
    """Evaluate *checks* in order; *before* holds the measurements before the promotion, by the check's name."""
    results = []
    for check in checks:
        measured = None if before is None else before.get(check["name"]) or {}
        results.append(evaluate_check(check, context._replace(before=measured)))
    return results


def estimate_check_seconds(checks: List[Dict[str, Any]]) -> float:
    """The longest time in seconds that one evaluation of all *checks* may take."""
    total = 0.0
    for check in checks:
        kind, options = select_check_kind(check)
        total += kind.estimate_seconds(options)
    return total


def collect_measurements(results: List[Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """The measurements of each of *results*, by the check's name."""
    return {result["name"]: result.get("measured") or {} for result in results}


def select_failures(results: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Those of *results* that did not pass, except failures that the operator accepted."""
    return [result for result in results if not result["passed"] and not result.get("accepted")]


def describe_results(results: List[Dict[str, Any]]) -> str:
    """The name, kind and evidence of each of *results*, as text."""
    return "; ".join("check %r (%s): %s" % (result["name"], result["kind"], result["evidence"]) for result in results)
