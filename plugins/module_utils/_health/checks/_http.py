# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks an HTTP response: status, body, a value in JSON, duration, and remaining validity of the certificate."""

import json
import re
import time
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
    validate_pattern,
)

FACTOR_PATTERN = re.compile(r"^([0-9]+(?:\.[0-9]+)?)x$")
# Requests that ``at_most`` compares the median of; a single duration varies too much.
SAMPLE_COUNT = 5
# Seconds below which a ratio of two durations is mostly noise.
NOISE_SECONDS = 0.01
# Seconds that a request for measuring downtime may take.
PROBE_TIMEOUT = 2.0


def resolve_json_pointer(value: Any, pointer: str) -> Any:
    """The value at the JSON *pointer* (RFC 6901) in *value*. Raises LookupError that names the missing part."""
    if pointer and not pointer.startswith("/"):
        raise LookupError("a JSON pointer begins with '/': %r" % pointer)
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (LookupError, TypeError, ValueError):
            raise LookupError("no %r in it" % key)
    return value


class HttpCheck(CheckKind):
    """Requests a URL."""

    name = "http"
    options = {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True},
            "status": {"type": "int", "default": 200},
            "body": {"type": "str"},
            "timeout": {"type": "float", "default": 5.0},
            "validate_certs": {"type": "bool", "default": True},
            "json_pointer": {"type": "str"},
            "json_value": {"type": "raw"},
            "latency": {"type": "float"},
            "at_most": {"type": "str"},
            "tls_days": {"type": "float"},
            "ca_path": {"type": "str"},
        },
    }
    documentation = """
description: Request a URL. Redirects are not followed and proxies are not used.
type: dict
suboptions:
  url:
    description: URL to request.
    type: str
    required: true
  status:
    description: Expected status code.
    type: int
    default: 200
  body:
    description: Regular expression that must match somewhere in the first mebibyte of the body.
    type: str
  timeout:
    description: Seconds to wait for the response.
    type: float
    default: 5.0
  validate_certs:
    description: Whether to validate the server's certificate.
    type: bool
    default: true
  json_pointer:
    description: JSON pointer (RFC 6901) of a value that the body must contain.
    type: str
  json_value:
    description: Expected value at C(json_pointer); any value by default.
    type: raw
  latency:
    description: Maximum duration of the response in seconds.
    type: float
  at_most:
    description: >-
      Maximum duration relative to the one before the promotion, such as V(1.5x). The median of five responses is
      compared; less than 10 ms always passes.
    type: str
  tls_days:
    description: Days for which the server's certificate must remain valid.
    type: float
  ca_path:
    description: File with the certificates of the authorities to trust instead of the host's.
    type: str
"""

    def validate(self, options: Dict[str, Any]) -> None:
        """Check the regular expression and the factor. Raises ValueError."""
        validate_pattern(options, "body")
        if options.get("at_most") and not FACTOR_PATTERN.match(options["at_most"]):
            raise ValueError("at_most %r is not a factor such as 1.5x" % options["at_most"])

    def estimate_seconds(self, options: Dict[str, Any]) -> float:
        """All requests, and the connection that reads the certificate."""
        connections = _count_samples(options) + (1 if options.get("tls_days") else 0)
        return float(options["timeout"]) * connections

    def build_probe_options(self, options: Dict[str, Any]) -> Dict[str, Any]:
        """A single request that only checks the response, not its duration or the certificate's validity."""
        timeout = min(PROBE_TIMEOUT, options["timeout"])
        return dict(options, timeout=timeout, latency=None, at_most=None, tls_days=None)

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the response is as expected; the duration is measured. Raises CheckError, OSError, ValueError."""
        # TLS and HTTP take long to import, and modules that only parse declarations do not need them.
        from ansible_collections.oxzep7.python.plugins.module_utils._health.checks import _http_client

        tls = _http_client.build_tls_context(options)
        durations: List[float] = []
        status, body = 0, b""
        for _sample in range(_count_samples(options)):
            began = time.monotonic()
            status, body = _http_client.fetch_response(options["url"], options["timeout"], tls)
            durations.append(time.monotonic() - began)
            if status != options["status"]:
                text = body.decode("utf-8", "replace")[:300]
                return Verdict(False, "%s answered %d, not %d: %s" % (options["url"], status, options["status"], text))
        problem = _examine_body(options, body)
        if problem:
            return Verdict(False, "%s %s" % (options["url"], problem))
        seconds = sorted(durations)[len(durations) // 2]
        measured = {"seconds": round(seconds, 4)}
        problem = _examine_duration(options, seconds, (context.before or {}).get("seconds"))
        if not problem and options.get("tls_days"):
            if tls is None:
                problem = "has no certificate: it is not https"
            else:
                days = _http_client.get_certificate_days(options["url"], options["timeout"], tls)
                if days < options["tls_days"]:
                    problem = "has a certificate that is valid for %.1f days, not %g" % (days, options["tls_days"])
        if problem:
            return Verdict(False, "%s %s" % (options["url"], problem), measured)
        return Verdict(True, "%d" % status, measured)


def _count_samples(options: Dict[str, Any]) -> int:
    return SAMPLE_COUNT if options.get("at_most") else 1


def _examine_body(options: Dict[str, Any], body: bytes) -> Optional[str]:
    """The problem of *body*, if there is one."""
    text = body.decode("utf-8", "replace")
    if options.get("body") and not re.search(options["body"], text):
        return "answered without a match for %r: %s" % (options["body"], text[:300])
    if options.get("json_pointer") is None:
        return None
    try:
        found = resolve_json_pointer(json.loads(text), options["json_pointer"])
    except (ValueError, RecursionError):
        return "answered with a body that is not JSON: %s" % text[:300]
    except LookupError as error:
        return "answered with JSON, and %s: %s" % (error, text[:300])
    expected = options.get("json_value")
    if expected is not None and found != expected and str(found) != str(expected):
        return "has %s at %s, not %s" % (json.dumps(found), options["json_pointer"], json.dumps(expected))
    return None


def _examine_duration(options: Dict[str, Any], seconds: float, before: Optional[float]) -> Optional[str]:
    """The problem of a response that took *seconds*, and *before* the promotion, if there is one."""
    if options.get("latency") and seconds > options["latency"]:
        return "took %.3f seconds, not at most %g" % (seconds, options["latency"])
    if options.get("at_most") and before is not None:
        factor = float(options["at_most"].rstrip("x"))
        if seconds > max(factor * before, NOISE_SECONDS):
            return "took %.3f seconds, and %.3f before the promotion: more than %s" % (
                seconds,
                before,
                options["at_most"],
            )
    return None
