# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates one health check: data in (the check's options), data out (passed, and the evidence)."""

import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._health._processes import examine
from ansible_collections.oxzep7.python.plugins.module_utils._identity import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._runner import run, words
from ansible_collections.oxzep7.python.plugins.module_utils._services import ServiceError, unit_properties

BODY_LIMIT = 1 << 20
Verdict = Tuple[bool, str]


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """Answer a redirect as it came: a check judges the status it asked for."""


def fetch(url: str, timeout: float, validate_certs: bool = True) -> Tuple[int, bytes]:
    """Status and body (at most 1 MiB) of *url*, past any proxy and without following redirects.

    Raises OSError when there is no answer within *timeout* seconds.
    """
    context = ssl.create_default_context()
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _KeepRedirects())
    try:
        with opener.open(url, timeout=timeout) as answer:
            return answer.getcode(), answer.read(BODY_LIMIT)
    except urllib.error.HTTPError as error:
        return error.code, error.read(BODY_LIMIT)


def _http(options: Dict[str, Any], _identity: Optional[Identity]) -> Verdict:
    status, body = fetch(options["url"], options["timeout"], options["validate_certs"])
    text = body.decode("utf-8", "replace")
    if status != options["status"]:
        return False, "%s answered %d, not %d: %s" % (options["url"], status, options["status"], text[:300])
    if options.get("body") and not re.search(options["body"], text):
        return False, "%s answered without a match for %r: %s" % (options["url"], options["body"], text[:300])
    return True, "%d" % status


def _tcp(options: Dict[str, Any], _identity: Optional[Identity]) -> Verdict:
    with socket.create_connection((options["host"], options["port"]), timeout=options["timeout"]):
        return True, "%s port %d accepts connections" % (options["host"], options["port"])


def _systemd(options: Dict[str, Any], _identity: Optional[Identity]) -> Verdict:
    names = ["ActiveState", "SubState", "Result", "NRestarts"]
    found = unit_properties([options["unit"]], names)[options["unit"]]
    return found.get("ActiveState") == "active", "%s is %s (%s), result %s, restarts %s" % (
        options["unit"], found.get("ActiveState"), found.get("SubState"), found.get("Result"), found.get("NRestarts"))


def _command(options: Dict[str, Any], identity: Optional[Identity]) -> Verdict:
    result = run(words(options["cmd"]), options["timeout"], identity)
    return result.rc == options["rc"], "ended with %d, expected %d: %s" % (result.rc, options["rc"], result.last_lines())


def _process(options: Dict[str, Any], _identity: Optional[Identity]) -> Verdict:
    return examine([options["unit"]] if options.get("unit") else [], [options["pidfile"]] if options.get("pidfile") else [],
                   options.get("interpreter"), None)


EVALUATORS: Dict[str, Callable[[Dict[str, Any], Optional[Identity]], Verdict]] = {
    "http": _http, "tcp": _tcp, "systemd": _systemd, "command": _command, "process": _process,
}


def evaluate(check: Dict[str, Any], identity: Optional[Identity]) -> Dict[str, Any]:
    """Run one *check*; ``{name, kind, passed, evidence, seconds}``. Commands run as *identity*."""
    kind = next(kind for kind in EVALUATORS if check.get(kind))
    began = time.monotonic()
    try:
        passed, evidence = EVALUATORS[kind](check[kind], identity)
    except (OSError, ValueError, http.client.HTTPException, ServiceError) as error:
        passed, evidence = False, "%s: %s" % (type(error).__name__, error)
    return {"name": check["name"], "kind": kind, "passed": passed, "evidence": evidence,
            "seconds": round(time.monotonic() - began, 3)}


def evaluate_all(checks: List[Dict[str, Any]], identity: Optional[Identity]) -> List[Dict[str, Any]]:
    """Run every check, in order."""
    return [evaluate(check, identity) for check in checks]


def failures(results: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Those of *results* that did not pass."""
    return [result for result in results if not result["passed"]]


def describe(results: List[Dict[str, Any]]) -> str:
    """One line per result in *results*: the check's name and its evidence."""
    return "; ".join("check %r (%s): %s" % (result["name"], result["kind"], result["evidence"]) for result in results)
