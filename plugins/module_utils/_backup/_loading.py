# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps of databases on their way back: into servers of their own that are thrown away, under a new name, or in place of what is there."""

import glob
import os
import shutil
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Database
from ansible_collections.oxzep7.python.plugins.module_utils._backup import _databases
from ansible_collections.oxzep7.python.plugins.module_utils._backup._databases import (
    DUMP_TIMEOUT,
    QUERY_TIMEOUT,
    DatabaseError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    build_process_environment,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    RunningCommand,
    join_command,
    require_success,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory

POSTGRESQL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
)
# In the name of a scratch database, and in nobody's own.
SCRATCH_DATABASE = "oxzep7_drill"
NAME_LIMIT = 63
MYSQL_CHARACTERS = "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()"
MYSQL_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1"


def _choose_server_account(user: Identity, preferred: str) -> Identity:
    """Who runs a throw-away server: the account *preferred* if it is here, else *user*; servers refuse to be root's."""
    if os.geteuid() != 0:
        return user
    try:
        return resolve_user(preferred)
    except IdentityError:
        return user if user.uid != 0 else resolve_user("nobody")


def _find_postgresql_programs() -> Optional[str]:
    """The directory with the newest server programs of PostgreSQL that this host has."""
    found = [
        place
        for pattern in POSTGRESQL_PLACES
        for place in sorted(glob.glob(pattern), key=_parse_version, reverse=True)
        if os.path.exists(place + "/initdb")
    ]
    return found[0] if found else None


def _parse_version(place: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in "".join(char if char.isdigit() else " " for char in place).split())


def prove_dump(row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    """Rows by table, after the dump *path* of the manifest's *row* was loaded where nothing lives.

    Raises DatabaseError, CommandError, IdentityError, OSError.
    """
    return PROOFS[row["kind"]](row, path, user, application)


def _prove_sqlite(_row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    # A damaged database may attack who opens it, so that is nobody but the application's own account.
    with _databases.create_scratch(user, application, path) as scratch:
        return dict(_databases.run_sqlite([os.path.join(scratch, _databases.DUMP_NAME)], user)["rows"])


def _prove_postgresql(_row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    programs = _find_postgresql_programs()
    if programs is None:
        raise DatabaseError(
            "this host has no server of PostgreSQL to load it into; install one, or drill on a host that has"
        )
    who = _choose_server_account(user, "postgres")
    with _databases.create_scratch(who, application, path) as scratch:
        data = os.path.join(scratch, "data")
        environment = dict(
            build_process_environment(who, programs), PGHOST=scratch, PGUSER="postgres", PGDATABASE=SCRATCH_DATABASE
        )
        require_success(
            "initdb",
            run_command(
                [
                    "initdb",
                    "--auth=trust",
                    "--username=postgres",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                    "-D",
                    data,
                ],
                QUERY_TIMEOUT,
                who,
                environment=environment,
            ),
        )
        options = "-c listen_addresses='' -c unix_socket_directories=%s -c fsync=off" % scratch
        require_success(
            "the server",
            run_command(
                ["pg_ctl", "-D", data, "-o", options, "-l", os.path.join(scratch, "log"), "-w", "start"],
                QUERY_TIMEOUT,
                who,
                environment=environment,
            ),
        )
        try:
            require_success(
                "createdb",
                run_command(
                    ["createdb", "--template=template0", SCRATCH_DATABASE], QUERY_TIMEOUT, who, environment=environment
                ),
            )
            _run_pg_restore(os.path.join(scratch, _databases.DUMP_NAME), who, environment)
            return count_postgresql_rows(who, environment)
        finally:
            run_command(
                ["pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], QUERY_TIMEOUT, who, environment=environment
            )


def _run_pg_restore(path: str, who: Identity, environment: Dict[str, str], *more: str) -> None:
    require_success(
        "pg_restore",
        run_command(
            ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", environment["PGDATABASE"]]
            + list(more)
            + [path],
            DUMP_TIMEOUT,
            who,
            environment=environment,
        ),
    )


def count_postgresql_rows(who: Identity, environment: Dict[str, str]) -> Dict[str, int]:
    """Rows by table of the database that *environment* connects to. Raises CommandError, DatabaseError."""
    done = require_success(
        "psql",
        run_command(
            ["psql", "-XAtq", "-F", "\t", "--no-password", "-v", "ON_ERROR_STOP=1"],
            DUMP_TIMEOUT,
            who,
            environment=environment,
            stdin=_databases.POSTGRESQL_ROWS,
        ),
    )
    return _databases.parse_row_counts(done.stdout)


def _prove_mysql(_row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    who = _choose_server_account(user, "mysql")
    with _databases.create_scratch(who, application) as scratch:
        data, socket, log = (os.path.join(scratch, name) for name in ("data", "socket", "log"))
        server = _databases.find_mysql_program("mariadbd", "mysqld")
        installer = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
        if installer:
            require_success(
                "the server",
                run_command(
                    [
                        installer,
                        "--no-defaults",
                        "--datadir=" + data,
                        "--auth-root-authentication-method=normal",
                        "--skip-test-db",
                    ],
                    QUERY_TIMEOUT,
                    who,
                ),
            )
        else:
            require_success(
                "the server",
                run_command(
                    [server, "--no-defaults", "--initialize-insecure", "--datadir=" + data], QUERY_TIMEOUT, who
                ),
            )
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
        )
        client = [
            _databases.find_mysql_program("mariadb", "mysql"),
            "--no-defaults",
            "--socket=" + socket,
            "--user=root",
        ]
        try:
            _wait_for_server(client, who)
            require_success(
                "the database", run_command(client + ["-e", "CREATE DATABASE " + SCRATCH_DATABASE], QUERY_TIMEOUT, who)
            )
            with open(path, "rb") as stream:
                require_success(
                    "the load", run_command(client + [SCRATCH_DATABASE], DUMP_TIMEOUT, who, source=stream.fileno())
                )
            return count_mysql_rows(client + [SCRATCH_DATABASE], who)
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
            raise DatabaseError(
                "the server of MariaDB or MySQL that should be thrown away does not start: %s" % done.last_lines(2)
            )
        time.sleep(0.1)


def count_mysql_rows(client: List[str], who: Optional[Identity]) -> Dict[str, int]:
    """Rows by table of the database that *client* is connected to. Raises CommandError."""
    names = require_success(
        "tables", run_command(client + ["-N", "-B", "-r", "-e", MYSQL_TABLES], QUERY_TIMEOUT, who)
    ).stdout.splitlines()
    found = {}
    for name in names:
        counted = require_success(
            "rows",
            run_command(
                client + ["-N", "-B", "-e", "SELECT count(*) FROM `%s`" % name.replace("`", "``")], DUMP_TIMEOUT, who
            ),
        )
        found[name] = int(counted.stdout)
    return found


def _prove_by_command(row: Dict[str, Any], path: str, user: Identity, _application: str) -> Dict[str, int]:
    database = _databases.parse_database_row(row)
    with open(path, "rb") as stream:
        return _databases.count_rows_by_command(
            database, _databases.resolve_database_account(database, user), stream.fileno()
        )


PROOFS: Dict[str, Callable[[Dict[str, Any], str, Identity, str], Dict[str, int]]] = {
    "sqlite": _prove_sqlite,
    "postgresql": _prove_postgresql,
    "mysql": _prove_mysql,
    "command": _prove_by_command,
}


def name_database_copy(database: Database, word: str, backup: str) -> str:
    """What a copy of *database* from *backup* is called: ``word`` is ``restored`` or ``before``."""
    stem = backup.partition("-")[0].lower()
    name = str(database.options["database"])
    return "%s_%s_%s" % (name[: NAME_LIMIT - len(word) - len(stem) - 2], word, stem)


def load_database_copy(row: Dict[str, Any], path: str, user: Identity, backup: str, application: str) -> str:
    """Load the dump *path* into a database of a new name on the same server; returns the name. Raises DatabaseError, CommandError, IdentityError, OSError.

    A database of that name is one that a dead restore left, and is dropped.
    """
    database = _databases.parse_database_row(row)
    who = _databases.resolve_database_account(database, user)
    name = name_database_copy(database, "restored", backup)
    if database.kind == "postgresql":
        environment = _databases.make_postgresql_environment(database.options, who)
        with _databases.create_scratch(who, application, path) as scratch:
            require_success(
                "dropdb",
                run_command(
                    ["dropdb", "--no-password", "--if-exists", name], QUERY_TIMEOUT, who, environment=environment
                ),
            )
            require_success(
                "createdb",
                run_command(
                    ["createdb", "--no-password", "--template=template0", name],
                    QUERY_TIMEOUT,
                    who,
                    environment=environment,
                ),
            )
            there = dict(environment, PGDATABASE=name)
            words = [
                "pg_restore",
                "--no-password",
                "--exit-on-error",
                "--dbname",
                name,
                os.path.join(scratch, _databases.DUMP_NAME),
            ]
            require_success("pg_restore", run_command(words, DUMP_TIMEOUT, who, environment=there))
            found = count_postgresql_rows(who, there)
    else:
        client = _databases.make_mysql_command(database.options, "mariadb", "mysql")
        quoted = name.replace("`", "``")
        require_success(
            "the database",
            run_command(
                client + ["-e", "DROP DATABASE IF EXISTS `%s`; CREATE DATABASE `%s`" % (quoted, quoted)],
                QUERY_TIMEOUT,
                who,
            ),
        )
        with open(path, "rb") as stream:
            require_success("the load", run_command(client + [name], DUMP_TIMEOUT, who, source=stream.fileno()))
        found = count_mysql_rows(client + [name], who)
    wrong = _databases.describe_row_difference(row, found)
    if wrong:
        raise DatabaseError("database %s was loaded as %s, and is not what was kept: %s" % (database.name, name, wrong))
    return name


def make_reload_command(row: Dict[str, Any], user: Identity) -> Tuple[List[str], Identity]:
    """Words that put the dump on their standard input in place of what the database of *row* has, and who runs them.

    Raises DatabaseError, CommandError, IdentityError.
    """
    database = _databases.parse_database_row(row)
    who = _databases.resolve_database_account(database, user)
    if database.kind == "command":
        if not database.options.get("load"):
            raise DatabaseError(
                "database %s has no `load` command; declare one, or restore to `scratch`" % database.name
            )
        return list(database.options["load"]), who
    client = _databases.make_mysql_command(database.options, "mariadb", "mysql")
    name = str(database.options["database"])
    told = require_success(
        "the database", run_command(client + ["-N", "-B", "-e", MYSQL_CHARACTERS, name], QUERY_TIMEOUT, who)
    ).stdout.split()
    quoted = name.replace("`", "``")
    again = "DROP DATABASE `%s`; CREATE DATABASE `%s` CHARACTER SET %s COLLATE %s" % (quoted, quoted, told[0], told[1])
    return [
        "sh",
        "-c",
        "%s -e %s && exec %s" % (join_command(client), join_command([again]), join_command(client + [name])),
    ], who


def reload_database(
    row: Dict[str, Any], path: str, before: str, words: List[str], who: Identity, user: Identity, application: str
) -> None:
    """Dump what the database of *row* has to *before*, and when that is whole, have *words* load the dump *path*.

    Raises DatabaseError, CommandError, OSError.
    """
    database = _databases.parse_database_row(row)
    handle = os.open(before + ".part", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _databases.DUMPERS[database.kind](
            database, _databases.resolve_database_account(database, user), application, handle
        )
        os.fsync(handle)
    finally:
        os.close(handle)
    os.rename(before + ".part", before)
    sync_directory(os.path.dirname(before))
    with open(path, "rb") as stream:
        require_success("the load of %s" % database.name, run_command(words, DUMP_TIMEOUT, who, source=stream.fileno()))


def make_exchange_commands(
    row: Dict[str, Any], user: Identity, backup: str
) -> Tuple[List[str], List[str], Dict[str, str], Identity]:
    """For a PostgreSQL database that `load_beside` has loaded: words that exchange it for the live one in one transaction, words that take that back if it
    was done, the process environment of both, and who runs them. Raises IdentityError.
    """
    database = _databases.parse_database_row(row)
    who = _databases.resolve_database_account(database, user)
    live, kept, before = (
        name.replace('"', '""')
        for name in (
            str(database.options["database"]),
            name_database_copy(database, "restored", backup),
            name_database_copy(database, "before", backup),
        )
    )
    environment = dict(_databases.make_postgresql_environment(database.options, who), PGDATABASE="postgres")
    leave = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('%s', '%s') AND pid <> pg_backend_pid()"
    psql = ["psql", "-XAtq", "--no-password", "-v", "ON_ERROR_STOP=1"]
    rename = 'ALTER DATABASE "%s" RENAME TO "%s"; ALTER DATABASE "%s" RENAME TO "%s"'
    there = psql + ["-c", leave % (live, kept), "-1", "-c", rename % (live, before, kept, live)]
    # \gexec runs what the query gives, which is nothing where there is nothing to take back.
    renames = ['ALTER DATABASE "%s" RENAME TO "%s"' % pair for pair in ((live, kept), (before, live))]
    steps = [leave % (live, before), "BEGIN"] + renames + ["COMMIT"]
    listed = ", ".join("'%s'" % step.replace("'", "''") for step in steps)
    back = [
        "sh",
        "-c",
        "%s <<'END'\nSELECT s FROM unnest(ARRAY[%s]) AS s WHERE EXISTS (SELECT FROM pg_database WHERE datname = '%s') \\gexec\nEND"
        % (" ".join(psql), listed, before),
    ]
    return there, back, environment, who
