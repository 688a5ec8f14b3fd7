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
import threading
import time
import urllib.error
import urllib.parse
from collections.abc import Iterable

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text, redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
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
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources, find_default_index

try:
    from packaging.version import Version

    PACKAGING_ERROR: ImportError | None = None
except ImportError as error:
    PACKAGING_ERROR = error

ACCEPT_HEADER = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# Pages are asked for again after a day; what was resolved from them stays.
PAGE_LIFETIME = 86400.0
INDEX_TIMEOUT = 60


class IndexUnavailableError(CollectionError):
    """An index that gave no answer; the text names it, without credentials, and the cause."""


class PackageIndex:
    """Answers what there is of a package, each page read once; safe to use from several threads."""

    def __init__(self, sources: PackageSources, cache: pathlib.Path, fresh: float = PAGE_LIFETIME) -> None:
        """Pages are kept below *cache* and asked for again when older than *fresh* seconds."""
        if PACKAGING_ERROR:
            raise IndexUnavailableError(
                f"planning needs the collection's requirements.txt on the controller: {PACKAGING_ERROR}"
            )
        self._sources = sources
        self._cache = cache / "pages"
        self._fresh = fresh
        self._guard = threading.Lock()
        self._files: dict[str, list[PackageFile]] = {}
        self._releases: dict[tuple[str, Minor, str], list[PackageRelease]] = {}
        self._folders = [read_folder(pathlib.Path(folder)) for folder in sources.folders]
        self._urls = [] if sources.offline else list(sources.indexes) or [("default", find_default_index())]

    def load(self, names: Iterable[str]) -> None:
        """Read the pages of all *names*, several at a time. Raises IndexUnavailableError."""
        missing = [name for name in dict.fromkeys(names) if name not in self._files]
        if missing:
            with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(self.list_files, missing))

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
        wanted = Version(version)
        return next(
            (entry for entry in self.list_releases(name, minor, platform) if Version(entry.version) == wanted), None
        )

    def has_version(self, name: str, version: str) -> bool:
        """Whether a folder or a configured index has that version; the default index does not count."""
        files = [entry for folder in self._folders for entry in folder.get(name, [])] + (
            self.list_files(name) if self._sources.indexes else []
        )
        return any(str(known[0]) == version for known in (parse_file_name(entry.name) for entry in files) if known)

    def _read_cached_page(self, url: str, name: str) -> list[PackageFile]:
        path = self._cache / hashlib.sha256(redact_url(url).encode()).hexdigest()[:16] / f"{name}.json"
        try:
            if time.time() - path.stat().st_mtime < self._fresh:
                return [PackageFile(*row) for row in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            pass
        found = self._fetch_page(f"{url.rstrip('/')}/{name}/")
        text = json.dumps([dataclasses.astuple(entry) for entry in found])
        # Addresses of files with credentials of their own are asked for again.
        if redact_text(text) == text:
            write_private(path, text)
        return found

    def _fetch_page(self, url: str) -> list[PackageFile]:
        login = self._sources.get_login_options(url)
        try:
            answer = open_url(
                redact_url(url) if login else url,
                headers={"Accept": ACCEPT_HEADER},
                timeout=INDEX_TIMEOUT,
                follow_redirects="all",
                **login,
            )
            return read_page(answer.read().decode("utf-8"), answer.headers.get_content_type(), redact_url(url))
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return []
            raise IndexUnavailableError(f"the index {redact_url(url)} answers {error.code} {error.reason}") from None
        except (OSError, ValueError, KeyError) as error:
            raise IndexUnavailableError(f"the index {redact_url(url)} gives no answer: {error}") from None
