# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failures of an index pass by themselves, and how long to wait for that. Functions of data only."""

from __future__ import annotations

import datetime
import email.utils
import http.client
import re
import socket
import ssl
import urllib.error

# A request, and how often it is repeated.
ATTEMPTS = 6
# Seconds before the second attempt; each further wait is twice as long, up to the limit.
FIRST_DELAY = 1.0
DELAY_LIMIT = 30.0
# An index that asks for more is not waited for.
RETRY_AFTER_LIMIT = 300.0
# Too early, too many requests, and what proxies and servers answer while they start or are overloaded.
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
# How uv tells such failures, with the errors of its libraries and of the system.
TRANSIENT_MESSAGE = re.compile(
    r"temporary failure in name resolution"
    r"|connection (?:reset|refused|closed|aborted)|connection error|broken pipe|unexpected eof|unexpected end of file"
    r"|timed out|incomplete(?:message| message)|error decoding response body"
    r"|HTTP status (?:client|server) error \((?:" + "|".join(map(str, sorted(TRANSIENT_STATUSES))) + r")\b",
    re.IGNORECASE,
)


def is_transient_error(error: BaseException) -> bool:
    """Whether the request that ended with *error* may succeed when it is repeated."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in TRANSIENT_STATUSES
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return is_transient_error(error.reason)
    if isinstance(error, ssl.SSLError):
        return isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "timed out" in str(error)
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    return isinstance(error, (ConnectionError, TimeoutError, http.client.IncompleteRead, http.client.BadStatusLine))


def is_transient_message(text: str) -> bool:
    """Whether *text*, the messages of a failed uv, tell of a failure that may pass."""
    return bool(TRANSIENT_MESSAGE.search(text))


def parse_retry_after(value: str | None, now: datetime.datetime) -> float | None:
    """The seconds from *now* that a header ``Retry-After`` asks for; None without one, or for one of no known form."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (until - now).total_seconds())


def compute_delay(attempt: int, retry_after: float | None, chance: float) -> float | None:
    """The seconds to wait after the failed *attempt* (the first is 1), or None when no more is made.

    *chance* from 0 to 1 spreads the attempts of many requests; an index that asks for more time gets it.
    """
    if attempt >= ATTEMPTS or (retry_after is not None and retry_after > RETRY_AFTER_LIMIT):
        return None
    delay = min(DELAY_LIMIT, FIRST_DELAY * 2.0 ** (attempt - 1)) * (0.5 + chance / 2)
    return max(delay, retry_after or 0.0)
