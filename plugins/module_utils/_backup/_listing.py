# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the backups of an application."""

import os
from typing import Iterator, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _manifest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import ManifestError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup


def get_backup_directory(root: str, application: str) -> str:
    """The directory of the backups of *application*, below the backup directory *root*."""
    return os.path.join(root, application)


def list_backups(root: str, application: str) -> Iterator[Tuple[str, Optional[Backup], str]]:
    """Identifier, backup and problem of each backup of *application*, oldest first.

    A damaged one has a problem and no backup.
    """
    directory = get_backup_directory(root, application)
    try:
        names = sorted(name for name in os.listdir(directory) if _manifest.IDENTIFIER.match(name))
    except OSError:
        return
    for name in names:
        try:
            yield name, _manifest.load_backup(os.path.join(directory, name)), ""
        except (ManifestError, OSError) as error:
            yield name, None, str(error)


def describe_recovery(root: str, application: str, generation: str) -> str:
    """The backup of *application* that has *generation*, and how to restore it, in words."""
    found = ""
    for name, backup, _problem in list_backups(root, application):
        if backup is not None and backup.about.get("generation") == generation and "environment" in backup.layers:
            found = name
    if not found:
        return "no backup in %s has it" % get_backup_directory(root, application)
    return "backup %s has it: put it back with oxzep7.python.restore (backup: %s, layers: [environment])" % (
        found,
        found,
    )
