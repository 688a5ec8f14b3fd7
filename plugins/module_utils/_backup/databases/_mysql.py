# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MariaDB and MySQL databases: dumped in one transaction; the rows are counted in the dump."""

import contextlib
import functools
import os
import re
import shutil
import time
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import (
    DUMP_TIMEOUT,
    QUERY_TIMEOUT,
    SCRATCH_DATABASE,
    Database,
    DatabaseError,
    DatabaseExchange,
    SavedDump,
    UndoCommand,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._server import call_with_place
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    RunningCommand,
    join_command,
    require_success,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME, DATABASE_NAME

SERVER_PROGRAMS, CLIENT_PROGRAMS = ("mariadbd", "mysqld"), ("mariadb", "mysql")
# Forbids commands of the client in what it reads: a dump could have the shell run some, with the client's rights.
CLIENT_OPTIONS = ["--binary-mode"]
DUMP_OPTIONS = [
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--default-character-set=utf8mb4",
]
CHARACTER_SET = (
    "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata "
    "WHERE schema_name = DATABASE()"
)
TABLE_NAMES = (
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1"
)
DATA_SIZE = "SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"
INSERT_LINE = re.compile(rb"^INSERT INTO `((?:[^`]|``)+)` (?:\([^)]*\) )?VALUES")
TABLE_LINE = re.compile(rb"^CREATE TABLE `((?:[^`]|``)+)`")
QUOTED_TEXT = re.compile(rb"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


def find_mysql_program(*names: str) -> str:
    """The path of the first of the programs *names* that this host has. Raises DatabaseError."""
    for name in names:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec")
        if found:
            return found
    raise DatabaseError("this host has neither %s; install MariaDB's or MySQL's" % " nor ".join(names))


def count_dump_rows(lines: Iterator[bytes]) -> Dict[str, int]:
    """Rows by table of a dump of MariaDB or MySQL, whatever the form of its INSERTs."""
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


def _quote_name(name: str) -> str:
    return "`%s`" % name.replace("`", "``")


def _run_client(what: str, words: List[str], who: Optional[Identity], timeout: float = QUERY_TIMEOUT) -> str:
    """The output of *words*. Raises CommandError that starts with *what*."""
    return require_success(what, run_command(words, timeout, who)).stdout


def _load_dump(client: List[str], source: int, who: Identity) -> None:
    """Load the dump in the open file *source* into the database of *client*. Raises CommandError."""
    require_success("the load", run_command(client, DUMP_TIMEOUT, who, source=source))


def count_mysql_rows(client: List[str], who: Optional[Identity]) -> Dict[str, int]:
    """Rows by table of the database that *client* is connected to. Raises CommandError."""
    found = {}
    for name in _run_client("tables", client + ["-N", "-B", "-r", "-e", TABLE_NAMES], who).splitlines():
        query = "SELECT count(*) FROM " + _quote_name(name)
        found[name] = int(_run_client("rows", client + ["-N", "-B", "-e", query], who, DUMP_TIMEOUT))
    return found


def _load_in_server(source: int, who: Identity, directory: str) -> Dict[str, int]:
    """Rows by table of the dump in the open file *source*, loaded into a new server of *who* in *directory*.

    Raises CommandError, DatabaseError.
    """
    with _run_server(directory, who) as client:
        _run_client("the database", client + ["-e", "CREATE DATABASE " + SCRATCH_DATABASE], who)
        _load_dump(client + [SCRATCH_DATABASE], source, who)
        return count_mysql_rows(client + [SCRATCH_DATABASE], who)


@contextlib.contextmanager
def _run_server(scratch: str, who: Identity) -> Iterator[List[str]]:
    """A new server in the directory *scratch* for the block; gives the client that is connected to it.

    Raises CommandError, DatabaseError.
    """
    data, socket, log = (os.path.join(scratch, name) for name in ("data", "socket", "log"))
    server = find_mysql_program(*SERVER_PROGRAMS)
    installer = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    if installer:
        words = [installer, "--no-defaults", "--datadir=" + data]
        words += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    else:
        words = [server, "--no-defaults", "--initialize-insecure", "--datadir=" + data]
    _run_client("the server", words, who)
    running = RunningCommand(
        [
            server,
            "--no-defaults",
            "--datadir=" + data,
            "--socket=" + socket,
            "--skip-networking",
            "--log-error=" + log,
            "--pid-file=" + os.path.join(scratch, "pid"),
            "--innodb-flush-log-at-trx-commit=0",
        ],
        who,
        log=os.path.join(scratch, "output"),
    )
    client = [
        find_mysql_program(*CLIENT_PROGRAMS),
        "--no-defaults",
        "--socket=" + socket,
        "--user=root",
    ] + CLIENT_OPTIONS
    try:
        _wait_for_server(client, who)
        yield client
    finally:
        run_command(client + ["-e", "SHUTDOWN"], QUERY_TIMEOUT, who)
        running.wait(QUERY_TIMEOUT)


def _wait_for_server(client: List[str], who: Identity) -> None:
    deadline = time.monotonic() + QUERY_TIMEOUT
    while True:
        done = run_command(client + ["-e", "SELECT 1"], QUERY_TIMEOUT, who)
        if done.rc == 0:
            return
        if time.monotonic() > deadline:
            raise DatabaseError("the MariaDB or MySQL server of the drill does not start: %s" % done.last_lines(2))
        time.sleep(0.1)


class MysqlDatabase(Database):
    """A MariaDB or MySQL database."""

    kind = "mysql"
    suffix = ".sql"
    argument = {
        "type": "dict",
        "options": {
            "database": {"type": DATABASE_NAME, "required": True},
            "defaults_file": {"type": "str"},
            "account": {"type": ACCOUNT_NAME},
        },
    }
    documentation = """\
mysql:
  description: A MariaDB or MySQL database, dumped in a single transaction.
  type: dict
  suboptions:
    database:
      description: Name of the database.
      type: str
      required: true
    defaults_file:
      description: File on the host with the options and the password of the client.
      type: str
    account:
      description: Account that dumps. Default is the account that the module runs as.
      type: str
"""
    version_command = ["mysqldump", "--version"]

    def resolve_default_account(self, user: Identity) -> Identity:
        """The account that the module runs as."""
        return get_current_identity()

    def make_client(self, *names: str) -> List[str]:
        """The first of the programs *names* that this host has, with the declared defaults. Raises DatabaseError."""
        defaults = self.options.get("defaults_file")
        words = [find_mysql_program(*names)] + (["--defaults-extra-file=" + defaults] if defaults else [])
        return words + CLIENT_OPTIONS if names == CLIENT_PROGRAMS else words

    def measure_size(self, user: Identity) -> Optional[int]:
        """The size of the data of all tables, without their indexes."""
        words = self.make_client(*CLIENT_PROGRAMS) + ["-N", "-B", "-e", DATA_SIZE, str(self.options["database"])]
        return int(_run_client("the size", words, self.resolve_account(user)))

    def dump(self, handle: int, user: Identity, application: str) -> Dict[str, int]:
        """Dump by mariadb-dump or mysqldump, and count the rows of the dump."""
        words = self.make_client("mariadb-dump", "mysqldump") + DUMP_OPTIONS + ["--", self.options["database"]]
        require_success("the dump", run_command(words, DUMP_TIMEOUT, self.resolve_account(user), target=handle))
        os.lseek(handle, 0, os.SEEK_SET)
        with os.fdopen(os.dup(handle), "rb") as stream:
            return count_dump_rows(iter(stream))

    def prove_dump(self, dump: SavedDump) -> Dict[str, int]:
        """Load the dump into a server that is started for it."""
        programs = [os.path.dirname(find_mysql_program(*names)) for names in (SERVER_PROGRAMS, CLIENT_PROGRAMS)]
        with open(dump.path, "rb") as stream:
            return dict(call_with_place(programs, functools.partial(_load_in_server, stream.fileno())))

    def load_copy(self, dump: SavedDump) -> str:
        """Load the dump into a database of another name on the same server."""
        who = self.resolve_account(dump.user)
        name = self.name_copy("restored", dump)
        client = self.make_client(*CLIENT_PROGRAMS)
        _run_client("the database", client + ["-e", "CREATE DATABASE %s" % _quote_name(name)], who)
        with open(dump.path, "rb") as stream:
            _load_dump(client + [name], stream.fileno(), who)
        self.check_copied_rows(dump, name, count_mysql_rows(client + [name], who))
        return name

    def list_copy_parts(self, dump: SavedDump) -> Tuple[Sequence[str], Sequence[UndoCommand]]:
        """The dump of what is replaced, and the database of another name."""
        files, commands = super().list_copy_parts(dump)
        query = "DROP DATABASE IF EXISTS %s" % _quote_name(self.name_copy("restored", dump))
        words = self.make_client(*CLIENT_PROGRAMS) + ["-e", query]
        return files, list(commands) + [UndoCommand(words, self.resolve_account(dump.user))]

    def prepare_exchange(self, dump: SavedDump) -> DatabaseExchange:
        """The act creates the database again, with its character set, and loads the dump; MySQL renames none."""
        who = self.resolve_account(dump.user)
        client = self.make_client(*CLIENT_PROGRAMS)
        name = str(self.options["database"])
        character_set, collation = _run_client(
            "the database", client + ["-N", "-B", "-e", CHARACTER_SET, name], who
        ).split()[:2]
        quoted = _quote_name(name)
        create = "CREATE DATABASE %s CHARACTER SET %s COLLATE %s" % (quoted, character_set, collation)
        query = join_command(["DROP DATABASE %s; %s" % (quoted, create)])
        script = "%s -e %s && exec %s" % (join_command(client), query, join_command(client + [name]))
        return self.prepare_reload(dump, ["sh", "-c", script], who, name)

    def render_instructions(self, file: str) -> str:
        """Load the dump into a new database."""
        return (
            "`mariadb -e 'CREATE DATABASE {database}_restored' && mariadb {database}_restored < {file}`, as an account "
            "that may create databases.".format(database=self.options["database"], file=file)
        )
