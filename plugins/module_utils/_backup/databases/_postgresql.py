# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL databases: dumped by pg_dump in one snapshot, in which psql counts the rows too."""

import contextlib
import functools
import glob
import os
import shutil
import subprocess
import tempfile
from typing import IO, Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    DUMP_TIMEOUT,
    QUERY_TIMEOUT,
    SCRATCH_DATABASE,
    Database,
    DatabaseError,
    DatabaseExchange,
    SavedDump,
    UndoCommand,
    parse_row_counts,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._server import call_with_place
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME, DATABASE_NAME

EXCHANGE_TIMEOUT = 300.0
SERVER_DIRECTORIES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
)
PSQL = ["psql", "-XAtq", "--no-password", "-v", "ON_ERROR_STOP=1"]
# Selects a statement that counts the rows of each table of the database's users; \gexec makes psql run each of them.
COUNT_ROWS = r"""
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1 \gexec
"""
DATABASE_SIZE = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"
EXPORT_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_catalog.pg_export_snapshot();\n"
END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (%s, %s) AND pid <> pg_backend_pid()"
)
# \gexec runs the statements that the query returns: none where the exchange was not made.
UNDO_SCRIPT = """%s <<'END'
SELECT s FROM unnest(ARRAY[%s]) AS s WHERE EXISTS (SELECT FROM pg_database WHERE datname = %s) \\gexec
END"""


def _parse_version(place: str) -> Tuple[int, ...]:
    digits = "".join(char if char.isdigit() else " " for char in place)
    return tuple(int(part) for part in digits.split())


def _quote_text(text: str) -> str:
    return "'%s'" % text.replace("'", "''")


def _end_sessions(one: str, other: str) -> str:
    """The statement that ends all sessions of two databases."""
    return END_SESSIONS % (_quote_text(one), _quote_text(other))


def _rename_database(old: str, new: str) -> str:
    """The statement that renames the database *old* to *new*."""
    return 'ALTER DATABASE "%s" RENAME TO "%s"' % (old.replace('"', '""'), new.replace('"', '""'))


def _find_server_programs() -> Optional[str]:
    """The directory with the newest server programs of PostgreSQL on this host."""
    for pattern in SERVER_DIRECTORIES:
        for place in sorted(glob.glob(pattern), key=_parse_version, reverse=True):
            if os.path.exists(place + "/initdb"):
                return place
    return None


def _run_postgresql(words: List[str], who: Identity, environment: Dict[str, str], **options: Any) -> str:
    """The output of the program *words*. Raises CommandError."""
    timeout = options.pop("timeout", QUERY_TIMEOUT)
    return require_success(words[0], run_command(words, timeout, who, environment=environment, **options)).stdout


def _count_rows(who: Identity, environment: Dict[str, str]) -> Dict[str, int]:
    """Rows by table of the database that *environment* connects to. Raises CommandError, DatabaseError."""
    words = PSQL + ["-F", "\t"]
    return parse_row_counts(_run_postgresql(words, who, environment, timeout=DUMP_TIMEOUT, stdin=COUNT_ROWS))


def _restore_dump(source: int, options: List[str], who: Identity, environment: Dict[str, str]) -> None:
    """Load the dump in the open file *source* into the database of *environment*. Raises CommandError."""
    words = ["pg_restore", "--exit-on-error", "--dbname", environment["PGDATABASE"]] + options
    _run_postgresql(words, who, environment, timeout=DUMP_TIMEOUT, source=source)


class _SnapshotSession:
    """A session of psql that stays open while another program works."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors

    def export_snapshot(self) -> str:
        """Begin a transaction, and return the name of its snapshot. Raises DatabaseError."""
        return self._ask(EXPORT_SNAPSHOT, False).strip()

    def count_rows(self) -> Dict[str, int]:
        """Rows by table in the snapshot; ends the session. Raises DatabaseError."""
        return parse_row_counts(self._ask(COUNT_ROWS, True))

    def _ask(self, text: str, end: bool) -> str:
        """The answer to *text*: one line, or with *end* all that follows."""
        try:
            if self._process.stdin and self._process.stdout:
                self._process.stdin.write(text)
                self._process.stdin.flush()
                if end:
                    self._process.stdin.close()
                answer = self._process.stdout.read() if end else self._process.stdout.readline()
                if (self._process.wait() == 0) if end else answer.strip():
                    return answer
        except BrokenPipeError:
            # Its messages say why it ended.
            pass
        self._errors.seek(0)
        raise DatabaseError("psql: %s" % self._errors.read().decode("utf-8", "replace").strip())


def _start_psql(who: Identity, environment: Dict[str, str], errors: IO[bytes]) -> "subprocess.Popen[str]":
    # AnsibleModule.run_command cannot keep a session open while another program works.
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        PSQL + ["-F", "\t"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd="/",
        env=environment,
        universal_newlines=True,
        preexec_fn=None if who.is_current() else who.drop_privileges,
    )


@contextlib.contextmanager
def _open_session(who: Identity, environment: Dict[str, str]) -> Iterator[_SnapshotSession]:
    """A session of psql for the block. Raises OSError."""
    with tempfile.TemporaryFile() as errors, _start_psql(who, environment, errors) as process:
        try:
            yield _SnapshotSession(process, errors)
        finally:
            process.kill()


class PostgresqlDatabase(Database):
    """A PostgreSQL database, dumped in pg_dump's custom format."""

    kind = "postgresql"
    argument = {
        "type": "dict",
        "options": {
            "database": {"type": DATABASE_NAME, "required": True},
            "host": {"type": "str"},
            "port": {"type": "int"},
            "user": {"type": DATABASE_NAME},
            "passfile": {"type": "str", "no_log": False},
            "account": {"type": ACCOUNT_NAME},
        },
    }
    documentation = """\
postgresql:
  description: A PostgreSQL database, dumped by C(pg_dump) in its custom format.
  type: dict
  suboptions:
    database:
      description: Name of the database.
      type: str
      required: true
    host:
      description: Host or socket directory of the server.
      type: str
    port:
      description: Port of the server.
      type: int
    user:
      description: Role to connect as.
      type: str
    passfile:
      description: File on the host with the password, in the format of libpq; readable by C(account).
      type: str
    account:
      description: Account that dumps. Default is V(postgres) without C(host), and the application's user with it.
      type: str
"""
    version_command = ["pg_dump", "--version"]

    def resolve_default_account(self, user: Identity) -> Identity:
        """The account ``postgres`` for a server of this host, if root works, and *user* otherwise."""
        return user if self.options.get("host") or os.geteuid() != 0 else resolve_user("postgres")

    def make_environment(self, who: Identity) -> Dict[str, str]:
        """The process environment that connects libpq; nothing of it is on a command line."""
        given = {
            "PGDATABASE": self.options["database"],
            "PGHOST": self.options.get("host"),
            "PGPORT": self.options.get("port"),
            "PGUSER": self.options.get("user"),
            "PGPASSFILE": self.options.get("passfile"),
            "PGAPPNAME": "oxzep7",
            "PGCONNECT_TIMEOUT": "30",
        }
        connection = {key: str(value) for key, value in given.items() if value is not None}
        return dict(build_process_environment(who), **connection)

    def measure_size(self, user: Identity) -> Optional[int]:
        """The size that the server states."""
        who = self.resolve_account(user)
        return int(_run_postgresql(PSQL + ["-c", DATABASE_SIZE], who, self.make_environment(who)))

    def dump(self, handle: int, user: Identity, application: str) -> Dict[str, int]:
        """Dump by pg_dump, and count the rows in the same snapshot."""
        who = self.resolve_account(user)
        environment = self.make_environment(who)
        if not shutil.which("psql") or not shutil.which("pg_dump"):
            raise DatabaseError(
                "database %s: this host has no psql and pg_dump; install PostgreSQL's client" % self.name
            )
        with _open_session(who, environment) as session:
            words = ["pg_dump", "--format=custom", "--no-password", "--snapshot=" + session.export_snapshot()]
            _run_postgresql(words, who, environment, timeout=DUMP_TIMEOUT, target=handle)
            return session.count_rows()

    def prove_dump(self, dump: SavedDump) -> Dict[str, int]:
        """Load the dump into a server that is started for it."""
        programs = _find_server_programs()
        if programs is None:
            raise DatabaseError(
                "this host has no PostgreSQL server to load the dump into; install one, or drill on a host that has one"
            )
        with open(dump.path, "rb") as stream:
            prove = functools.partial(_load_in_server, stream.fileno(), programs)
            return dict(call_with_place([programs], prove))

    def load_copy(self, dump: SavedDump) -> str:
        """Load the dump into a database of another name on the same server."""
        who = self.resolve_account(dump.user)
        name = self.name_copy("restored", dump)
        environment = self.make_environment(who)
        _run_postgresql(["createdb", "--no-password", "--template=template0", name], who, environment)
        there = dict(environment, PGDATABASE=name)
        # The account may not reach the file.
        with open(dump.path, "rb") as stream:
            _restore_dump(stream.fileno(), ["--no-password"], who, there)
        self.check_copied_rows(dump, name, _count_rows(who, there))
        return name

    def prepare_exchange(self, dump: SavedDump) -> DatabaseExchange:
        """Load the dump beside the live database; the act renames both in one transaction."""
        kept = self.load_copy(dump)
        who = self.resolve_account(dump.user)
        environment = dict(self.make_environment(who), PGDATABASE="postgres")
        words, back = self.make_rename_commands(kept, self.name_copy("before", dump))

        def exchange() -> None:
            require_success("exchange", run_command(words, EXCHANGE_TIMEOUT, who, environment=environment))

        undo = UndoCommand(back, who, variables=_select_variables(environment))
        return DatabaseExchange(str(self.options["database"]), act=exchange, undo=undo)

    def list_copy_parts(self, dump: SavedDump) -> Tuple[Sequence[str], Sequence[UndoCommand]]:
        """The copy that is exchanged with the live database."""
        who = self.resolve_account(dump.user)
        words = ["dropdb", "--no-password", "--if-exists", self.name_copy("restored", dump)]
        return (), [UndoCommand(words, who, variables=_select_variables(self.make_environment(who)))]

    def make_rename_commands(self, kept: str, before: str) -> Tuple[List[str], List[str]]:
        """The command that makes the database *kept* live and calls the live one *before*, and one that undoes that."""
        live = str(self.options["database"])
        renames = "%s; %s" % (_rename_database(live, before), _rename_database(kept, live))
        words = PSQL + ["-c", _end_sessions(live, kept), "-1", "-c", renames]
        steps = [
            _end_sessions(live, before),
            "BEGIN",
            _rename_database(live, kept),
            _rename_database(before, live),
            "COMMIT",
        ]
        listed = ", ".join(_quote_text(step) for step in steps)
        return words, ["sh", "-c", UNDO_SCRIPT % (" ".join(PSQL), listed, _quote_text(before))]

    def render_instructions(self, file: str) -> str:
        """Load the dump into a new database."""
        return (
            "`createdb {database}_restored && pg_restore --exit-on-error --dbname {database}_restored {file}`, as a "
            "role that may create databases.".format(database=self.options["database"], file=file)
        )


def _select_variables(environment: Dict[str, str]) -> Dict[str, str]:
    """Those of *environment* that connect libpq; the account's own shell has the rest anyhow."""
    return {key: value for key, value in environment.items() if key.startswith("PG")}


def _load_in_server(source: int, programs: str, who: Identity, directory: str) -> Dict[str, int]:
    """Rows by table of the dump in the open file *source*, loaded into a new server of *who* in *directory*.

    Raises CommandError, DatabaseError.
    """
    environment = dict(
        build_process_environment(who, programs), PGHOST=directory, PGUSER="postgres", PGDATABASE=SCRATCH_DATABASE
    )
    with _run_server(directory, who, environment):
        _run_postgresql(["createdb", "--template=template0", SCRATCH_DATABASE], who, environment)
        _restore_dump(source, ["--no-owner", "--no-privileges"], who, environment)
        return _count_rows(who, environment)


@contextlib.contextmanager
def _run_server(scratch: str, who: Identity, environment: Dict[str, str]) -> Iterator[None]:
    """A new server in the directory *scratch* for the block, on a socket there only. Raises CommandError."""
    data = os.path.join(scratch, "data")
    words = ["initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D", data]
    _run_postgresql(words, who, environment)
    options = "-c listen_addresses='' -c unix_socket_directories=%s -c fsync=off" % scratch
    words = ["pg_ctl", "-D", data, "-o", options, "-l", os.path.join(scratch, "log"), "-w", "start"]
    require_success("the server", run_command(words, QUERY_TIMEOUT, who, environment=environment))
    try:
        yield
    finally:
        words = ["pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
        run_command(words, QUERY_TIMEOUT, who, environment=environment)
