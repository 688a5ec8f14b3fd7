# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where packages come from: indexes with their credentials, and folders."""

from __future__ import annotations

import dataclasses
import functools
import netrc
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError

PYPI = "https://pypi.org/simple"
DEFAULT_NAME = "default"
KEYRING_TIMEOUT = 60
# Of the variables of uv, those that say how it works, and not what it sees.
PASSED_VARIABLES = frozenset({"UV_CACHE_DIR", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_CONCURRENT_DOWNLOADS"})


class SourceOptionError(CollectionError, ValueError):
    """An invalid index or folder in the options; the text names the option and its value, without credentials."""


@dataclasses.dataclass(frozen=True)
class PackageSources:
    """Where packages come from: indexes in order (name, URL), folders with wheels, and whether the network may be used.

    Without indexes there is one, named ``default``: that of ``UV_DEFAULT_INDEX``, ``UV_INDEX_URL`` or
    ``PIP_INDEX_URL``, else PyPI. Credentials are no part of it: uv's variables ``UV_INDEX_<NAME>_USERNAME`` and
    ``UV_INDEX_<NAME>_PASSWORD``, netrc or a keyring have them. Files with settings of uv and pip, and their other
    variables, do not count.
    """

    indexes: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    offline: bool = False

    @classmethod
    def from_options(cls, indexes: Sequence[Any], folders: Sequence[str], offline: bool) -> PackageSources:
        """Build it of options: *indexes* are URLs, or mappings with ``name`` and ``url``. Raises SourceOptionError."""
        chosen = []
        for number, entry in enumerate(indexes, 1):
            name, url = (
                (str(entry.get("name") or f"index{number}"), str(entry.get("url") or ""))
                if isinstance(entry, dict)
                else (f"index{number}", str(entry))
            )
            if not re.match(r"^[A-Za-z0-9_-]+$", name) or urllib.parse.urlsplit(url).scheme not in ("http", "https"):
                raise SourceOptionError(
                    f"oxzep7_indexes: {redact_url(url)!r} named {name!r}: give an http or https URL, and a name of "
                    "letters, digits, '_' and '-'"
                )
            if redact_url(url) != url:
                raise SourceOptionError(
                    f"oxzep7_indexes: the URL {redact_url(url)} contains credentials; put them into netrc, or into "
                    f"UV_INDEX_{_format_variable(name)}_USERNAME and UV_INDEX_{_format_variable(name)}_PASSWORD"
                )
            chosen.append((name, url))
        for folder in folders:
            if not pathlib.Path(folder).is_dir():
                raise SourceOptionError(f"oxzep7_find_links: {folder} is not a directory on the controller")
        return cls(tuple(chosen), tuple(map(str, folders)), offline)

    def list_indexes(self) -> list[tuple[str, str]]:
        """The indexes that are used, in order: name, and URL without credentials; none without a network."""
        if self.offline:
            return []
        return list(self.indexes) or [(DEFAULT_NAME, strip_login(find_default_index()))]

    def find_login(self, url: str) -> tuple[str, str] | None:
        """User and password for *url*, or None.

        They are those of the index above it or else on the same host, from its variables, netrc or a keyring; for
        other hosts those in netrc.
        """
        origin = _get_origin(url)
        fitting = [(name, base) for name, base in self.list_indexes() if _get_origin(base) == origin]
        fitting.sort(key=lambda pair: not url.startswith(pair[1].rstrip("/") + "/"))
        for name, base in fitting:
            user, password = self._get_given_login(name)
            if user and password is None:
                password = _find_netrc_password(origin[1], user) or _ask_keyring(base, user) or ""
            if user:
                return user, password or ""
        return _find_netrc_login(origin[1])

    def _get_given_login(self, name: str) -> tuple[str | None, str | None]:
        """User and password of the index *name* as far as the environment has them."""
        variable = f"UV_INDEX_{_format_variable(name)}_"
        user = os.environ.get(f"{variable}USERNAME")
        if user or self.indexes:
            return user, os.environ.get(f"{variable}PASSWORD")
        default = urllib.parse.urlsplit(find_default_index())
        user, password = (value and urllib.parse.unquote(value) for value in (default.username, default.password))
        return user, password

    def build_uv_options(self) -> list[str]:
        """uv's options for these sources. An earlier index hides a later one, against dependency confusion."""
        words = [word for folder in self.folders for word in ("--find-links", folder)]
        if self.offline:
            return ["--offline", "--no-index", *words]
        *first, last = self.list_indexes()
        if self.indexes or last[1] != PYPI:
            words += [word for pair in first for word in ("--index", "=".join(pair))]
            words += ["--default-index", "=".join(last)]
        return words

    def build_uv_environment(self) -> dict[str, str]:
        """The environment in which uv sees these sources and no other settings: credentials, and the trust store."""
        settings = {}
        for name, value in os.environ.items():
            if not name.startswith(("UV_", "PIP_")) or name in PASSED_VARIABLES:
                settings[name] = value
        for name, url in self.list_indexes():
            login = self.find_login(url.rstrip("/") + "/")
            if login:
                variable = f"UV_INDEX_{_format_variable(name)}_"
                settings.update({f"{variable}USERNAME": login[0], f"{variable}PASSWORD": login[1]})
        # The second is the name of older versions.
        settings.update({"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", "NO_COLOR": "1"})
        return settings


def strip_login(url: str) -> str:
    """*url* without user name and password; its parameters stay."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _get_origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _read_netrc() -> netrc.netrc | None:
    path = pathlib.Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        return netrc.netrc(str(path))
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None


def _find_netrc_login(host: str) -> tuple[str, str] | None:
    """User and password for *host*, with or without a port, in netrc."""
    known = _read_netrc()
    found = known.authenticators(host) or known.authenticators(host.partition(":")[0]) if known else None
    return (found[0], found[2] or "") if found and found[0] else None


def _find_netrc_password(host: str, user: str) -> str | None:
    found = _find_netrc_login(host)
    return found[1] if found and found[0] == user else None


@functools.lru_cache(maxsize=64)
def _ask_keyring(url: str, user: str) -> str | None:
    """The password of *user* for *url*, or for its host, from the program ``keyring`` if there is one."""
    program = shutil.which("keyring")
    for service in (url, urllib.parse.urlsplit(url).netloc) if program else ():
        try:
            done = subprocess.run(
                [str(program), "get", service, user],
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=KEYRING_TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip("\r\n")
    return None


def _format_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def find_default_index() -> str:
    """The URL of the index that is used where none is chosen; it may have credentials."""
    chosen = (os.environ.get(variable) for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"))
    url = next(filter(None, chosen), PYPI)
    # uv's form NAME=URL.
    return re.sub(r"^[A-Za-z0-9_.-]+=(?=[a-z]+://)", "", url)


# The controller's own default index, and the network.
DEFAULT_SOURCES = PackageSources()
