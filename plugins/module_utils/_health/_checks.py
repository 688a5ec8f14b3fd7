# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates one health check: data in (the check's options), data out (passed, and the evidence)."""

import http.client
import json
import os
import socket
import time
from typing import Any, Callable, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._services import (
    COMMAND_TIMEOUT,
    ServiceError,
    read_unit_properties,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health import _freshness, _http, _logs
from ansible_collections.oxzep7.python.plugins.module_utils._health._where import CheckContext, Verdict
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    build_process_environment,
    get_current_identity,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command, split_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._processes import examine_processes

LISTEN_STATE = "0A"
# Units of this collection may end with a status of their own while a promotion is open.
UNDO_UNIT_PREFIX = "oxzep7-undo"
# Run by the environment's interpreter: what it is asked comes from standard input.
PYTHON_PROGRAM = """
import importlib, json, sys
asked = json.load(sys.stdin)
for name in asked["imports"]:
    importlib.import_module(name)
if asked["expression"] and not eval(asked["expression"], {name.split(".")[0]: importlib.import_module(name.split(".")[0]) for name in asked["imports"]}):
    sys.exit("%s is not true" % asked["expression"])
"""


def _check_tcp(options: Dict[str, Any], _where: CheckContext) -> Verdict:
    with socket.create_connection((options["host"], options["port"]), timeout=options["timeout"]):
        return True, "%s port %d accepts connections" % (options["host"], options["port"]), {}


def _check_systemd(options: Dict[str, Any], where: CheckContext) -> Verdict:
    names = ["ActiveState", "SubState", "Result", "NRestarts"]
    found = read_unit_properties([options["unit"]], names, options.get("user"))[options["unit"]]
    restarts = int(found.get("NRestarts") or 0)
    evidence = "%s is %s (%s), result %s, restarts %d" % (
        options["unit"],
        found.get("ActiveState"),
        found.get("SubState"),
        found.get("Result"),
        restarts,
    )
    # A start by hand begins to count anew, so any other number is of restarts that nobody asked for.
    steady = where.before is None or restarts in (0, where.before.get("restarts"))
    return found.get("ActiveState") == "active" and steady, evidence, {"restarts": restarts}


def _check_failed_units(options: Dict[str, Any], where: CheckContext) -> Verdict:
    done = run_command(
        ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"], COMMAND_TIMEOUT
    )
    if done.rc != 0:
        raise ServiceError("systemctl list-units: %s" % done.last_lines(2))
    failed = sorted(
        line.split()[0] for line in done.stdout.splitlines() if line.strip() and not line.startswith(UNDO_UNIT_PREFIX)
    )
    if where.before is None:
        return True, "%d units failed before" % len(failed), {"failed": failed}
    new = sorted(set(failed) - set(where.before.get("failed") or []) - set(options["ignore"]))
    return not new, "failed since: %s" % (", ".join(new) or "none"), {}


def _check_command(options: Dict[str, Any], where: CheckContext) -> Verdict:
    result = run_command(split_command(options["cmd"]), options["timeout"], where.identity)
    return (
        result.rc == options["rc"],
        "ended with %d, expected %d: %s" % (result.rc, options["rc"], result.last_lines()),
        {},
    )


def _check_process(options: Dict[str, Any], _where: CheckContext) -> Verdict:
    passed, evidence = examine_processes(
        [options["unit"]] if options.get("unit") else [],
        [options["pidfile"]] if options.get("pidfile") else [],
        options.get("interpreter"),
        None,
    )
    return passed, evidence, {}


def list_listening_ports() -> List[int]:
    """The TCP ports that something listens on here, from proc(5) ``net/tcp`` and ``net/tcp6``, sorted."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as stream:
                rows = [line.split() for line in stream.readlines()[1:]]
            found |= {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN_STATE}
    return sorted(found)


def _check_port(options: Dict[str, Any], _where: CheckContext) -> Verdict:
    there = options["port"] in list_listening_ports()
    return there, "%s listens on port %d" % ("something" if there else "nothing", options["port"]), {}


def _check_python(options: Dict[str, Any], where: CheckContext) -> Verdict:
    if not where.environment:
        return False, "there is no environment to ask", {}
    python = os.path.join(where.environment, "bin", "python")
    who = where.identity or get_current_identity()
    asked = json.dumps({"imports": options.get("imports") or [], "expression": options.get("expression")})
    done = run_command(
        [python, "-c", PYTHON_PROGRAM],
        options["timeout"],
        who,
        environment=build_process_environment(who, os.path.dirname(python)),
        stdin=asked,
    )
    return done.rc == 0, "ended with %d: %s" % (done.rc, done.last_lines(3)), {}


EVALUATORS: Dict[str, Callable[[Dict[str, Any], CheckContext], Verdict]] = {
    "http": _http.check_http,
    "tcp": _check_tcp,
    "port": _check_port,
    "systemd": _check_systemd,
    "failed_units": _check_failed_units,
    "command": _check_command,
    "process": _check_process,
    "log": _logs.check_log,
    "freshness": _freshness.check_freshness,
    "python": _check_python,
}


def evaluate_check(check: Dict[str, Any], where: CheckContext) -> Dict[str, Any]:
    """Run one *check*; ``{name, kind, passed, evidence, seconds, measured}``."""
    kind = next(kind for kind in EVALUATORS if check.get(kind) is not None)
    began = time.monotonic()
    try:
        passed, evidence, measured = EVALUATORS[kind](check[kind], where)
    except (OSError, ValueError, http.client.HTTPException, LookupError, ServiceError, RuntimeError) as error:
        passed, evidence, measured = False, "%s: %s" % (type(error).__name__, error), {}
    return {
        "name": check["name"],
        "kind": kind,
        "passed": passed,
        "evidence": evidence,
        "measured": measured,
        "seconds": round(time.monotonic() - began, 3),
    }


def evaluate_checks(
    checks: List[Dict[str, Any]], where: CheckContext, before: Optional[Dict[str, Dict[str, Any]]] = None
) -> List[Dict[str, Any]]:
    """Run every check, in order; *before* is what each measured before the promotion, by its name."""
    return [
        evaluate_check(check, where if before is None else where._replace(before=before.get(check["name"]) or {}))
        for check in checks
    ]


def collect_measurements(results: List[Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """What each of *results* measured, by the check's name."""
    return {result["name"]: result.get("measured") or {} for result in results}


def select_failures(results: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Those of *results* that did not pass, without those that an operator accepted to fail."""
    return [result for result in results if not result["passed"] and not result.get("accepted")]


def describe_results(results: List[Dict[str, Any]]) -> str:
    """One line per result in *results*: the check's name and its evidence."""
    return "; ".join("check %r (%s): %s" % (result["name"], result["kind"], result["evidence"]) for result in results)
