# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which engine keeps, and which one reads what was kept."""

from typing import Any, Dict, NamedTuple, Optional, Union

from ansible_collections.oxzep7.python.plugins.module_utils._backup._archives import ArchiveEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Backup
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restic import ResticRepository
from ansible_collections.oxzep7.python.plugins.module_utils._backup._sealing import EncryptionSettings

Engine = Union[ArchiveEngine, ResticRepository]

ENGINE_ARGUMENTS: Dict[str, Any] = {
    "engine": {"type": "str", "choices": ["archive", "restic"], "default": "archive"},
    "encryption": {"type": "str", "choices": ["none", "age", "gpg"], "default": "none"},
    "recipients": {"type": "list", "elements": "str", "default": []},
    "identity": {"type": "path", "no_log": False},
    "repository": {"type": "str", "no_log": True},
    "repository_password": {"type": "str", "no_log": True},
    "repository_password_file": {"type": "path", "no_log": False},
    "repository_environment": {"type": "dict", "no_log": True, "default": {}},
}


class Engines(NamedTuple):
    """The engine that was asked for, and those that can read."""

    asked: str
    archives: ArchiveEngine
    repository: Optional[ResticRepository]

    def get_requested(self) -> Engine:
        """The engine that was asked for. Raises BackupError when it lacks something."""
        if self.asked == "archive":
            return self.archives
        return self._require_repository("the engine restic")

    def _require_repository(self, what: str) -> ResticRepository:
        if self.repository is None:
            raise BackupError(
                "%s needs a repository and its password; set oxzep7_backup_repository, and oxzep7_backup_repository_password or "
                "oxzep7_backup_repository_password_file" % what
            )
        return self.repository

    def get_for_backup(self, backup: Backup) -> Engine:
        """The engine that made *backup*. Raises BackupError when it lacks something."""
        return (
            self.archives
            if backup.about.get("engine") == "archive"
            else self._require_repository("backup %s" % backup.identifier)
        )


def create_engines(given: Dict[str, Any]) -> Engines:
    """What module parameters of `ENGINE_ARGUMENTS` ask for. Raises BackupError."""
    how = "" if given["encryption"] == "none" else given["encryption"]
    if how and not given["recipients"]:
        raise BackupError("encryption by %s needs recipients; set oxzep7_backup_recipients" % how)
    repository = None
    if given["repository"] and (given["repository_password"] or given["repository_password_file"]):
        repository = ResticRepository(
            given["repository"],
            given["repository_password"],
            given["repository_password_file"],
            tuple(sorted((str(name), str(value)) for name, value in given["repository_environment"].items())),
        )
    return Engines(
        given["engine"],
        ArchiveEngine(EncryptionSettings(how, tuple(given["recipients"]), given["identity"] or None)),
        repository,
    )
