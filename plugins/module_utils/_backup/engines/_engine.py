# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all backup engines: what a backup, a restore and a drill ask of each of them."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import EntryMaker
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError


class EngineError(CollectionError):
    """An engine that lacks an option or a program, or that failed; the text has no secrets."""


class BackupEngine:
    """Keeps layers as streams of tar, and reads them. One subclass for each engine; the registry finds it.

    ``arguments`` is the argument spec of the options that only this engine has, and ``documentation`` the YAML that
    documents them; ``summary`` is its line in the documentation of the option ``engine``. ``version_command`` prints
    the version of its program.
    """

    name = ""
    arguments: Dict[str, Any] = {}
    summary = ""
    documentation = ""
    version_command: List[str] = []

    @classmethod
    def from_options(cls, given: Dict[str, Any]) -> "BackupEngine":
        """The engine with the validated module options *given*. Raises EngineError for options that contradict."""
        raise NotImplementedError

    def check_options(self, what: str) -> None:
        """Raise EngineError, for the use that *what* names, if an option is missing."""

    def store_layer(
        self,
        directory: str,
        name: str,
        path: str,
        paths: Optional[Sequence[str]],
        before: Optional[Tuple[str, Layer]] = None,
    ) -> Layer:
        """Keep the tree *path*, or only *paths* of it, as the layer *name* of the backup in *directory*.

        *before* is an earlier backup's directory and layer, which need not be written again where nothing changed.
        Raises EngineError, StreamError, OSError.
        """
        raise NotImplementedError

    def read_layer(self, directory: str, layer: Layer, name: str, make: Optional[EntryMaker] = None) -> None:
        """Prove the content of *layer*, called *name*, against its entries, and give them to *make*.

        Raises DamagedArchiveError, StreamError, EngineError, OSError.
        """
        raise NotImplementedError

    def read_back(self, directory: str, layer: Layer, name: str) -> None:
        """Prove the content of *layer*, which this object has just written. Raises what `read_layer` raises."""
        if layer.entries:
            self.read_layer(directory, layer, name)

    def can_read(self, _layer: Layer) -> bool:
        """Whether this host has the key that reads *_layer*."""
        return True

    def find_damage(self, directory: str, layers: Sequence[Layer]) -> List[str]:
        """What is damaged outside the *directory* of a backup with *layers*. Raises EngineError, OSError."""
        return []

    def finish_backup(self, directory: str) -> None:
        """Complete the backup in *directory*, which has its manifest now. Raises EngineError, OSError."""

    def forget_backup(self, directory: str) -> None:
        """Remove what a backup has outside its *directory*. Raises EngineError, OSError."""

    def render_check(self, directory: str, layers: Dict[str, Layer]) -> str:
        """The section of a runbook that proves the content of *layers*, in Markdown."""
        raise NotImplementedError

    def render_read_command(self, layer: Layer, name: str) -> str:
        """The shell command that prints *layer*, called *name*, as a tar archive."""
        raise NotImplementedError
