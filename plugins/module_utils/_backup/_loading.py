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
from ansible_collections.oxzep7.python.plugins.module_utils._backup._databases import LONG, SHORT, DatabaseError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    environment_for,
    of_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import Running, join, must, run
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory

POSTGRESQL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
)
# In the name of a scratch database, and in nobody's own.
SCRATCH = "oxzep7_drill"
NAME_LIMIT = 63
MYSQL_CHARACTERS = "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()"
MYSQL_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1"


def _unprivileged(user: Identity, preferred: str) -> Identity:
    """Who runs a throw-away server: the account *preferred* if it is here, else *user*; servers refuse to be root's."""
    if os.geteuid() != 0:
        return user
    try:
        return of_user(preferred)
    except IdentityError:
        return user if user.uid != 0 else of_user("nobody")


def _postgresql_programs() -> Optional[str]:
    """The directory with the newest server programs of PostgreSQL that this host has."""
    found = [
        place
        for pattern in POSTGRESQL_PLACES
        for place in sorted(glob.glob(pattern), key=_version, reverse=True)
        if os.path.exists(place + "/initdb")
    ]
    return found[0] if found else None


def _version(place: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in "".join(char if char.isdigit() else " " for char in place).split())


def proven(row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    """Rows by table, after the dump *path* of the manifest's *row* was loaded where nothing lives.

    Raises DatabaseError, CommandError, IdentityError, OSError.
    """
    return PROOFS[row["kind"]](row, path, user, application)


def _sqlite(_row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    # A damaged database may attack who opens it, so that is nobody but the application's own account.
    with _databases.scratch_of(user, application, path) as scratch:
        return dict(_databases.sqlite([os.path.join(scratch, _databases.DUMP)], user)["rows"])


def _postgresql(_row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    programs = _postgresql_programs()
    if programs is None:
        raise DatabaseError(
            "this host has no server of PostgreSQL to load it into; install one, or drill on a host that has"
        )
    who = _unprivileged(user, "postgres")
    with _databases.scratch_of(who, application, path) as scratch:
        data = os.path.join(scratch, "data")
        environment = dict(environment_for(who, programs), PGHOST=scratch, PGUSER="postgres", PGDATABASE=SCRATCH)
        must(
            "initdb",
            run(
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
                SHORT,
                who,
                environment=environment,
            ),
        )
        options = "-c listen_addresses='' -c unix_socket_directories=%s -c fsync=off" % scratch
        must(
            "the server",
            run(
                ["pg_ctl", "-D", data, "-o", options, "-l", os.path.join(scratch, "log"), "-w", "start"],
                SHORT,
                who,
                environment=environment,
            ),
        )
        try:
            must("createdb", run(["createdb", "--template=template0", SCRATCH], SHORT, who, environment=environment))
            _pg_restore(os.path.join(scratch, _databases.DUMP), who, environment)
            return counted_in_postgresql(who, environment)
        finally:
            run(["pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], SHORT, who, environment=environment)


def _pg_restore(path: str, who: Identity, environment: Dict[str, str], *more: str) -> None:
    must(
        "pg_restore",
        run(
            ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", environment["PGDATABASE"]]
            + list(more)
            + [path],
            LONG,
            who,
            environment=environment,
        ),
    )


def counted_in_postgresql(who: Identity, environment: Dict[str, str]) -> Dict[str, int]:
    """Rows by table of the database that *environment* connects to. Raises CommandError, DatabaseError."""
    done = must(
        "psql",
        run(
            ["psql", "-XAtq", "-F", "\t", "--no-password", "-v", "ON_ERROR_STOP=1"],
            LONG,
            who,
            environment=environment,
            stdin=_databases.POSTGRESQL_ROWS,
        ),
    )
    return _databases.told(done.stdout)


def _mysql(_row: Dict[str, Any], path: str, user: Identity, application: str) -> Dict[str, int]:
    who = _unprivileged(user, "mysql")
    with _databases.scratch_of(who, application) as scratch:
        data, socket, log = (os.path.join(scratch, name) for name in ("data", "socket", "log"))
        server = _databases.mysql_program("mariadbd", "mysqld")
        installer = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
        if installer:
            must(
                "the server",
                run(
                    [
                        installer,
                        "--no-defaults",
                        "--datadir=" + data,
                        "--auth-root-authentication-method=normal",
                        "--skip-test-db",
                    ],
                    SHORT,
                    who,
                ),
            )
        else:
            must("the server", run([server, "--no-defaults", "--initialize-insecure", "--datadir=" + data], SHORT, who))
        running = Running(
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
        client = [_databases.mysql_program("mariadb", "mysql"), "--no-defaults", "--socket=" + socket, "--user=root"]
        try:
            _wait_for(client, who)
            must("the database", run(client + ["-e", "CREATE DATABASE " + SCRATCH], SHORT, who))
            with open(path, "rb") as stream:
                must("the load", run(client + [SCRATCH], LONG, who, source=stream.fileno()))
            return counted_in_mysql(client + [SCRATCH], who)
        finally:
            run(client + ["-e", "SHUTDOWN"], SHORT, who)
            running.wait(SHORT)


def _wait_for(client: List[str], who: Identity) -> None:
    deadline = time.monotonic() + SHORT
    while True:
        done = run(client + ["-e", "SELECT 1"], SHORT, who)
        if done.rc == 0:
            return
        if time.monotonic() > deadline:
            raise DatabaseError(
                "the server of MariaDB or MySQL that should be thrown away does not start: %s" % done.last_lines(2)
            )
        time.sleep(0.1)


def counted_in_mysql(client: List[str], who: Optional[Identity]) -> Dict[str, int]:
    """Rows by table of the database that *client* is connected to. Raises CommandError."""
    names = must("tables", run(client + ["-N", "-B", "-r", "-e", MYSQL_TABLES], SHORT, who)).stdout.splitlines()
    found = {}
    for name in names:
        counted = must(
            "rows", run(client + ["-N", "-B", "-e", "SELECT count(*) FROM `%s`" % name.replace("`", "``")], LONG, who)
        )
        found[name] = int(counted.stdout)
    return found


def _command(row: Dict[str, Any], path: str, user: Identity, _application: str) -> Dict[str, int]:
    database = _databases.described(row)
    with open(path, "rb") as stream:
        return _databases.counted_by_command(database, _databases.account_of(database, user), stream.fileno())


PROOFS: Dict[str, Callable[[Dict[str, Any], str, Identity, str], Dict[str, int]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "command": _command,
}


def new_name(database: Database, word: str, backup: str) -> str:
    """What a copy of *database* from *backup* is called: ``word`` is ``restored`` or ``before``."""
    stem = backup.partition("-")[0].lower()
    name = str(database.options["database"])
    return "%s_%s_%s" % (name[: NAME_LIMIT - len(word) - len(stem) - 2], word, stem)


def load_beside(row: Dict[str, Any], path: str, user: Identity, backup: str, application: str) -> str:
    """Load the dump *path* into a database of a new name on the same server; returns the name. Raises DatabaseError, CommandError, IdentityError, OSError.

    A database of that name is one that a dead restore left, and is dropped.
    """
    database = _databases.described(row)
    who = _databases.account_of(database, user)
    name = new_name(database, "restored", backup)
    if database.kind == "postgresql":
        environment = _databases.postgresql_environment(database.options, who)
        with _databases.scratch_of(who, application, path) as scratch:
            must("dropdb", run(["dropdb", "--no-password", "--if-exists", name], SHORT, who, environment=environment))
            must(
                "createdb",
                run(["createdb", "--no-password", "--template=template0", name], SHORT, who, environment=environment),
            )
            there = dict(environment, PGDATABASE=name)
            words = [
                "pg_restore",
                "--no-password",
                "--exit-on-error",
                "--dbname",
                name,
                os.path.join(scratch, _databases.DUMP),
            ]
            must("pg_restore", run(words, LONG, who, environment=there))
            found = counted_in_postgresql(who, there)
    else:
        client = _databases.mysql_words(database.options, "mariadb", "mysql")
        quoted = name.replace("`", "``")
        must(
            "the database",
            run(client + ["-e", "DROP DATABASE IF EXISTS `%s`; CREATE DATABASE `%s`" % (quoted, quoted)], SHORT, who),
        )
        with open(path, "rb") as stream:
            must("the load", run(client + [name], LONG, who, source=stream.fileno()))
        found = counted_in_mysql(client + [name], who)
    wrong = _databases.differing(row, found)
    if wrong:
        raise DatabaseError("database %s was loaded as %s, and is not what was kept: %s" % (database.name, name, wrong))
    return name


def reloading(row: Dict[str, Any], user: Identity) -> Tuple[List[str], Identity]:
    """Words that put the dump on their standard input in place of what the database of *row* has, and who runs them.

    Raises DatabaseError, CommandError, IdentityError.
    """
    database = _databases.described(row)
    who = _databases.account_of(database, user)
    if database.kind == "command":
        if not database.options.get("load"):
            raise DatabaseError(
                "database %s has no `load` command; declare one, or restore to `scratch`" % database.name
            )
        return list(database.options["load"]), who
    client = _databases.mysql_words(database.options, "mariadb", "mysql")
    name = str(database.options["database"])
    told = must("the database", run(client + ["-N", "-B", "-e", MYSQL_CHARACTERS, name], SHORT, who)).stdout.split()
    quoted = name.replace("`", "``")
    again = "DROP DATABASE `%s`; CREATE DATABASE `%s` CHARACTER SET %s COLLATE %s" % (quoted, quoted, told[0], told[1])
    return ["sh", "-c", "%s -e %s && exec %s" % (join(client), join([again]), join(client + [name]))], who


def reload(
    row: Dict[str, Any], path: str, before: str, words: List[str], who: Identity, user: Identity, application: str
) -> None:
    """Dump what the database of *row* has to *before*, and when that is whole, have *words* load the dump *path*.

    Raises DatabaseError, CommandError, OSError.
    """
    database = _databases.described(row)
    handle = os.open(before + ".part", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _databases.DUMPS[database.kind](database, _databases.account_of(database, user), application, handle)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.rename(before + ".part", before)
    sync_directory(os.path.dirname(before))
    with open(path, "rb") as stream:
        must("the load of %s" % database.name, run(words, LONG, who, source=stream.fileno()))


def exchange_words(
    row: Dict[str, Any], user: Identity, backup: str
) -> Tuple[List[str], List[str], Dict[str, str], Identity]:
    """For a PostgreSQL database that `load_beside` has loaded: words that exchange it for the live one in one transaction, words that take that back if it
    was done, the process environment of both, and who runs them. Raises IdentityError.
    """
    database = _databases.described(row)
    who = _databases.account_of(database, user)
    live, kept, before = (
        name.replace('"', '""')
        for name in (
            str(database.options["database"]),
            new_name(database, "restored", backup),
            new_name(database, "before", backup),
        )
    )
    environment = dict(_databases.postgresql_environment(database.options, who), PGDATABASE="postgres")
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
