# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests that show a server's response as it is: without proxies, and without following redirects."""

import functools
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckError

BODY_LIMIT = 1 << 20
SECONDS_PER_DAY = 86400.0


class _NoRedirectHandler(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """Return the redirect itself, whose status is examined."""


@functools.lru_cache(maxsize=None)
def _build_context(ca_path: Optional[str], validate: bool) -> ssl.SSLContext:
    # Cached, because reading all authorities takes longer than most responses.
    context = ssl.create_default_context(cafile=ca_path)
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def build_tls_context(options: Dict[str, Any]) -> Optional[ssl.SSLContext]:
    """The TLS context for the URL of ``http`` *options*; None for a URL without TLS.

    Raises OSError for a ``ca_path`` that cannot be read.
    """
    if urllib.parse.urlsplit(options["url"]).scheme != "https":
        return None
    return _build_context(options.get("ca_path"), options.get("validate_certs", True))


def fetch_response(url: str, timeout: float, context: Optional[ssl.SSLContext] = None) -> Tuple[int, bytes]:
    """Status and body (at most 1 MiB) of *url*; https needs a *context*.

    Raises OSError when there is no response within *timeout* seconds, CheckError for a malformed one.
    """
    opener = urllib.request.OpenerDirector()
    handlers = [
        urllib.request.HTTPHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _NoRedirectHandler(),
    ]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    for handler in handlers:
        opener.add_handler(handler)
    try:
        try:
            with opener.open(url, timeout=timeout) as response:
                return response.getcode(), response.read(BODY_LIMIT)
        except urllib.error.HTTPError as error:
            return error.code, error.read(BODY_LIMIT)
    except http.client.HTTPException as error:
        raise CheckError("%s sent a malformed response: %s: %s" % (url, type(error).__name__, error))


def get_certificate_days(url: str, timeout: float, context: ssl.SSLContext) -> float:
    """Days for which the certificate of the server of *url* remains valid. Raises OSError, ValueError."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    address = (host, parts.port or 443)
    with socket.create_connection(address, timeout) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
        expiry = (tls.getpeercert() or {}).get("notAfter")
    if not isinstance(expiry, str):
        raise ValueError("the certificate of %s is not known without validate_certs" % host)
    return (ssl.cert_time_to_seconds(expiry) - time.time()) / SECONDS_PER_DAY
