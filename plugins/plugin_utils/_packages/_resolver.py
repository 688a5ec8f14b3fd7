# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolves the lock of a step with uv: the nearest versions that fit together, with hashes. Only this file does so."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text, redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import (
    LockedPackage,
    format_lock,
    parse_lock,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import OnceCache
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import rank_wheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import find_requirers
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._retries import (
    ATTEMPTS,
    compute_delay,
    is_transient_message,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES, PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import (
    IndexUnavailableError,
    show_progress,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import (
    WORKERS,
    WheelStore,
    get_file_name,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Without it planning fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.requirements import Requirement
    from packaging.utils import parse_wheel_filename
    from packaging.version import InvalidVersion, Version

# uv's --python-platform names these glibc versions and no others (uv 0.13).
GLIBC_MINORS = (17, 28, *range(31, 41))
RESOLVER_TIMEOUT = 900
# Seconds after which a question is asked again even if no source lists anything else.
RESOLUTION_LIFETIME = 7 * 86400.0


class ResolutionError(CollectionError):
    """Pins that cannot be moved to a Python; the text is uv's own explanation."""


class UvMissingError(CollectionError):
    """No uv on the controller."""


@dataclasses.dataclass(frozen=True)
class ResolutionRequest:
    """A question to uv: the lowest version of each package, Python, platform, limits of others, wheels that were
    built for it (name and SHA-256), and packages that are left out although others require them."""

    requirements: tuple[str, ...]
    minor: Minor
    platform: str
    constraints: tuple[str, ...]
    built: tuple[tuple[str, str], ...] = ()
    excluded: tuple[str, ...] = ()

    def compute_digest(self) -> str:
        """The identity of the question: equal questions have equal digests."""
        return hashlib.sha256(json.dumps(dataclasses.astuple(self), sort_keys=True).encode()).hexdigest()


def find_uv() -> str:
    """The controller's uv: the one of the ``uv`` package, else the one in PATH. Raises UvMissingError."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise UvMissingError("uv is not installed on the controller; install the collection's requirements.txt")
    return found


def find_uv_platform(architecture: str, libc: Mapping[str, str | None]) -> str:
    """uv's name for a host's platform. Raises ResolutionError for a C library other than glibc 2.17 or later."""
    version = re.match(r"^2\.(\d+)", libc.get("version") or "")
    if libc.get("name") != "glibc" or not version or int(version[1]) < GLIBC_MINORS[0]:
        raise ResolutionError(
            f"hosts with the C library {libc.get('name')} {libc.get('version')} cannot be planned for; "
            "glibc 2.17 or later can"
        )
    nearest = max(known for known in GLIBC_MINORS if known <= int(version[1]))
    return f"{architecture}-manylinux_2_{nearest}"


def extract_uv_message(stderr: str) -> str:
    """uv's message without its progress and decoration, one line."""
    lines = [line.strip(" ×╰─▶│├").strip() for line in stderr.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("Resolved", "warning:")))[:2000]


@dataclasses.dataclass(frozen=True)
class ResolvedLock:
    """A resolution: the packages of a lock by name."""

    packages: Mapping[str, LockedPackage]

    @classmethod
    def parse(cls, text: str) -> ResolvedLock:
        """The resolution that became the lock *text*."""
        return cls(parse_lock(text))

    @functools.cached_property
    def text(self) -> str:
        """The text of the lock."""
        return format_lock(self.packages.values())

    @functools.cached_property
    def pins(self) -> dict[str, str]:
        """Version by package name."""
        return {name: package.version for name, package in self.packages.items()}

    @functools.cached_property
    def requirers(self) -> dict[str, frozenset[str]]:
        """The packages that require each package."""
        return {name: frozenset(package.requirers) for name, package in self.packages.items()}


def parse_uv_lock(text: str, question: ResolutionRequest) -> dict[str, LockedPackage]:
    """The packages of *text*, uv's answer to *question* in pylock.toml (PEP 751), each with the file that fits best.

    Raises ResolutionError.
    """
    built = {}
    for file_name, digest in question.built:
        own_name, version = parse_wheel_filename(file_name)[:2]
        built[str(own_name), version] = (file_name, digest)
    found: dict[str, LockedPackage] = {}
    try:
        for entry in tomllib.loads(text)["packages"]:
            name = normalize_name(entry["name"])
            own = built.get((name, Version(entry["version"])))
            source, digest = own or _choose_wheel(entry, question)
            found[name] = LockedPackage(name, entry["version"], (digest,), source)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, InvalidVersion) as error:
        raise ResolutionError(f"uv gave an answer that cannot be read: {error!r}") from None
    return found


def _choose_wheel(entry: Mapping[str, Any], question: ResolutionRequest) -> tuple[str, str]:
    """Where the best wheel of the package *entry* is, and its SHA-256. Raises ResolutionError."""
    ranked = []
    for wheel in entry.get("wheels", []):
        location = str(wheel.get("url") or wheel["path"])
        name = wheel.get("name") or get_file_name(location)
        rank, digest = rank_wheel(name, question.minor, question.platform), wheel["hashes"].get("sha256")
        if rank is not None and digest:
            # A file of the controller is known by its name; an address with credentials is asked for again.
            remote = location.startswith(("http://", "https://")) and redact_url(location) == location
            ranked.append((rank, location if remote else name, digest))
    if not ranked:
        raise ResolutionError(
            f"{entry['name']} {entry['version']} has no wheel with a SHA-256 for Python "
            f"{format_minor(question.minor)} on {question.platform}"
        )
    return min(ranked)[1:]


class Resolver:
    """Answers questions, each once: from memory, from the cache directory, or by running uv.

    Safe to use from several threads; different questions are resolved in parallel.
    """

    def __init__(
        self,
        cache: pathlib.Path,
        uv: str,
        sources: PackageSources = DEFAULT_SOURCES,
        store: WheelStore | None = None,
        index: PackageIndex | None = None,
        report: Callable[[str], None] = show_progress,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """*report* prints a line when uv is run again because an index failed for a moment; *sleep* waits for that."""
        self._cache = cache
        self._uv = uv
        self._sources = sources
        self._index = index or PackageIndex(sources, cache)
        self._store = store or WheelStore(cache, sources, self._index)
        self._report = report
        self._sleep = sleep
        self._guard = threading.Lock()
        self._answers: OnceCache[ResolvedLock] = OnceCache()
        self.calls = 0

    def lock(self, question: ResolutionRequest) -> ResolvedLock:
        """The lock for *question*. Raises ResolutionError, IndexUnavailableError, DownloadError."""
        key = hashlib.sha256((question.compute_digest() + repr(self._describe_sources())).encode()).hexdigest()
        return self._answers.get(key, lambda: self._resolve(key, question))

    def _describe_sources(self) -> tuple[Any, ...]:
        return self._sources.list_indexes(), self._sources.folders, self._sources.offline

    def _resolve(self, key: str, question: ResolutionRequest) -> ResolvedLock:
        path = self._cache / "resolutions" / f"{key}.json"
        packages = self._read_kept_answer(path)
        if packages is None:
            packages = parse_uv_lock(self._run_uv_compile(question), question)
            rows = [list(package) for package in packages.values()]
            kept = {"resolved": time.time(), "packages": rows, "pages": self._digest_pages(packages)}
            write_private(path, format_json(kept))
        return ResolvedLock(self._add_requirers(packages, question))

    def _read_kept_answer(self, path: pathlib.Path) -> dict[str, LockedPackage] | None:
        """The packages of the answer kept at *path*, unless it is old, or a source lists something else by now."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            packages = {row[0]: LockedPackage(row[0], row[1], tuple(row[2]), row[3]) for row in kept["packages"]}
            if not 0 <= time.time() - kept["resolved"] < RESOLUTION_LIFETIME:
                return None
            pages = kept["pages"]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        return packages if pages == self._digest_pages(packages) else None

    def _digest_pages(self, packages: Iterable[str]) -> dict[str, str]:
        """What the sources list of each of *packages*, as digests."""
        names = sorted(packages)
        self._index.load(names)
        return {name: self._index.compute_page_digest(name) for name in names}

    def _add_requirers(
        self, packages: Mapping[str, LockedPackage], question: ResolutionRequest
    ) -> dict[str, LockedPackage]:
        """*packages* with those of them that require each, by the metadata of their wheels."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=WORKERS) as pool:
            read = list(pool.map(self._store.read_metadata, packages.values()))
        requires = {name: entry.requires for name, entry in zip(packages, read, strict=True)}
        asked = [Requirement(line) for line in question.requirements]
        extras = {normalize_name(entry.name): frozenset(map(normalize_name, entry.extras)) for entry in asked}
        requirers = find_requirers(requires, question.minor, question.platform.partition("-")[0], extras)
        found = {}
        for name, package in packages.items():
            found[name] = package._replace(requirers=tuple(sorted(requirers.get(name, ()))))
        return found

    def _run_uv_compile(self, question: ResolutionRequest) -> str:
        """uv's answer as pylock.toml. Raises ResolutionError, and IndexUnavailableError if a source gives no answer."""
        with tempfile.TemporaryDirectory(prefix="oxzep7-resolve-") as directory:
            command = self._prepare_compile(question, pathlib.Path(directory))
            with self._guard:
                self.calls += 1
            for attempt in range(1, ATTEMPTS + 1):
                done = self._run_uv(command, directory)
                if done.returncode == 0:
                    return done.stdout
                message = redact_text(extract_uv_message(done.stderr)) or f"uv ended with {done.returncode}"
                if not is_transient_message(done.stderr):
                    raise ResolutionError(message)
                delay = compute_delay(attempt, None, random.random())
                if delay is None:
                    break
                self._report(f"uv: {message}; trying again in {delay:.0f} s ({attempt} of {ATTEMPTS - 1})")
                self._sleep(delay)
        raise IndexUnavailableError(f"a package index gives no answer: {message}")

    def _run_uv(self, command: list[str], directory: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=RESOLVER_TIMEOUT,
                check=False,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                env=self._sources.build_uv_environment(),
            )
        except subprocess.TimeoutExpired:
            raise ResolutionError(f"uv gave no answer within {RESOLVER_TIMEOUT} seconds") from None

    def _prepare_compile(self, question: ResolutionRequest, directory: pathlib.Path) -> list[str]:
        """Write the files of *question* into *directory*, and return the command that answers it there."""
        files = {
            "requirements.in": question.requirements,
            "constraints.txt": question.constraints,
            "excludes.txt": question.excluded,
        }
        for name, lines in files.items():
            (directory / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        (directory / "built").mkdir()
        for name, _digest in question.built:
            (directory / "built" / name).symlink_to(self._cache / "built" / name)
        return [
            self._uv,
            "pip",
            "compile",
            "--quiet",
            "--no-config",
            "--no-header",
            "--format",
            "pylock.toml",
            "--generate-hashes",
            "--no-python-downloads",
            "--only-binary",
            ":all:",
            "--resolution",
            "lowest-direct",
            "--python-version",
            format_minor(question.minor),
            "--python-platform",
            question.platform,
            "--constraint",
            "constraints.txt",
            *(["--excludes", "excludes.txt"] if question.excluded else []),
            *(["--find-links", "built"] if question.built else []),
            *self._sources.build_uv_options(),
            "requirements.in",
        ]
