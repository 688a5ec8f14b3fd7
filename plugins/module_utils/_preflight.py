# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight: everything that could stop an upgrade of this host, as findings; nothing is changed.

Each finding has ``applications``, the names of those that it concerns.
"""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import (
    EnvironmentPlace,
    build_shared_finding,
    find_shared_environments,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    load_record,
    read_python_version,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import (
    SizeEstimate,
    estimate_size,
    list_parts,
    sum_estimates,
)
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_url
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import InterpreterRequest
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._preconditions import (
    PromotionPolicy,
    check_record,
    find_violations,
)

# Size of an interpreter whose download does not state one, growth by unpacking, and number of files.
INTERPRETER_BYTES, UNPACKED_FACTOR, INTERPRETER_FILES = 500 << 20, 4, 12000
# Free space that must remain.
RESERVE_BYTES, RESERVE_FILES = 256 << 20, 2000
BACKUP_FILES = 50
# Findings with which the record does not say what is live.
UNKNOWN_RECORD = ("environment-claimed", "live-path-changed")


class PreflightOptions(NamedTuple):
    """Directories and options of the run; ``backup_layers`` are those of backups on this host, if it writes any."""

    run: str
    state_dir: str
    interpreter_dir: str
    backup_dir: str
    backup_layers: Sequence[str]
    policy: PromotionPolicy


class SpaceRequirement(NamedTuple):
    """Bytes and files that ``what`` needs below ``path``, for ``applications``."""

    path: str
    what: str
    size: int
    files: int
    applications: Tuple[str, ...]


def find_existing_parent(path: str) -> str:
    """Return *path*, or the nearest existing directory above it."""
    while not os.path.isdir(path) and path != "/":
        path = os.path.dirname(path)
    return path


def measure_tree(path: str) -> Tuple[int, int]:
    """Return the bytes on disk and the number of files of the tree at *path*, without unreadable parts."""
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


def check_backup_size(application: Application, estimate: SizeEstimate, directory: str) -> Iterator[Dict[str, Any]]:
    """Yield a finding if *estimate*, of a backup of *application* in *directory*, does not include everything."""
    if estimate.unknown:
        listed = "; ".join("%s (%s)" % entry for entry in sorted(estimate.unknown.items()))
        yield build_finding(
            key="backup-size-unknown",
            detail="%s: its backup needs %d MiB and the unknown size of %s"
            % (application.name, estimate.size >> 20, listed),
            remediation="make sure that %s has enough space for it" % directory,
        )


def estimate_space(
    application: Application, steps: Sequence[Dict[str, Any]], state: ApplicationState, asked: PreflightOptions
) -> Tuple[List[SpaceRequirement], List[Dict[str, Any]]]:
    """Return the space for the *steps* of *application*, and findings about unknown sizes.

    It is that of a generation for each step that is not built yet, and of a backup. Raises CollectionError, ValueError,
    OSError.
    """
    findings: List[Dict[str, Any]] = []
    record, _rebuilt = load_record(application, state)
    built = {entry["lock"] for entry in record["generations"] if entry["complete"]}
    count = sum(1 for step in steps if step["lock"] not in built)
    size, files = measure_tree(os.path.realpath(application.environment))
    found = [
        SpaceRequirement(
            application.generations_directory(),
            "%d generations of %s" % (count, application.name),
            size * count,
            files * count,
            (application.name,),
        )
    ]
    if asked.backup_layers:
        live = find_live_generation(application, record, read_python_version(application.environment))
        parts = list_parts(application, live, asked.backup_layers, asked.state_dir)
        needed = sum_estimates(estimate_size(part) for part in parts)
        what = "a backup of %s" % application.name
        found.append(SpaceRequirement(asked.backup_dir, what, needed.size, BACKUP_FILES, (application.name,)))
        findings += check_backup_size(application, needed, asked.backup_dir)
    return found, findings


def measure_free_space(needs: Sequence[SpaceRequirement]) -> List[Dict[str, Any]]:
    """Return a row for each file system that *needs* use.

    A row has ``path``, ``needed_bytes``, ``free_bytes``, ``needed_inodes``, ``free_inodes`` (None without a limit),
    ``for``, the uses, and ``applications``, those that have them.
    """
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
                "applications": sorted({name for need in own for name in need.applications}),
            }
        )
    return found


def check_free_space(rows: Sequence[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Yield a finding for each of *rows* with too little free space or inodes."""
    for row in rows:
        if row["needed_bytes"] + RESERVE_BYTES > row["free_bytes"]:
            finding = build_finding(
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
            yield dict(finding, applications=row["applications"])
        if row["free_inodes"] is not None and row["needed_inodes"] + RESERVE_FILES > row["free_inodes"]:
            finding = build_finding(
                key="inodes-short",
                detail="%s has %d inodes free, and %d are needed for %s, with %d to spare"
                % (row["path"], row["free_inodes"], row["needed_inodes"], ", ".join(row["for"]), RESERVE_FILES),
                remediation="remove files, or choose other directories",
            )
            yield dict(finding, applications=row["applications"])


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
    for entry in load_record(application, state)[0]["generations"]:
        # A generation whose directory is gone is built again.
        if entry["complete"] and entry["lock"] in locks and os.path.isdir(entry["path"]):
            built.append(entry)
    violations, _baseline = find_violations(application, built, asked.policy)
    return violations


def _find_installed_interpreter(entry: Dict[str, Any], directory: str) -> Optional[Dict[str, Any]]:
    """Return the interpreter *entry* of a step as installed under *directory*, if it is."""
    # A detached checksum is known only when it is fetched, so an archive that has one is checked again later.
    return INTERPRETER_SOURCES[entry["source"]].find_installed(
        InterpreterRequest(str(entry["version"]), entry), directory
    )


def _identify(entry: Dict[str, Any]) -> Tuple[str, str]:
    return entry["source"], str(entry["version"])


def _list_chosen_interpreters(steps: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the interpreters of *steps*, each once."""
    return list({_identify(step["interpreter"]): step["interpreter"] for step in steps}.values())


def _list_users(steps: Sequence[Dict[str, Any]], entry: Dict[str, Any]) -> List[str]:
    """Return the applications with *steps* to the interpreter *entry*."""
    return sorted({step["application"] for step in steps if _identify(step["interpreter"]) == _identify(entry)})


def select_installed_interpreters(steps: Sequence[Dict[str, Any]], directory: str) -> List[Dict[str, Any]]:
    """Return the interpreters of *steps* that are installed under *directory*."""
    found = []
    for entry in _list_chosen_interpreters(steps):
        installed = _find_installed_interpreter(entry, directory)
        if installed:
            row = {key: installed[key] for key in ("version", "path", "prefix")}
            found.append(dict(row, source=entry["source"], wanted=str(entry["version"])))
    return found


def check_interpreter(
    entry: Dict[str, Any], directory: str, installed: bool
) -> Tuple[Optional[SpaceRequirement], Optional[Dict[str, Any]]]:
    """Return the space for the interpreter *entry* of a step, or the finding if it is unobtainable.

    Neither for one that is *installed* or exists. Whose interpreter it is, the caller adds.
    """
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
            detail="Python %s: %s cannot be downloaded from this host: %s"
            % (version, redact_url(entry.get("url") or source.name), error),
            remediation="correct oxzep7_interpreters, or let this host reach it",
        )
    return SpaceRequirement(
        directory,
        "Python %s" % version,
        size * (1 + UNPACKED_FACTOR) if size else INTERPRETER_BYTES,
        INTERPRETER_FILES,
        (),
    ), None


def run_preflight(
    applications: Sequence[Application],
    steps: Sequence[Dict[str, Any]],
    asked: PreflightOptions,
    there: Sequence[Dict[str, Any]],
    declared: Sequence[EnvironmentPlace] = (),
) -> Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]:
    """Return all findings of this host, and a row for each file system.

    *there* are the installed interpreters, *declared* the environments of all declared applications. Errors of an
    application become findings.
    """
    found: List[Dict[str, Any]] = []
    shared = find_shared_environments(declared)
    needs: List[SpaceRequirement] = []
    for application in applications:
        state = ApplicationState(asked.state_dir, application.name)
        own = [step for step in steps if step["application"] == application.name]
        about: List[Dict[str, Any]] = []
        if application.name in shared:
            about.append(build_shared_finding(application.name, shared[application.name]))
        else:
            try:
                about += check_application(application, own, state, asked)
                if not any(finding["key"] in UNKNOWN_RECORD for finding in about):
                    own_needs, unsure = estimate_space(application, own, state, asked)
                    needs += own_needs
                    about += unsure
            except (CollectionError, ValueError, OSError) as error:
                about.append(
                    build_finding(
                        key="preflight-failed",
                        detail="%s: %s" % (application.name, error),
                        remediation="remove the cause, then run again",
                    )
                )
        found += [dict(finding, applications=[application.name]) for finding in about]
    installed = {(entry["source"], entry["wanted"]) for entry in there}
    for entry in _list_chosen_interpreters(steps):
        names = _list_users(steps, entry)
        need, problem = check_interpreter(entry, asked.interpreter_dir, _identify(entry) in installed)
        needs += [need._replace(applications=tuple(names))] if need else []
        found += [dict(problem, applications=names)] if problem else []
    rows = measure_free_space(needs)
    return found + list(check_free_space(rows)), rows
