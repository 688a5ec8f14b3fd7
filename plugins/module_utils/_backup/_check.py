# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds a backup, and proves it before anything is restored from it."""

import socket
from typing import List, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._backup._listing import get_backup_directory, list_backups
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._backup._store import prove_layer
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import (
    find_setid_files,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    DamagedArchiveError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import StreamError

NEWEST = "newest"


def find_backup(root: str, application: str, wanted: str) -> Backup:
    """The backup of *application* that *wanted* names, or the newest one. Raises BackupError."""
    known = list(list_backups(root, application))
    names = ", ".join(name for name, _backup, _problem in known) or "none"
    if wanted == NEWEST:
        if not known:
            raise BackupError("%s has no backup of %s" % (root, application))
        # An older one is only used on request.
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
    """What is damaged of *backup*, and of its *layers*, every byte of which is read. Raises OSError."""
    wrong = _manifest.find_file_damage(backup)
    try:
        wrong = wrong or engine.find_damage(backup.directory, list(backup.layers.values()))
    except EngineError as error:
        wrong = [str(error)]
    for name in layers if not wrong else ():
        layer = backup.layers[name]
        try:
            if engine.can_read(layer):
                prove_layer(backup.directory, name, layer, engine)
            else:
                wrong.append("%s is encrypted, and this host lacks the key; set oxzep7_backup_identity" % layer.archive)
        except (DamagedArchiveError, StreamError, EngineError) as error:
            wrong.append("%s: %s" % (layer.archive or name, error))
    return wrong


def check_backup(backup: Backup, application: str, layers: Sequence[str], foreign: bool, engine: BackupEngine) -> None:
    """Prove that *backup* has *layers*, undamaged, of *application* on this host; with *foreign* of any host.

    Raises BackupError.
    """
    about = backup.about
    if not foreign and (about.get("application"), about.get("host")) != (application, socket.gethostname()):
        raise BackupError(
            "backup %s is of %s on %s; set `foreign` to restore it here"
            % (backup.identifier, about.get("application"), about.get("host"))
        )
    if foreign:
        _refuse_setid_files(backup, layers)
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


def _refuse_setid_files(backup: Backup, layers: Sequence[str]) -> None:
    """Raise BackupError for files of *layers* that would run as root in a tree of another owner.

    In a backup of this host, root had put them there; a backup from another host must not bring them.
    """
    for name in layers:
        strange = find_setid_files(backup.layers[name].entries) if name in backup.layers else []
        if strange:
            raise BackupError(
                "backup %s is not restored with `foreign`: %s would run as root, in a tree of another owner"
                % (backup.identifier, strange[0])
            )
