# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolves the lock of a step with uv: the nearest versions that fit together, with hashes. Only this file does so."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import LEFT_OUT, PIN
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import OnceCache
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES, PackageSources

# uv's --python-platform names these glibc versions and no others (uv 0.13).
GLIBC_MINORS = (17, 28, *range(31, 41))
RESOLVER_TIMEOUT = 900


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
    """A resolution: the text of the lock, and the requirers of each package; the empty name is the question itself."""

    text: str
    via: Mapping[str, frozenset[str]]


def parse_annotated_lock(text: str) -> ResolvedLock:
    """The lock that *text*, uv's annotated output, is."""
    via: dict[str, set[str]] = {}
    current = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#") and not LEFT_OUT.match(line):
            who = stripped.lstrip("# ").removeprefix("via").strip()
            if who:
                via[current].add("" if who.startswith("-r ") else normalize_name(who))
            continue
        pin = PIN.match(line)
        if pin:
            current = normalize_name(pin[1])
            via[current] = set()
    return ResolvedLock(text, {name: frozenset(who) for name, who in via.items()})


class Resolver:
    """Answers questions, each once: from memory, from the cache directory, or by running uv.

    Safe to use from several threads; different questions are resolved in parallel.
    """

    def __init__(self, cache: pathlib.Path, uv: str, sources: PackageSources = DEFAULT_SOURCES) -> None:
        self._cache = cache
        self._uv = uv
        self._sources = sources
        self._guard = threading.Lock()
        self._answers: OnceCache[str] = OnceCache()
        self.calls = 0

    def lock(self, question: ResolutionRequest) -> ResolvedLock:
        """The lock for *question*. Raises ResolutionError."""
        key = hashlib.sha256((question.compute_digest() + repr(self._sources)).encode()).hexdigest()
        return parse_annotated_lock(self._answers.get(key, lambda: self._resolve_cached(key, question)))

    def _resolve_cached(self, key: str, question: ResolutionRequest) -> str:
        path = self._cache / "resolutions" / f"{key}.txt"
        if path.exists():
            return path.read_text(encoding="utf-8")
        text = self._run_uv_compile(question)
        write_private(path, text)
        return text

    def _run_uv_compile(self, question: ResolutionRequest) -> str:
        with tempfile.TemporaryDirectory(prefix="oxzep7-resolve-") as directory:
            source = pathlib.Path(directory, "requirements.in")
            source.write_text("\n".join(question.requirements) + "\n", encoding="utf-8")
            limits = pathlib.Path(directory, "constraints.txt")
            limits.write_text("\n".join(question.constraints) + "\n", encoding="utf-8")
            excludes = pathlib.Path(directory, "excludes.txt")
            excludes.write_text("\n".join(question.excluded) + "\n", encoding="utf-8")
            built = pathlib.Path(directory, "built")
            built.mkdir()
            for name, _digest in question.built:
                (built / name).symlink_to(self._cache / "built" / name)
            command = [
                self._uv,
                "pip",
                "compile",
                "--quiet",
                "--no-config",
                "--no-header",
                "--annotation-style",
                "split",
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
                limits.name,
                *(["--excludes", excludes.name] if question.excluded else []),
                *(["--find-links", built.name] if question.built else []),
                *self._sources.build_uv_options(),
                source.name,
            ]
            with self._guard:
                self.calls += 1
            try:
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    timeout=RESOLVER_TIMEOUT,
                    check=False,
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "NO_COLOR": "1"},
                )
            except subprocess.TimeoutExpired:
                raise ResolutionError(f"uv gave no answer within {RESOLVER_TIMEOUT} seconds") from None
        if done.returncode != 0:
            raise ResolutionError(extract_uv_message(done.stderr) or f"uv ended with {done.returncode}")
        return done.stdout
