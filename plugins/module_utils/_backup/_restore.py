# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the layers of a backup back: proven first, built beside what is there, and moved into place as a whole."""

import contextlib
import os
import shutil
import socket
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import get_backup_directory, list_backups
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import prove_layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._scratch import create_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    DIRECTORY,
    FILE,
    HARD_LINK,
    ArchiveEntry,
    find_setid_files,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    ContentSink,
    DamagedArchiveError,
    RestoredTree,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import StreamError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS as AS_DIRECTORY
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory, resolve_trusted_path

NEWEST = "newest"
SHOWN_DIFFERENCES = 50
IS_GONE, IS_NEW = "is gone", "is new"
# The parts of an entry that are compared with a tree, and what they are called.
COMPARED_FIELDS = (
    ("kind", "type"),
    ("mode", "mode"),
    ("uid", "owner"),
    ("gid", "group"),
    ("target", "target"),
    ("xattrs", "attributes"),
)


def find_backup(root: str, application: str, wanted: str) -> Backup:
    """The backup of *application* that *wanted* names, or the newest one. Raises BackupError."""
    known = list(list_backups(root, application))
    names = ", ".join(name for name, _backup, _problem in known) or "none"
    if wanted == NEWEST:
        if not known:
            raise BackupError("%s has no backup of %s" % (root, application))
        # Another one than the newest is only used if that is asked for.
        wanted = known[-1][0]
    for name, backup, problem in known:
        if name == wanted:
            if backup is None:
                raise BackupError(
                    "backup %s of %s is damaged: %s; nothing was changed. Use another: %s"
                    % (wanted, application, problem, names)
                )
            return backup
    raise BackupError(
        "%s has no backup %s of %s; it has %s" % (get_backup_directory(root, application), wanted, application, names)
    )


def find_backup_damage(backup: Backup, layers: Sequence[str], engine: BackupEngine) -> List[str]:
    """What is wrong with *backup* and with its *layers*, every byte of which is read; nothing where all is well. Raises OSError."""
    wrong = _manifest.find_file_damage(backup)
    try:
        wrong = wrong or engine.find_damage(backup.directory, list(backup.layers.values()))
    except EngineError as error:
        wrong = [str(error)]
    for name in layers if not wrong else ():
        try:
            if not engine.can_read(backup.layers[name]):
                wrong.append(
                    "%s is encrypted, and its key is not here: set oxzep7_backup_identity" % backup.layers[name].archive
                )
                continue
            prove_layer(backup.directory, name, backup.layers[name], engine)
        except (DamagedArchiveError, StreamError, EngineError) as error:
            wrong.append("%s: %s" % (backup.layers[name].archive or name, error))
    return wrong


def check_backup(backup: Backup, application: str, layers: Sequence[str], foreign: bool, engine: BackupEngine) -> None:
    """Raise BackupError unless *backup* is of *application* and this host (or *foreign* ones are allowed), has *layers*, and is whole in every byte."""
    about = backup.about
    if not foreign and (about.get("application"), about.get("host")) != (application, socket.gethostname()):
        raise BackupError(
            "backup %s is of %s on %s; it is not restored here unless `foreign` says so"
            % (backup.identifier, about.get("application"), about.get("host"))
        )
    # What root put there on this host was there before. Who brings a backup from elsewhere may not bring that.
    strange = [
        path
        for name in layers
        if foreign and name in backup.layers
        for path in find_setid_files(backup.layers[name].entries)
    ]
    if strange:
        raise BackupError(
            "backup %s is not restored with `foreign`: %s would run as root, in a tree of somebody else"
            % (backup.identifier, strange[0])
        )
    absent = [name for name in layers if name not in backup.layers]
    if absent:
        raise BackupError(
            "backup %s has no layer %s; it has %s"
            % (backup.identifier, ", ".join(absent), ", ".join(backup.layers) or "none")
        )
    wrong = find_backup_damage(backup, layers, engine)
    if wrong:
        raise BackupError(
            "backup %s of %s is damaged: %s; nothing was changed. Use another backup"
            % (backup.identifier, application, "; ".join(wrong[:5]))
        )


def extract_layer(backup: Backup, layer: Layer, parent: int, name: str, engine: BackupEngine) -> Dict[str, str]:
    """Put *layer* into the new directory *name* of the open directory *parent*; returns the attributes that this host refused.

    Until all is there only this process's account can enter it. *parent* may belong to somebody else. Raises BackupError, OSError.
    """
    os.mkdir(name, 0o700, dir_fd=parent)
    handle = os.open(name, AS_DIRECTORY, dir_fd=parent)
    try:
        if os.fstat(handle).st_uid != os.geteuid() or os.listdir(handle):
            raise BackupError("%s is not the directory that was just made; somebody changes what is restored" % name)
        tree = RestoredTree(handle, os.geteuid() == 0)
        engine.read_layer(backup.directory, layer, get_layer_name(backup, layer), tree.make_entry)
        tree.finish_directories()
        os.sync()
        return tree.not_given
    except (DamagedArchiveError, StreamError, EngineError) as error:
        raise BackupError("%s: %s" % (layer.archive or name, error))
    finally:
        os.close(handle)


def get_layer_name(backup: Backup, layer: Layer) -> str:
    """How *backup* calls its *layer*."""
    return next(name for name, known in backup.layers.items() if known is layer)


def read_tree_entries(path: str, paths: Optional[Sequence[str]] = None) -> List[ArchiveEntry]:
    """The entries of the tree *path*, or of *paths* in it only, as they are now; every file is read. Raises OSError."""
    return [entry for entry in Collector(None).collect_entries(path, paths) if not entry.superseded]


def _list_differences(entry: ArchiveEntry, other: ArchiveEntry) -> Iterator[str]:
    for field, name in COMPARED_FIELDS:
        if getattr(entry, field) != getattr(other, field):
            yield name
    if entry.kind == other.kind == FILE and entry.sha256 != other.sha256:
        yield "content"
    if entry.kind == FILE and entry.mtime != other.mtime:
        yield "time"


def compare_layer(layer: Layer, path: str) -> Dict[str, str]:
    """For each path in which the tree *path* is not what *layer* has, how; `GONE` for all of it where it is not there. Raises OSError.

    Times of directories and links are not compared: using a tree changes them.
    """
    chosen = layer.about.get("paths") if path == layer.path else None
    try:
        now = {entry.path: entry for entry in read_tree_entries(path, chosen)}
    except FileNotFoundError:
        return {"": IS_GONE}
    kept = {entry.path: entry for entry in layer.entries if not entry.superseded}
    found = {}
    for name in sorted(set(kept) | set(now)):
        if name not in now:
            found[name] = IS_GONE
        elif name not in kept:
            found[name] = IS_NEW
        elif chosen is None or kept[name].kind != DIRECTORY:
            changed = ", ".join(_list_differences(kept[name], now[name]))
            if changed:
                found[name] = "has another " + changed
    return found


@contextlib.contextmanager
def _open_parent(path: str) -> Iterator[int]:
    """The open directory that *path* lies in, reached through no link but root's. Raises OSError."""
    handle = open_directory(resolve_trusted_path(os.path.dirname(path)))
    try:
        yield handle
    finally:
        os.close(handle)


def _remove_entry(parent: int, name: str) -> None:
    """Remove *name* of the open directory *parent*, a tree or a file, if it is there. Raises OSError."""
    where = "/proc/self/fd/%d/%s" % (parent, name)
    if os.path.isdir(where) and not os.path.islink(where):
        shutil.rmtree(where)
    elif os.path.lexists(where):
        os.unlink(name, dir_fd=parent)


def remove_beside(path: str) -> None:
    """Remove what was built beside, at *path*, if it is there. Raises OSError."""
    with _open_parent(path) as parent:
        _remove_entry(parent, os.path.basename(path))


def _make_beside_path(backup: Backup, path: str) -> str:
    """Under which name *path* is built, in the same directory."""
    return os.path.join(os.path.dirname(path), ".restoring-%s-%s" % (backup.identifier, os.path.basename(path)))


def build_layer_beside(backup: Backup, layer: Layer, target: str, engine: BackupEngine) -> Tuple[str, Dict[str, str]]:
    """Build *layer* beside *target*; its path there, and the attributes that this host refused. Raises BackupError, OSError."""
    beside = _make_beside_path(backup, target)
    with _open_parent(target) as parent:
        name = os.path.basename(beside)
        _remove_entry(parent, name)
        try:
            return beside, extract_layer(backup, layer, parent, name, engine)
        except BaseException:
            _remove_entry(parent, name)
            raise


def build_files_beside(
    backup: Backup, layer: Layer, wanted: Sequence[str], engine: BackupEngine
) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Build the files *wanted* of *layer*, which is of the whole file system, each beside its place, and make directories that are missing.

    Returns by the path of each where it is now; and the attributes that this host refused. Raises BackupError, OSError.
    """
    besides = {path: _make_beside_path(backup, "/" + path) for path in wanted}
    root = os.open("/", AS_DIRECTORY)
    tree = RestoredTree(root, os.geteuid() == 0)
    made: Dict[str, str] = {}

    @contextlib.contextmanager
    def make(entry: ArchiveEntry) -> Iterator[Optional[ContentSink]]:
        if entry.path not in besides:
            yield None
            return
        if entry.kind != DIRECTORY:
            made["/" + entry.path] = besides[entry.path]
            remove_beside(besides[entry.path])
            target = (
                besides.get(str(entry.target), "/" + str(entry.target))[1:] if entry.kind == HARD_LINK else entry.target
            )
            entry = entry._replace(path=besides[entry.path][1:], target=target)
        with tree.make_entry(entry) as take:
            yield take

    try:
        engine.read_layer(backup.directory, layer, get_layer_name(backup, layer), make)
        tree.finish_directories()
        os.sync()
        return made, tree.not_given
    except BaseException as error:
        for beside in made.values():
            remove_beside(beside)
        if isinstance(error, (DamagedArchiveError, StreamError, EngineError)):
            raise BackupError("%s: %s" % (layer.archive or "configuration", error))
        raise
    finally:
        os.close(root)


@contextlib.contextmanager
def unpack_layer(backup: Backup, layer: Layer, engine: BackupEngine, application: str) -> Iterator[str]:
    """The files of *layer* in a directory of this process's account alone, for the block. Raises BackupError, OSError."""
    with create_scratch(get_current_identity(), application) as directory:
        files = os.path.join(directory, "files")
        with _open_parent(files) as parent:
            extract_layer(backup, layer, parent, "files", engine)
            yield files


def restore_layer(backup: Backup, layer: Layer, target: str, engine: BackupEngine) -> Dict[str, str]:
    """Put *layer* to *target*, which must not be there, as a whole or not at all; returns the attributes that this host refused.

    It is built beside under a name of its own, and then moved. Raises BackupError, OSError.
    """
    name = os.path.basename(target)
    with _open_parent(target) as parent:
        if os.path.lexists("/proc/self/fd/%d/%s" % (parent, name)):
            raise BackupError(
                "%s is there already; nothing was changed. Move it away, or restore to another path" % target
            )
        beside, refused = build_layer_beside(backup, layer, target, engine)
        os.rename(os.path.basename(beside), name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)
    return refused
