# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All backup engines. Imports are static, because Ansible sends only files to hosts that are imported by name."""

import textwrap
from typing import Any, Dict, NamedTuple, Tuple, Type

from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._archive import ArchiveEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine, EngineError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._restic import ResticEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Backup

KNOWN_ENGINES: Tuple[Type[BackupEngine], ...] = (ArchiveEngine, ResticEngine)
ENGINE_NAMES = [known.name for known in KNOWN_ENGINES]


def _build_arguments() -> Dict[str, Any]:
    found: Dict[str, Any] = {"engine": {"type": "str", "choices": ENGINE_NAMES, "default": ArchiveEngine.name}}
    for known in KNOWN_ENGINES:
        found.update(known.arguments)
    return found


# The argument spec of the options of all engines, and the YAML that documents them.
ENGINE_ARGUMENTS = _build_arguments()
ENGINE_DOCUMENTATION = (
    """\
engine:
  description:
{summaries}
    - The manifest names the engine of a backup. To read it, the options of that engine are needed, whatever this says.
  type: str
  choices: [{names}]
  default: {default}
""".format(
        summaries="\n".join(textwrap.indent(known.summary.rstrip(), "    ") for known in KNOWN_ENGINES),
        names=", ".join(ENGINE_NAMES),
        default=ArchiveEngine.name,
    )
    + "".join(known.documentation for known in KNOWN_ENGINES)
)


class Engines(NamedTuple):
    """The name of the engine that makes backups, and all engines by name."""

    requested: str
    known: Dict[str, BackupEngine]

    def get_requested(self) -> BackupEngine:
        """The engine that makes backups. Raises EngineError when an option is missing."""
        engine = self.known[self.requested]
        engine.check_options("the engine %s" % self.requested)
        return engine

    def get_for_backup(self, backup: Backup) -> BackupEngine:
        """The engine that made *backup*. Raises EngineError when it is unknown, or an option is missing."""
        name = str(backup.about.get("engine"))
        if name not in self.known:
            raise EngineError(
                "backup %s was made by the engine %s, which this version does not know; update the collection"
                % (backup.identifier, name)
            )
        self.known[name].check_options("backup %s" % backup.identifier)
        return self.known[name]


def create_engines(given: Dict[str, Any]) -> Engines:
    """The engines with the module options *given*, which `ENGINE_ARGUMENTS` specifies. Raises EngineError."""
    return Engines(given["engine"], {known.name: known.from_options(given) for known in KNOWN_ENGINES})
