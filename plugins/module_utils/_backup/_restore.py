# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores layers of a backup: proven first, built beside the live parts, and moved into place completely."""

import contextlib
import os
from typing import Dict, Iterator, Mapping, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    DIRECTORY,
    HARD_LINK,
    ArchiveEntry,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    ContentSink,
    DamagedArchiveError,
    RestoredTree,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import StreamError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import remove_entry, remove_tree
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import create_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import DIRECTORY_FLAGS as AS_DIRECTORY
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory, resolve_trusted_path


def extract_layer(backup: Backup, layer: Layer, parent: int, name: str, engine: BackupEngine) -> Dict[str, str]:
    """Restore *layer* to the new directory *name* of the open directory *parent*.

    Only this process's account can enter it until it is complete; *parent* may belong to another account. Returns the
    attributes that this host refused. Raises BackupError, OSError.
    """
    os.mkdir(name, 0o700, dir_fd=parent)
    handle = os.open(name, AS_DIRECTORY, dir_fd=parent)
    try:
        if os.fstat(handle).st_uid != os.geteuid() or os.listdir(handle):
            raise BackupError(
                "%s is not the directory that was just made; another process changes what is restored" % name
            )
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
    """The name of *layer* in *backup*."""
    return next(name for name, known in backup.layers.items() if known is layer)


@contextlib.contextmanager
def _open_parent(path: str) -> Iterator[int]:
    """The open directory that *path* lies in, reached only through links of root. Raises OSError."""
    handle = open_directory(resolve_trusted_path(os.path.dirname(path)))
    try:
        yield handle
    finally:
        os.close(handle)


def make_beside_path(stamp: str, path: str) -> str:
    """The path at which *path* is built, in the same directory; *stamp* tells it from those of others."""
    return os.path.join(os.path.dirname(path), ".restoring-%s-%s" % (stamp, os.path.basename(path)))


def build_layer_beside(backup: Backup, layer: Layer, beside: str, engine: BackupEngine) -> Dict[str, str]:
    """Build *layer* as *beside*, a name that only its maker uses; returns the attributes that this host refused.

    Raises BackupError, OSError.
    """
    with _open_parent(beside) as parent:
        name = os.path.basename(beside)
        remove_entry(parent, name, beside)
        try:
            return extract_layer(backup, layer, parent, name, engine)
        except BaseException:
            remove_entry(parent, name, beside)
            raise


def build_files_beside(
    backup: Backup, layer: Layer, besides: Mapping[str, str], engine: BackupEngine
) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Build files of *layer*, of the root directory, each as the path in *besides*; make missing directories.

    Returns the built path of each file, and the attributes that this host refused. Raises BackupError, OSError.
    """
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
            remove_tree(besides[entry.path])
            target = entry.target
            if entry.kind == HARD_LINK:
                target = besides.get(str(target), "/" + str(target))[1:]
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
            remove_tree(beside)
        if isinstance(error, (DamagedArchiveError, StreamError, EngineError)):
            raise BackupError("%s: %s" % (layer.archive or "configuration", error))
        raise
    finally:
        os.close(root)


@contextlib.contextmanager
def unpack_layer(backup: Backup, layer: Layer, engine: BackupEngine) -> Iterator[str]:
    """A directory of this process's account with the files of *layer*, for the block. Raises BackupError, OSError."""
    with create_scratch(get_current_identity()) as directory:
        files = os.path.join(directory, "files")
        with _open_parent(files) as parent:
            extract_layer(backup, layer, parent, "files", engine)
            yield files


def restore_layer(backup: Backup, layer: Layer, target: str, engine: BackupEngine) -> Dict[str, str]:
    """Restore *layer* to *target*, which must not exist, completely or not at all.

    It is built beside *target* and then moved. Returns the attributes that this host refused. Raises BackupError,
    OSError.
    """
    name = os.path.basename(target)
    with _open_parent(target) as parent:
        if os.path.lexists("/proc/self/fd/%d/%s" % (parent, name)):
            raise BackupError("%s exists already; nothing was changed. Move it, or restore to another path" % target)
        beside = make_beside_path(backup.identifier, target)
        refused = build_layer_beside(backup, layer, beside, engine)
        os.rename(os.path.basename(beside), name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)
    return refused
