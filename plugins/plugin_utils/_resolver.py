# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolves one step's lock with uv: the nearest versions that work, with hashes. The only place that calls uv for that."""

from __future__ import annotations

import concurrent.futures
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
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.plugin_utils._files import write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, text_of

# uv's --python-platform names these glibc versions and no others (uv 0.13).
GLIBC_MINORS = (17, 28, *range(31, 41))
TIMEOUT = 900


class ResolutionError(Exception):
    """Pins that cannot be moved to a Python; the text is uv's own explanation."""


class UvMissing(Exception):
    """No uv on the controller."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What is resolved once: today's pins, the next minor, the platform, and the constraints that apply."""

    pins: tuple[tuple[str, str], ...]
    minor: Minor
    platform: str
    constraints: tuple[str, ...]

    def digest(self) -> str:
        """The identity of the question: equal questions have equal digests."""
        return hashlib.sha256(json.dumps(dataclasses.astuple(self), sort_keys=True).encode()).hexdigest()


def find_uv() -> str:
    """The controller's uv: the one of the ``uv`` package, else the one in PATH. Raises UvMissing."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if not found:
        raise UvMissing("uv is not installed on the controller; install the collection's requirements.txt")
    return found


def platform_of(architecture: str, libc: Mapping[str, str | None]) -> str:
    """uv's name for a host's platform. Raises ResolutionError for a C library other than glibc 2.17 or later."""
    version = re.match(r"^2\.(\d+)", libc.get("version") or "")
    if libc.get("name") != "glibc" or not version or int(version[1]) < GLIBC_MINORS[0]:
        raise ResolutionError(f"hosts with the C library {libc.get('name')} {libc.get('version')} cannot be planned for; glibc 2.17 or later can")
    nearest = max(known for known in GLIBC_MINORS if known <= int(version[1]))
    return f"{architecture}-manylinux_2_{nearest}"


def explanation(stderr: str) -> str:
    """uv's message without its progress and decoration, one line."""
    lines = [line.strip(" ×╰─▶│├").strip() for line in stderr.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("Resolved", "warning:")))[:2000]


class Resolver:
    """Answers questions, each once: from memory, from the cache directory, or by running uv.

    Safe to use from several threads; different questions are resolved in parallel.
    """

    def __init__(self, cache: pathlib.Path, uv: str) -> None:
        self._cache = cache / "resolutions"
        self._uv = uv
        self._guard = threading.Lock()
        self._answers: dict[str, concurrent.futures.Future[str]] = {}
        self.calls = 0

    def lock(self, question: Question) -> str:
        """The lock text for *question*. Raises ResolutionError."""
        requirements = [f"{name}>={version}" for name, version in question.pins]
        return self._once("lock-" + question.digest(), lambda: self._compile(requirements, question, []))

    def has_wheel(self, name: str, version: str, minor: Minor, platform: str) -> bool:
        """Whether *name* *version* has a wheel for *minor* on *platform*, whatever it depends on."""
        question = Question(((name, version),), minor, platform, ())
        try:
            self._once("wheel-" + question.digest(), lambda: self._compile([f"{name}=={version}"], question, ["--no-deps"]))
        except ResolutionError:
            return False
        return True

    def _once(self, key: str, make: Callable[[], str]) -> str:
        with self._guard:
            known = self._answers.get(key)
            mine = known is None
            if known is None:
                known = self._answers[key] = concurrent.futures.Future()
        if mine:
            try:
                known.set_result(self._from_cache(key, make))
            except BaseException as error:
                known.set_exception(error)
        return known.result()

    def _from_cache(self, key: str, make: Callable[[], str]) -> str:
        path = self._cache / f"{key}.txt"
        if path.exists():
            return path.read_text(encoding="utf-8")
        text = make()
        write_private(path, text)
        return text

    def _compile(self, requirements: Sequence[str], question: Question, options: Sequence[str]) -> str:
        with tempfile.TemporaryDirectory(prefix="oxzep7-resolve-") as directory:
            source = pathlib.Path(directory, "requirements.in")
            source.write_text("\n".join(requirements) + "\n", encoding="utf-8")
            limits = pathlib.Path(directory, "constraints.txt")
            limits.write_text("\n".join(question.constraints) + "\n", encoding="utf-8")
            command = [
                self._uv, "pip", "compile", "--quiet", "--no-config", "--no-header", "--no-annotate", "--generate-hashes",
                "--no-python-downloads", "--only-binary", ":all:", "--resolution", "lowest-direct",
                "--python-version", text_of(question.minor), "--python-platform", question.platform,
                "--constraint", str(limits), *options, str(source)]
            with self._guard:
                self.calls += 1
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=directory,
                                      stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})
            except subprocess.TimeoutExpired:
                raise ResolutionError(f"uv gave no answer within {TIMEOUT} seconds") from None
        if done.returncode != 0:
            raise ResolutionError(explanation(done.stderr) or f"uv ended with {done.returncode}")
        return done.stdout
