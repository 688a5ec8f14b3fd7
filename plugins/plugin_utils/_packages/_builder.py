# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wheels that no index has: built once, on this controller if it can, or on a builder host; stored in the cache."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import os
import pathlib
import platform as this_platform
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError, call_as_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    WheelBuildError,
    WheelBuildRequest,
    build_wheel,
    describe_unusable_interpreter,
    find_build_account,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import track
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor, load_releases
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import OnceCache
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import PLATFORM_PATTERN
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._retries import is_transient_message
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import (
    IndexUnavailableError,
    Transport,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheel_libraries import list_needed_libraries

GONE_STATUSES = (404, 410)
# Build tools of before need other files than source archives have had since, or do not understand them.
EARLIEST_TOOLS = "2020-01-01"
# On these, no setuptools from before their release runs; its first releases for them follow soon.
FIRST_WITHOUT_DISTUTILS: Minor = (3, 12)
TOOLS_DELAY = datetime.timedelta(days=90)


@dataclasses.dataclass(frozen=True)
class RequiredWheel:
    """A wheel that is needed: package, version, its source archive, the Python and the platform it is for."""

    name: str
    version: str
    source: PackageFile
    minor: Minor
    platform: str


class SourceUnavailableError(WheelBuildError):
    """A source, or what its build requires, that could not be fetched now: whether it builds is not known."""


class RemoteBuildError(CollectionError):
    """A wheel that only a host of the same platform with that Python can build."""

    def __init__(self, wanted: RequiredWheel, text: str) -> None:
        super().__init__(text)
        self.wanted = wanted


def list_controller_interpreters(uv: str) -> dict[Minor, list[str]]:
    """The interpreters that uv finds on this controller, by minor version."""
    done = subprocess.run(
        [uv, "python", "list", "--only-installed", "--no-config", "--output-format", "json"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    found: dict[Minor, list[str]] = {}
    for entry in json.loads(done.stdout) if done.returncode == 0 else []:
        if entry.get("implementation") == "cpython" and entry.get("path"):
            parts = entry["version_parts"]
            found.setdefault((parts["major"], parts["minor"]), []).append(entry["path"])
    return found


# The paths of a minor's interpreters on this controller, and why others are not there.
InterpreterProvider = Callable[[Minor], tuple[Sequence[str], Sequence[str]]]


@dataclasses.dataclass(frozen=True)
class UsableInterpreters:
    """The interpreters of one minor with which the account that builds can build, and why others are of no use."""

    paths: tuple[str, ...]
    problems: tuple[str, ...]


class WheelBuilder:
    """Builds each wheel once. Safe to use from several threads."""

    def __init__(
        self,
        cache: pathlib.Path,
        uv: str,
        sources: PackageSources,
        interpreters: Mapping[Minor, Sequence[str]] | None = None,
        provide: InterpreterProvider | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Wheels are kept in ``cache/built``; *interpreters* are those that may be used (default: what uv finds).

        Those that *provide* gives, which are the hosts' own, come first.
        """
        self._directory = cache / "built"
        self._uv = uv
        self._sources = sources
        self._transport = transport or Transport(sources)
        self._given = interpreters
        self._provide = provide
        self._wheels: OnceCache[tuple[str, str]] = OnceCache()
        self._libraries: OnceCache[list[str]] = OnceCache()
        self._usable: OnceCache[UsableInterpreters] = OnceCache()

    @functools.cached_property
    def _found(self) -> Mapping[Minor, Sequence[str]]:
        return self._given if self._given is not None else list_controller_interpreters(self._uv)

    def list_interpreters(self, minor: Minor) -> UsableInterpreters:
        """The interpreters of *minor* that build here."""
        return self._usable.get(minor, lambda: self._find_interpreters(minor))

    def _find_interpreters(self, minor: Minor) -> UsableInterpreters:
        try:
            who = find_build_account()
        except IdentityError as error:
            return UsableInterpreters((), (f"nothing is built as root: {error}",))
        own, problems = self._provide(minor) if self._provide else ((), ())
        usable, reasons = [], list(problems)
        for path in dict.fromkeys([*own, *self._found.get(minor, ())]):
            problem = describe_unusable_interpreter(path, who)
            if problem:
                reasons.append(f"{path}: {problem}")
            else:
                usable.append(path)
        return UsableInterpreters(tuple(usable), tuple(reasons))

    def get_wheel(self, wanted: RequiredWheel) -> tuple[str, str]:
        """File name and SHA-256 of the wheel for *wanted*, in ``cache/built``.

        Raises WheelBuildError, RemoteBuildError.
        """
        known = self.find_built_wheel(wanted)
        if known:
            return known
        return self._wheels.get(wanted, lambda: self._build_once(wanted))

    def _build_once(self, wanted: RequiredWheel) -> tuple[str, str]:
        with (
            track("builds", f"{wanted.name} {wanted.version} for Python {format_minor(wanted.minor)}"),
            lock_file(self._get_record_path(wanted, False).with_suffix(".lock")),
        ):
            return self.find_built_wheel(wanted) or self._build_wheel(wanted)

    def list_libraries(self, wheel: str) -> list[str]:
        """The names of the libraries that the built *wheel* needs of a host, sorted."""
        if wheel.endswith("-none-any.whl"):
            return []
        return self._libraries.get(wheel, lambda: self._read_libraries(wheel))

    def _get_libraries_path(self, wheel: str) -> pathlib.Path:
        return self._directory / "libraries" / f"{wheel}.json"

    def _read_libraries(self, wheel: str) -> list[str]:
        """As recorded when it was built here, else read from the wheel."""
        try:
            return list(map(str, json.loads(self._get_libraries_path(wheel).read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            pass
        try:
            return list_needed_libraries(self._directory / wheel)
        except (OSError, zipfile.BadZipFile):
            return []

    def _record_libraries(self, wheel: str, interpreter: str) -> None:
        """Remember what *wheel* needs besides the libraries that its *interpreter* brings."""
        brought = {path.name for path in pathlib.Path(interpreter).resolve().parents[1].glob("lib/lib*.so*")}
        needed = [name for name in list_needed_libraries(self._directory / wheel) if name not in brought]
        write_private(self._get_libraries_path(wheel), json.dumps(needed))

    def find_built_wheel(self, wanted: RequiredWheel) -> tuple[str, str] | None:
        """The wheel for *wanted* if it was built before, here or on a builder host."""
        for path in (self._get_record_path(wanted, True), self._get_record_path(wanted, False)):
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if (self._directory / record["wheel"]).exists():
                return record["wheel"], record["sha256"]
        return None

    def record_wheel(self, wanted: RequiredWheel, name: str) -> tuple[str, str]:
        """Remember that the wheel *name* in ``cache/built`` is the one for *wanted*."""
        digest = compute_sha256(str(self._directory / name))
        write_private(
            self._get_record_path(wanted, name.endswith("-none-any.whl")),
            format_json({"wheel": name, "sha256": digest}),
        )
        return name, digest

    def _get_record_path(self, wanted: RequiredWheel, universal: bool) -> pathlib.Path:
        where = "any" if universal else f"py{format_minor(wanted.minor)}-{wanted.platform}"
        source = (wanted.source.sha256 or hashlib.sha256(wanted.source.location.encode()).hexdigest())[:16]
        return self._directory / "records" / f"{wanted.name}-{wanted.version}-{source}-{where}.json"

    def _build_wheel(self, wanted: RequiredWheel) -> tuple[str, str]:
        own = self.list_interpreters(wanted.minor)
        obstacle = describe_platform_obstacle(wanted.platform)
        problem: WheelBuildError | None = None
        with tempfile.TemporaryDirectory(prefix="oxzep7-source-") as directory:
            source = self.fetch_source(wanted, pathlib.Path(directory))
            for path in self._iterate_interpreters(wanted.minor):
                target = pathlib.Path(directory, "out")
                order = WheelBuildRequest(
                    self._uv, path, str(source), self._sources.build_uv_options(), list_tool_days(wanted)
                )
                try:
                    name = build_wheel(order, str(target))
                except WheelBuildError as error:
                    if is_transient_message(str(error)):
                        raise SourceUnavailableError(
                            f"what the build of {wanted.name} {wanted.version} requires is not available: {error}"
                        ) from None
                    problem = problem or error
                    # Another interpreter may have the headers of Python; it has no others.
                    if error.compiling and error.missing != "Python.h":
                        break
                    continue
                # A wheel of another Python or platform is usable only without compiled code.
                if name.endswith("-none-any.whl") or (path in own.paths and not obstacle):
                    made = self.add_wheel(wanted, target / name)
                    if not name.endswith("-none-any.whl") and not path.startswith("/usr/"):
                        self._record_libraries(name, path)
                    return made
                (target / name).unlink()
                if path not in own.paths:
                    break
        label = f"{wanted.name} {wanted.version}"
        if own.paths and not obstacle and problem and problem.missing != "Python.h":
            cause = "; ".join([*list_hidden_folders(self._sources.folders), str(problem)])
            raise WheelBuildError(
                f"{label} could not be built for Python {format_minor(wanted.minor)}: {cause}",
                problem.compiling,
                problem.missing,
            )
        reasons = [obstacle] if obstacle else list(own.problems) or ["it has no such Python"]
        if problem and problem.missing == "Python.h" and not obstacle:
            reasons = [*own.problems, str(problem)]
        raise RemoteBuildError(
            wanted,
            f"{label} must be compiled for Python {format_minor(wanted.minor)} on {wanted.platform}, and this "
            f"controller cannot ({'; '.join(reasons)}); correct that, or name a host that can in oxzep7_builder",
        )

    def _iterate_interpreters(self, minor: Minor) -> Iterator[str]:
        """The interpreters to build with: those of *minor*, then one of each other, newest first, for pure packages."""
        yield from self.list_interpreters(minor).paths
        for other in sorted(self._found, reverse=True):
            if other != minor:
                yield from self.list_interpreters(other).paths[:1]

    def add_wheel(self, wanted: RequiredWheel, wheel: pathlib.Path) -> tuple[str, str]:
        """Take the file *wheel*, which a builder host built for *wanted*, into the cache."""
        self._directory.mkdir(parents=True, exist_ok=True)
        os.replace(shutil.copy2(wheel, self._directory / f".{wheel.name}"), self._directory / wheel.name)
        return self.record_wheel(wanted, wheel.name)

    def fetch_source(self, wanted: RequiredWheel, directory: pathlib.Path) -> pathlib.Path:
        """The source of *wanted*, its hash proven, in *directory*. Raises WheelBuildError, SourceUnavailableError."""
        path = directory / pathlib.PurePath(wanted.source.name).name
        if "://" not in wanted.source.location:
            return pathlib.Path(shutil.copyfile(wanted.source.location, path))
        try:
            self._transport.download(wanted.source.location, path)
        except IndexUnavailableError as error:
            gone = error.status in GONE_STATUSES
            text = f"the source of {wanted.name} {wanted.version} is not available: {error}"
            raise (WheelBuildError if gone else SourceUnavailableError)(text) from None
        if wanted.source.sha256 and compute_sha256(str(path)) != wanted.source.sha256:
            raise WheelBuildError(
                f"the source of {wanted.name} {wanted.version} has not the SHA-256 that the index gives"
            )
        return path


def list_hidden_folders(folders: Iterable[str]) -> list[str]:
    """A sentence for each of *folders*, of ``oxzep7_find_links``, that the account which builds cannot read."""
    try:
        who = find_build_account()
    except IdentityError:
        return []
    found = []
    for folder in folders:
        try:
            call_as_identity(who, os.listdir, folder)
        except OSError as error:
            found.append(
                f"{folder} of oxzep7_find_links cannot be read by {who.name}, the account that builds "
                f"({error.strerror}); let it read the folder and enter those above it"
            )
    return found


def describe_platform_obstacle(platform: str) -> str:
    """Why code that is compiled here does not run on *platform*; empty if it does: C libraries only know older ones."""
    match = PLATFORM_PATTERN.match(platform)
    name, version = this_platform.libc_ver()
    if not match or match[1] != this_platform.machine():
        return f"it is {this_platform.machine()}"
    if name != "glibc":
        return f"its C library is {name or 'not glibc'}"
    if int(version.split(".")[1]) > int(match[2]):
        return f"its C library, glibc {version}, is newer"
    return ""


def list_tool_days(wanted: RequiredWheel) -> tuple[str, ...]:
    """The day (ISO 8601) whose build tools suit the source of *wanted*: that of its publication, if they run there."""
    if not wanted.source.published:
        return ()
    earliest = EARLIEST_TOOLS
    release = load_releases().get(wanted.minor)
    if release and wanted.minor >= FIRST_WITHOUT_DISTUTILS:
        earliest = (release.first_release + TOOLS_DELAY).isoformat()
    return (max(wanted.source.published[:10], earliest),)


def store_wheel_copy(
    cache: pathlib.Path, wheel: str, digest: str, scratch: pathlib.Path, fetch: Callable[[pathlib.Path], None]
) -> None:
    """Store the *wheel* with SHA-256 *digest* of a host; *fetch* writes it to a path. Raises ValueError, OSError."""
    if pathlib.PurePath(wheel).name != wheel or not wheel.endswith("-none-any.whl"):
        raise ValueError(f"{wheel!r} is no name of a copied wheel")
    target = cache / "built" / wheel
    if target.exists() and compute_sha256(str(target)) == digest:
        return
    fetch(scratch / wheel)
    if compute_sha256(str(scratch / wheel)) != digest:
        raise ValueError(f"{wheel} changed on its way; try again")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(shutil.copy2(scratch / wheel, target.with_name(f".{wheel}")), target)


def list_needed_wheels(failures: Sequence[RemoteBuildError]) -> list[dict[str, str]]:
    """What a builder host is asked for, as a module's options, sorted."""
    rows = []
    for entry in failures:
        rows.append(
            {
                "name": entry.wanted.name,
                "version": entry.wanted.version,
                "python": format_minor(entry.wanted.minor),
                "platform": entry.wanted.platform,
            }
        )
    return sorted(rows, key=lambda row: (row["name"], row["python"]))
