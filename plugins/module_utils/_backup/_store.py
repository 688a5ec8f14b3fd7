# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backups of one application on this host: a directory each, complete or absent."""

import concurrent.futures
import contextlib
import os
import platform
import shutil
import socket
import time
from typing import Any, Dict, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    get_timestamp,
    make_private_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import get_backup_directory
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError, BackupPart
from ansible_collections.oxzep7.python.plugins.module_utils._backup._runbook import render_runbook
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import DATABASE_KINDS
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._registry import Engines
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import check_entries
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    compute_sha256,
    describe_lack_of_space,
    sync_directory,
    write_atomically,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import remove_stale_scratch

PARTIAL_PREFIX = ".incoming-"
REMOVED_PREFIX = ".going-"
STAGED_SUFFIX = ".staged"
# What prints the version, by compression or encryption.
VERSION_COMMANDS = {
    "zstd": ["zstd", "--version"],
    "age": ["age", "--version"],
    "gpg": ["gpg", "--version"],
}
VERSION_TIMEOUT = 30.0
# Added to an estimate, because the compression is not known.
SPACE_RESERVE = 64 << 20


def check_space(root: str, needed: int) -> None:
    """Raise BackupError unless the file system of *root* has *needed* bytes free."""
    place = root
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free
    if free < needed + SPACE_RESERVE:
        raise BackupError(
            "%s has %d MiB free, and a backup may need %d MiB; free space, or choose another oxzep7_backup_dir"
            % (root, free >> 20, (needed + SPACE_RESERVE) >> 20)
        )


def remove_partial_backups(root: str, application: str, engine: BackupEngine) -> None:
    """Remove what interrupted runs left of backups by *engine*. The lease must be held. Raises EngineError, OSError."""
    directory = get_backup_directory(root, application)
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        if name.startswith((PARTIAL_PREFIX, REMOVED_PREFIX)):
            engine.forget_backup(os.path.join(directory, name))
            shutil.rmtree(os.path.join(directory, name))
    remove_stale_scratch()


def make_next_identifier(known: Sequence[str], moment: float) -> str:
    """The identifier of a backup made at *moment* (seconds since 1970); later than all *known*, whatever the clock."""
    seconds = int(moment)
    name = "%s-%08x" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds)), int((moment - seconds) * 10**9))
    newest = max(known) if known else ""
    if name > newest:
        return name
    stem, _separator, number = newest.partition("-")
    return "%s-%08x" % (stem, int(number, 16) + 1)


def make_backup(
    root: str,
    application: str,
    parts: Sequence[BackupPart],
    about: Dict[str, Any],
    engine: BackupEngine,
    verify: bool,
    before: Optional[Backup] = None,
) -> Backup:
    """Make a backup of *parts* by *engine*; with *verify* it is read back before it counts. The lease must be held.

    *about* goes into the manifest. Parts that have not changed since the backup *before*, which was read back, are not
    written again. Raises BackupError, OSError.
    """
    directory = get_backup_directory(root, application)
    make_private_directory(directory)
    began = time.monotonic()
    identifier = make_next_identifier(
        [name for name in os.listdir(directory) if _manifest.IDENTIFIER.match(name)], time.time()
    )
    incoming, final = os.path.join(directory, PARTIAL_PREFIX + identifier), os.path.join(directory, identifier)
    try:
        remove_partial_backups(root, application, engine)
        os.mkdir(incoming, 0o700)
        layers = {part.layer: _store_layer(incoming, part, engine, before) for part in parts}
        readable = verify and all(engine.can_read(layer) for layer in layers.values())
        new = _select_unproven(layers, before) if readable else {}
        # Reading back mostly waits for a program. The manifest is written meanwhile; it counts when that has succeeded.
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            proof = beside.submit(_prove_written_layers, incoming, new, engine)
            whole = dict(
                about,
                identifier=identifier,
                application=application,
                host=socket.gethostname(),
                created=get_timestamp(),
                engine=engine.name,
                read_back=readable,
                tools=_read_tool_versions(layers, engine),
                seconds=round(time.monotonic() - began, 3),
            )
            _write_description(incoming, final, whole, layers, engine)
            proof.result()
        engine.finish_backup(incoming)
        os.rename(incoming, final)
        sync_directory(directory)
        return Backup(final, identifier, whole, layers)
    except BaseException as error:
        with contextlib.suppress(EngineError, OSError):
            engine.forget_backup(incoming)
        if isinstance(error, CollectionError):
            raise BackupError("the backup of %s failed, and what was written is removed: %s" % (application, error))
        lack = describe_lack_of_space(error, "oxzep7_backup_dir") if isinstance(error, OSError) else ""
        if lack:
            raise BackupError("%s is full: %s; what was written is removed%s" % (root, error, lack))
        raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _select_unproven(layers: Dict[str, Layer], before: Optional[Backup]) -> Dict[str, Layer]:
    """Those of *layers* whose archive is not one that the backup *before* has proven."""
    found = {}
    for name, layer in layers.items():
        known = before.layers.get(name) if before is not None else None
        if known is None or not layer.sha256 or known.sha256 != layer.sha256:
            found[name] = layer
    return found


def _read_tool_versions(layers: Dict[str, Layer], engine: BackupEngine) -> Dict[str, str]:
    """The versions of the programs that made *layers*, in their own words, and of the Python that wrote them."""
    commands = [engine.version_command]
    for layer in layers.values():
        commands += [VERSION_COMMANDS.get(name, []) for name in (layer.compression, layer.encryption)]
        commands += [DATABASE_KINDS[row["kind"]].version_command for row in layer.about.get("databases", [])]
    found = {"python": platform.python_version()}
    for words in commands:
        if words and words[0] not in found:
            program = shutil.which(words[0]) or words[0]
            text = run_command([program] + words[1:], VERSION_TIMEOUT).stdout
            found[words[0]] = text.partition("\n")[0].strip()
    return found


def _write_description(
    incoming: str, final: str, about: Dict[str, Any], layers: Dict[str, Layer], engine: BackupEngine
) -> None:
    """Write the runbook, then the manifest, of the backup in *incoming*, which will be *final*.

    Raises ManifestError, OSError.
    """
    text = render_runbook(final, about, layers, engine).encode("utf-8", "surrogateescape")
    write_atomically(os.path.join(incoming, _manifest.RUNBOOK_NAME), text)
    for layer in layers.values():
        # A manifest that would be refused must not be written.
        check_entries(layer.entries)
    _manifest.write_manifest(
        incoming,
        _manifest.format_manifest(about, layers, compute_sha256(os.path.join(incoming, _manifest.RUNBOOK_NAME))),
    )


def _store_layer(directory: str, part: BackupPart, engine: BackupEngine, before: Optional[Backup]) -> Layer:
    """Keep *part* in *directory*. Raises CollectionError, OSError."""
    if part.reference is not None:
        return Layer(part.path, "", "", "", 0, "", [], [], part.doubts, {"reference": part.reference})
    about: Dict[str, Any] = {} if part.paths is None else {"paths": list(part.paths)}
    if part.fill is None:
        known = before.layers.get(part.layer) if before else None
        same = known is not None and known.path == part.path
        earlier = (before.directory, known) if before and known and same else None
        layer = engine.store_layer(directory, part.layer, part.path, part.paths, earlier)
    else:
        staged = os.path.join(directory, STAGED_SUFFIX)
        os.mkdir(staged, 0o700)
        about.update(part.fill(staged))
        layer = engine.store_layer(directory, part.layer, staged, None)
        shutil.rmtree(staged)
    return layer._replace(path=part.path, skipped=dict(part.doubts, **layer.skipped), about=dict(layer.about, **about))


def _prove_written_layers(directory: str, layers: Dict[str, Layer], engine: BackupEngine) -> None:
    """Prove *layers*, which *engine* has just written. Raises CollectionError, OSError."""
    for name, layer in layers.items():
        engine.read_back(directory, layer, name)


def prove_layer(directory: str, name: str, layer: Layer, engine: BackupEngine) -> None:
    """Prove that *engine* has exactly the entries of *layer*, called *name*.

    Raises DamagedArchiveError, StreamError, EngineError, OSError.
    """
    if layer.entries:
        engine.read_layer(directory, layer, name)


def remove_backup(backup: Backup, engines: Engines) -> None:
    """Remove *backup*; one that is partly removed does not count. Raises EngineError, OSError."""
    home, name = os.path.split(backup.directory)
    going = os.path.join(home, REMOVED_PREFIX + name)
    os.rename(backup.directory, going)
    sync_directory(home)
    engines.get_for_backup(backup).forget_backup(going)
    shutil.rmtree(going)
