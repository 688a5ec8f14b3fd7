# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what indexes serve: with the credentials of the sources, the system's trust store, proxies and repetition."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import http.client
import os
import pathlib
import random
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import IO, Any, TypeVar

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text, redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._retries import (
    ATTEMPTS,
    compute_delay,
    is_transient_error,
    parse_retry_after,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources, strip_login

TIMEOUT = 60.0
# Bytes of a page or of metadata.
TEXT_LIMIT = 256 << 20
# Where distributions keep the certificates that they trust, as uv looks for them.
TRUST_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
Result = TypeVar("Result")


class IndexUnavailableError(CollectionError):
    """An index that gave no answer; the text names it, without credentials, and the cause."""

    def __init__(self, text: str, status: int | None = None) -> None:
        """*status* is that of HTTP, if there was an answer."""
        super().__init__(text)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a URL gave: status, text, and the headers by their names in lower case."""

    status: int
    text: str
    headers: Mapping[str, str]

    def get_content_type(self) -> str:
        """The media type, in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def show_progress(text: str) -> None:
    """Print a line about the progress of the controller's own work."""
    from ansible.utils.display import Display

    Display().display(text)


@functools.lru_cache(maxsize=1)
def _build_ssl_context() -> ssl.SSLContext:
    """TLS by the system's trust store, or by ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` in its place."""
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        # An interpreter that was built elsewhere looks in places of its own.
        for path in filter(os.path.exists, TRUST_STORES):
            context.load_verify_locations(cafile=path)
    return context


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    """Follows redirections; each host gets its own credentials only."""

    def __init__(self, sources: PackageSources) -> None:
        self._sources = sources

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The request to *newurl*."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        return following and _add_login(following, self._sources)


def _add_login(request: urllib.request.Request, sources: PackageSources) -> urllib.request.Request:
    login = sources.find_login(request.full_url)
    request.full_url = strip_login(request.full_url)
    if login:
        word = base64.b64encode(":".join(login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {word}")
    return request


def _find_proxies() -> dict[str, str]:
    """The proxies of the environment by scheme."""
    found = urllib.request.getproxies()
    return {**{scheme: found["all"] for scheme in ("http", "https") if "all" in found}, **found}


class Transport:
    """Reads from indexes; safe to use from several threads."""

    def __init__(
        self,
        sources: PackageSources,
        report: Callable[[str], None] = show_progress,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
        timeout: float = TIMEOUT,
    ) -> None:
        """*report* prints a line for each of the *attempts* after the first; *sleep* waits. Times are in seconds."""
        self._sources = sources
        self._report = report
        self._sleep = sleep
        self._attempts = attempts
        self._timeout = timeout
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(_find_proxies()),
            urllib.request.HTTPSHandler(context=_build_ssl_context()),
            _RedirectHandler(sources),
        )

    def read(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The text at *url*; status 304 is an answer, too. Raises IndexUnavailableError."""

        def take(stream: http.client.HTTPResponse) -> Answer:
            known = {name.lower(): value for name, value in stream.headers.items()}
            return Answer(stream.status, stream.read(TEXT_LIMIT).decode("utf-8", "replace"), known)

        return self._repeat(url, headers or {}, take)

    def download(self, url: str, target: pathlib.Path) -> None:
        """Store the file at *url* as *target*, complete or not at all. Raises IndexUnavailableError, OSError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".incoming-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                self._repeat(url, {}, functools.partial(_copy_whole, stream))
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        finally:
            pathlib.Path(temporary).unlink(missing_ok=True)

    def _repeat(
        self, url: str, headers: Mapping[str, str], take: Callable[[http.client.HTTPResponse], Result]
    ) -> Result:
        shown = redact_url(url)
        if self._sources.offline:
            raise IndexUnavailableError(f"{shown} is not read: oxzep7_offline is set")
        for attempt in range(1, self._attempts + 1):
            request = _add_login(urllib.request.Request(url, headers=dict(headers)), self._sources)
            try:
                with self._opener.open(request, timeout=self._timeout) as stream:
                    return take(stream)
            except (OSError, http.client.HTTPException, ValueError) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code == 304:
                    return take(error)  # type: ignore[arg-type]
                delay = self._find_delay(error, attempt)
                if delay is None:
                    raise _build_unavailable_error(shown, error) from None
                again = f"trying again in {delay:.0f} s ({attempt} of {self._attempts - 1})"
                self._report(f"{shown}: {_describe_cause(error)}; {again}")
            self._sleep(delay)
        raise AssertionError("the last attempt has no delay")

    def _find_delay(self, error: Exception, attempt: int) -> float | None:
        if attempt >= self._attempts or not is_transient_error(error):
            return None
        header = error.headers.get("Retry-After") if isinstance(error, urllib.error.HTTPError) else None
        now = datetime.datetime.now(datetime.timezone.utc)
        return compute_delay(attempt, parse_retry_after(header, now), random.random())


def _copy_whole(stream: IO[bytes], source: http.client.HTTPResponse) -> None:
    stream.seek(0)
    stream.truncate()
    shutil.copyfileobj(source, stream, 1 << 20)
    expected = source.headers.get("Content-Length")
    if expected and expected.isdigit() and stream.tell() != int(expected):
        raise http.client.IncompleteRead(b"", int(expected) - stream.tell())


def _describe_cause(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"answers {error.code} {error.reason}".strip()
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return redact_text(f"gives no answer: {str(cause) or type(cause).__name__}")


def _build_unavailable_error(shown: str, error: Exception) -> IndexUnavailableError:
    asked = error.headers.get("Retry-After") if isinstance(error, urllib.error.HTTPError) else None
    advice = f" (it asks to wait: {asked})" if asked else ""
    status = error.code if isinstance(error, urllib.error.HTTPError) else None
    return IndexUnavailableError(f"the index {shown} {_describe_cause(error)}{advice}", status)
