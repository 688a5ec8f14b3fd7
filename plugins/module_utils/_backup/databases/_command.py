# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases of any other kind: dumped, counted and loaded by commands of the operator."""

import os
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    DUMP_TIMEOUT,
    Database,
    DatabaseError,
    DatabaseExchange,
    SavedDump,
    parse_row_counts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    join_command,
    require_success,
    run_command,
    split_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME


class CommandDatabase(Database):
    """A database that commands of the operator dump, and, where declared, count and load."""

    kind = "command"
    argument = {
        "type": "dict",
        "options": {
            "dump": {"type": "raw", "required": True},
            "rows": {"type": "raw"},
            "load": {"type": "raw"},
            "account": {"type": ACCOUNT_NAME},
        },
    }
    documentation = """\
command:
  description: A database of any other kind, by commands of the operator.
  type: dict
  suboptions:
    dump:
      description: Command whose standard output is kept.
      type: raw
      required: true
    rows:
      description: >-
        Command that reads such output on its standard input and prints a line for each table: name, tab, number of
        rows. A drill runs it again.
      type: raw
    load:
      description: Command that reads such output on its standard input and puts it back in place.
      type: raw
    account:
      description: Account that the commands run as. Default is the application's user.
      type: str
"""

    @classmethod
    def parse_options(cls, declared: Any) -> Dict[str, Any]:
        """The commands, as lists of words."""
        options = super().parse_options(declared)
        for verb in ("dump", "rows", "load"):
            if verb in options:
                options[verb] = split_command(options[verb])
        return options

    @classmethod
    def get_default_name(cls, options: Dict[str, Any]) -> str:
        """A name for the only database of this kind."""
        return "custom"

    def dump(self, handle: int, user: Identity, application: str) -> Dict[str, int]:
        """Keep the output of the command ``dump``."""
        who = self.resolve_account(user)
        require_success("the dump", run_command(self.options["dump"], DUMP_TIMEOUT, who, target=handle))
        return self._count_rows(handle, who)

    def _count_rows(self, handle: int, who: Identity) -> Dict[str, int]:
        """Rows by table of the open dump *handle*; empty without a command that counts them."""
        if not self.options.get("rows"):
            return {}
        os.lseek(handle, 0, os.SEEK_SET)
        done = run_command(self.options["rows"], DUMP_TIMEOUT, who, source=handle)
        return parse_row_counts(require_success("counting rows", done).stdout)

    def prove_dump(self, dump: SavedDump) -> Dict[str, int]:
        """Count the rows of the dump again."""
        with open(dump.path, "rb") as stream:
            return self._count_rows(stream.fileno(), self.resolve_account(dump.user))

    def describe_unproven(self, rows: Dict[str, int]) -> Optional[str]:
        """The dump itself, where its rows were not counted."""
        return None if rows else "the dump of %s, because no `rows` command counts what is in it" % self.name

    def check_copy(self) -> None:
        """Refuse: the operator's commands know one place only."""
        raise DatabaseError(
            "database %s is loaded by commands of the operator, which cannot load it under another name; nothing was "
            "changed. Restore it to `scratch`" % self.name
        )

    def load_copy(self, dump: SavedDump) -> str:
        """Refuse, as `check_copy` does."""
        self.check_copy()
        return self.name

    def prepare_exchange(self, dump: SavedDump) -> DatabaseExchange:
        """The act gives the dump to the command ``load``."""
        if not self.options.get("load"):
            raise DatabaseError("database %s has no `load` command; declare one, or restore to `scratch`" % self.name)
        return self.prepare_reload(dump, list(self.options["load"]), self.resolve_account(dump.user), self.name)

    def render_instructions(self, file: str) -> str:
        """Give the dump to the command ``load``."""
        load = join_command(self.options["load"]) if self.options.get("load") else "its own program"
        return "Give `%s` to `%s`." % (file, load)
