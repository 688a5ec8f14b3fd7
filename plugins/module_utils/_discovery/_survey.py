# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys directories for environments, interpreters, scripts that run Python, and projects, in two passes.

The first pass finds environments and prefixes and does not enter them. The second enters each of them, in parallel, and
surveys it like any other directory.
"""

import os
import re
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _environments, _git, _projects, _scripts
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._environment_kinds import (
    LIBRARY_DIRECTORY,
    detect_environment_kind,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._parallel import count_workers, map_in_parallel
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import (
    DirectoryWalker,
    WalkLimits,
    find_mount_point,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host import _elf
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_file, read_text_file

SKIPPED_DIRECTORIES = {".git", ".hg", ".svn", "__pycache__", "node_modules"}
PROGRAM_DIRECTORIES = {"bin", "sbin", "scripts", "libexec", "cgi-bin"}
PROGRAM_NAME = re.compile(r"^(?:[^.]+|.+\.(?:sh|bash|py|cgi|pyw))$")
# The name of a group is the kind of configuration that it recognizes.
CONFIGURATION_NAME = re.compile(
    r"^(?:(?P<gunicorn>gunicorn.*\.py)|(?P<uwsgi>(?:.*[-_.])?uwsgi(?:[-_.].*)?\.(?:ini|ya?ml|xml))"
    r"|(?P<supervisor>supervisor.*\.(?:conf|ini)))$"
)


class Survey(NamedTuple):
    """The result of a survey; its entries are as the inventory has them."""

    environments: List[Dict[str, Any]]
    scripts: List[Dict[str, Any]]
    projects: List[Dict[str, Any]]
    configurations: List[Dict[str, str]]
    not_seen: List[Dict[str, str]]


class _Surveyor:
    def __init__(self, limits: WalkLimits, options: _environments.EnvironmentOptions, enter: bool) -> None:
        self._options = options
        self._enter = enter
        self.waiting: List[Tuple[str, str]] = []
        self.found = Survey([], [], [], [], [])
        self._walker = DirectoryWalker(limits, self._visit_directory)
        self._outer: List[str] = []

    def walk(self, path: str) -> Survey:
        self._walker.walk(path)
        self.found.not_seen.extend(self._walker.not_seen)
        self._walker.not_seen = []
        return self.found

    def _visit_directory(self, handle: int, path: str, directories: List[str], others: List[str]) -> List[str]:
        below = [name for name in directories if name not in SKIPPED_DIRECTORIES]
        # Inside an environment its own directories are skipped, which its description covers.
        while self._outer and not path.startswith(self._outer[-1] + "/"):
            self._outer.pop()
        if self._outer and os.path.dirname(path) == self._outer[-1]:
            inside = os.path.basename(path)
            if inside in ("lib", "lib64"):
                return [name for name in below if not LIBRARY_DIRECTORY.match(name)]
            if inside == "bin" and path != "/usr/local/bin":
                return []
            if inside in ("include", "site-packages", "lib-python", "lib_pypy", "pkgs", "conda-meta"):
                return []
        kind = detect_environment_kind(directories, others, handle, path)
        if kind is None and "CACHEDIR.TAG" in others:
            self._walker.record_skipped(path, "cache, marked by CACHEDIR.TAG")
            return []
        if kind is not None:
            if not self._enter:
                self.waiting.append((path, kind))
                return []
            self._describe_environment(handle, path, kind, directories, others)
            self._outer.append(path)
        self._describe_project(handle, path, directories, others)
        self._find_scripts(handle, path, others)
        return sorted(below, reverse=True)

    def _describe_environment(
        self, handle: int, path: str, kind: str, directories: List[str], others: List[str]
    ) -> None:
        environment = _environments.Environment(handle, path, kind, self._options)
        result = environment.describe(directories, others)
        result["mount"] = find_mount_point(path, self._options.mounts)
        result["nested_in"] = self._outer[-1] if self._outer else None
        self.found.environments.append(result)
        for entry in environment.not_seen:
            self._walker.record_skipped(entry["path"], entry["reason"])

    def _describe_project(self, handle: int, path: str, directories: List[str], others: List[str]) -> None:
        files, references = [], []
        for name in sorted(others):
            kind = _projects.detect_project_file(name, path)
            if kind is None:
                match = CONFIGURATION_NAME.match(name)
                if match:
                    self.found.configurations.append({"kind": str(match.lastgroup), "path": path + "/" + name})
                continue
            text = read_text_file(name, handle)
            if text is None:
                continue
            if _projects.is_pipeline(kind):
                found = _projects.find_version_references(kind, text)
                if not found:
                    continue
                for reference in found:
                    references.append(dict(reference, kind=kind, file=name))
            files.append(_projects.describe_project_file(name, kind, text))
        git = _git.describe_repository(handle) if ".git" in directories else None
        if files or git:
            self.found.projects.append({"path": path, "files": files, "references": references, "git": git})

    def _find_scripts(self, handle: int, path: str, others: List[str]) -> None:
        programs = os.path.basename(path) in PROGRAM_DIRECTORIES
        for name in others:
            library = name.endswith(".so")
            if not (library or programs or PROGRAM_NAME.match(name)):
                continue
            try:
                state = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if not stat.S_ISREG(state.st_mode) or not (library or state.st_mode & 0o111):
                    continue
                entry = recognize_program(handle, name)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self._walker.record_skipped(path + "/" + name, error.strerror or str(error))
                continue
            if entry:
                self.found.scripts.append(dict(entry, path=path + "/" + name, owner=resolve_user_name(state.st_uid)))


def recognize_program(directory: int, name: str) -> Optional[Dict[str, Any]]:
    """How the executable *name* in the open *directory* runs Python: as a script, or linked to a libpython.

    None for a program that does not run Python. Raises OSError.
    """
    handle = open_file(name, directory)
    try:
        head = os.read(handle, _scripts.HEAD_SIZE)
        if head.startswith(b"\x7fELF"):
            return None if _scripts.PYTHON_NAME.match(name) else _recognize_embedder(handle)
    finally:
        os.close(handle)
    script = _scripts.parse_script(head)
    return {"interpreter": script.interpreter, "calls": script.calls[:20]} if script else None


def _recognize_embedder(handle: int) -> Optional[Dict[str, Any]]:
    elf = _elf.read_elf(handle)
    if elf:
        for name in elf.needed:
            if name.startswith("libpython"):
                return {"library": name, "search": elf.search}
    return None


def survey_roots(roots: List[str], limits: WalkLimits, options: _environments.EnvironmentOptions) -> Survey:
    """Survey the directories *roots*, of which some may lie inside others."""
    first = _Surveyor(limits, options, enter=False)
    real = sorted({os.path.realpath(root) for root in roots if os.path.isdir(root)})
    for root in real:
        if not any(root.startswith(other.rstrip("/") + "/") for other in real if other != root):
            first.walk(root)
    found = first.found

    def enter(place: Tuple[str, str]) -> List[List[Any]]:
        return [list(part) for part in _Surveyor(limits, options, enter=True).walk(place[0])]

    for place, answer in zip(first.waiting, map_in_parallel(enter, first.waiting, count_workers())):
        if answer is None:
            found.not_seen.append({"path": place[0], "reason": "the process that read it was killed"})
            continue
        for entries, part in zip(found, answer):
            entries.extend(part)
    for entries in (found.environments, found.scripts, found.projects, found.configurations, found.not_seen):
        entries.sort(key=lambda entry: str(entry["path"]))
    return found
