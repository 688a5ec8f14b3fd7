# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wheels that no index has: built once, on this controller if it can, or on a builder host; stored in the cache."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import platform as this_platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence

from ansible.module_utils.urls import open_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import compute_sha256
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    WheelBuildError,
    WheelBuildRequest,
    build_wheel,
    can_run_interpreter,
    find_build_account,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import format_json, lock_file, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import OnceCache
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import PackageFile
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import PLATFORM_PATTERN
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources

SOURCE_LIMIT = 512 << 20


@dataclasses.dataclass(frozen=True)
class RequiredWheel:
    """A wheel that is needed: package, version, its source archive, the Python and the platform it is for."""

    name: str
    version: str
    source: PackageFile
    minor: Minor
    platform: str


class RemoteBuildError(CollectionError):
    """A wheel that only a host of the same platform with that Python can build."""

    def __init__(self, wanted: RequiredWheel, text: str) -> None:
        super().__init__(text)
        self.wanted = wanted


def list_controller_interpreters(uv: str) -> dict[Minor, str]:
    """The interpreters that uv finds on this controller, one for each minor version."""
    done = subprocess.run(
        [uv, "python", "list", "--only-installed", "--no-config", "--output-format", "json"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    found: dict[Minor, str] = {}
    for entry in json.loads(done.stdout) if done.returncode == 0 else []:
        if entry.get("implementation") == "cpython" and entry.get("path"):
            parts = entry["version_parts"]
            found.setdefault((parts["major"], parts["minor"]), entry["path"])
    return found


class WheelBuilder:
    """Builds each wheel once. Safe to use from several threads."""

    def __init__(
        self, cache: pathlib.Path, uv: str, sources: PackageSources, interpreters: Mapping[Minor, str] | None = None
    ) -> None:
        """Wheels are kept in ``cache/built``; *interpreters* are those that may be used (default: what uv finds)."""
        self._directory = cache / "built"
        self._uv = uv
        self._sources = sources
        self._given = interpreters
        self._wheels: OnceCache[tuple[str, str]] = OnceCache()

    @functools.cached_property
    def _interpreters(self) -> dict[Minor, str]:
        try:
            who = find_build_account()
        except IdentityError:
            return {}
        given = self._given if self._given is not None else list_controller_interpreters(self._uv)
        return {minor: path for minor, path in sorted(given.items(), reverse=True) if can_run_interpreter(path, who)}

    def get_wheel(self, wanted: RequiredWheel) -> tuple[str, str]:
        """File name and SHA-256 of the wheel for *wanted*, in ``cache/built``.

        Raises WheelBuildError, RemoteBuildError.
        """
        known = self.find_built_wheel(wanted)
        if known:
            return known
        return self._wheels.get(wanted, lambda: self._build_once(wanted))

    def _build_once(self, wanted: RequiredWheel) -> tuple[str, str]:
        with lock_file(self._get_record_path(wanted, False).with_suffix(".lock")):
            return self.find_built_wheel(wanted) or self._build_wheel(wanted)

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

    def _can_compile_for(self, wanted: RequiredWheel) -> bool:
        """Whether code that is compiled here runs on the platform: same architecture, C library not older than ours."""
        match = PLATFORM_PATTERN.match(wanted.platform)
        name, version = this_platform.libc_ver()
        return bool(
            match
            and name == "glibc"
            and match[1] == this_platform.machine()
            and int(version.split(".")[1]) <= int(match[2])
        )

    def _build_wheel(self, wanted: RequiredWheel) -> tuple[str, str]:
        own = self._interpreters.get(wanted.minor)
        others = [path for minor, path in self._interpreters.items() if minor != wanted.minor]
        problem = ""
        with tempfile.TemporaryDirectory(prefix="oxzep7-source-") as directory:
            source = self.fetch_source(wanted, pathlib.Path(directory))
            for path in ([own] if own else []) + others:
                target = pathlib.Path(directory, "out")
                try:
                    name = build_wheel(
                        WheelBuildRequest(self._uv, path, str(source), self._sources.build_uv_options()), str(target)
                    )
                except WheelBuildError as error:
                    problem = problem or str(error)
                    if error.compiling:
                        break
                    continue
                # A wheel of another Python or platform is usable only without compiled code.
                if name.endswith("-none-any.whl") or (path == own and self._can_compile_for(wanted)):
                    return self.add_wheel(wanted, target / name)
                (target / name).unlink()
                if path != own:
                    break
        if own and self._can_compile_for(wanted) and "Python.h" not in problem:
            raise WheelBuildError(
                f"{wanted.name} {wanted.version} could not be built for Python {format_minor(wanted.minor)}: {problem}"
            )
        raise RemoteBuildError(
            wanted,
            f"{wanted.name} {wanted.version} must be compiled for Python {format_minor(wanted.minor)} on "
            f"{wanted.platform}, and this controller has no such Python that can compile; name a host that has in "
            "oxzep7_builder",
        )

    def add_wheel(self, wanted: RequiredWheel, wheel: pathlib.Path) -> tuple[str, str]:
        """Take the file *wheel*, which a builder host built for *wanted*, into the cache."""
        self._directory.mkdir(parents=True, exist_ok=True)
        os.replace(shutil.copy2(wheel, self._directory / f".{wheel.name}"), self._directory / wheel.name)
        return self.record_wheel(wanted, wheel.name)

    def fetch_source(self, wanted: RequiredWheel, directory: pathlib.Path) -> pathlib.Path:
        """The source of *wanted*, its hash proven, in *directory*. Raises WheelBuildError."""
        path = directory / pathlib.PurePath(wanted.source.name).name
        if "://" not in wanted.source.location:
            return pathlib.Path(shutil.copyfile(wanted.source.location, path))
        try:
            data = open_url(
                wanted.source.location,
                timeout=300,
                follow_redirects="all",
                **self._sources.get_login_options(wanted.source.location),
            ).read(SOURCE_LIMIT)
        except OSError as error:
            raise WheelBuildError(f"the source of {wanted.name} {wanted.version} is not available: {error}") from None
        if wanted.source.sha256 and hashlib.sha256(data).hexdigest() != wanted.source.sha256:
            raise WheelBuildError(
                f"the source of {wanted.name} {wanted.version} has not the SHA-256 that the index gives"
            )
        path.write_bytes(data)
        return path


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
