# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What trials of an application have shown, so that the next one does not show it again."""

import hashlib
import json
import os
import time
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    make_private_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import EnvironmentOrder
from ansible_collections.oxzep7.python.plugins.module_utils._generation._programs import find_programs
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import read_json, write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import find_site_packages

MEMORY_FILE = "trials.json"
# Seconds for which a lock that passed counts; the libraries of the host may change, which no key has.
PASSED_AGE = 86400.0
MAX_PASSED = 50
# Files and directories. A larger source is not compared, and nothing is remembered of its locks.
MAX_SOURCE_ENTRIES = 20000
# Python writes these itself.
IGNORED_DIRECTORIES = ("__pycache__", ".git", ".pytest_cache")


class TrialMemory:
    """The file of what trials of one application have shown.

    ``failing`` has the names that fail in the live environment, with the reason why they are not tried, for one run and
    while the live environment stays as it is.
    """

    def __init__(self, application: Application, state: ApplicationState, run: str) -> None:
        self._path = os.path.join(state.directory, MEMORY_FILE)
        self._live = [run, describe_environment(application.environment)]
        found = self._read()
        same = found.get("live") == self._live
        self.failing: Dict[str, str] = dict(found.get("failing") or {}) if same else {}
        self._passed: Dict[str, Dict[str, Any]] = dict(found.get("passed") or {})

    def _read(self) -> Dict[str, Any]:
        try:
            found = read_json(self._path)
        except ValueError:
            # The next trials find it again.
            found = None
        return found if isinstance(found, dict) else {}

    def find_passed(self, key: Optional[str]) -> Optional[Dict[str, Any]]:
        """The result of the trial *key* that passed; None without one that still counts."""
        entry = self._passed.get(key) if key else None
        if not entry or not 0 <= time.time() - float(entry["time"]) <= PASSED_AGE:
            return None
        return dict(entry["result"])

    def note_passed(self, key: Optional[str], result: Dict[str, Any]) -> None:
        """Remember that the trial *key* passed with *result*; nothing without a key."""
        if key:
            self._passed[key] = {"time": time.time(), "result": result}

    def save(self) -> None:
        """Write the file. The lease must be held. Raises OSError."""
        newest = sorted(self._passed, key=lambda key: -float(self._passed[key]["time"]))[:MAX_PASSED]
        found = {
            "live": self._live,
            "failing": self.failing,
            "passed": {key: self._passed[key] for key in newest},
        }
        make_private_directory(os.path.dirname(self._path))
        write_atomically(self._path, json.dumps(found, sort_keys=True).encode("utf-8"))


def describe_environment(environment: str) -> List[Any]:
    """What differs after its interpreter or anything in *environment* was installed or removed. Raises OSError."""
    found: List[Any] = [os.path.realpath(environment)]
    others = [os.path.join(environment, name) for name in ("pyvenv.cfg", "bin", "bin/python")]
    for path in find_site_packages(environment) + others:
        found.append([path, os.path.realpath(path), os.stat(path).st_mtime_ns if os.path.exists(path) else None])
    return found


def build_trial_key(application: Application, order: EnvironmentOrder, subject: Optional[str]) -> Optional[str]:
    """What stands for all that can be seen of what a trial of *order* depends on; None where that is too much.

    *subject* is that of `build_subject_key`. Raises OSError.
    """
    if subject is None:
        return None
    environments = [order.lock_id, order.interpreter, order.version, describe_environment(application.environment)]
    return _digest_parts([*environments, repr(order.cargo), subject])


def build_subject_key(application: Application, probe: str) -> Optional[str]:
    """What stands for all of *application* that a proof of *probe* uses, apart from its environment.

    None where that is too much. Raises OSError.
    """
    source = digest_source(application)
    if source is None:
        return None
    programs = [list(program) for program in find_programs(application)]
    return _digest_parts([probe, application.user, application.tests, application.tests_timeout, programs, source])


def _digest_parts(parts: List[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()


def digest_source(application: Application) -> Optional[str]:
    """A hash of names, sizes and times of the files of the application's source; None if there are too many."""
    digest = hashlib.sha256()
    if not application.source:
        return digest.hexdigest()
    excluded = {os.path.realpath(application.environment), os.path.realpath(application.generations_directory())}
    count = 0
    for directory, folders, names in os.walk(application.source):
        there = [name for name in sorted(folders) if name not in IGNORED_DIRECTORIES]
        count += 1 + len(names)
        if count > MAX_SOURCE_ENTRIES:
            return None
        folders[:] = [name for name in there if os.path.realpath(os.path.join(directory, name)) not in excluded]
        for name in sorted(names):
            path = os.path.join(directory, name)
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue
            digest.update(repr((path, found.st_size, found.st_mtime_ns, found.st_mode)).encode("utf-8"))
    return digest.hexdigest()
