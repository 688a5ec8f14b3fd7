# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What could stop an upgrade of this host, looked at before anything is touched: room, leases, checks, privilege, and where interpreters come from."""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    read_python_version,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import estimate_size, list_parts
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._host._urls import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import InterpreterRequest
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import (
    PromotionPolicy,
    check_record,
    find_violations,
)

# Of an interpreter whose archive does not say how large it is, and how much larger it is when it is unpacked.
INTERPRETER_BYTES, UNPACKED_FACTOR, INTERPRETER_FILES = 500 << 20, 4, 12000
# What must stay free beside what is needed.
RESERVE_BYTES, RESERVE_FILES = 256 << 20, 2000
BACKUP_FILES = 50


class PreflightOptions(NamedTuple):
    """What will be done here: directories, whether and of which layers backups are made on this host, and checks that may fail."""

    run: str
    state_dir: str
    interpreter_dir: str
    backup_dir: str
    backup_layers: Sequence[str]
    policy: PromotionPolicy


class SpaceRequirement(NamedTuple):
    """Bytes and files that something needs below a path."""

    path: str
    what: str
    size: int
    files: int


def find_existing_parent(path: str) -> str:
    """*path*, or the nearest directory above it that is there."""
    while not os.path.isdir(path) and path != "/":
        path = os.path.dirname(path)
    return path


def measure_tree(path: str) -> Tuple[int, int]:
    """Bytes on disk and number of files of the tree at *path*; what cannot be read counts for nothing."""
    size = files = 0
    waiting = [path]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                files += 1
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        continue
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return size, files


def estimate_space(
    application: Application, steps: Sequence[Dict[str, Any]], state: ApplicationState, asked: PreflightOptions
) -> List[SpaceRequirement]:
    """What the *steps* of *application* need: a generation for each that no rehearsal has built, and a backup. Raises what the parts of a backup raise."""
    record = state.read()
    built = {entry["lock"] for entry in record["generations"] if entry["complete"]}
    count = sum(1 for step in steps if step["lock"] not in built)
    size, files = measure_tree(os.path.realpath(application.environment))
    found = [
        SpaceRequirement(
            application.generations_directory(),
            "%d generations of %s" % (count, application.name),
            size * count,
            files * count,
        )
    ]
    if asked.backup_layers:
        live = find_live_generation(application, record, read_python_version(application.environment))
        parts = list_parts(application, live, asked.backup_layers, asked.state_dir)
        found.append(
            SpaceRequirement(asked.backup_dir, "a backup of %s" % application.name, estimate_size(parts), BACKUP_FILES)
        )
    return found


def measure_free_space(needs: Sequence[SpaceRequirement]) -> List[Dict[str, Any]]:
    """For each file system that something is needed on: ``path``, ``needed_bytes``, ``free_bytes``, ``needed_inodes``, ``free_inodes`` and what for."""
    places: Dict[int, List[SpaceRequirement]] = {}
    for need in needs:
        places.setdefault(os.stat(find_existing_parent(need.path)).st_dev, []).append(need)
    found = []
    for own in places.values():
        path = find_existing_parent(own[0].path)
        there = os.statvfs(path)
        # A file system without a limit of inodes reports none at all.
        found.append(
            {
                "path": path,
                "needed_bytes": sum(need.size for need in own),
                "free_bytes": there.f_bavail * there.f_frsize,
                "needed_inodes": sum(need.files for need in own),
                "free_inodes": there.f_favail if there.f_files else None,
                "for": [need.what for need in own],
            }
        )
    return found


def check_free_space(rows: Sequence[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """A finding for each of *rows* that has too little room."""
    for row in rows:
        if row["needed_bytes"] + RESERVE_BYTES > row["free_bytes"]:
            yield build_finding(
                key="disk-space-short",
                detail="%s has %d MiB free, and %d MiB are needed for %s, with %d MiB to spare"
                % (
                    row["path"],
                    row["free_bytes"] >> 20,
                    row["needed_bytes"] >> 20,
                    ", ".join(row["for"]),
                    RESERVE_BYTES >> 20,
                ),
                remediation="free space, or choose other directories",
            )
        if row["free_inodes"] is not None and row["needed_inodes"] + RESERVE_FILES > row["free_inodes"]:
            yield build_finding(
                key="inodes-short",
                detail="%s has %d inodes free, and %d are needed for %s, with %d to spare"
                % (row["path"], row["free_inodes"], row["needed_inodes"], ", ".join(row["for"]), RESERVE_FILES),
                remediation="remove files, or choose other directories",
            )


def check_application(
    application: Application, steps: Sequence[Dict[str, Any]], state: ApplicationState, asked: PreflightOptions
) -> List[Dict[str, Any]]:
    """Return the preconditions of the *steps* of *application* that do not hold now.

    Raises BuildError, ServiceError, IdentityError, ValueError, OSError.
    """
    found = list(check_record(application, state, asked.run))
    if found:
        return found
    locks = {step["lock"] for step in steps}
    built = []
    for entry in state.read()["generations"]:
        # A generation whose directory is gone is built again.
        if entry["complete"] and entry["lock"] in locks and os.path.isdir(entry["path"]):
            built.append(entry)
    violations, _baseline = find_violations(application, built, asked.policy)
    return violations


def _find_installed_interpreter(entry: Dict[str, Any], directory: str) -> Optional[Dict[str, Any]]:
    """The interpreter under *directory* that a step chose, if it is installed."""
    # A detached checksum is known only when it is fetched, so an archive that has one is checked again later.
    return INTERPRETER_SOURCES[entry["source"]].find_installed(
        InterpreterRequest(str(entry["version"]), entry), directory
    )


def _list_chosen_interpreters(steps: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The interpreters that *steps* chose, each once."""
    return list(
        {
            (step["interpreter"]["source"], str(step["interpreter"]["version"])): step["interpreter"] for step in steps
        }.values()
    )


def select_installed_interpreters(steps: Sequence[Dict[str, Any]], directory: str) -> List[Dict[str, Any]]:
    """Those interpreters of *steps* that came from archives and are installed under *directory*."""
    found = [(entry, _find_installed_interpreter(entry, directory)) for entry in _list_chosen_interpreters(steps)]
    return [
        {
            "source": entry["source"],
            "wanted": str(entry["version"]),
            "version": there["version"],
            "path": there["path"],
            "prefix": there["prefix"],
        }
        for entry, there in found
        if there
    ]


def check_interpreter(
    entry: Dict[str, Any], directory: str, installed: bool
) -> Tuple[Optional[SpaceRequirement], Optional[Dict[str, Any]]]:
    """What the interpreter that a step chose needs here, and the finding if it cannot be had; nothing where it is *installed* from an archive."""
    source, version = INTERPRETER_SOURCES[entry["source"]], str(entry["version"])
    try:
        if source.find_usable_path(entry):
            return None, None
    except InterpreterError:
        return None, build_finding(
            key="interpreter-unobtainable",
            detail="Python %s: %s is not an executable file" % (version, entry.get("path") or ""),
            remediation="correct oxzep7_interpreters, or plan again",
        )
    if installed:
        return None, None
    try:
        size = source.measure_download(entry)
    except (OSError, ValueError) as error:
        return None, build_finding(
            key="interpreter-unobtainable",
            detail="Python %s: %s cannot be had from this host: %s"
            % (version, redact_url(entry.get("url") or source.name), error),
            remediation="correct oxzep7_interpreters, or let this host reach it",
        )
    return SpaceRequirement(
        directory, "Python %s" % version, size * (1 + UNPACKED_FACTOR) if size else INTERPRETER_BYTES, INTERPRETER_FILES
    ), None


def run_preflight(
    applications: Sequence[Application],
    steps: Sequence[Dict[str, Any]],
    asked: PreflightOptions,
    there: Sequence[Dict[str, Any]],
) -> Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]:
    """All findings of this host, and the room that everything needs but *there*, what `have` found. Raises nothing that a declaration could cause."""
    found: List[Dict[str, Any]] = []
    needs: List[SpaceRequirement] = []
    for application in applications:
        state = ApplicationState(asked.state_dir, application.name)
        own = [step for step in steps if step["application"] == application.name]
        try:
            own_findings = check_application(application, own, state, asked)
            found += own_findings
            if any(finding["key"] == "live-path-changed" for finding in own_findings):
                continue
            needs += estimate_space(application, own, state, asked)
        except (CollectionError, ValueError, OSError) as error:
            found.append(
                build_finding(
                    key="preflight-failed",
                    detail="%s: %s" % (application.name, error),
                    remediation="mend what it says",
                )
            )
    installed = {(entry["source"], entry["wanted"]) for entry in there}
    for entry in _list_chosen_interpreters(steps):
        need, problem = check_interpreter(
            entry, asked.interpreter_dir, (entry["source"], str(entry["version"])) in installed
        )
        needs += [need] if need else []
        found += [problem] if problem else []
    rows = measure_free_space(needs)
    return found + list(check_free_space(rows)), rows
