# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One restore: what is asked of it, where each layer belongs on this host, and the result."""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import ENVIRONMENT
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup, Layer
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Journal
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import TransactionOptions

# What a restore does with databases.
NO_DATABASES, NEW_NAME, IN_PLACE = "none", "new_name", "in_place"


class RestoreRequest(NamedTuple):
    """A scratch directory or None, whether to replace what differs, what to do with databases, and limits of checks.

    ``dead_man`` is ``required`` or ``preferred``.
    """

    scratch: Optional[str]
    replace: bool
    databases: str
    options: TransactionOptions
    check_mode: bool
    accept_unhealthy: Sequence[str]
    dead_man: str = "preferred"


class RestoreTask:
    """One restore: its request and its result."""

    def __init__(
        self,
        application: Application,
        state: ApplicationState,
        backup: Backup,
        engine: BackupEngine,
        ask: RestoreRequest,
    ) -> None:
        self.application = application
        self.state = state
        self.backup = backup
        self.engine = engine
        self.ask = ask
        self.journal = Journal(state)
        self.record: Dict[str, Any] = {}
        self.restored: Dict[str, str] = {}
        self.differences: Dict[str, List[str]] = {}
        self.not_given: Dict[str, Dict[str, str]] = {}
        self.generation: Optional[str] = None
        self.kept: List[str] = []
        self.downtime: Optional[int] = None
        self.databases: Dict[str, str] = {}
        self.warnings: List[str] = []

    def get_layer(self, name: str) -> Layer:
        """The layer *name* of the backup."""
        return self.backup.layers[name]

    def get_target(self, name: str) -> str:
        """Where the layer *name* belongs. Once the live path is a symlink, an environment is a generation."""
        if self.ask.scratch:
            return os.path.join(self.ask.scratch, name)
        if name == ENVIRONMENT and self.record["current"] is not None:
            return self.application.generation_path(str(self.backup.about["generation"]))
        return self.get_layer(name).path

    def get_kept_path(self, path: str) -> str:
        """The name that *path* gets when it is replaced.

        That of a file begins with a dot, so that programs do not read it as configuration.
        """
        folder, name = os.path.split(path)
        dot = "" if os.path.isdir(path) and not os.path.islink(path) else "."
        return os.path.join(folder, "%s%s.before-%s" % (dot, name, self.journal.identifier))

    def note_refused(self, name: str, refused: Dict[str, str]) -> None:
        """Note the attributes of the layer *name* that this host refused."""
        if refused:
            self.not_given[name] = refused


def has_place(layer: Layer) -> bool:
    """Whether *layer* has a place on a host, rather than being for reading or loading."""
    return bool(layer.path) and bool(layer.entries)
