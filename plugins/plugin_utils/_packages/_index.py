# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents of package indexes and wheel folders: all versions of a package, their platforms and publication dates.

Formats: the simple repository API as HTML and JSON (PEP 503, 592, 691, 700), and wheel names (PEP 427).
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text, redact_url
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import expect, follow
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import (
    JSON_TYPE,
    PackageFile,
    read_folder,
    read_page,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import (
    PackageRelease,
    build_releases,
    parse_file_name,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import (
    IndexUnavailableError,
    Transport,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._versions import (
    get_variant,
    is_valid_version,
    parse_installed_version,
)

try:
    from packaging.version import Version

    PACKAGING_ERROR: ImportError | None = None
except ImportError as error:
    PACKAGING_ERROR = error

ACCEPT_HEADER = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# Seconds after which a page is asked for again, if its index does not say less.
PAGE_LIFETIME = 86400.0


class PackageIndex:
    """Answers what there is of a package, each page read once; safe to use from several threads."""

    def __init__(
        self,
        sources: PackageSources,
        cache: pathlib.Path,
        fresh: float = PAGE_LIFETIME,
        transport: Transport | None = None,
    ) -> None:
        """Pages are kept below *cache* for *fresh* seconds, or for less if the index asks for that."""
        if PACKAGING_ERROR:
            raise IndexUnavailableError(
                f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}"
            )
        self._sources = sources
        self._cache = cache / "pages"
        self._fresh = fresh
        self._files: dict[str, list[PackageFile]] = {}
        self._releases: dict[tuple[str, Minor, str], list[PackageRelease]] = {}
        self._folders = [read_folder(pathlib.Path(folder)) for folder in sources.folders]
        self._urls = sources.list_indexes()
        self._transport = transport or Transport(sources)

    def load(self, names: Iterable[str]) -> None:
        """Read the pages of all *names*, several at a time. Raises IndexUnavailableError."""
        missing = [name for name in dict.fromkeys(names) if name not in self._files]
        if missing:
            expect("index pages read", len(missing))
            with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(follow("index pages read", self.list_files), missing))

    def list_files(self, name: str) -> list[PackageFile]:
        """All files of the package *name* (normalized), of folders and the first index that knows it.

        Raises IndexUnavailableError.
        """
        if name not in self._files:
            local = [entry for folder in self._folders for entry in folder.get(name, [])]
            self._files[name] = local + next(
                filter(None, (self._read_cached_page(url, name) for _index, url in self._urls)), []
            )
        return self._files[name]

    def list_releases(self, name: str, minor: Minor, platform: str) -> list[PackageRelease]:
        """Every version of *name* as *minor* on *platform* sees it, oldest first. Raises IndexUnavailableError."""
        key = (name, minor, platform)
        if key not in self._releases:
            self._releases[key] = build_releases(self.list_files(name), minor, platform)
        return self._releases[key]

    def find_release(self, name: str, version: str, minor: Minor, platform: str) -> PackageRelease | None:
        """The release *version* of *name*, or None when no source has it."""
        wanted = parse_installed_version(version)
        return next(
            (entry for entry in self.list_releases(name, minor, platform) if Version(entry.version) == wanted), None
        )

    def has_version(self, name: str, version: str) -> bool:
        """Whether a folder or a configured index has that version; the default index does not count."""
        return is_valid_version(version) and Version(version) in self._list_own_versions(name)

    def has_variant(self, name: str, version: str) -> bool:
        """Whether one of these has that version or a later one with the same kind of local label.

        Raises IndexUnavailableError.
        """
        wanted = parse_installed_version(version)
        if not wanted.local:
            return self.has_version(name, version)
        own = [known for known in self._list_own_versions(name) if known.local and known >= wanted]
        return any(get_variant(known) == get_variant(wanted) for known in own)

    def _list_own_versions(self, name: str) -> list[Version]:
        files = [entry for folder in self._folders for entry in folder.get(name, [])] + (
            self.list_files(name) if self._sources.indexes else []
        )
        return [known[0] for known in (parse_file_name(entry.name) for entry in files) if known]

    def compute_page_digest(self, name: str) -> str:
        """A digest of everything that the sources list of *name*. Raises IndexUnavailableError."""
        listed = sorted((entry.name, entry.sha256 or "", entry.yanked) for entry in self.list_files(name))
        return hashlib.sha256(repr(listed).encode()).hexdigest()[:16]

    def _read_cached_page(self, url: str, name: str) -> list[PackageFile]:
        path = self._cache / hashlib.sha256(redact_url(url).encode()).hexdigest()[:16] / f"{name}.json"
        kept = _read_kept_page(path)
        if kept and time.time() < kept["expires"]:
            return list(kept["files"])
        address = f"{url.rstrip('/')}/{name}/"
        try:
            answer = self._transport.read(
                address, {"Accept": ACCEPT_HEADER, **(_build_condition(kept["headers"]) if kept else {})}
            )
            if kept and answer.status == 304:
                found, headers = list(kept["files"]), {**kept["headers"], **_select_headers(answer.headers)}
            else:
                found = read_page(answer.text, answer.get_content_type(), redact_url(address))
                headers = _select_headers(answer.headers)
        except IndexUnavailableError as error:
            if error.status not in (404, 410):
                raise
            found, headers = [], {}
        except (ValueError, KeyError, TypeError) as error:
            raise IndexUnavailableError(f"the index {redact_url(address)} gives no page: {error}") from None
        text = json.dumps(
            {
                "expires": time.time() + min(self._fresh, _read_max_age(headers)),
                "headers": headers,
                "files": [dataclasses.astuple(entry) for entry in found],
            }
        )
        # Addresses of files with credentials of their own are asked for again.
        if redact_text(text) == text:
            write_private(path, text)
        return found


def _read_kept_page(path: pathlib.Path) -> dict[str, Any] | None:
    """The page stored at *path*: its ``files``, when it ``expires``, and the ``headers`` that it came with."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        files = [PackageFile(*row) for row in kept["files"]]
        return {"expires": float(kept["expires"]), "headers": dict(kept["headers"]), "files": files}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _select_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of *headers* that say for how long a page is good, and by what it is known."""
    return {name: headers[name] for name in ("cache-control", "etag", "last-modified") if name in headers}


def _build_condition(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for a page only if it is not the one with *headers* any more."""
    known = {"If-None-Match": headers.get("etag"), "If-Modified-Since": headers.get("last-modified")}
    return {name: value for name, value in known.items() if value}


def _read_max_age(headers: Mapping[str, str]) -> float:
    """For how many seconds the index itself calls a page with *headers* fresh; infinity where it does not say."""
    control = headers.get("cache-control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return 0.0
    match = re.search(r"\bmax-age=([0-9]{1,9})\b", control)
    return float(match[1]) if match else float("inf")
