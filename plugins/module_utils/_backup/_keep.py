# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One backup from beginning to end: space, quiescence, the backup, its copy elsewhere, removal of old ones."""

import contextlib
import datetime
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application import _backups as _history
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import (
    find_live_generation,
    load_record,
    read_python_version,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import get_backup_directory, list_backups
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import (
    BackupPart,
    SizeEstimate,
    estimate_size,
    list_parts,
    sum_estimates,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._retention import (
    KeepPolicy,
    KnownBackup,
    find_expendable_backups,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import (
    check_space,
    make_backup,
    remove_backup,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import Engines
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory

HOOK_TIMEOUT = 300.0
COPY_TIMEOUT = 6 * 3600.0


class BackupJob(NamedTuple):
    """What to keep, where, by which engine, and for how long."""

    application: Application
    state: ApplicationState
    root: str
    layers: Sequence[str]
    engines: Engines
    verify: bool
    once: bool
    keep: KeepPolicy
    copy_to: Optional[str]
    run: str
    check_mode: bool


def run_backup(job: BackupJob, changes: Changes) -> Dict[str, Any]:
    """Run *job*; returns the result of the module. The lease must be held.

    Raises CollectionError, ValueError, OSError.
    """
    name = job.application.name
    engine = job.engines.get_requested()
    known = {identifier: backup for identifier, backup, _problem in list_backups(job.root, name)}
    enough = _find_backup_of_run(known, job.run) if job.once else None
    if enough is not None:
        return _make_result(enough, SizeEstimate(0), [])
    python = read_python_version(job.application.environment)
    live = find_live_generation(job.application, load_record(job.application, job.state)[0], python)
    parts = list_parts(job.application, live, job.layers, job.state.root)
    sizes = {part.layer: estimate_size(part) for part in parts}
    needed = sum_estimates(sizes.values())
    check_space(job.root, needed.size)
    for part in parts:
        changes.add(
            "keep %s of %s (%s)" % (part.layer, name, _describe_size(part, sizes[part.layer])),
            part.path or part.layer,
            None,
            get_backup_directory(job.root, name),
        )
    made = None
    if not job.check_mode:
        about = {"run": job.run, "generation": live["id"], "python": python, "environment": job.application.environment}
        with _quiesce_application(job.application, job.state.log_path):
            made = make_backup(job.root, name, parts, about, engine, job.verify, _find_previous(known))
        known[made.identifier] = made
        job.state.append_event(job.run, "backup made", backup=made.identifier)
        if job.copy_to:
            _copy_backup(job.copy_to, name, made)
    removed = _prune_backups(job, known, changes)
    if not job.check_mode:
        kept = {}
        for name, backup in known.items():
            if backup is not None and name not in removed:
                kept[name] = dict(backup.about, layers=sorted(backup.layers))
        _history.record_backups(job.state, kept)
    return _make_result(made, needed, removed)


def _find_backup_of_run(known: Dict[str, Optional[Backup]], run: str) -> Optional[Backup]:
    """The newest good backup that *run* made."""
    found = None
    for _name, backup in sorted(known.items()):
        if backup is not None and _is_good(backup) and backup.about.get("run") == run:
            found = backup
    return found


def _find_previous(known: Dict[str, Optional[Backup]]) -> Optional[Backup]:
    """The newest of the backups that were read back."""
    found = [backup for _name, backup in sorted(known.items()) if backup is not None and backup.about.get("read_back")]
    return found[-1] if found else None


def _describe_size(part: BackupPart, estimate: SizeEstimate) -> str:
    """The size of *part* in words, which *estimate* has."""
    if part.reference is not None:
        return "by reference"
    if part.fill is not None and part.measure is None:
        return "size unknown"
    text = "%d MiB" % (estimate.size >> 20)
    return text + ", without %s, whose size is unknown" % ", ".join(estimate.unknown) if estimate.unknown else text


def _is_good(backup: Backup) -> bool:
    """Whether *backup* was read back, or is encrypted for recipients whose key this host lacks."""
    return bool(backup.about.get("read_back")) or any(layer.encryption for layer in backup.layers.values())


@contextlib.contextmanager
def _quiesce_application(application: Application, log: str) -> Iterator[None]:
    """Quiesce *application* by its own commands for the block, and resume it whatever happens.

    Their output is appended to the file *log*. Raises CommandError.
    """
    try:
        for command in application.keeping.quiesce:
            require_success("quiesce", run_command(command, HOOK_TIMEOUT, log=log))
        yield
    finally:
        for command in application.keeping.resume:
            require_success("resume", run_command(command, HOOK_TIMEOUT, log=log))


def _copy_backup(target: str, application: str, backup: Backup) -> None:
    """Copy *backup* to *target*, the manifest last, so that a partial copy is no backup. Raises CommandError."""
    place = "%s/%s/" % (target.rstrip("/"), application)
    common = ["rsync", "--archive", "--numeric-ids"]
    if ":" in place:
        common.append("--rsync-path=mkdir -p -m 700 %s && rsync" % _quote_place(place))
    else:
        make_directory(place, 0o700)
    require_success(
        "copy", run_command(common + ["--exclude=/*/manifest.json", "--", backup.directory, place], COPY_TIMEOUT)
    )
    require_success("copy", run_command(common + ["--", backup.directory, place], COPY_TIMEOUT))


def _quote_place(place: str) -> str:
    return "'%s'" % place.partition(":")[2].replace("'", "'\\''")


def _prune_backups(job: BackupJob, known: Dict[str, Optional[Backup]], changes: Changes) -> List[str]:
    """Remove backups that *job* does not keep; returns their identifiers. Raises EngineError, ValueError, OSError."""
    if job.state.is_open():
        # The undo of the promotion may need any of them.
        return []
    recorded = _history.read_known_backups(job.state)
    rows = []
    for name, backup in sorted(known.items()):
        good = backup is not None and _is_good(backup)
        verified = _history.is_verified(recorded.get(name, {}))
        rows.append(KnownBackup(name, good, verified, str(backup.about.get("run")) if backup else ""))
    open_runs = () if job.run == "manual" else (job.run,)
    removed = []
    for name in find_expendable_backups(rows, job.keep, datetime.datetime.now(datetime.timezone.utc), open_runs):
        backup = known[name]
        if backup is None:
            # An unreadable one may still be useful to an operator.
            continue
        changes.add("remove backup %s of %s" % (name, job.application.name), name, "kept", None)
        removed.append(name)
        if not job.check_mode:
            remove_backup(backup, job.engines)
    return removed


def _make_result(made: Optional[Backup], needed: SizeEstimate, removed: List[str]) -> Dict[str, Any]:
    layers = made.layers if made else {}
    measured = {"seconds": made.about["seconds"], "read_back": made.about["read_back"]} if made else {}
    return dict(
        measured,
        backup=made.identifier if made else "",
        directory=made.directory if made else "",
        removed=removed,
        estimate=needed.size,
        unknown_sizes=needed.unknown,
        layers={name: {"size": layer.size, "entries": len(layer.entries)} for name, layer in layers.items()},
        unstable={name: layer.unstable for name, layer in layers.items() if layer.unstable},
        left_out={name: layer.skipped for name, layer in layers.items() if layer.skipped},
    )
