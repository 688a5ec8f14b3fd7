# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backups of one application on this host: a directory each, complete or absent."""

import errno
import os
import shutil
import socket
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._collect import Collector
from ansible_collections.oxzep7.python.plugins.module_utils._backup._entry import Unusable
from ansible_collections.oxzep7.python.plugins.module_utils._backup._extract import Damaged, through
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup._runbook import render
from ansible_collections.oxzep7.python.plugins.module_utils._backup._stream import SUFFIXES, StreamError, compression, reading, writing
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._reading import open_directory
from ansible_collections.oxzep7.python.plugins.module_utils._files import sha256_of, sync_directory, write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._state import now, private_directory

INCOMING = ".incoming-"
GOING = ".going-"
# Beside an estimate, because what a compression makes of it is not known.
RESERVE = 64 << 20


class BackupError(Exception):
    """A backup that could not be made, found or used; nothing of it is left. The text says why and what to do."""


class Source(NamedTuple):
    """A tree to keep: the name of its layer, its absolute path without symlinks, and which paths in it are left out."""

    layer: str
    path: str
    leave_out: Optional[Callable[[str], bool]] = None


def directory_of(root: str, application: str) -> str:
    """Where the backups of *application* are, below the backup directory *root*."""
    return os.path.join(root, application)


def listed(root: str, application: str) -> Iterator[Tuple[str, Optional[Backup], str]]:
    """Identifier, backup and problem of each backup of *application*, oldest first; a damaged one has a problem and no backup."""
    try:
        names = sorted(name for name in os.listdir(directory_of(root, application)) if _manifest.IDENTIFIER.match(name))
    except OSError:
        return
    for name in names:
        try:
            yield name, _manifest.load(os.path.join(directory_of(root, application), name)), ""
        except (Unusable, OSError) as error:
            yield name, None, str(error)


def holding(root: str, application: str, generation: str) -> str:
    """Which backup of *application* has *generation*, and how it is put back, in words."""
    found = [name for name, backup, _problem in listed(root, application)
             if backup is not None and backup.about.get("generation") == generation and "environment" in backup.layers]
    if not found:
        return "no backup in %s has it" % directory_of(root, application)
    return "backup %s has it: put it back with oxzep7.python.restore (backup: %s, layers: [environment])" % (found[-1], found[-1])


def estimate(sources: Sequence[Source]) -> int:
    """Bytes on disk of all *sources*, before compression. Raises OSError."""
    total = 0
    for source in sources:
        for folder, _below, names in os.walk(source.path):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    continue
    return total


def check_space(root: str, needed: int) -> None:
    """Raise BackupError unless *root*, or what will hold it, has *needed* bytes free."""
    place = root
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free
    if free < needed + RESERVE:
        raise BackupError("%s has %d MiB free, and a backup may need %d MiB; free space, or choose another oxzep7_backup_dir"
                          % (root, free >> 20, (needed + RESERVE) >> 20))


def sweep(root: str, application: str) -> None:
    """Remove what was being written, or removed, when its writer died. The application's lease must be held. Raises OSError."""
    directory = directory_of(root, application)
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        if name.startswith((INCOMING, GOING)):
            shutil.rmtree(os.path.join(directory, name))


def next_identifier(known: Sequence[str], moment: float) -> str:
    """The identifier of a backup made at *moment* (seconds since 1970): later than all *known*, also where a clock was set back."""
    seconds = int(moment)
    name = "%s-%08x" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds)), int((moment - seconds) * 10 ** 9))
    newest = max(known) if known else ""
    if name > newest:
        return name
    stem, _separator, number = newest.partition("-")
    return "%s-%08x" % (stem, int(number, 16) + 1)


def make(root: str, application: str, sources: Sequence[Source], about: Dict[str, Any], verify: bool) -> Backup:
    """Make a backup of *sources*; with *verify* it is read back and compared before it counts. The lease must be held.

    *about* goes into the manifest. Raises BackupError, OSError.
    """
    directory = directory_of(root, application)
    private_directory(directory)
    sweep(root, application)
    began = time.monotonic()
    identifier = next_identifier([name for name in os.listdir(directory) if _manifest.IDENTIFIER.match(name)], time.time())
    incoming, final = os.path.join(directory, INCOMING + identifier), os.path.join(directory, identifier)
    os.mkdir(incoming, 0o700)
    try:
        layers = {source.layer: _layer(incoming, source, verify) for source in sources}
        whole = dict(about, identifier=identifier, application=application, host=socket.gethostname(), created=now(), engine="archive", verified=verify,
                     seconds=round(time.monotonic() - began, 3))
        text = render(final, whole, layers).encode("utf-8", "surrogateescape")
        write_atomically(os.path.join(incoming, _manifest.RUNBOOK), text)
        _manifest.seal(incoming, _manifest.document(whole, layers, sha256_of(os.path.join(incoming, _manifest.RUNBOOK))))
        os.rename(incoming, final)
        sync_directory(directory)
        return Backup(final, identifier, whole, layers)
    except (Damaged, StreamError) as error:
        raise BackupError("the backup of %s is not usable and was removed: %s" % (application, error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise BackupError("%s is full: %s; what was written is removed. Free space, or choose another oxzep7_backup_dir" % (root, error))
        raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _layer(directory: str, source: Source, verify: bool) -> Layer:
    how = compression()
    name = source.layer + SUFFIXES[how]
    path = os.path.join(directory, name)
    handle = open_directory(source.path)
    try:
        with writing(path, how) as sink:
            collector = Collector(sink, source.leave_out)
            entries = list(collector.tree(handle))
    finally:
        os.close(handle)
    layer = Layer(source.path, name, how, os.stat(path).st_size, sha256_of(path), entries, collector.met.unstable, collector.met.skipped)
    if verify:
        prove(directory, layer)
    return layer


def prove(directory: str, layer: Layer) -> None:
    """Raise Damaged or StreamError unless the archive of *layer* in *directory* has exactly its entries. Raises OSError."""
    with reading(os.path.join(directory, layer.archive), layer.compression) as stream:
        through(stream, layer.entries)


def remove(backup_directory: str) -> None:
    """Remove the backup in *backup_directory*; one that is half removed is none. Raises OSError."""
    going = os.path.join(os.path.dirname(backup_directory), GOING + os.path.basename(backup_directory))
    os.rename(backup_directory, going)
    sync_directory(os.path.dirname(backup_directory))
    shutil.rmtree(going)


def expendable(identifiers: Sequence[str], good: Sequence[str], keep: int) -> List[str]:
    """Those of *identifiers*, oldest first, that are not among the last *keep* of the *good* ones; the last good one always stays."""
    stay = set(good[-max(1, keep):])
    newest = max(stay) if stay else ""
    return [name for name in identifiers if name not in stay and name < newest]
