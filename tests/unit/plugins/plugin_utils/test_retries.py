# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failures pass by themselves, and how long they are waited for."""

from __future__ import annotations

import datetime
import email.message
import http.client
import socket
import ssl
import urllib.error

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._retries import (
    ATTEMPTS,
    DELAY_LIMIT,
    RETRY_AFTER_LIMIT,
    compute_delay,
    is_transient_error,
    is_transient_message,
    parse_retry_after,
)
from hypothesis import given
from hypothesis import strategies as some

NOW = datetime.datetime(2026, 11, 30, 12, 0, tzinfo=datetime.timezone.utc)


def answer(status):
    return urllib.error.HTTPError("https://h/", status, "said", email.message.Message(), None)


@pytest.mark.parametrize(
    "error, expected",
    [
        *[(answer(status), True) for status in (408, 425, 429, 500, 502, 503, 504, 522)],
        *[(answer(status), False) for status in (400, 401, 403, 404, 407, 410, 451, 501, 505)],
        (urllib.error.URLError(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")), True),
        (urllib.error.URLError(socket.gaierror(socket.EAI_NONAME, "Name or service not known")), False),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), True),
        (urllib.error.URLError(TimeoutError("timed out")), True),
        (urllib.error.URLError("unknown url type: ftps"), False),
        (urllib.error.URLError(ssl.SSLCertVerificationError(1, "unable to get local issuer certificate")), False),
        (urllib.error.URLError(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")), True),
        (ConnectionResetError(104, "Connection reset by peer"), True),
        (BrokenPipeError(32, "Broken pipe"), True),
        (TimeoutError("The read operation timed out"), True),
        (http.client.IncompleteRead(b"", 3), True),
        (http.client.RemoteDisconnected("Remote end closed connection without response"), True),
        (PermissionError(13, "Permission denied"), False),
        (FileNotFoundError(2, "No such file"), False),
        (OSError(28, "No space left on device"), False),
        (ValueError("unknown url type"), False),
    ],
)
def test_an_error_passes_or_does_not(error, expected):
    assert is_transient_error(error) is expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("dns error: failed to lookup address information: Temporary failure in name resolution", True),
        ("client error (Connect): tcp connect error: Connection refused (os error 111)", True),
        ("client error (SendRequest): connection closed before message completed", True),
        ("Connection reset by peer (os error 104)", True),
        ("error sending request for url (https://h/): operation timed out", True),
        ("error decoding response body: unexpected EOF during chunk size line", True),
        ("HTTP status server error (503 Service Unavailable) for url (https://h/simple/a/)", True),
        ("HTTP status client error (429 Too Many Requests) for url (https://h/simple/a/)", True),
        ("HTTP status client error (403 Forbidden) for url (https://h/simple/a/)", False),
        ("HTTP status server error (501 Not Implemented) for url (https://h/simple/a/)", False),
        ("dns error: failed to lookup address information: Name or service not known", False),
        ("invalid peer certificate: UnknownIssuer", False),
        ("Because a==5.0.3 depends on b>=429 and you require b==503, it is unsatisfiable", False),
        ("Because connection-pool==1 has no usable wheels, it cannot be used", False),
        ("", False),
    ],
)
def test_a_message_of_uv_passes_or_does_not(text, expected):
    assert is_transient_message(text) is expected


@pytest.mark.parametrize(
    "value, expected",
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 30 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("", None),
        (None, None),
    ],
)
def test_what_an_index_asks_to_wait(value, expected):
    assert parse_retry_after(value, NOW) == expected


@given(some.integers(1, ATTEMPTS - 1), some.floats(0, 1), some.none() | some.floats(0, RETRY_AFTER_LIMIT))
def test_a_wait_is_bounded_and_honours_what_the_index_asks(attempt, chance, asked):
    delay = compute_delay(attempt, asked, chance)
    assert 0 < delay <= max(DELAY_LIMIT, asked or 0) and delay >= (asked or 0)


def test_the_number_of_attempts_and_what_is_waited_for_are_bounded():
    assert compute_delay(ATTEMPTS, None, 0.5) is None and compute_delay(1, RETRY_AFTER_LIMIT + 1, 0.5) is None
    waits = [compute_delay(attempt, None, 1.0) for attempt in range(1, ATTEMPTS)]
    assert waits == sorted(waits) and len(set(compute_delay(1, None, chance / 10) for chance in range(10))) == 10
