# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases of an application: dumped by their own tools, of one moment, with the rows that each table had in it."""

import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Database
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
    find_controller,
    get_current_identity,
    resolve_uid,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    CommandError,
    require_success,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    open_directory,
    open_file,
    resolve_trusted_path,
)

# A dump or a load may take so many seconds.
DUMP_TIMEOUT = 6 * 3600.0
QUERY_TIMEOUT = 300.0
SCRATCH_ROOT = "/var/tmp"
DUMP_NAME = "dump"
SCRATCH_NAME = re.compile(r"^oxzep7-([a-z0-9][a-z0-9_.-]*)-([0-9]+)-[^-]+$")
DUMP_SUFFIXES = {"sqlite": ".sqlite3", "postgresql": ".dump", "mysql": ".sql", "command": ".dump"}
# What tables of people's own a PostgreSQL database has, with a statement for each that counts its rows; psql runs those by itself.
POSTGRESQL_ROWS = r"""
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1 \gexec
"""
# Copies a SQLite database, or only counts the rows of one, and says what it has. Run by the module's own Python.
SQLITE_SCRIPT = r"""
import json, shutil, sqlite3, sys
def tables(connection):
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")]
    return {name: connection.execute('SELECT count(*) FROM "%s"' % name.replace('"', '""')).fetchone()[0] for name in sorted(names)}
def opened(path):
    return sqlite3.connect(path, timeout=60, isolation_level=None)
if len(sys.argv) > 2:
    source = opened(sys.argv[1])
    if hasattr(source, "backup"):
        target = opened(sys.argv[2])
        source.backup(target)
        target.close()
    else:
        # Nobody else writes while this transaction is open; another process copies, because closing a file would give up its locks here.
        import os, subprocess
        source.execute("BEGIN IMMEDIATE")
        for suffix in ("", "-wal"):
            if os.path.exists(sys.argv[1] + suffix):
                subprocess.check_call(["cp", "--", sys.argv[1] + suffix, sys.argv[2] + suffix])
        source.execute("ROLLBACK")
    source.close()
kept = opened(sys.argv[-1])
kept.execute("PRAGMA journal_mode = DELETE")
wrong = [row[0] for row in kept.execute("PRAGMA integrity_check")]
print(json.dumps({"rows": tables(kept), "wrong": [] if wrong == ["ok"] else wrong}))
"""
INSERT_LINE = re.compile(rb"^INSERT INTO `((?:[^`]|``)+)` (?:\([^)]*\) )?VALUES")
TABLE_LINE = re.compile(rb"^CREATE TABLE `((?:[^`]|``)+)`")
QUOTED_TEXT = re.compile(rb"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


class DatabaseError(CollectionError):
    """A database that could not be dumped, loaded or counted; the text names it."""


def remove_stale_scratch(application: str) -> None:
    """Remove the directories that dead processes left of `scratch_of`. Raises OSError."""
    for name in os.listdir(SCRATCH_ROOT):
        found = SCRATCH_NAME.match(name)
        if found and found.group(1) == application and not os.path.exists("/proc/" + found.group(2)):
            shutil.rmtree(os.path.join(SCRATCH_ROOT, name))


@contextlib.contextmanager
def create_scratch(who: Identity, application: str, dump: Optional[str] = None) -> Iterator[str]:
    """A directory that is *who*'s alone for the block, with a copy of the file *dump*, if there is one, as `DUMP`. Raises OSError.

    Root's own directories cannot be reached by anybody else. Once this one is *who*'s, root writes nothing there: *who* may rename it, and have a link in
    its place.
    """
    directory = tempfile.mkdtemp(prefix="oxzep7-%s-%d-" % (application, os.getpid()), dir=SCRATCH_ROOT)
    try:
        if dump is not None:
            shutil.copyfile(dump, os.path.join(directory, DUMP_NAME))
        if not who.is_current():
            for path in ([os.path.join(directory, DUMP_NAME)] if dump is not None else []) + [directory]:
                os.chown(path, who.uid, who.gid)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def resolve_database_account(database: Database, user: Identity) -> Identity:
    """The account that dumps and loads *database*, whose application runs as *user*. Raises IdentityError."""
    if database.options.get("account"):
        return resolve_user(database.options["account"])
    if database.kind == "postgresql":
        return user if database.options.get("host") or os.geteuid() != 0 else resolve_user("postgres")
    return get_current_identity() if database.kind == "mysql" else user


def dump_database(database: Database, user: Identity, application: str, directory: str) -> Dict[str, Any]:
    """Dump *database* into *directory*; returns what the manifest says of it: name, kind, file, rows by table, options.

    Raises DatabaseError, IdentityError, OSError.
    """
    name = database.name + DUMP_SUFFIXES[database.kind]
    handle = os.open(os.path.join(directory, name), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        rows = DUMPERS[database.kind](database, resolve_database_account(database, user), application, handle)
        os.fsync(handle)
    except CommandError as error:
        raise DatabaseError("database %s: %s" % (database.name, error))
    finally:
        os.close(handle)
    return {"name": database.name, "kind": database.kind, "file": name, "rows": rows, "options": database.options}


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
    """Write all of the open file *source* to *path*, anew, with the mode of *like* if that is there. Run as the account it shall belong to. Raises OSError."""
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


def find_sqlite_owner(path: str) -> Identity:
    """The account as which the SQLite database *path* is opened. Raises DatabaseError, IdentityError, OSError."""
    state = os.lstat(path)
    if not stat.S_ISREG(state.st_mode):
        raise DatabaseError("%s is no file; name the database itself" % path)
    who = find_controller(os.path.dirname(path)) if state.st_uid == 0 else resolve_uid(state.st_uid)
    if state.st_uid == 0 and who.uid != 0:
        raise DatabaseError(
            "%s belongs to root, but %s can rearrange its directory; give it one owner" % (path, who.name)
        )
    return who


def run_sqlite(words: List[str], who: Identity) -> Dict[str, Any]:
    """What `SQLITE` says when it gets *words*, run as *who*. Raises CommandError, DatabaseError."""
    done = require_success(
        "SQLite", run_command([sys.executable, "-I", "-c", SQLITE_SCRIPT] + words, DUMP_TIMEOUT, who)
    )
    said: Dict[str, Any] = json.loads(done.stdout)
    if said["wrong"]:
        raise DatabaseError("the database %s is damaged: %s" % (words[0], "; ".join(said["wrong"][:3])))
    return said


def _dump_sqlite(database: Database, _who: Identity, application: str, handle: int) -> Dict[str, int]:
    path = database.options["path"]
    if not os.path.lexists(path):
        raise DatabaseError("the database %s is not there; correct it in the declaration" % path)
    who = find_sqlite_owner(path)
    with create_scratch(who, application) as scratch:
        copy = os.path.join(scratch, "copy")
        rows: Dict[str, int] = run_sqlite([path, copy], who)["rows"]
        _append_file(copy, handle)
    return rows


def make_postgresql_environment(options: Dict[str, Any], who: Identity) -> Dict[str, str]:
    """The process environment that connects libpq as *options* say; nothing of it is on a command line."""
    given = {
        "PGDATABASE": options["database"],
        "PGHOST": options.get("host"),
        "PGPORT": options.get("port"),
        "PGUSER": options.get("user"),
        "PGPASSFILE": options.get("passfile"),
        "PGAPPNAME": "oxzep7",
        "PGCONNECT_TIMEOUT": "30",
    }
    return dict(
        build_process_environment(who), **{key: str(value) for key, value in given.items() if value is not None}
    )


def parse_row_counts(text: str) -> Dict[str, int]:
    """Rows by table, from lines with a name, a tab and a number. Raises DatabaseError."""
    try:
        return {
            name: int(number)
            for name, _tab, number in (line.rpartition("\t") for line in text.splitlines() if line.strip())
        }
    except ValueError:
        raise DatabaseError("rows of tables were expected, but it says %r" % text[:200])


@contextlib.contextmanager
def _export_snapshot(who: Identity, environment: Dict[str, str]) -> Iterator[Tuple[str, Callable[[], Dict[str, int]]]]:
    """Name of a snapshot of a PostgreSQL database for the block, and what counts the rows in it. Raises DatabaseError."""
    # The session has to stay open while another program works, which AnsibleModule.run_command cannot.
    with tempfile.TemporaryFile() as said, subprocess.Popen(  # pylint: disable=ansible-bad-function
        ["psql", "-XAtq", "-F", "\t", "--no-password", "-v", "ON_ERROR_STOP=1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        cwd="/",
        env=environment,
        universal_newlines=True,
        preexec_fn=None if who.is_current() else who.drop_privileges,
    ) as session:

        def ask(text: str, end: bool) -> str:
            try:
                if session.stdin and session.stdout:
                    session.stdin.write(text)
                    session.stdin.flush()
                    if end:
                        session.stdin.close()
                    answer = session.stdout.read() if end else session.stdout.readline()
                    if (session.wait() == 0) if end else answer.strip():
                        return answer
            except BrokenPipeError:
                pass
            said.seek(0)
            raise DatabaseError("psql: %s" % said.read().decode("utf-8", "replace").strip())

        try:
            name = ask(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_catalog.pg_export_snapshot();\n", False
            )
            yield name.strip(), lambda: parse_row_counts(ask(POSTGRESQL_ROWS, True))
        finally:
            session.kill()


def _dump_postgresql(database: Database, who: Identity, _application: str, handle: int) -> Dict[str, int]:
    environment = make_postgresql_environment(database.options, who)
    if not shutil.which("psql") or not shutil.which("pg_dump"):
        raise DatabaseError(
            "database %s: this host has no psql and pg_dump; install PostgreSQL's client" % database.name
        )
    with _export_snapshot(who, environment) as (name, rows):
        require_success(
            "pg_dump",
            run_command(
                ["pg_dump", "--format=custom", "--no-password", "--snapshot=" + name],
                DUMP_TIMEOUT,
                who,
                environment=environment,
                target=handle,
            ),
        )
        return rows()


def find_mysql_program(*names: str) -> str:
    """The first of the programs *names* that this host has. Raises DatabaseError."""
    found = next(
        (name for name in names if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec")),
        None,
    )
    if found is None:
        raise DatabaseError("this host has neither %s; install MariaDB's or MySQL's" % " nor ".join(names))
    return shutil.which(found, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec") or found


def make_mysql_command(options: Dict[str, Any], *names: str) -> List[str]:
    """The beginning of a command line of the client *names*, connected as *options* say. Raises DatabaseError."""
    extra = ["--defaults-extra-file=" + options["defaults_file"]] if options.get("defaults_file") else []
    return [find_mysql_program(*names)] + extra


def count_dump_rows(lines: Iterator[bytes]) -> Dict[str, int]:
    """Rows by table of a dump of MariaDB or MySQL, of whatever form its INSERTs are."""
    found: Dict[str, int] = {}
    table = ""
    for line in lines:
        created = TABLE_LINE.match(line)
        if created:
            found.setdefault(_unquote_name(created.group(1)), 0)
        begun = INSERT_LINE.match(line)
        if begun:
            table, line = _unquote_name(begun.group(1)), line[begun.end() :]
        if table:
            bare = QUOTED_TEXT.sub(b"", line)
            found[table] = found.get(table, 0) + bare.count(b"(")
            if bare.rstrip().endswith(b";"):
                table = ""
    return found


def _unquote_name(name: bytes) -> str:
    return name.replace(b"``", b"`").decode("utf-8", "replace")


def _dump_mysql(database: Database, who: Identity, _application: str, handle: int) -> Dict[str, int]:
    words = make_mysql_command(database.options, "mariadb-dump", "mysqldump")
    require_success(
        "the dump",
        run_command(
            words
            + [
                "--single-transaction",
                "--quick",
                "--routines",
                "--triggers",
                "--events",
                "--hex-blob",
                "--default-character-set=utf8mb4",
                "--",
                database.options["database"],
            ],
            DUMP_TIMEOUT,
            who,
            target=handle,
        ),
    )
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as stream:
        return count_dump_rows(iter(stream))


def _dump_by_command(database: Database, who: Identity, _application: str, handle: int) -> Dict[str, int]:
    require_success("the dump", run_command(database.options["dump"], DUMP_TIMEOUT, who, target=handle))
    return count_rows_by_command(database, who, handle)


def count_rows_by_command(database: Database, who: Identity, handle: int) -> Dict[str, int]:
    """Rows by table, as the operator's own command tells from the open dump; none without such a command. Raises CommandError, DatabaseError, OSError."""
    if not database.options.get("rows"):
        return {}
    os.lseek(handle, 0, os.SEEK_SET)
    return parse_row_counts(
        require_success("counting rows", run_command(database.options["rows"], DUMP_TIMEOUT, who, source=handle)).stdout
    )


DUMPERS: Dict[str, Callable[[Database, Identity, str, int], Dict[str, int]]] = {
    "sqlite": _dump_sqlite,
    "postgresql": _dump_postgresql,
    "mysql": _dump_mysql,
    "command": _dump_by_command,
}


def parse_database_row(row: Dict[str, Any]) -> Database:
    """The database that a manifest's *row* is of."""
    return Database(row["name"], row["kind"], row["options"])


def describe_row_difference(row: Dict[str, Any], found: Dict[str, int]) -> Optional[str]:
    """How *found* rows by table are not those of the manifest's *row*, in words; None when they are."""
    expected = row["rows"]
    wrong = [
        "%s has %s rows, not %s" % (name, found.get(name, "no"), expected.get(name, "no"))
        for name in sorted(set(expected) | set(found))
        if expected.get(name) != found.get(name)
    ]
    return "; ".join(wrong[:5]) or None
