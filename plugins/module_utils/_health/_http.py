# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges an HTTP answer: status, body, a value in JSON, how long it took, and how long the certificate is still good for."""

import functools
import json
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._health._where import CheckContext, Verdict

BODY_LIMIT = 1 << 20
SECONDS_PER_DAY = 86400.0
# One answer's duration says little.
SAMPLE_COUNT = 5


class _NoRedirectHandler(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """Answer a redirect as it came: a check judges the status it asked for."""


@functools.lru_cache(maxsize=None)
def _build_context(ca_path: Optional[str], validate: bool) -> ssl.SSLContext:
    # To read all authorities takes longer than most answers.
    context = ssl.create_default_context(cafile=ca_path)
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def build_tls_context(options: Dict[str, Any]) -> Optional[ssl.SSLContext]:
    """How the server of *options* is trusted; None where there is no TLS. Raises OSError for a ``ca_path`` that cannot be read."""
    if urllib.parse.urlsplit(options["url"]).scheme != "https":
        return None
    return _build_context(options.get("ca_path"), options.get("validate_certs", True))


def fetch_response(url: str, timeout: float, context: Optional[ssl.SSLContext] = None) -> Tuple[int, bytes]:
    """Status and body (at most 1 MiB) of *url*, past any proxy and without following redirects; https wants a *context*.

    Raises OSError, http.client.HTTPException when there is no answer within *timeout* seconds.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _NoRedirectHandler(),
        *([urllib.request.HTTPSHandler(context=context)] if context else []),
    ):
        opener.add_handler(handler)
    try:
        with opener.open(url, timeout=timeout) as answer:
            return answer.getcode(), answer.read(BODY_LIMIT)
    except urllib.error.HTTPError as error:
        return error.code, error.read(BODY_LIMIT)


def resolve_json_pointer(value: Any, pointer: str) -> Any:
    """What the JSON *pointer* (RFC 6901) means in *value*. Raises LookupError that names the part which is not there."""
    if pointer and not pointer.startswith("/"):
        raise LookupError("a JSON pointer begins with '/': %r" % pointer)
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (LookupError, TypeError, ValueError):
            raise LookupError("no %r in it" % key)
    return value


def _check_body(options: Dict[str, Any], body: bytes) -> Optional[str]:
    """What is wrong with *body*."""
    text = body.decode("utf-8", "replace")
    if options.get("body") and not re.search(options["body"], text):
        return "answered without a match for %r: %s" % (options["body"], text[:300])
    if options.get("json_pointer") is None:
        return None
    try:
        found = resolve_json_pointer(json.loads(text), options["json_pointer"])
    except ValueError:
        return "answered with no JSON: %s" % text[:300]
    except LookupError as error:
        return "answered with JSON, and %s: %s" % (error, text[:300])
    wanted = options.get("json_value")
    if wanted is not None and found != wanted and str(found) != str(wanted):
        return "has %s at %s, not %s" % (json.dumps(found), options["json_pointer"], json.dumps(wanted))
    return None


def get_certificate_days(url: str, timeout: float, context: ssl.SSLContext) -> float:
    """Days for which the certificate of the server of *url* is still good. Raises OSError, ValueError."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    with (
        socket.create_connection((host, parts.port or 443), timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        ends = (secure.getpeercert() or {}).get("notAfter")
    if not isinstance(ends, str):
        raise ValueError("what certificate %s has is not known without validate_certs" % host)
    return (ssl.cert_time_to_seconds(ends) - time.time()) / SECONDS_PER_DAY


def check_http(options: Dict[str, Any], where: CheckContext) -> Verdict:
    """The verdict about ``http`` *options*; ``seconds`` is measured. Raises OSError, ValueError, http.client.HTTPException."""
    context = build_tls_context(options)
    taken = []
    for _answer in range(SAMPLE_COUNT if options.get("at_most") else 1):
        began = time.monotonic()
        status, body = fetch_response(options["url"], options["timeout"], context)
        taken.append(time.monotonic() - began)
        if status != options["status"]:
            return (
                False,
                "%s answered %d, not %d: %s"
                % (options["url"], status, options["status"], body.decode("utf-8", "replace")[:300]),
                {},
            )
    wrong = _check_body(options, body)
    if wrong:
        return False, "%s %s" % (options["url"], wrong), {}
    seconds = sorted(taken)[len(taken) // 2]
    measured = {"seconds": round(seconds, 4)}
    slow = _check_latency(options, seconds, where)
    if slow:
        return False, "%s %s" % (options["url"], slow), measured
    if options.get("tls_days"):
        if context is None:
            return False, "%s has no certificate: it is not https" % options["url"], measured
        left = get_certificate_days(options["url"], options["timeout"], context)
        if left < options["tls_days"]:
            return (
                False,
                "the certificate of %s is good for %.1f days, not %g" % (options["url"], left, options["tls_days"]),
                measured,
            )
    return True, "%d" % status, measured


def _check_latency(options: Dict[str, Any], seconds: float, where: CheckContext) -> Optional[str]:
    if options.get("latency") and seconds > options["latency"]:
        return "took %.3f seconds, not at most %g" % (seconds, options["latency"])
    if options.get("at_most"):
        factor = float(options["at_most"].rstrip("x"))
        before = (where.before or {}).get("seconds")
        # Below a hundredth of a second a ratio is mostly noise.
        if before is not None and seconds > max(factor * before, 0.01):
            return "took %.3f seconds, and %.3f before the promotion: more than %s" % (
                seconds,
                before,
                options["at_most"],
            )
    return None
