# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all kinds of databases: what a backup, a drill and a restore ask of each of them."""

import hashlib
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandError,
    require_success,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory

# Seconds that a dump or a load may take, and a single query.
DUMP_TIMEOUT = 6 * 3600.0
QUERY_TIMEOUT = 300.0
# The database of a server that is started for a drill only.
SCRATCH_DATABASE = "oxzep7_drill"
# Servers cut longer names of databases.
NAME_LIMIT = 63
SHOWN_DIFFERENCES = 5
# The end of the name of a dump that is still being written.
UNFINISHED = ".part"


class DatabaseError(CollectionError):
    """A database that cannot be declared so, or that could not be dumped, loaded or counted; the text names it."""


class SavedDump(NamedTuple):
    """A dump of a backup that is to be loaded: its file, the rows of each table when it was made, and whose it is.

    ``user`` is the account of the ``application``; ``directory`` can keep files of root until a restore is settled.
    ``transaction`` is the identifier of that restore, which the names of copies have, so that none has been there.
    """

    path: str
    rows: Dict[str, int]
    application: str
    user: Identity
    directory: str = ""
    transaction: str = ""


class UndoCommand(NamedTuple):
    """A command of ``undo.sh``: its words, account and variables. It reads the file ``source``, if that exists."""

    words: List[str]
    who: Identity
    variables: Dict[str, str] = {}
    source: str = ""


class DatabaseExchange(NamedTuple):
    """How a dump takes the place of the live database while services are stopped.

    ``name`` is the name or path of the database afterwards. ``files`` are paths to replace, each with the file beside
    it that takes its place, or None to remove it. ``act`` is run then, and ``undo`` undoes it. ``before`` is the file
    that keeps the replaced content.
    """

    name: str
    files: Tuple[Tuple[str, Optional[str]], ...] = ()
    act: Optional[Callable[[], None]] = None
    undo: Optional[UndoCommand] = None
    before: str = ""


class Database:
    """A declared database. One subclass for each kind; the registry finds it.

    ``argument`` is the argument spec of the kind's key in a declaration, ``documentation`` the YAML that documents it,
    and ``version_command`` prints the version of the program that dumps.
    """

    kind = ""
    suffix = ".dump"
    argument: Dict[str, Any] = {}
    documentation = ""
    version_command: List[str] = []

    def __init__(self, name: str, options: Dict[str, Any]) -> None:
        """The database that backups call *name*, with the *options* that `parse_options` returned."""
        self.name = name
        self.options = options

    @classmethod
    def parse_options(cls, declared: Any) -> Dict[str, Any]:
        """The options of the *declared* value of the kind's key. Raises DatabaseError, ValueError."""
        return {key: value for key, value in declared.items() if value is not None}

    @classmethod
    def get_default_name(cls, options: Dict[str, Any]) -> str:
        """The name of a database that is declared without one."""
        return os.path.basename(str(options["database"]))

    def resolve_account(self, user: Identity) -> Identity:
        """The account that dumps and loads, for an application that runs as *user*. Raises IdentityError."""
        account = self.options.get("account")
        return resolve_user(account) if account else self.resolve_default_account(user)

    def resolve_default_account(self, user: Identity) -> Identity:
        """That account where none is declared. Raises IdentityError."""
        return user

    def measure_size(self, user: Identity) -> Optional[int]:
        """Bytes of the live database, which bound its dump roughly; None if that is not known.

        Raises DatabaseError, CommandError, IdentityError, OSError.
        """
        return None

    def dump(self, handle: int, user: Identity, application: str) -> Dict[str, int]:
        """Dump into the open file *handle*; returns the number of rows by table.

        Raises DatabaseError, CommandError, IdentityError, OSError.
        """
        raise NotImplementedError

    def write_dump(self, directory: str, user: Identity, application: str) -> Dict[str, Any]:
        """Dump into a new file of *directory*; returns the database's row of the manifest.

        Raises DatabaseError, IdentityError, OSError.
        """
        file = self.name + self.suffix
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(os.path.join(directory, file), flags, 0o600)
        try:
            rows = self.dump(handle, user, application)
            os.fsync(handle)
        except CommandError as error:
            raise DatabaseError("database %s: %s" % (self.name, error))
        finally:
            os.close(handle)
        return {"name": self.name, "kind": self.kind, "file": file, "rows": rows, "options": self.options}

    def prove_dump(self, dump: SavedDump) -> Dict[str, int]:
        """The rows by table of *dump*, loaded into a file or server of its own that is removed afterwards.

        Raises DatabaseError, CommandError, IdentityError, OSError.
        """
        raise NotImplementedError

    def describe_unproven(self, _rows: Dict[str, int]) -> Optional[str]:
        """What `prove_dump` could not prove of a dump with *_rows*; None if it proves everything."""
        return None

    def check_copy(self) -> None:
        """Raise DatabaseError if `load_copy` is not possible for this kind."""

    def load_copy(self, dump: SavedDump) -> str:
        """Load *dump* beside the live database; returns the name or path of the copy.

        Raises DatabaseError, CommandError, IdentityError, OSError.
        """
        raise NotImplementedError

    def prepare_exchange(self, dump: SavedDump) -> DatabaseExchange:
        """How *dump* takes the place of the live database; what can be loaded beside it is loaded by this call.

        Raises DatabaseError, CommandError, IdentityError, OSError.
        """
        raise NotImplementedError

    def render_instructions(self, file: str) -> str:
        """How an operator loads the dump *file* by hand: one line of Markdown."""
        raise NotImplementedError

    def list_copy_parts(self, dump: SavedDump) -> Tuple[Sequence[str], Sequence[UndoCommand]]:
        """What `load_copy` and `prepare_exchange` make of *dump*: files, and commands that remove the rest.

        Raises IdentityError, OSError.
        """
        return [self._name_replaced_dump(dump) + UNFINISHED], ()

    def name_copy(self, word: str, dump: SavedDump) -> str:
        """The name of a copy of a server's database: *word* (``restored`` or ``before``), and which restore's it is."""
        stem = dump.transaction.replace("-", "_").lower()
        name, room = str(self.options["database"]), NAME_LIMIT - len(word) - len(stem) - 2
        if len(name) > room:
            digest = hashlib.sha256(name.encode("utf-8")).hexdigest()[:6]
            name = "%s_%s" % (name[: room - len(digest) - 1], digest)
        return "%s_%s_%s" % (name, word, stem)

    def check_copied_rows(self, dump: SavedDump, name: str, found: Dict[str, int]) -> None:
        """Raise DatabaseError unless the copy *name* has the rows of *dump*."""
        wrong = describe_row_difference(dump.rows, found)
        if wrong:
            raise DatabaseError(
                "database %s was loaded as %s, and its rows differ from the backup: %s" % (self.name, name, wrong)
            )

    def prepare_reload(self, dump: SavedDump, words: List[str], who: Identity, name: str) -> DatabaseExchange:
        """The exchange in which the command *words* of *who* loads over the live database, which is dumped before."""
        before = self._name_replaced_dump(dump)

        def reload() -> None:
            self._dump_before(before, dump)
            with open(dump.path, "rb") as stream:
                done = run_command(words, DUMP_TIMEOUT, who, source=stream.fileno())
            require_success("the load of %s" % self.name, done)

        return DatabaseExchange(name, act=reload, undo=UndoCommand(words, who, source=before), before=before)

    def _name_replaced_dump(self, dump: SavedDump) -> str:
        """The file that keeps what a load of *dump* replaces."""
        return os.path.join(dump.directory, "%s%s.before-%s" % (self.name, self.suffix, dump.transaction))

    def _dump_before(self, before: str, dump: SavedDump) -> None:
        """Dump the live database to the file *before*, completely or not at all."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(before + UNFINISHED, flags, 0o600)
        try:
            self.dump(handle, dump.user, dump.application)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(before + UNFINISHED, before)
        sync_directory(os.path.dirname(before))


def parse_row_counts(text: str) -> Dict[str, int]:
    """Rows by table, from lines with a name, a tab and a number. Raises DatabaseError."""
    found = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, _tab, number = line.rpartition("\t")
        try:
            found[name] = int(number)
        except ValueError:
            raise DatabaseError("expected lines with a table, a tab and its rows, but got %r" % text[:200])
    return found


def describe_row_difference(expected: Dict[str, int], found: Dict[str, int]) -> Optional[str]:
    """How the rows by table *found* differ from *expected*, in words; None if they are equal."""
    wrong = []
    for name in sorted(set(expected) | set(found)):
        if expected.get(name) != found.get(name):
            wrong.append("%s has %s rows, not %s" % (name, found.get(name, "no"), expected.get(name, "no")))
    return "; ".join(wrong[:SHOWN_DIFFERENCES]) or None
