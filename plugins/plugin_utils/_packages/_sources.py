# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where packages come from: indexes with their credentials, and folders."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import urllib.error
import urllib.parse
from collections.abc import Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError


class SourceOptionError(CollectionError, ValueError):
    """An invalid index or folder in the options; the text names the option and its value, without credentials."""


@dataclasses.dataclass(frozen=True)
class PackageSources:
    """Where packages come from: indexes in order (name, URL), folders with wheels, and whether the network may be used.

    Without indexes the controller's own default is used. Credentials are no part of it: uv's variables
    ``UV_INDEX_<NAME>_USERNAME`` and ``UV_INDEX_<NAME>_PASSWORD``, or netrc, have them.
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

    def get_credentials(self, name: str) -> tuple[str, str] | None:
        """User and password of the index *name* from the environment, or None."""
        user = os.environ.get(f"UV_INDEX_{_format_variable(name)}_USERNAME")
        return (user, os.environ.get(f"UV_INDEX_{_format_variable(name)}_PASSWORD", "")) if user else None

    def get_login_options(self, url: str) -> dict[str, Any]:
        """The credentials for *url* as options of `open_url`: those of the index above it, or on the same host."""

        def origin(text: str) -> tuple[str, str]:
            parts = urllib.parse.urlsplit(text)
            return parts.scheme, parts.netloc.rpartition("@")[2]

        fitting = []
        for name, base in self.indexes:
            if origin(base) == origin(url):
                fitting.append((url.startswith(base.rstrip("/") + "/"), name))
        known = [self.get_credentials(name) for _below, name in sorted(fitting, key=lambda pair: not pair[0])]
        if not self.indexes:
            default = urllib.parse.urlsplit(find_default_index())
            if default.username and (default.scheme, default.netloc.rpartition("@")[2]) == origin(url):
                known = [(urllib.parse.unquote(default.username), urllib.parse.unquote(default.password or ""))]
        user, password = next(filter(None, known), (None, None))
        return {"url_username": user, "url_password": password, "force_basic_auth": True} if user else {}

    def build_uv_options(self) -> list[str]:
        """uv's options for these sources. An earlier index hides a later one, against dependency confusion."""
        words = [word for folder in self.folders for word in ("--find-links", folder)]
        if self.offline:
            return ["--offline", "--no-index", *words]
        if self.indexes:
            *first, (_name, last) = self.indexes
            words += [word for name, url in first for word in ("--index", f"{name}={url}")] + [
                "--default-index",
                f"{_name}={last}",
            ]
        return words

    def build_pip_options(self) -> tuple[list[str], dict[str, str]]:
        """pip's options for these sources, and the environment variables that carry credentials."""
        words = [word for folder in self.folders for word in ("--find-links", folder)]
        if self.offline:
            return ["--no-index", *words], {}
        urls = []
        for name, url in self.indexes:
            known = self.get_credentials(name)
            scheme, rest = url.split("://", 1)
            urls.append(
                f"{scheme}://{':'.join(urllib.parse.quote(part, safe='') for part in known)}@{rest}" if known else url
            )
        # pip ignores indexes without TLS otherwise; hashes prove that files were not changed on the way.
        plain = [urllib.parse.urlsplit(url).netloc for _name, url in self.indexes if url.startswith("http://")]
        trusted = {"PIP_TRUSTED_HOST": " ".join(plain)} if plain else {}
        return words, {"PIP_INDEX_URL": urls[0], "PIP_EXTRA_INDEX_URL": " ".join(urls[1:]), **trusted} if urls else {}


def _format_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def find_default_index() -> str:
    """The URL of the index that pip and uv use on this controller by default."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


# The controller's own default index, and the network.
DEFAULT_SOURCES = PackageSources()
