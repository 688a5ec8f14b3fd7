# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups on a real host: databases that are written to meanwhile, every kind of file, a full disk, and ten drills."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.faults.steady_host import APPLICATION, require_module_success, start_steady_hosts
from tests.fleet import fleet
from tests.fleet.hosts import build_command, write_file
from tests.fleet.paths import get_podman_environment, run_checked

SCHEMA = (
    "CREATE TABLE one (id INT PRIMARY KEY, text VARCHAR(200)); "
    "CREATE TABLE two (id INT PRIMARY KEY, text VARCHAR(200)); CREATE TABLE none_yet (id INT)"
)
# Writes a row into each of two tables, in one transaction, as fast as it can: a different number of rows in them means
# that they were read at two moments.
WRITER = """
import sqlite3, subprocess, sys
kind, number = sys.argv[1], int(sys.argv[2])
text = "it''s (%d), \\u00e9"
if kind == "sqlite":
    connection = sqlite3.connect("/srv/steady/db.sqlite3", timeout=30, isolation_level=None)
    write = connection.executescript
else:
    words = ["mariadb", "--default-character-set=utf8mb4", "steady"]
    if kind == "postgresql":
        words = ["runuser", "-u", "postgres", "--", "psql", "-Xq", "steady"]
    client = subprocess.Popen(words, stdin=subprocess.PIPE, universal_newlines=True, bufsize=1)
    write = lambda lines: (client.stdin.write(lines), client.stdin.flush())
print("begun", flush=True)
while True:
    number += 1
    row = "(%d, '%s')" % (number, text % number)
    write("BEGIN;\\nINSERT INTO one VALUES %s;\\nINSERT INTO two VALUES %s;\\nCOMMIT;\\n" % (row, row))
"""
DATABASES = {
    "sqlite": {"sqlite": "/srv/steady/db.sqlite3"},
    "postgresql": {"name": "pg", "postgresql": {"database": "steady"}},
    "mysql": {"name": "my", "mysql": {"database": "steady"}},
}
SOME = 2000
UTF8 = ["--default-character-set=utf8mb4"]


@pytest.fixture(scope="module")
def host():
    (host,) = start_steady_hosts(kind=fleet.EQUIPPED_KIND)
    host.run_script(
        "systemctl start postgresql mariadb && runuser -u postgres -- createdb steady"
        " && mariadb -e 'CREATE DATABASE steady'"
    )
    host.run_script(f"echo '{SCHEMA};' | runuser -u postgres -- psql -Xq steady && echo '{SCHEMA};' | mariadb steady")
    host.run_script(
        "runuser -u steady -- python3 -c \"import sqlite3; c = sqlite3.connect('/srv/steady/db.sqlite3');"
        " c.execute('PRAGMA journal_mode=WAL'); "
        f"c.executescript('{SCHEMA}')\""
    )
    rows = "INSERT INTO {table} SELECT n, concat('row ', n) FROM {series};"
    for client, series in (
        ("runuser -u postgres -- psql -Xq steady", f"generate_series(1, {SOME}) n"),
        ("mariadb steady", f"(SELECT seq n FROM seq_1_to_{SOME}) s"),
    ):
        text = "".join(rows.format(table=table, series=series) for table in ("one", "two"))
        host.run_script(f'echo "{text}" | {client}')
    yield host
    fleet.stop_fleet()


def answered(host, kind, question, database="steady"):
    """What *question* gives in a database of *kind*, as lines."""
    if kind == "sqlite":
        program = (
            "import sqlite3, sys; [print(*row, sep='\\t') for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]"
        )
        path = database if database != "steady" else "/srv/steady/db.sqlite3"
        words = build_command(host.name, "python3", "-c", program, path, question, user="steady")
        return run_checked(*words, input="").splitlines()
    words = (
        ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-F", "\t", "-c"]
        if kind == "postgresql"
        else ["mariadb", *UTF8, "-N", "-B", "-r", "-e"]
    )
    return run_checked(*build_command(host.name, *words, question, database), input="").splitlines()


def written_to(host, kind, action):
    """What came of *action* while the database of *kind* was written to all the time."""
    user = "steady" if kind == "sqlite" else "root"
    (begin,) = answered(host, kind, "SELECT COALESCE(MAX(id), 0) FROM one")
    with subprocess.Popen(
        build_command(host.name, "python3", "-c", WRITER, kind, begin, user=user),
        env=get_podman_environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as writing:
        assert writing.stdout.readline() == "begun\n"
        (answer,) = host.run_actions(action)
        host.run_script("pkill -f '[i]t..s .%d'")
        writing.wait(30)
    (end,) = answered(host, kind, "SELECT MAX(id) FROM one")
    assert int(end) > int(begin), "nothing was written meanwhile"
    return answer, int(end)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_that_is_written_to_is_kept_of_one_moment_and_comes_back_row_by_row(host, kind):
    application = {**APPLICATION, "backup": {"databases": [DATABASES[kind]]}}
    asked = {"application": application, "layers": ["databases"]}
    made, end = written_to(host, kind, ["module", "backup", asked])
    assert require_module_success(made)["read_back"], made
    (drilled,) = host.run_actions(["module", "drill", {"application": application}])
    assert (
        require_module_success(drilled)["passed"] and "3 tables of 1 databases have their rows" in drilled["proven"]
    ), drilled
    (restored,) = host.run_actions(
        ["module", "restore", {"application": application, "layers": ["databases"], "databases": "new_name"}]
    )
    (name,) = require_module_success(restored)["databases"].values()
    rows = answered(host, kind, "SELECT * FROM one ORDER BY id", name)
    assert rows == answered(host, kind, "SELECT * FROM two ORDER BY id", name) and 0 < len(rows) <= end
    assert rows == answered(host, kind, f"SELECT * FROM one WHERE id <= {rows[-1].split()[0]} ORDER BY id")
    # A second copy beside the first, from which an operator has taken away a row.
    if kind != "sqlite":
        answered(host, kind, "DELETE FROM one WHERE id = 1", name)
        (again,) = host.run_actions(
            ["module", "restore", {"application": application, "layers": ["databases"], "databases": "new_name"}]
        )
        (other,) = require_module_success(again)["databases"].values()
        counts = [answered(host, kind, "SELECT count(*) FROM one", place) for place in (name, other)]
        assert [int(count[0]) for count in counts] == [len(rows) - 1, len(rows)]
    # In place: what was written since is gone, and kept aside.
    answered(host, kind, "DELETE FROM two") if kind != "sqlite" else host.run_script(
        "runuser -u steady -- python3 -c \"import sqlite3; c = sqlite3.connect('/srv/steady/db.sqlite3');"
        " c.execute('DELETE FROM two'); c.commit()\""
    )
    asked = {
        "application": application,
        "layers": ["databases"],
        "databases": "in_place",
        "timeout": 20,
        "stability_window": 0.2,
        "dead_man_interval": None,
    }
    (restored,) = host.run_actions(["module", "restore", asked])
    require_module_success(restored)
    assert (
        rows
        == answered(host, kind, "SELECT * FROM one ORDER BY id")
        == answered(host, kind, "SELECT * FROM two ORDER BY id")
    )
    if kind == "postgresql":
        (before,) = [name for name in answered(host, kind, "SELECT datname FROM pg_database") if "_before_" in name]
        assert len(answered(host, kind, "SELECT * FROM one", before)) >= end
    else:
        assert len(restored["kept"]) >= 1 and host.run_script(f"ls {restored['kept'][0]}")


def list_copies(host, kind):
    """The databases and files that restores have made or kept, except dumps."""
    if kind == "postgresql":
        return sorted(answered(host, kind, "SELECT datname FROM pg_database"))
    own = ("db.sqlite3-wal", "db.sqlite3-shm")
    return [name for name in host.run_script("ls -A /srv/steady").split() if name not in own]


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_in_place_is_taken_back_when_the_application_fails(host, kind):
    application = {**APPLICATION, "backup": {"databases": [DATABASES[kind]]}}
    in_place = {"application": application, "layers": ["databases"], "databases": "in_place", "stability_window": 0}
    # The same backup was restored before, and what that replaced is there still.
    made, first = host.run_actions(
        ["module", "backup", {"application": application, "layers": ["databases"]}],
        ["module", "restore", in_place],
    )
    require_module_success(made)
    require_module_success(first)
    copies = list_copies(host, kind)
    if kind == "sqlite":
        host.run_script(
            "runuser -u steady -- python3 -c \"import sqlite3; c = sqlite3.connect('/srv/steady/db.sqlite3');"
            " c.execute('DELETE FROM two'); c.commit()\""
        )
    else:
        answered(host, kind, "DELETE FROM two")
    spoilt = {
        **application,
        "checks": [
            *APPLICATION["checks"],
            {"name": "not restored", "command": {"cmd": ["test", "!", "-e", "/run/restoring"]}},
        ],
        "drain": [["touch", "/run/restoring"]],
        "undrain": [["rm", "/run/restoring"]],
    }
    (failed,) = host.run_actions(
        [
            "module",
            "restore",
            {**in_place, "application": spoilt, "timeout": 1},
        ]
    )
    assert failed["failed"] and "what was there before is live again" in failed["msg"], failed
    assert failed["outcome"] == "reverted"
    assert answered(host, kind, "SELECT * FROM two") == [] != answered(host, kind, "SELECT * FROM one")
    assert list_copies(host, kind) == copies


def test_every_kind_of_file_and_attribute_comes_back(host):
    host.run_script("""
        cd /srv/steady/venv && mkdir -p odd/empty && cd odd
        echo plain >plain && ln plain hard && ln -s ../nowhere dangling && mkfifo fifo
        printf 'x%.0s' $(seq 5000) >long && truncate -s 3M sparse && touch -d '1969-12-31 23:59:58.5 UTC' old
        touch -d '2026-01-01 00:00:00.123456789 UTC' nanoseconds && touch "$(printf 'not \\377 text')" 'new
line' && mkdir "$(printf 'd%.0s' $(seq 200))" && touch "$(printf 'd%.0s' $(seq 200))/$(printf 'f%.0s' $(seq 200))"
        cp /bin/true able && setcap cap_net_bind_service=ep able
        cp /bin/true set && chown root:steady set && chmod 2755 set
        setfattr -n user.note -v kept plain && setfattr -n trusted.note -v kept plain
        setfacl -m u:ops:rwx,d:u:ops:rx empty && chmod 1700 empty
        chown -h 12345:54321 dangling && chown 12345:54321 long && chmod 000 long""")
    restic = {"engine": "restic", "repository": "/srv/repository", "repository_password": "secret"}
    for engine, options in (("archive", {}), ("restic", restic)):
        made, done = host.run_actions(
            ["module", "backup", {"application": APPLICATION, "layers": ["environment"], **options}],
            ["module", "restore", {"application": APPLICATION, "scratch": f"/srv/back-{engine}", **options}],
        )
        assert (
            require_module_success(made)["read_back"]
            and made["unstable"] == made["left_out"] == {}
            and require_module_success(done)["not_given"] == {}
        ), (made, done)
        assert (
            host.run_script(
                f"rsync -aHAXn --checksum --delete --itemize-changes /srv/steady/venv/ /srv/back-{engine}/environment/"
            )
            == ""
        )
        assert "cap_net_bind_service=ep" in host.run_script(f"getcap /srv/back-{engine}/environment/odd/able")
    host.run_script("rm -rf /srv/steady/venv/odd /srv/back-*")


def test_a_repository_on_another_server_by_sftp(host):
    host.run_script("""mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/vault
        cat /root/.ssh/vault.pub >>/root/.ssh/authorized_keys""")
    configuration = "Host vault\nHostName 127.0.0.1\nIdentityFile /root/.ssh/vault\nStrictHostKeyChecking accept-new\n"
    write_file(host.name, "/root/.ssh/config", configuration)
    there = {"repository": "sftp:vault:/srv/by-sftp", "repository_password": "secret"}
    made, told, drilled = host.run_actions(
        ["module", "backup", {"application": APPLICATION, "layers": ["environment"], "engine": "restic", **there}],
        ["module", "backup_info", {"application": "steady", "prove": True, **there}],
        ["module", "drill", {"application": APPLICATION, **there}],
    )
    assert (
        require_module_success(made)["read_back"]
        and host.run_script("ls /srv/by-sftp/snapshots | wc -l").strip() == "2"
    )
    assert [row["damage"] for row in require_module_success(told)["backups"] if row["backup"] == made["backup"]] == [
        []
    ], told
    assert require_module_success(drilled)["passed"] and drilled["backup"] == made["backup"], drilled


def test_an_interpreter_is_drilled_at_its_own_place(host):
    (made,) = host.run_actions(
        ["module", "backup", {"application": APPLICATION, "layers": ["environment", "interpreter"]}]
    )
    assert sorted(require_module_success(made)["layers"]) == ["environment", "interpreter"]
    # What lives now has no part in it.
    prefix = host.run_script("echo /opt/oxzep7/interpreters/oxzep7-3.8.*").strip()
    host.run_script(f"mv {prefix}/lib/python3.8/json {prefix}/lib/python3.8/json.away")
    (drilled,) = host.run_actions(
        ["module", "drill", {"application": {**APPLICATION, "drill": {"command": ["python", "-c", "import json"]}}}]
    )
    host.run_script(f"mv {prefix}/lib/python3.8/json.away {prefix}/lib/python3.8/json")
    assert (
        require_module_success(drilled)["passed"]
        and drilled["untried"] == []
        and any(prefix in line for line in drilled["proven"])
    ), drilled


def test_what_starts_an_application_is_configuration(host):
    host.run_script(
        "mkdir -p /etc/systemd/system/steady-web.service.d && printf "
        "'[Service]\nEnvironmentFile=-/etc/default/steady\n' "
        ">/etc/systemd/system/steady-web.service.d/more.conf && echo MODE=steady >/etc/default/steady"
        " && systemctl daemon-reload"
    )
    host.run_script("printf '* * * * * steady /srv/steady/venv/bin/python -c 1\n' >/etc/cron.d/steady")
    (found,) = host.run_actions(["module", "host_info", {"applications": [APPLICATION], "store": True, "run_id": None}])
    require_module_success(found)
    made, back = host.run_actions(
        ["module", "backup", {"application": APPLICATION, "layers": ["configuration"]}],
        ["module", "restore", {"application": APPLICATION, "scratch": "/srv/looked"}],
    )
    assert require_module_success(made)["left_out"] == {} and require_module_success(back)["restored"], made
    kept = set(host.run_script("cd /srv/looked/configuration && find . -type f").split())
    assert {
        "./etc/systemd/system/steady-web.service",
        "./etc/systemd/system/steady-web.service.d/more.conf",
        "./etc/systemd/system/steady-worker.service",
        "./etc/default/steady",
        "./etc/cron.d/steady",
    } <= kept
    host.run_script(
        "rm -rf /srv/looked /etc/cron.d/steady /etc/systemd/system/steady-web.service.d && systemctl daemon-reload"
    )


def test_a_disk_that_fills_up_meanwhile_gets_its_space_back(host):
    host.run_script("mkdir -p /srv/small && mount -t tmpfs -o size=128m tmpfs /srv/small")
    needed = {"application": APPLICATION, "layers": ["environment"], "backup_dir": "/srv/small"}
    host.run_script("head -c 100M /dev/zero >/srv/small/filler")
    (refused,) = host.run_actions(["module", "backup", needed])
    assert "has 28 MiB free, and a backup may need" in refused["msg"], refused
    host.run_script("rm /srv/small/filler")
    filled = {
        **APPLICATION,
        "backup": {
            "quiesce": ["sh -c 'cat /dev/zero >/srv/small/filler 2>/dev/null; true'"],
            "resume": ["rm /srv/small/filler"],
        },
    }
    (failed,) = host.run_actions(["module", "backup", {**needed, "application": filled}])
    assert failed["failed"] and "No space left" in failed["msg"] and "what was written is removed" in failed["msg"], (
        failed
    )
    assert (
        host.run_script("find /srv/small -type f") == ""
        and host.run_script("df --output=used /srv/small | tail -1").strip() == "0"
    )
    host.run_script("umount /srv/small")


def test_ten_applications_in_a_drill(host, controller):
    host.run_script(
        "for n in 1 2 3 4 5 6 7 8 9 10; do mkdir /srv/app$n && python3 -m venv --without-pip /srv/app$n/venv"
        " && chown -R steady: /srv/app$n "
        '&& echo "def ready(): return $n" >$(echo /srv/app$n/venv/lib/python3.*/site-packages)/app$n.py; done'
    )
    applications = []
    for name in [f"app{number}" for number in range(1, 11)]:
        drill = {"command": ["python", "-c", f"import {name}; {name}.ready()"]}
        applications.append({"name": name, "environment": f"/srv/{name}/venv", "drill": drill})
    options = {
        "oxzep7_applications": applications,
        "oxzep7_report_dir": str(controller.folder / "report"),
        "oxzep7_run_id": "ten",
    }
    none = controller("drill", **options)
    assert none.returncode != 0 and "has no backup of app1" in none.stdout
    kept = controller("backup", **options, oxzep7_backup_fetch_dir=str(controller.folder / "vault"))
    assert kept.returncode == 0, kept.stdout
    assert len(list((controller.folder / "vault" / "host1").glob("app*/*/manifest.json"))) == 10
    drilled = controller("drill", **options)
    assert drilled.returncode == 0, drilled.stdout
    results = json.loads((controller.folder / "report" / "drills" / "ten.json").read_text())["results"]
    assert [row["result"] for row in results] == ["passed"] * 10
    assert all(0 < row["recovery_seconds"] < 60 for row in results)
    assert [row["untried"] for row in results] == [[]] * 10
    page = (controller.folder / "report" / "drills" / "ten.md").read_text()
    assert page.count("| passed |") == 10
    # One that cannot be relied on fails the host, and says why.
    host.run_script(
        "for f in /var/lib/oxzep7/backups/app3/*/environment.tar*; do printf x | dd of=$f bs=1 seek=500 conv=notrunc "
        "status=none; done"
    )
    failed = controller("drill", **options)
    assert (
        failed.returncode != 0
        and "app3: failed: backup" in failed.stdout
        and "is damaged: environment.tar" in failed.stdout
    )
