# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps of real servers, honest and hostile, loaded into the scratch servers of a drill."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases import _mysql, _postgresql
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import SavedDump
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import create_database
from ansible_collections.oxzep7.python.plugins.module_utils._host import _isolation, _scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandError
from ansible_collections.oxzep7.python.plugins.module_utils._host._isolation import IsolationError
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import get_scratch_root, remove_stale_scratch

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can isolate a server")
POSTGRESQL = _postgresql._find_server_programs()
NEEDS_POSTGRESQL = pytest.mark.skipif(POSTGRESQL is None, reason="this host has no PostgreSQL server")
NEEDS_MARIADB = pytest.mark.skipif(shutil.which("mariadbd") is None, reason="this host has no MariaDB server")
# Prints a line for each thing that it should not be able to do.
PROBE = r"""#!/bin/bash
exec 2>/dev/null
reached() { echo "$1"; }
touch "$1/open/planted" && reached "a directory of everybody"
touch /var/tmp/oxzep7-planted && [ ! /var/tmp -ef /tmp ] && reached /var/tmp
[ -e "$1/production/PG_VERSION" ] && reached "the production data"
[ -S "$1/socket/.s.PGSQL.5432" ] && reached "the production socket"
[ -d "$1" ] && reached "the directories of the host"
[ -e /etc/shadow ] && reached "the configuration of the host"
(exec 3<>/dev/tcp/127.0.0.1/"$2") && reached "the network"
kill -0 "$3" && reached "a process of the host"
[ "$(id -u)" -lt 61184 ] && reached "an account of the host"
awk '$1 == "NoNewPrivs:" && $2 == 0 {exit 3}' /proc/self/status || reached "programs of another account"
exit 0
"""
HOSTILE = r"""
CREATE TABLE orders (id int, note text);
INSERT INTO orders VALUES (1, 'x'), (2, 'y');
CREATE TABLE reached (what text);
CREATE TABLE ran (who text);
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  EXECUTE 'COPY public.ran FROM PROGRAM ''id -u''';
  EXECUTE 'COPY public.reached FROM PROGRAM ''{probe}''';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM public.g(); RETURN $1; END $$;
"""


ROUTINES = r"""
CREATE TABLE a (id INT PRIMARY KEY, text VARCHAR(99), data BLOB);
INSERT INTO a VALUES (1, 'é(1', x'00ff5c0d0a27'), (2, '\\! touch /tmp/x\n\\! touch /tmp/x', NULL);
DELIMITER ;;
CREATE PROCEDURE p() BEGIN SELECT 1; SELECT '\\!'; END ;;
CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET NEW.text = 'x'; SET NEW.data = NULL; END ;;
DELIMITER ;
"""


def run_as(account, *words, **options):
    prefix = ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups", "env", "-C", "/"]
    return subprocess.run([*prefix, *words], check=True, text=True, capture_output=True, **options).stdout


@pytest.fixture
def folder():
    """A directory that every account can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="oxzep7-databases-") as path:
        os.chmod(path, 0o711)
        yield pathlib.Path(path)


@pytest.fixture
def listening():
    """The port of a server of this host."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def probe_words(folder, listening):
    """The arguments of `PROBE`: what it should not reach."""
    (folder / "open").mkdir()
    (folder / "open").chmod(0o1777)
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield [str(folder), str(listening), str(process.pid)]
        process.kill()


def render_script(text, words):
    """*text* for bash as a command without single quotes, semicolons and newlines."""
    return f'echo {text.encode().hex()} | perl -ne "print pack(chr(72).chr(42),\\$_)" | bash -s {" ".join(words)}'


@pytest.fixture
def production(folder):
    """A PostgreSQL server of the account ``postgres``, and the options that connect to it."""
    directory, place = folder / "production", folder / "socket"
    for path in (directory, place):
        path.mkdir()
        shutil.chown(path, "postgres")
    data = str(directory)
    run_as("postgres", f"{POSTGRESQL}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={place} -c fsync=off"
    subprocess.run(
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", f"{POSTGRESQL}/pg_ctl", "-D", data, "-o"]
        + [options, "-l", f"{directory}/log", "-w", "start"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )
    connection = {"database": "shop", "host": str(place), "user": "postgres", "account": "postgres"}
    ask(connection, "CREATE ROLE shop LOGIN NOSUPERUSER", database="postgres")
    ask(connection, "CREATE DATABASE shop OWNER shop", database="postgres")
    yield connection
    run_as("postgres", f"{POSTGRESQL}/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def ask(connection, text, database="shop", user="postgres"):
    words = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", connection["host"], "-U", user, "-d", database]
    return run_as("postgres", *words, input=text)


def save(database, directory):
    """A dump of *database*, as a backup has it."""
    directory.mkdir(mode=0o700, exist_ok=True)
    row = database.write_dump(str(directory), resolve_user("nobody"), "shop")
    return SavedDump(
        str(directory / row["file"]),
        row["rows"],
        "shop",
        resolve_user("nobody"),
        transaction="20261130T000000Z-00000000",
    )


@pytest.fixture(autouse=True)
def own_scratch(folder, monkeypatch):
    """A scratch root and accounts of this test alone, because others can have drills at the same time."""
    first = _isolation.ACCOUNT_RANGES[0][os.getpid() % 1900 * 50]
    monkeypatch.setattr(_isolation, "ACCOUNT_RANGES", (range(first, first + 50),))
    monkeypatch.setattr(_scratch, "ROOT_DIRECTORY", str(folder / "cache"))


def list_left():
    """What scratch servers left: their directories, and processes of their accounts."""
    left = [path.name for path in pathlib.Path(get_scratch_root()).iterdir()]
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            uid = process.stat().st_uid
        except FileNotFoundError:
            continue
        if any(uid in numbers for numbers in _isolation.ACCOUNT_RANGES):
            left.append(process.name)
    return left


@NEEDS_POSTGRESQL
def test_a_dump_of_postgresql_is_proven(production, folder):
    ask(
        production,
        "CREATE EXTENSION pg_trgm; CREATE TABLE a (id serial PRIMARY KEY, text text); CREATE INDEX ON a USING gin "
        "(text gin_trgm_ops); INSERT INTO a (text) SELECT 'é' || n FROM generate_series(1, 5000) n; CREATE TABLE b ();",
    )
    database = create_database("shop", "postgresql", production)
    dump = save(database, folder / "dumps")
    assert database.prove_dump(dump) == dump.rows == {"public.a": 5000, "public.b": 0}
    assert list_left() == []


@NEEDS_POSTGRESQL
def test_the_size_of_a_database_of_postgresql(production):
    ask(production, "CREATE TABLE a AS SELECT n, repeat('x', 500) FROM generate_series(1, 20000) n")
    size = create_database("shop", "postgresql", production).measure_size(resolve_user("nobody"))
    assert size == int(ask(production, "SELECT pg_database_size('shop')")) > 10 << 20
    elsewhere = create_database("shop", "postgresql", {**production, "host": "/nowhere"})
    with pytest.raises(CommandError, match="nowhere"):
        elsewhere.measure_size(resolve_user("nobody"))


@NEEDS_POSTGRESQL
def test_functions_in_a_dump_reach_nothing(production, probe_words, folder):
    ask(production, HOSTILE.format(probe=render_script(PROBE, probe_words)), user="shop")
    ask(production, "CREATE INDEX ON orders (f(id))", user="shop")
    database = create_database("shop", "postgresql", production)
    dump = save(database, folder / "dumps")
    assert dump.rows == {"public.orders": 2, "public.ran": 0, "public.reached": 0}
    found = database.prove_dump(dump)
    # It ran, once for each row.
    assert found == {"public.orders": 2, "public.ran": 2, "public.reached": 0}
    assert list((folder / "open").iterdir()) == [] and list_left() == []
    (folder / "plain").mkdir()
    shutil.chown(folder / "plain", "postgres")
    with open(dump.path, "rb") as stream:
        plain = _postgresql._load_in_server(
            stream.fileno(), POSTGRESQL, resolve_user("postgres"), str(folder / "plain")
        )
    # Without isolation, the same program reaches most of that.
    assert plain["public.ran"] == 2 and plain["public.reached"] >= 2 * 7, plain
    assert (folder / "open" / "planted").exists()
    pathlib.Path("/var/tmp/oxzep7-planted").unlink()


@NEEDS_POSTGRESQL
def test_a_copy_beside_the_live_database(production, folder):
    ask(production, "CREATE TABLE a (id int); INSERT INTO a VALUES (1), (2)")
    database = create_database("shop", "postgresql", production)
    dump = save(database, folder / "dumps")
    assert ask(production, "SELECT count(*) FROM a", database=database.load_copy(dump)) == "2\n"


@NEEDS_POSTGRESQL
@pytest.mark.parametrize("name", ["unshare", "mount", "pivot_root"])
def test_without_isolation_nothing_is_loaded(production, folder, monkeypatch, name):
    ask(production, "CREATE TABLE a ()")
    database = create_database("shop", "postgresql", production)
    dump = save(database, folder / "dumps")
    genuine = _isolation._call_libc

    def refuse(called, *arguments):
        if called == name:
            raise IsolationError(f"refused: {name}")
        genuine(called, *arguments)

    monkeypatch.setattr(_isolation, "_call_libc", refuse)
    with pytest.raises(RuntimeError, match=f"^refused: {name}$"):
        database.prove_dump(dump)
    assert list_left() == []


def test_what_is_started_ends_with_its_module():
    """A drill is killed, and nothing of the scratch server lives on."""
    program = """
import sys, time
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._server import call_with_place
from ansible_collections.oxzep7.python.plugins.module_utils._host import _isolation, _scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command
_isolation.ACCOUNT_RANGES = (range(int(sys.argv[1]), int(sys.argv[2])),)
_scratch.ROOT_DIRECTORY = sys.argv[3]
def hang(who, place):
    run_command(["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &"], 10, who)
    print("begun", flush=True)
    time.sleep(1000)
call_with_place([], hang)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    (numbers,) = _isolation.ACCOUNT_RANGES
    words = [sys.executable, "-c", program, str(numbers.start), str(numbers.stop), get_scratch_root()]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "begun\n"
        assert len([name for name in list_left() if name.isdigit()]) >= 2
        process.kill()
        process.wait()
    for _attempt in range(200):
        if not [name for name in list_left() if name.isdigit()]:
            break
        time.sleep(0.05)
    remove_stale_scratch()
    assert list_left() == []


def test_an_account_that_owns_nothing():
    who = _isolation.choose_unused_account()
    assert who.uid == who.gid and who.groups == (who.gid,)
    assert who.uid in _isolation.ACCOUNT_RANGES[0]
    with pytest.raises(KeyError):
        pwd.getpwuid(who.uid)
    with subprocess.Popen(["sleep", "1000"], user=who.uid) as process:
        assert _isolation.choose_unused_account().uid != who.uid
        process.kill()


@pytest.fixture
def shop(folder):
    """A MariaDB server with a database, and the options that connect to it."""
    who = resolve_user("nobody")
    place = folder / "mariadb"
    place.mkdir()
    shutil.chown(place, "nobody")
    with _mysql._run_server(str(place), who) as client:
        subprocess.run([*client, "-e", "CREATE DATABASE shop"], check=True)
        (folder / "my.cnf").write_text(f"[client]\nsocket={place}/socket\nuser=root\n")
        yield {"database": "shop", "defaults_file": str(folder / "my.cnf")}, client


@NEEDS_MARIADB
def test_a_dump_of_mariadb_is_proven(shop, folder):
    options, client = shop
    subprocess.run([*client, "shop"], check=True, input=ROUTINES, text=True)
    database = create_database("shop", "mysql", options)
    dump = save(database, folder / "dumps")
    assert database.prove_dump(dump) == dump.rows == {"a": 2}
    assert list_left() == []


@NEEDS_MARIADB
def test_the_size_of_a_database_of_mariadb(shop):
    options, client = shop
    database = create_database("shop", "mysql", options)
    assert database.measure_size(resolve_user("nobody")) == 0
    text = "CREATE TABLE a AS SELECT seq, repeat('x', 500) FROM seq_1_to_20000; ANALYZE TABLE a"
    subprocess.run([*client, "-e", text, "shop"], check=True, stdout=subprocess.DEVNULL)
    assert 10 << 20 < database.measure_size(resolve_user("nobody")) < 20 << 20


@NEEDS_MARIADB
def test_the_server_of_a_dump_reaches_nothing(shop, folder):
    options, client = shop
    subprocess.run([*client, "-e", "CREATE TABLE ran (who TEXT); CREATE TABLE reached (what TEXT)", "shop"], check=True)
    database = create_database("shop", "mysql", options)
    dump = save(database, folder / "dumps")
    (folder / "public").write_text("of the host")
    (folder / "public").chmod(0o644)
    (folder / "open").mkdir()
    (folder / "open").chmod(0o1777)
    program = "\n".join(
        [
            pathlib.Path(dump.path).read_text(),
            f"INSERT INTO reached SELECT 'a file' FROM DUAL WHERE LOAD_FILE('{folder}/public') IS NOT NULL;",
            "INSERT INTO reached SELECT 'accounts' FROM DUAL WHERE LOAD_FILE('/etc/passwd') LIKE '%nobody:%';",
            "INSERT INTO ran SELECT 'reading' FROM DUAL WHERE LOAD_FILE('/etc/passwd') LIKE '%scratch:%';",
            f"SELECT 'planted' INTO OUTFILE '{folder}/open/planted';",
        ]
    )
    pathlib.Path(dump.path).write_text(program)
    with pytest.raises(RuntimeError, match="Can't create/write to file|secure-file-priv"):
        database.prove_dump(dump)
    pathlib.Path(dump.path).write_text(program.replace(str(folder / "open"), "/tmp"))
    assert database.prove_dump(dump) == {"ran": 1, "reached": 0}
    assert list((folder / "open").iterdir()) == [] and list_left() == []
    # Without isolation, the same dump reads and writes files of the host.
    pathlib.Path(dump.path).write_text(program)
    (folder / "plain").mkdir()
    shutil.chown(folder / "plain", "nobody")
    with open(dump.path, "rb") as stream:
        plain = _mysql._load_in_server(stream.fileno(), resolve_user("nobody"), str(folder / "plain"))
    assert plain == {"ran": 0, "reached": 2} and (folder / "open" / "planted").read_text() == "planted\n"


@NEEDS_MARIADB
def test_commands_of_the_client_in_a_dump_are_refused(shop, folder):
    options, client = shop
    database = create_database("shop", "mysql", options)
    dump = save(database, folder / "dumps")
    # The dump of an older or of a foreign program does not forbid commands to the client.
    lines = [line for line in pathlib.Path(dump.path).read_text().splitlines() if "sandbox mode" not in line]
    words = (f"\\! touch {folder}/planted", f"system touch {folder}/planted", f"tee {folder}/planted")
    for number, command in enumerate(words):
        dump = dump._replace(transaction=f"20261130T000000Z-0000000{number}")
        pathlib.Path(dump.path).write_text("\n".join([*lines, command, ";", ""]))
        with pytest.raises(RuntimeError, match=r"error in your SQL syntax|Unknown command"):
            database.prove_dump(dump)
        with pytest.raises(CommandError, match=r"error in your SQL syntax|Unknown command"):
            database.load_copy(dump)
    assert not (folder / "planted").exists()
