# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the layers of a backup back: proven first, built beside what is there, and moved into place as a whole."""

import contextlib
import os
import shutil
import socket
from typing import Dict, Iterator, List, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._backup import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup._entry import FILE, Entry
from ansible_collections.oxzep7.python.plugins.module_utils._backup._extract import Damaged, Tree, through
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import BackupError, directory_of, listed, prove
from ansible_collections.oxzep7.python.plugins.module_utils._backup._stream import StreamError, reading
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._reading import DIRECTORY as AS_DIRECTORY
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._reading import open_directory, resolved

NEWEST = "newest"
SHOWN = 50
# The parts of an entry that are compared with a tree, and what they are called.
COMPARED = (("kind", "type"), ("mode", "mode"), ("uid", "owner"), ("gid", "group"), ("target", "target"), ("xattrs", "attributes"))


def find(root: str, application: str, wanted: str) -> Backup:
    """The backup of *application* that *wanted* names, or the newest usable one. Raises BackupError."""
    known = list(listed(root, application))
    names = ", ".join(name for name, _backup, _problem in known) or "none"
    if wanted == NEWEST:
        usable = [backup for _name, backup, _problem in known if backup is not None]
        if not usable:
            raise BackupError("%s has no usable backup of %s; it has %s" % (root, application, names))
        return usable[-1]
    for name, backup, problem in known:
        if name == wanted:
            if backup is None:
                raise BackupError("backup %s of %s is damaged: %s; nothing was changed. Use another: %s" % (wanted, application, problem, names))
            return backup
    raise BackupError("%s has no backup %s of %s; it has %s" % (directory_of(root, application), wanted, application, names))


def check(backup: Backup, application: str, layers: Sequence[str], foreign: bool) -> None:
    """Raise BackupError unless *backup* is of *application* and this host (or *foreign* ones are allowed), has *layers*, and is whole in every byte."""
    about = backup.about
    if not foreign and (about.get("application"), about.get("host")) != (application, socket.gethostname()):
        raise BackupError("backup %s is of %s on %s; it is not restored here unless `foreign` says so"
                          % (backup.identifier, about.get("application"), about.get("host")))
    absent = [name for name in layers if name not in backup.layers]
    if absent:
        raise BackupError("backup %s has no layer %s; it has %s" % (backup.identifier, ", ".join(absent), ", ".join(backup.layers) or "none"))
    wrong = _manifest.differences(backup)
    try:
        for name in layers if not wrong else ():
            prove(backup.directory, backup.layers[name])
    except (Damaged, StreamError) as error:
        wrong.append("%s: %s" % (name, error))
    if wrong:
        raise BackupError("backup %s of %s is damaged: %s; nothing was changed. Use another backup" % (backup.identifier, application, "; ".join(wrong[:5])))


def extract(backup: Backup, layer: Layer, parent: int, name: str, owners: bool) -> Dict[str, str]:
    """Put *layer* into the new directory *name* of the open directory *parent*; returns the attributes that this host refused.

    Until all is there only this process's account can enter it. *parent* may belong to somebody else. Raises BackupError, OSError.
    """
    os.mkdir(name, 0o700, dir_fd=parent)
    handle = os.open(name, AS_DIRECTORY, dir_fd=parent)
    try:
        if os.fstat(handle).st_uid != os.geteuid() or os.listdir(handle):
            raise BackupError("%s is not the directory that was just made; somebody changes what is restored" % name)
        tree = Tree(handle, owners)
        with reading(os.path.join(backup.directory, layer.archive), layer.compression) as stream:
            through(stream, layer.entries, tree.make)
        tree.finish()
        os.sync()
        return tree.not_given
    except (Damaged, StreamError) as error:
        raise BackupError("%s: %s" % (layer.archive, error))
    finally:
        os.close(handle)


def entries_of(path: str) -> List[Entry]:
    """The entries of the tree *path* as it is now; every file is read. Raises OSError."""
    handle = open_directory(path)
    try:
        return [entry for entry in Collector(lambda data: None).tree(handle) if not entry.superseded]
    finally:
        os.close(handle)


def _names(entry: Entry, other: Entry) -> Iterator[str]:
    for field, name in COMPARED:
        if getattr(entry, field) != getattr(other, field):
            yield name
    if entry.kind == other.kind == FILE and entry.sha256 != other.sha256:
        yield "content"
    if entry.kind == FILE and entry.mtime != other.mtime:
        yield "time"


def differences(layer: Layer, path: str) -> List[str]:
    """A line for each path in which the tree *path* is not what *layer* has; one line where it is not there. Raises OSError.

    Times of directories and links are not compared: using a tree changes them.
    """
    try:
        now = {entry.path: entry for entry in entries_of(path)}
    except FileNotFoundError:
        return ["%s is not there" % path]
    kept = {entry.path: entry for entry in layer.entries if not entry.superseded}
    found = []
    for name in sorted(set(kept) | set(now)):
        if name not in now:
            found.append("%s is gone" % name)
        elif name not in kept:
            found.append("%s is new" % name)
        else:
            changed = ", ".join(_names(kept[name], now[name]))
            if changed:
                found.append("%s has another %s" % (name or "the directory itself", changed))
    return found


@contextlib.contextmanager
def _parent_of(path: str) -> Iterator[int]:
    """The open directory that *path* lies in, reached through no link but root's. Raises OSError."""
    handle = open_directory(resolved(os.path.dirname(path)))
    try:
        yield handle
    finally:
        os.close(handle)


def _forget(parent: int, name: str) -> None:
    """Remove the tree *name* of the open directory *parent*, if it is there. Raises OSError."""
    where = "/proc/self/fd/%d/%s" % (parent, name)
    if os.path.lexists(where):
        shutil.rmtree(where)


def restore(backup: Backup, layer: Layer, target: str) -> Dict[str, str]:
    """Put *layer* to *target*, which must not be there, as a whole or not at all; returns the attributes that this host refused.

    It is built beside under a name of its own, and then moved. Raises BackupError, OSError.
    """
    name = os.path.basename(target)
    made = ".restoring-%s-%s" % (backup.identifier, name)
    with _parent_of(target) as parent:
        if _there(parent, name):
            raise BackupError("%s is there already; nothing was changed. Move it away, or restore to another path" % target)
        _forget(parent, made)
        try:
            refused = extract(backup, layer, parent, made, os.geteuid() == 0)
            os.rename(made, name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)
        except BaseException:
            _forget(parent, made)
            raise
    return refused


def _there(parent: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
