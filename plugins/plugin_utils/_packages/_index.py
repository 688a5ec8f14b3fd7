# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What package indexes and wheel folders have: every version of a package, where it would run and when it was published.

Formats: the simple repository API as HTML and JSON (PEP 503, 592, 691, 700), and wheel names (PEP 427).
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import email.parser
import functools
import hashlib
import html.parser
import json
import os
import pathlib
import re
import threading
import time
import urllib.error
import urllib.parse
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._urls import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor

try:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.tags import Tag, compatible_tags, cpython_tags
    from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
    from packaging.version import InvalidVersion, Version

    PACKAGING_ERROR: ImportError | None = None
except ImportError as error:
    PACKAGING_ERROR = error

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT_HEADER = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# Pages are asked for again after a day; what was resolved from them stays.
PAGE_LIFETIME = 86400.0
INDEX_TIMEOUT = 60
METADATA_LIMIT = 1 << 20
LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
PLATFORM_PATTERN = re.compile(r"^(.+)-manylinux_2_(\d+)$")


class IndexUnavailableError(CollectionError):
    """An index that gave no answer; the text names it, without credentials, and the cause."""


@dataclasses.dataclass(frozen=True)
class PackageFile:
    """One published file: its name, ``Requires-Python`` as written, day of publication (ISO 8601) and whether it was yanked."""

    name: str
    requires_python: str
    published: str | None
    yanked: bool
    location: str
    sha256: str | None


@dataclasses.dataclass(frozen=True)
class PackageRelease:
    """One version of a package as one Python on one platform sees it."""

    version: str
    wheel: bool
    source: PackageFile | None
    excluded: str | None
    published: str | None
    yanked: bool
    # Whether the wheel is for every platform: nothing in it is compiled.
    universal: bool = False
    # Whether there is a wheel for the platform, whatever its Requires-Python says.
    fits: bool = False


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
        """From options as operators write them: *indexes* are URLs, or mappings with ``name`` and ``url``. Raises ValueError."""
        chosen = []
        for number, entry in enumerate(indexes, 1):
            name, url = (
                (str(entry.get("name") or f"index{number}"), str(entry.get("url") or ""))
                if isinstance(entry, dict)
                else (f"index{number}", str(entry))
            )
            if not re.match(r"^[A-Za-z0-9_-]+$", name) or urllib.parse.urlsplit(url).scheme not in ("http", "https"):
                raise ValueError(
                    f"oxzep7_indexes: {redact_url(url)!r} named {name!r}: give an http or https URL, and a name of letters, digits, '_' and '-'"
                )
            if redact_url(url) != url:
                raise ValueError(
                    f"oxzep7_indexes: the URL {redact_url(url)} contains credentials; put them into netrc, or into "
                    f"UV_INDEX_{_format_variable(name)}_USERNAME and UV_INDEX_{_format_variable(name)}_PASSWORD"
                )
            chosen.append((name, url))
        for folder in folders:
            if not pathlib.Path(folder).is_dir():
                raise ValueError(f"oxzep7_find_links: {folder} is not a directory on the controller")
        return cls(tuple(chosen), tuple(map(str, folders)), offline)

    def get_credentials(self, name: str) -> tuple[str, str] | None:
        """User and password of the index *name* from the environment, or None."""
        user = os.environ.get(f"UV_INDEX_{_format_variable(name)}_USERNAME")
        return (user, os.environ.get(f"UV_INDEX_{_format_variable(name)}_PASSWORD", "")) if user else None

    def get_login_options(self, url: str) -> dict[str, Any]:
        """What `open_url` needs to be let in at *url*: the credentials of the index that it is below, or that is served by the same host."""

        def origin(text: str) -> tuple[str, str]:
            parts = urllib.parse.urlsplit(text)
            return parts.scheme, parts.netloc

        fitting = [
            (url.startswith(base.rstrip("/") + "/"), name) for name, base in self.indexes if origin(base) == origin(url)
        ]
        known = [self.get_credentials(name) for _below, name in sorted(fitting, key=lambda pair: not pair[0])]
        user, password = next(filter(None, known), (None, None))
        return {"url_username": user, "url_password": password, "force_basic_auth": True} if user else {}

    def build_uv_options(self) -> list[str]:
        """uv's options for these sources. An earlier index hides a later one, so that nobody can publish in front of it."""
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
        # Without it pip passes over what is served without TLS; hashes tell that nobody changed it on the way.
        plain = [urllib.parse.urlsplit(url).netloc for _name, url in self.indexes if url.startswith("http://")]
        trusted = {"PIP_TRUSTED_HOST": " ".join(plain)} if plain else {}
        return words, {"PIP_INDEX_URL": urls[0], "PIP_EXTRA_INDEX_URL": " ".join(urls[1:]), **trusted} if urls else {}


# The controller's own default index, and the network.
DEFAULT_SOURCES = PackageSources()


def _format_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def find_default_index() -> str:
    """The URL of the index that pip and uv use on this controller when nobody says otherwise."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def list_platform_tags(architecture: str, libc_version: str) -> list[str]:
    """The wheel platform tags that a host with this glibc accepts, newest first (PEP 600). Raises ValueError."""
    match = re.match(r"^2\.(\d+)", libc_version)
    if not match:
        raise ValueError(f"{libc_version!r} is not a glibc version")
    tags = []
    for minor in range(int(match[1]), 4, -1):
        tags.append(f"manylinux_2_{minor}_{architecture}")
        if minor in LEGACY_MANYLINUX:
            tags.append(f"{LEGACY_MANYLINUX[minor]}_{architecture}")
    return [*tags, f"linux_{architecture}"]


def build_wheel_tags(minor: Minor, platforms: Sequence[str]) -> frozenset[Tag]:
    """The tags of wheels that CPython *minor* accepts on a host with these *platforms*."""
    interpreter = f"cp{minor[0]}{minor[1]}"
    return frozenset(
        [
            *cpython_tags(minor, [interpreter + ("m" if minor < (3, 8) else ""), "abi3", "none"], list(platforms)),
            *compatible_tags(minor, interpreter, list(platforms)),
        ]
    )


@functools.lru_cache(maxsize=64)
def get_supported_tags(minor: Minor, platform: str) -> frozenset[Tag]:
    """The tags of wheels that CPython *minor* accepts on *platform*, in uv's writing (``x86_64-manylinux_2_36``)."""
    match = PLATFORM_PATTERN.match(platform)
    if not match:
        raise ValueError(f"{platform!r} is not a platform")
    return build_wheel_tags(minor, list_platform_tags(match[1], f"2.{match[2]}"))


class _AnchorParser(html.parser.HTMLParser):
    """The anchors of a page in HTML."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.found: list[PackageFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep each anchor that names a file."""
        values = {name: value or "" for name, value in attrs}
        if tag == "base" and "href" in values:
            self.base = urllib.parse.urljoin(self.base, values["href"])
        if tag != "a" or "href" not in values:
            return
        url = urllib.parse.urlsplit(urllib.parse.urljoin(self.base, values["href"]))
        hashed = dict(urllib.parse.parse_qsl(url.fragment)).get("sha256")
        self.found.append(
            PackageFile(
                urllib.parse.unquote(url.path.rsplit("/", 1)[-1]),
                values.get("data-requires-python", ""),
                values.get("data-upload-time", "")[:10] or None,
                "data-yanked" in values,
                url._replace(fragment="").geturl(),
                hashed,
            )
        )


def read_page(text: str, kind: str, base: str) -> list[PackageFile]:
    """The files that the page *text* of media type *kind* at the URL *base* lists. Raises ValueError."""
    if kind != JSON_TYPE:
        page = _AnchorParser(base)
        page.feed(text)
        return page.found
    return [
        PackageFile(
            entry["filename"],
            entry.get("requires-python") or "",
            (entry.get("upload-time") or "")[:10] or None,
            bool(entry.get("yanked")),
            urllib.parse.urljoin(base, entry["url"]),
            entry.get("hashes", {}).get("sha256"),
        )
        for entry in json.loads(text)["files"]
    ]


def read_folder(folder: pathlib.Path) -> dict[str, list[PackageFile]]:
    """The wheels and sources in *folder* by normalized package name."""
    found: dict[str, list[PackageFile]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".whl", ".tar.gz", ".zip")):
            name = normalize_name(
                path.name.split("-")[0] if path.name.endswith(".whl") else path.name.rpartition("-")[0]
            )
            found.setdefault(name, []).append(
                PackageFile(
                    path.name,
                    _read_requires_python(path) if path.suffix == ".whl" else "",
                    None,
                    False,
                    str(path),
                    None,
                )
            )
    return found


def _read_requires_python(wheel: pathlib.Path) -> str:
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(
                name for name in archive.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1
            )
            with archive.open(name) as stream:
                text = stream.read(METADATA_LIMIT).decode("utf-8", "replace")
    except (OSError, StopIteration, zipfile.BadZipFile, RuntimeError):
        return ""
    return str(email.parser.HeaderParser().parsestr(text)["Requires-Python"] or "")


@functools.lru_cache(maxsize=4096)
def is_python_allowed(requires_python: str, minor: Minor) -> bool:
    """Whether a ``Requires-Python`` lets some patch release of *minor* in, upper bounds included; what cannot be read does."""
    try:
        specifiers = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    # Bounds such as <3.12.1 or !=3.9.0 speak of patches; a minor is excluded when its first and its late patches are.
    return any(specifiers.contains(f"{format_minor(minor)}.{patch}", prereleases=True) for patch in (0, 5, 99))


def _parse_file_name(name: str) -> tuple[Version, frozenset[Tag] | None] | None:
    """Version and, of a wheel, tags of the file *name*; None for a file that is neither wheel nor source."""
    try:
        if name.endswith(".whl"):
            _name, version, _build, tags = parse_wheel_filename(name)
            return version, tags
        return parse_sdist_filename(name)[1], None
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def build_releases(files: Iterable[PackageFile], minor: Minor, platform: str) -> list[PackageRelease]:
    """What *files* of one package are to *minor* on *platform*: every version, oldest first."""
    accepted = get_supported_tags(minor, platform)
    wheels: dict[Version, list[tuple[PackageFile, bool]]] = {}
    sources: dict[Version, PackageFile] = {}
    for entry in files:
        known = _parse_file_name(entry.name)
        if known is None:
            continue
        version, tags = known
        if tags is None:
            sources[version] = entry
        else:
            wheels.setdefault(version, []).append((entry, not accepted.isdisjoint(tags)))
    return [
        _build_release(version, wheels.get(version, []), sources.get(version), minor)
        for version in sorted({*wheels, *sources})
    ]


def _build_release(
    version: Version, wheels: Sequence[tuple[PackageFile, bool]], source: PackageFile | None, minor: Minor
) -> PackageRelease:
    fitting = [entry for entry, fits in wheels if fits]
    files = fitting or [source] if source else fitting or [entry for entry, _fits in wheels]
    open_files = [entry for entry in files if is_python_allowed(entry.requires_python, minor)]
    universal = any(entry.name.endswith("-none-any.whl") for entry in fitting)
    published = min(
        (entry.published for entry, _fits in wheels if entry.published), default=source.published if source else None
    )
    return PackageRelease(
        str(version),
        any(is_python_allowed(entry.requires_python, minor) for entry in fitting),
        source,
        None if open_files else next((entry.requires_python for entry in files), None),
        published,
        all(entry.yanked for entry in files),
        universal,
        bool(fitting),
    )


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
        """Read the pages of all *names*, several at a time. Raises IndexUnavailable."""
        missing = [name for name in dict.fromkeys(names) if name not in self._files]
        if missing:
            with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(self.list_files, missing))

    def list_files(self, name: str) -> list[PackageFile]:
        """Every file of the package *name* (normalized): of the folders, and of the first index that knows it. Raises IndexUnavailable."""
        if name not in self._files:
            local = [entry for folder in self._folders for entry in folder.get(name, [])]
            self._files[name] = local + next(
                filter(None, (self._read_cached_page(url, name) for _index, url in self._urls)), []
            )
        return self._files[name]

    def list_releases(self, name: str, minor: Minor, platform: str) -> list[PackageRelease]:
        """Every version of *name* as *minor* on *platform* sees it, oldest first. Raises IndexUnavailable."""
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
        """Whether a folder, or an index that the operator named, has that version: the controller's default index does not count."""
        files = [entry for folder in self._folders for entry in folder.get(name, [])] + (
            self.list_files(name) if self._sources.indexes else []
        )
        return any(str(known[0]) == version for known in (_parse_file_name(entry.name) for entry in files) if known)

    def _read_cached_page(self, url: str, name: str) -> list[PackageFile]:
        path = self._cache / hashlib.sha256(redact_url(url).encode()).hexdigest()[:16] / f"{name}.json"
        try:
            if time.time() - path.stat().st_mtime < self._fresh:
                return [PackageFile(*row) for row in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            pass
        found = self._fetch_page(f"{url.rstrip('/')}/{name}/")
        write_private(path, json.dumps([dataclasses.astuple(entry) for entry in found]))
        return found

    def _fetch_page(self, url: str) -> list[PackageFile]:
        try:
            answer = open_url(
                url,
                headers={"Accept": ACCEPT_HEADER},
                timeout=INDEX_TIMEOUT,
                follow_redirects="all",
                **self._sources.get_login_options(url),
            )
            return read_page(answer.read().decode("utf-8"), answer.headers.get_content_type(), url)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return []
            raise IndexUnavailableError(f"the index {redact_url(url)} answers {error.code} {error.reason}") from None
        except (OSError, ValueError, KeyError) as error:
            raise IndexUnavailableError(f"the index {redact_url(url)} gives no answer: {error}") from None
