# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in URLs: they are kept out of everything that is shown or stored.

Of a URL, the user name and password go, and the values of parameters whose names say that they are secret. What options
contain is also removed where it stands alone, such as in the message of a program.
"""

import re
from typing import Any, FrozenSet, Iterable, Iterator, Match
from urllib.parse import unquote, unquote_plus

MASK = "***"
# A secret of fewer characters may be a word, so it is removed from URLs only.
SECRET_LENGTH = 6
SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,20}://"
URL_IN_TEXT = re.compile(r"""(%s)((?:(?!%s)[^\s"'<>])*)""" % (SCHEME, SCHEME))
WHOLE_URL = re.compile(r"(%s)(.*)" % SCHEME, re.DOTALL)
AUTHORITY = re.compile(r"[^/?#]*")
# What comes before a path: a host, also an IPv6 address, and a port.
HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:[0-9]*)?")
PARAMETER = re.compile(r"([?&;#])([^=&;#?]*)=([^&;#]*)")
SECRET_PARAMETER = re.compile(
    r"token|secret|passw|passphrase|pwd|sig|credential|key|auth|jwt|session|code|hmac|policy|ticket", re.IGNORECASE
)
# Their user names are accounts, as in ssh://git@host; in other URLs a user name alone is a token.
ACCOUNT_SCHEMES = re.compile(r"ssh|scp|sftp|rsync", re.IGNORECASE)


def _find_user_end(rest: str) -> int:
    """Where in *rest*, a URL behind its scheme, the user name and password end, behind the ``@``; 0 without any."""
    match = AUTHORITY.match(rest)
    authority = match.group() if match else ""
    if "@" in authority:
        return authority.rindex("@") + 1
    # A password that was not encoded may contain the characters that end this part of a URL.
    return 0 if HOST_AND_PORT.fullmatch(authority) else rest.rfind("@") + 1


def _mask_parameter(match: Match[str]) -> str:
    if not match.group(3) or not SECRET_PARAMETER.search(unquote(match.group(2))):
        return match.group()
    return "%s%s=%s" % (match.group(1), match.group(2), MASK)


def _redact_match(match: Match[str]) -> str:
    rest = match.group(2)
    return match.group(1) + PARAMETER.sub(_mask_parameter, rest[_find_user_end(rest) :])


def redact_url(url: str) -> str:
    """*url* without user name and password, and without the values of secret parameters."""
    match = WHOLE_URL.fullmatch(url)
    return _redact_match(match) if match else url


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """*text* with the URLs in it as of `redact_url`, and without *secrets*."""
    # The longest first: one that is a part of another would leave the rest of that visible.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return URL_IN_TEXT.sub(_redact_match, text) if "://" in text else text


def redact(value: Any, secrets: Iterable[str] = ()) -> Any:
    """*value*, of lists and dictionaries, with every text in it as of `redact_text`; tuples become lists."""
    if isinstance(value, str):
        return redact_text(value, secrets) if secrets or "://" in value else value
    if isinstance(value, dict):
        return {redact(key, secrets): redact(entry, secrets) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(entry, secrets) for entry in value]
    return value


def _list_url_secrets(scheme: str, rest: str) -> Iterator[str]:
    user, _at, _host = rest[: _find_user_end(rest)].rpartition("@")
    name, colon, password = user.partition(":")
    if colon:
        yield password
    elif not ACCOUNT_SCHEMES.search(scheme):
        yield name
    for match in PARAMETER.finditer(rest):
        if _mask_parameter(match) != match.group():
            yield match.group(3)


def find_secrets(value: Any) -> FrozenSet[str]:
    """The secrets in URLs of *value*, options of lists and dictionaries: as they are written, and decoded."""
    found = set()
    if isinstance(value, str) and "://" in value:
        whole = WHOLE_URL.fullmatch(value)
        for match in ([whole] if whole else []) + list(URL_IN_TEXT.finditer(value)):
            for secret in _list_url_secrets(match.group(1), match.group(2)):
                found.update([secret, unquote(secret), unquote_plus(secret)])
    elif isinstance(value, dict):
        for entry in value.values():
            found |= find_secrets(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            found |= find_secrets(entry)
    return frozenset(secret for secret in found if len(secret) >= SECRET_LENGTH and secret != MASK)
