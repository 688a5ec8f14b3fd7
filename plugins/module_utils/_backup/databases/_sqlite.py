# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQLite databases: copied by SQLite itself, as the account that owns the file."""

import contextlib
import json
import os
import shutil
import stat
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    DUMP_TIMEOUT,
    Database,
    DatabaseError,
    DatabaseExchange,
    SavedDump,
    UndoCommand,
    describe_row_difference,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    call_as_identity,
    find_controller,
    resolve_uid,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import create_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    open_directory,
    open_file,
    resolve_trusted_path,
)

# Files beside a database that belong to it, and to no other content of it.
JOURNAL_SUFFIXES = ("-wal", "-shm", "-journal")
# Copies a SQLite database to a second path, or only reads one, and prints its rows and damage. Run by the module's own
# Python.
SQLITE_SCRIPT = r"""
import json, shutil, sqlite3, sys
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
def count_rows(connection):
    found = {}
    for name in [row[0] for row in connection.execute(TABLES)]:
        quoted = name.replace('"', '""')
        found[name] = connection.execute('SELECT count(*) FROM "%s"' % quoted).fetchone()[0]
    return found
def connect(path):
    return sqlite3.connect(path, timeout=60, isolation_level=None)
if len(sys.argv) > 2:
    source = connect(sys.argv[1])
    if hasattr(source, "backup"):
        target = connect(sys.argv[2])
        source.backup(target)
        target.close()
    else:
        # Other processes cannot write while this transaction is open. Another process copies, because closing a file
        # would give up the locks of this one.
        import os, subprocess
        source.execute("BEGIN IMMEDIATE")
        for suffix in ("", "-wal"):
            if os.path.exists(sys.argv[1] + suffix):
                subprocess.check_call(["cp", "--", sys.argv[1] + suffix, sys.argv[2] + suffix])
        source.execute("ROLLBACK")
    source.close()
kept = connect(sys.argv[-1])
kept.execute("PRAGMA journal_mode = DELETE")
wrong = [row[0] for row in kept.execute("PRAGMA integrity_check")]
print(json.dumps({"rows": count_rows(kept), "wrong": [] if wrong == ["ok"] else wrong}))
"""


def _append_file(path: str, target: int) -> None:
    """Append the regular file *path*, reached through no link of a user, to the open file *target*. Raises OSError."""
    folder = open_directory(resolve_trusted_path(os.path.dirname(path)))
    try:
        source = open_file(os.path.basename(path), folder)
    finally:
        os.close(folder)
    with os.fdopen(source, "rb") as reading, os.fdopen(os.dup(target), "wb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)


def copy_with_mode(source: int, like: str, path: str) -> None:
    """Write the open file *source* to the new file *path*, with the mode of *like* if that exists.

    Run as the account that the file shall belong to. Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    mode = stat.S_IMODE(os.lstat(like).st_mode) if os.path.lexists(like) else 0o600
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as writing, os.fdopen(os.dup(source), "rb") as reading:
        reading.seek(0)
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fchmod(writing.fileno(), mode)
        os.fsync(writing.fileno())
    sync_directory(os.path.dirname(path))


def find_sqlite_owner(path: str) -> Identity:
    """The account as which the SQLite database *path* is opened. Raises DatabaseError, IdentityError, OSError."""
    state = os.lstat(path)
    if not stat.S_ISREG(state.st_mode):
        raise DatabaseError("%s is not a regular file; declare the path of the database itself" % path)
    who = find_controller(os.path.dirname(path)) if state.st_uid == 0 else resolve_uid(state.st_uid)
    if state.st_uid == 0 and who.uid != 0:
        raise DatabaseError(
            "%s belongs to root, but %s can rearrange its directory; give both the same owner" % (path, who.name)
        )
    return who


def run_sqlite(words: List[str], who: Identity) -> Dict[str, int]:
    """Run `SQLITE_SCRIPT` with *words* as *who*; returns rows by table. Raises CommandError, DatabaseError."""
    done = run_command([sys.executable, "-I", "-c", SQLITE_SCRIPT] + words, DUMP_TIMEOUT, who)
    answer: Dict[str, Any] = json.loads(require_success("SQLite", done).stdout)
    if answer["wrong"]:
        raise DatabaseError("the database %s is damaged: %s" % (words[0], "; ".join(answer["wrong"][:3])))
    return dict(answer["rows"])


class SqliteDatabase(Database):
    """A SQLite database; its options are the ``path`` of the file."""

    kind = "sqlite"
    suffix = ".sqlite3"
    argument = {"type": "str"}
    documentation = """\
sqlite:
  description: Path of a SQLite database; it is copied as the account that owns it.
  type: str
"""

    @classmethod
    def parse_options(cls, declared: Any) -> Dict[str, Any]:
        """The path, which must be absolute and normal. Raises DatabaseError."""
        path = str(declared)
        if not os.path.isabs(path) or os.path.normpath(path) != path.rstrip("/") or "\n" in path:
            raise DatabaseError("sqlite %r is not an absolute, normal path" % path)
        return {"path": path.rstrip("/")}

    @classmethod
    def get_default_name(cls, options: Dict[str, Any]) -> str:
        """The name of the file."""
        return os.path.basename(str(options["path"]))

    def measure_size(self, user: Identity) -> Optional[int]:
        """The size of the file and of its write-ahead log."""
        path = str(self.options["path"])
        return sum(os.lstat(path + suffix).st_size for suffix in ("", "-wal") if os.path.lexists(path + suffix))

    def dump(self, handle: int, user: Identity, application: str) -> Dict[str, int]:
        """Copy the database by SQLite's own backup."""
        path = self.options["path"]
        if not os.path.lexists(path):
            raise DatabaseError("the database %s does not exist; correct the declaration" % path)
        who = find_sqlite_owner(path)
        with create_scratch(who) as scratch:
            copy = os.path.join(scratch, "copy")
            rows = run_sqlite([path, copy], who)
            _append_file(copy, handle)
        return rows

    def prove_dump(self, dump: SavedDump) -> Dict[str, int]:
        """Open a copy of the dump and count its rows."""
        # A damaged database can attack the process that opens it, so it is opened as the application's own account.
        with create_scratch(dump.user, lambda place: shutil.copy(dump.path, place)) as scratch:
            return run_sqlite([os.path.join(scratch, os.path.basename(dump.path))], dump.user)

    def load_copy(self, dump: SavedDump) -> str:
        """Copy the dump beside the live file, with its owner and mode."""
        place = self._resolve_place()
        beside = self._name_copy_path(place, dump)
        who = find_sqlite_owner(place) if os.path.lexists(place) else find_controller(os.path.dirname(place))
        with open(dump.path, "rb") as stream:
            call_as_identity(who, copy_with_mode, stream.fileno(), place, beside)
        wrong = describe_row_difference(dump.rows, run_sqlite([beside], who))
        if wrong:
            raise DatabaseError("database %s: its rows differ from the backup: %s" % (self.name, wrong))
        return beside

    def prepare_exchange(self, dump: SavedDump) -> DatabaseExchange:
        """Replace the live file by the copy; the journals of the replaced one go with it."""
        place, beside = self._resolve_place(), self.load_copy(dump)
        return DatabaseExchange(
            place, files=((place, beside),) + tuple((place + suffix, None) for suffix in JOURNAL_SUFFIXES)
        )

    def list_copy_parts(self, dump: SavedDump) -> Tuple[Sequence[str], Sequence[UndoCommand]]:
        """The copy beside the live file, and what SQLite may leave beside the copy."""
        beside = self._name_copy_path(self._resolve_place(), dump)
        return [beside] + [beside + suffix for suffix in JOURNAL_SUFFIXES], ()

    @staticmethod
    def _name_copy_path(place: str, dump: SavedDump) -> str:
        return "%s.restored-%s" % (place, dump.transaction)

    def _resolve_place(self) -> str:
        """The path of the live file, through no link of a user. Raises OSError."""
        folder, name = os.path.split(self.options["path"])
        return os.path.join(resolve_trusted_path(folder), name)

    def render_instructions(self, file: str) -> str:
        """Put the file in place."""
        return (
            "While no process uses it, put `{file}` in place of `{path}`, and remove `{path}-wal` and `{path}-shm` if "
            "they exist.".format(file=file, path=self.options["path"])
        )
