# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all interpreter sources on the controller: the choice for a plan, and its part of an installation."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import (
    ArchiveOrder,
    install_archive,
    list_installed_interpreters,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor

# The rows that uv can install, for an entry of oxzep7_interpreters and an architecture.
ManagedLister = Callable[[Mapping[str, Any], str], Sequence[Mapping[str, str]]]


class InterpreterSourceError(CollectionError):
    """A source that cannot provide an interpreter."""


@dataclasses.dataclass(frozen=True)
class InterpreterWish:
    """What a plan needs for one step: the version, and the host it is for."""

    minor: Minor
    patch: int | None
    architecture: str
    system: Mapping[str, Any]
    installed: Sequence[Mapping[str, Any]]
    list_managed: ManagedLister

    @property
    def version(self) -> str:
        """The version as text, ``3.9`` or ``3.9.18``."""
        return format_minor(self.minor) + (f".{self.patch}" if self.patch is not None else "")

    def is_covered_by(self, version: str) -> bool:
        """Whether *version*, a minor or an exact one, includes every interpreter that fits."""
        return version == self.version or self.version.startswith(version + ".")

    def is_refined_by(self, version: str) -> bool:
        """Whether *version* is one exact version of a minor of which any patch fits."""
        return self.patch is None and version.startswith(self.version + ".")


class HostActions(Protocol):
    """What a source can have done on the host; each returns the result of a module."""

    check_mode: bool

    def run_module(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Run the module interpreter with *options*."""

    def run_action(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Run the action plugin or module *name* with *options*."""

    def send_archive(self, source: pathlib.Path, options: Mapping[str, Any]) -> dict[str, Any]:
        """Send the archive *source* and run the module with *options* and its path. Raises InterpreterSourceError."""


@dataclasses.dataclass(frozen=True)
class UnpackPlace:
    """Where the controller keeps archives (*cache*) and unpacks interpreters for builds (*directory*)."""

    cache: pathlib.Path
    directory: pathlib.Path
    offline: bool = False

    def unpack(self, version: str, digest: str, origin: str, path: str | None, url: str | None = None) -> str:
        """The executable of the archive with SHA-256 *digest*, at *path* or *url*, unpacked the first time.

        Raises InterpreterSourceError, InterpreterError, OSError.
        """
        folder = self.directory / digest[:16]
        for known in list_installed_interpreters(str(folder)):
            if known["path"] and known["sha256"] == digest:
                return str(known["path"])
        if url and not path and self.offline:
            raise InterpreterSourceError(f"{origin} is not here, and oxzep7_offline is set")
        made = install_archive(ArchiveOrder(version, None if path else url, path, digest, origin), str(folder))
        return str(made["path"])


class ControllerSource:
    """An interpreter source on the controller. This base serves sources that need nothing of it."""

    def choose_interpreter(self, entry: Mapping[str, Any], wish: InterpreterWish) -> dict[str, Any] | None:
        """The options with which *entry* of oxzep7_interpreters fulfils *wish*, or None.

        Raises InterpreterSourceError.
        """
        version = str(entry.get("version") or "")
        if not wish.is_covered_by(version) and not wish.is_refined_by(version):
            return None
        keys = ("source", *INTERPRETER_SOURCES[entry["source"]].options)
        chosen = {key: entry[key] for key in keys if entry.get(key)}
        return {**chosen, "version": version if version.startswith(wish.version) else wish.version}

    def list_needed_files(self, entry: Mapping[str, Any]) -> list[str]:
        """Paths on the controller of the files that *entry* needs."""
        return []

    def is_reusable(self, options: Mapping[str, Any]) -> bool:
        """Whether an interpreter that preflight found may be used without running the module."""
        return True

    def provide_here(self, options: Mapping[str, Any], place: UnpackPlace) -> str | None:
        """The path of the chosen interpreter on this controller, or None where it is not here.

        Raises InterpreterSourceError, InterpreterError, OSError.
        """
        path = str(options.get("path") or "")
        return path if path and os.access(path, os.X_OK) else None

    def provide_interpreter(self, options: Mapping[str, Any], host: HostActions) -> dict[str, Any]:
        """Install or check the interpreter on the host; returns the result of the module.

        Raises InterpreterSourceError, OSError.
        """
        return host.run_module(options)
