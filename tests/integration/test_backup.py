# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of one application: made, listed, damaged, and put back by the module and by hand."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest
from moto.server import ThreadedMotoServer

from tests.demo.machine import find_free_port
from tests.integration.place import name_generation


@pytest.fixture
def kept(module, place):
    """The application with a source directory, and what a backup of both came to."""
    source = place.home / "app"
    source.mkdir()
    (source / "settings.ini").write_text("[mill]\nspeed = slow\n")
    (source / "settings.ini").chmod(0o640)
    application = place.declare_application(source=str(source))
    return application, module("backup", application=application, layers=["environment", "source"], **place_of(place))


def place_of(place):
    return {"state_dir": str(place.state), "backup_dir": str(place.root / "backups")}


def compared(one, other):
    """What rsync finds different between two trees, in content and in every attribute."""
    words = ["rsync", "-aHAXn", "--checksum", "--delete", "--itemize-changes", f"{one}/", f"{other}/"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_backup_is_made_listed_and_put_into_scratch(module, place, kept):
    application, made = kept
    assert made["changed"] and sorted(made["layers"]) == ["environment", "source"]
    assert made["unstable"] == {} and made["left_out"] == {}
    names = sorted(os.listdir(made["directory"]))
    archives = [name for name in names if name.startswith(("environment.tar.", "source.tar."))]
    assert len(archives) == 2 and names == sorted(["RESTORE.md", "manifest.json", "manifest.sha256", *archives])
    assert all(
        (path.stat().st_mode & 0o077) == 0
        for path in [pathlib.Path(made["directory"]), *pathlib.Path(made["directory"]).iterdir()]
    )
    again = module("backup", check=True, application=application, layers=["environment", "source"], **place_of(place))
    assert again["changed"] and again["backup"] == "" and len(again["actions"]) == 2 and again["estimate"] > 1 << 20
    listed = module("backup_info", application="greeter", prove=True, backup_dir=str(place.root / "backups"))["backups"]
    assert [(row["backup"], row["damage"], row["read_back"], row["verified"]) for row in listed] == [
        (made["backup"], [], True, False)
    ]
    scratch = place.root / "scratch"
    looked = module("restore", check=True, application=application, scratch=str(scratch), **place_of(place))
    assert looked["changed"] and not scratch.exists()
    done = module("restore", application=application, scratch=str(scratch), **place_of(place))
    assert (
        done["restored"] == {"environment": str(scratch / "environment"), "source": str(scratch / "source")}
        and done["not_given"] == {}
    )
    assert (
        compared(place.home / "venv", scratch / "environment") == "" == compared(place.home / "app", scratch / "source")
    )
    assert (
        subprocess.check_output([scratch / "environment" / "bin" / "python", "-c", "import greeter; print('it runs')"])
        == b"it runs\n"
    )
    assert "exists already" in module.expect_failure(
        "restore", application=application, scratch=str(scratch), **place_of(place)
    )


def test_what_is_gone_is_put_back_and_what_differs_is_left(module, place, kept):
    application, made = kept
    assert not module("restore", application=application, **place_of(place))["changed"]
    (place.home / "app" / "settings.ini").write_text("[mill]\nspeed = fast\n")
    (place.home / "app" / "new").touch()
    message = module.expect_failure("restore", application=application, **place_of(place))
    assert "new is new; settings.ini has another content, time" in message and "nothing was changed" in message
    before = shutil.copytree(place.home / "venv", place.root / "copy", symlinks=True)
    shutil.rmtree(place.home / "venv")
    results = module.run_four_times("restore", application=application, layers=["environment"], **place_of(place))
    assert (
        results[1]["restored"] == {"environment": str(place.home / "venv")} and made["backup"] == results[1]["backup"]
    )
    assert compared(before, place.home / "venv").replace(".d..t...... ./\n", "") == "" or place.read_greeting() == "old"
    place.control_service("stop")
    place.control_service("start")
    assert place.read_greeting() == "old"


def test_a_generation_that_is_gone_is_found_in_a_backup_and_promoted_again(module, place, kept):
    application, made = kept
    old = f"0-py{place.interpreters[0][0]}"
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    assert module("promotion", **place.make_promotion_options(name_generation(place)))["outcome"] == "promoted"
    shutil.rmtree(place.home / "venv.generations" / old)
    record = place.state / "applications" / "greeter" / "state.json"
    record.write_text(record.read_text().replace(f'"id": "{old}"', '"id": "0-py2.0"'))
    refused = module(
        "promotion", backup_dir=str(place.root / "backups"), **place.make_promotion_options("previous", kind="rollback")
    )
    assert (
        refused["failed"]
        and f"backup {made['backup']} has it: put it back with oxzep7.python.restore" in refused["msg"]
    )
    nowhere = module(
        "promotion", backup_dir=str(place.root / "none"), **place.make_promotion_options("previous", kind="rollback")
    )
    assert "no backup in" in nowhere["msg"]
    restored = module("restore", application=application, layers=["environment"], **place_of(place))
    assert restored["generation"] == old
    assert (
        module("promotion", **place.make_promotion_options("previous", kind="rollback"))["generation"] == old
        and place.read_greeting() == "old"
    )


def test_the_runbook_restores_with_nothing_but_a_shell(module, place, kept):
    _application, made = kept
    copies = []
    for name in ("venv", "app"):
        copies.append(shutil.copytree(place.home / name, place.root / f"copy-{name}", symlinks=True))
    (place.home / "app" / "settings.ini").unlink()
    place.control_service("stop")
    text = (pathlib.Path(made["directory"]) / "RESTORE.md").read_text()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    subprocess.run(["sh", "-eu", "-c", script], check=True)
    for name, copy in zip(("venv", "app"), copies, strict=True):
        # Running what was copied leaves bytecode in the one and not in the other.
        assert [line for line in compared(copy, place.home / name).splitlines() if "__pycache__" not in line] == []
    place.control_service("start")
    assert place.read_greeting() == "old" and (place.home / f"app.before-{made['backup']}").is_dir()


def test_a_damage_is_found_before_anything_is_touched(module, place, kept):
    application, made = kept
    directory = pathlib.Path(made["directory"])
    archive = next(path for path in directory.iterdir() if path.name.startswith("environment.tar"))
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    damage = module("backup_info", application="greeter", prove=True, **place_of(place))["backups"]
    assert damage[0]["damage"] == [f"{archive.name} is not as it was written: its SHA-256 differs"]
    message = module.expect_failure(
        "restore", application=application, scratch=str(place.root / "scratch"), **place_of(place)
    )
    assert "is damaged" in message and not (place.root / "scratch").exists()


def test_backups_that_are_not_meant_are_refused(module, place, kept):
    application, made = kept
    common = place_of(place)
    assert "it has " + made["backup"] in module.expect_failure(
        "restore", application=application, backup="20200101T000000Z-00000000", **common
    )
    assert "has no layer interpreter" in module.expect_failure(
        "restore", application=application, layers=["interpreter"], **common
    )
    os.rename(place.root / "backups" / "greeter", place.root / "backups" / "other")
    assert "has no backup of" in module.expect_failure("restore", application=application, **common)
    other = {**application, "name": "other"}
    assert "set `foreign` to restore it here" in module.expect_failure(
        "restore", application=other, scratch=str(place.root / "s"), **common
    )
    assert module("restore", application=other, foreign=True, scratch=str(place.root / "s"), **common)["restored"]


def test_old_backups_go_and_half_ones_are_none(module, place, kept):
    application, first = kept
    (place.root / "backups" / "greeter" / ".incoming-20200101T000000Z-00000000").mkdir()
    made = [module("backup", application=application, keep_last=2, **place_of(place)) for _number in range(2)]
    assert made[0]["removed"] == [] and made[1]["removed"] == [first["backup"]]
    assert sorted(os.listdir(place.root / "backups" / "greeter")) == sorted(entry["backup"] for entry in made)
    gone = {**application, "source": str(place.root / "nowhere")}
    assert "the source" in module.expect_failure("backup", application=gone, **place_of(place))


DATABASE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=30) as connection:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, text TEXT)")
    rows = [("é'(%d" % number,) for number in range(int(sys.argv[2]))]
    connection.executemany("INSERT INTO entry (text) VALUES (?)", rows)
"""


def written(path, rows):
    subprocess.run([sys.executable, "-c", DATABASE, str(path), str(rows)], check=True)


def rows_in(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM entry ORDER BY id").fetchall()


@pytest.fixture
def everything(place):
    """An application with a source under git, configuration and two databases; and the options that keep all of it."""
    source, etc = place.home / "app", place.home / "etc"
    source.mkdir()
    etc.mkdir()
    git = ["git", "-C", str(source), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    (source / "settings.ini").write_text("[mill]\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    (source / "settings.ini").write_text("[mill]\nspeed = slow\n")
    (source / "forgotten").write_text("nobody committed it")
    (etc / "greeter.conf").write_text("port = 1\n")
    os.symlink("greeter.conf", etc / "link.conf")
    written(place.home / "db.sqlite3", 500)
    (place.home / "cache.pickle").write_bytes(pickle.dumps({"a": 1}))
    databases = [
        {"sqlite": str(place.home / "db.sqlite3")},
        {
            "name": "words",
            "command": {
                "dump": ["cat", str(place.home / "words")],
                "load": ["dd", "status=none", f"of={place.home}/words"],
                "rows": "sh -c 'printf \"words\\t%d\\n\" $(wc -w)'",
            },
        },
    ]
    (place.home / "words").write_text("one two")
    application = place.declare_application(
        source=str(source),
        backup={"paths": [str(etc), str(place.home / "absent")], "databases": databases},
        drill={
            "command": 'python -c "import greeter, sys; print(sys.prefix)"',
            "reads": [{"pickle": str(place.home / "cache.pickle")}],
        },
    )
    return application, {"layers": ["environment", "source", "configuration", "databases", "system"], **place_of(place)}


def test_every_layer_is_kept_drilled_and_put_back_in_place(module, place, everything):
    application, options = everything
    made = module("backup", application=application, **options)
    assert sorted(made["layers"]) == ["configuration", "databases", "environment", "git", "source", "system"], made
    absent = {
        str(place.home / "absent")[1:]: "it does not exist",
        "what else uses the environment": "this host has no inventory; run oxzep7.python.audit first",
    }
    assert made["left_out"] == {"configuration": absent} and made["read_back"]
    manifest = json.loads((pathlib.Path(made["directory"]) / "manifest.json").read_text())
    assert (
        sorted(manifest["tools"]) == ["python", "zstd"]
        and "v1." in manifest["tools"]["zstd"]
        and manifest["seconds"] == made["seconds"]
    )
    packed = module(
        "restore",
        application=application,
        layers=["git", "system"],
        scratch=str(place.root / "look"),
        **place_of(place),
    )["restored"]
    subprocess.run(
        ["git", "clone", "-q", f"{packed['git']}/all.bundle", place.root / "clone"], check=True, capture_output=True
    )
    subprocess.run(["git", "-C", place.root / "clone", "apply", f"{packed['git']}/changes.diff"], check=True)
    assert (place.root / "clone" / "settings.ini").read_text() == "[mill]\nspeed = slow\n"
    assert (pathlib.Path(packed["git"]) / "untracked.txt").read_text() == "forgotten\n"
    assert "\nroot:x:0:" in "\n" + (pathlib.Path(packed["system"]) / "users.txt").read_text()
    checked = module("drill", check=True, application=application, **place_of(place))
    assert checked["changed"] and "passed" not in checked
    drilled = module("drill", application=application, **place_of(place))
    assert drilled["passed"] and drilled["problems"] == [] and drilled["recovery_seconds"] <= drilled["seconds"], (
        drilled
    )
    assert (
        "2 tables of 2 databases have their rows" in drilled["proven"]
        and "drill.command succeeded" in drilled["proven"]
    )
    assert any(line.startswith("reading") for line in drilled["proven"])
    (row,) = module("backup_info", application="greeter", **place_of(place))["backups"]
    assert row["verified"] and row["drill"]["passed"] and row["drill"]["seconds"] == drilled["seconds"]
    # Now everything is spoilt, and comes back at once.
    written(place.home / "db.sqlite3", 7)
    (place.home / "words").write_text("three")
    (place.home / "etc" / "greeter.conf").write_text("port = 2\n")
    (place.home / "etc" / "link.conf").unlink()
    (place.home / "app" / "settings.ini").write_text("")
    module_file = next((place.home / "venv" / "lib").glob("python3.*/site-packages/greeter.py"))
    module_file.write_text(module_file.read_text().replace("old", "bad"))
    assert "nothing was changed. Set `replace`" in module.expect_failure(
        "restore", application=application, **place_of(place)
    )
    wanted = {
        "replace": True,
        "layers": ["environment", "source", "configuration", "databases"],
        "timeout": 10,
        "stability_window": 0.5,
    }
    results = []
    for check, databases in ((True, "in_place"), (False, "in_place"), (False, "none"), (True, "none")):
        results.append(
            module("restore", check=check, application=application, databases=databases, **wanted, **place_of(place))
        )
    assert [result["changed"] for result in results] == [True, True, False, False] and results[0]["actions"] == results[
        1
    ]["actions"], results
    assert (
        place.read_greeting() == "old"
        and len(rows_in(place.home / "db.sqlite3")) == 500
        and (place.home / "words").read_text() == "one two"
    )
    assert (place.home / "etc" / "greeter.conf").read_text() == "port = 1\n" and os.readlink(
        place.home / "etc" / "link.conf"
    ) == "greeter.conf"
    assert (place.home / "app" / "settings.ini").read_text() == "[mill]\nspeed = slow\n"
    kept_aside = {os.path.basename(path) for path in results[1]["kept"]}
    stamp = place.read_state()["history"][-1]["transaction"]
    names = ("venv", "app", ".greeter.conf", ".db.sqlite3", "words.dump")
    assert {f"{name}.before-{stamp}" for name in names} <= kept_aside
    assert (
        [name for name in os.listdir(place.home) if name.startswith(".restoring")] == [] == place.list_open_files()[:0]
    )
    history = place.read_state()["history"]
    assert history[-1]["event"] == "restored" and history[-1]["backup"] == made["backup"]


@pytest.fixture
def planted():
    """A name in ``/var/tmp`` that looks like a directory of a dead backup, made by another account."""
    path = pathlib.Path("/var/tmp/oxzep7-greeter-999999999-planted")
    path.write_text("not a directory")
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    yield path
    path.unlink()


def test_names_that_other_accounts_make_block_no_backup(module, place, everything, planted):
    application, _options = everything
    made = module("backup", application=application, layers=["databases"], **place_of(place))
    assert not made.get("failed"), made
    drilled = module("drill", application=application, **place_of(place))
    assert drilled.get("passed"), drilled
    assert planted.read_text() == "not a directory"


def test_a_restore_after_which_the_application_fails_is_taken_back(module, place, everything):
    application, options = everything
    made = module("backup", application=application, **options)
    (place.home / "etc" / "greeter.conf").write_text("port = 2\n")
    written(place.home / "db.sqlite3", 7)
    (place.home / "words").write_text("three")
    spoilt = {
        **application,
        "checks": [
            {"name": "two", "command": {"cmd": ["grep", "-q", "= 2", str(place.home / "etc" / "greeter.conf")]}}
        ],
    }
    result = module(
        "restore",
        application=spoilt,
        replace=True,
        databases="in_place",
        timeout=1,
        stability_window=0,
        layers=["configuration", "databases"],
        **place_of(place),
    )
    assert result["failed"] and "failed and what was there before is live again" in result["msg"], result
    assert (place.home / "etc" / "greeter.conf").read_text() == "port = 2\n" and len(
        rows_in(place.home / "db.sqlite3")
    ) == 507
    assert (place.home / "words").read_text() == "three"
    assert [name for name in os.listdir(place.home / "etc") if "restoring" in name or "before" in name] == []
    assert place.read_state()["history"][-1]["event"] == "reverted" and place.read_greeting() == "old"
    assert [name for name in place.list_open_files() if "before" not in name] == ["backups.json"]
    beside = module(
        "restore",
        application=application,
        databases="new_name",
        layers=["databases"],
        **{**place_of(place), "backup": made["backup"]},
    )
    assert "cannot load it under another name; nothing was changed" in beside["msg"]
    alone = {**application, "backup": {**application["backup"], "databases": application["backup"]["databases"][:1]}}
    made = module("backup", application=alone, **options)
    beside = module("restore", application=alone, databases="new_name", layers=["databases"], **place_of(place))
    assert len(rows_in(beside["databases"]["db.sqlite3"])) == 507 and beside["databases"]["db.sqlite3"] != str(
        place.home / "db.sqlite3"
    ), beside
    # A copy belongs to whoever asked for it: the next restore of the same backup makes another.
    written(pathlib.Path(beside["databases"]["db.sqlite3"]), 3)
    again = module("restore", application=alone, databases="new_name", layers=["databases"], **place_of(place))
    assert again["databases"] != beside["databases"] and len(rows_in(again["databases"]["db.sqlite3"])) == 507
    assert len(rows_in(beside["databases"]["db.sqlite3"])) == 510
    assert [name for name in place.list_open_files() if "before" not in name] == ["backups.json"]


def test_a_second_restore_of_the_same_backup_that_fails_leaves_the_data_from_before_it(module, place, everything):
    application, options = everything
    module("backup", application=application, **options)
    wanted = {
        "layers": ["configuration", "databases"],
        "replace": True,
        "databases": "in_place",
        "timeout": 1,
        "stability_window": 0,
        **place_of(place),
    }

    def write_everything(rows, text):
        written(place.home / "db.sqlite3", rows)
        (place.home / "words").write_text(text)
        (place.home / "etc" / "greeter.conf").write_text(text)

    def read_everything():
        names = ("words", "etc/greeter.conf")
        return len(rows_in(place.home / "db.sqlite3")), [(place.home / name).read_text() for name in names]

    write_everything(7, "before the first restore")
    first = module("restore", application=application, **wanted)
    assert first["outcome"] == "restored" and not first.get("warnings"), first
    assert read_everything() == (500, ["one two", "port = 1\n"])
    write_everything(11, "work of a week")
    never = {"name": "never", "command": {"cmd": ["grep", "-q", "work of a week", str(place.home / "words")]}}
    second = module("restore", application={**application, "checks": [never]}, **wanted)
    assert second["failed"] and second["outcome"] == "reverted", second
    assert read_everything() == (511, ["work of a week", "work of a week"])
    assert [path for path in first["kept"] if not os.path.lexists(path)] == []


def test_an_application_that_is_down_after_an_undo_is_no_revert(module, place, everything):
    """Its start fails since the restore, also when it is tried again."""
    application, options = everything
    module("backup", application=application, **options)
    (place.home / "etc" / "greeter.conf").write_text("port = 2\n")
    script = (place.home / "service").read_text()
    (place.home / "service").write_text(script.replace("start) ", "start) [ ! -e broken ] || exit 3; ", 1))
    breaks = {"name": "breaks", "command": {"cmd": ["sh", "-c", f"! grep -q '= 1' {place.home}/etc/greeter.conf"]}}
    hooks = {"drain": [["touch", str(place.home / "broken")]]}
    result = module(
        "restore",
        application={**application, **hooks, "checks": [breaks]},
        layers=["configuration"],
        replace=True,
        timeout=1,
        stability_window=0,
        **place_of(place),
    )
    assert result["failed"] and result["outcome"] == "failed", result
    assert "greeter is not healthy although what was there before is live again: check 'greeter'" in result["msg"]
    assert (place.home / "etc" / "greeter.conf").read_text() == "port = 2\n"
    entry = place.read_state()["history"][-1]
    assert entry["event"] == "failed" and "check 'greeter' (service): not running" in entry["problem"]


def test_a_drill_fails_loudly(module, place, everything):
    application, options = everything
    made = module("backup", application=application, **options)
    (place.home / "cache.pickle").write_bytes(b"cmodule_of_the_new_version\nThing\n.")
    failed = module("drill", application=application, **place_of(place))
    assert (
        failed["failed"]
        and not failed["passed"]
        and f"backup {made['backup']} failed its drill: reading" in failed["msg"]
    ), failed
    assert "module_of_the_new_version" in failed["msg"]
    failed = module(
        "drill", application={**application, "drill": {"command": "python -c 'raise SystemExit(3)'"}}, **place_of(place)
    )
    assert "drill.command: python -c raise SystemExit(3) ended with 3" in failed["msg"]
    (pathlib.Path(made["directory"]) / "RESTORE.md").write_text("")
    failed = module("drill", application=application, **place_of(place))
    assert failed["failed"] and "is damaged: RESTORE.md is not as it was written" in failed["msg"]
    (row,) = module("backup_info", application="greeter", **place_of(place))["backups"]
    assert not row["verified"] and not row["drill"]["passed"]


@pytest.mark.parametrize("how", ["age", "gpg"])
def test_archives_for_a_key(module, place, kept, how, monkeypatch):
    application, _plain = kept
    options = {"layers": ["source"], "encryption": how, **place_of(place)}
    if how == "age":
        key = place.root / "key"
        subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
        recipient = subprocess.check_output(["age-keygen", "-y", key], text=True).strip()
    else:
        monkeypatch.setenv("GNUPGHOME", str(place.root / "gnupg"))
        (place.root / "gnupg").mkdir(mode=0o700)
        subprocess.run(
            [
                "gpg",
                "--batch",
                "--quiet",
                "--passphrase",
                "",
                "--quick-generate-key",
                "ops@localhost",
                "default",
                "default",
            ],
            check=True,
        )
        recipient = "ops@localhost"
    assert "needs recipients" in module.expect_failure("backup", application=application, **options)
    made = module("backup", application=application, recipients=[recipient], **options)
    (name,) = [name for name in os.listdir(made["directory"]) if name.endswith("." + how)]
    assert made["read_back"] == (how == "gpg") and b"speed" not in (pathlib.Path(made["directory"]) / name).read_bytes()
    identity = {"identity": str(key)} if how == "age" else {}
    if how == "age":
        assert "this host lacks the key" in module.expect_failure(
            "restore", application=application, scratch=str(place.root / "s"), **place_of(place)
        )
    back = module("restore", application=application, scratch=str(place.root / "s"), **identity, **place_of(place))
    assert compared(place.home / "app", place.root / "s" / "source") == "" and not back.get("failed"), back
    monkeypatch.setenv("GNUPGHOME", "/nonexistent")
    wrong = module("backup", application=application, recipients=["nobody"], **options)
    assert wrong["failed"] and f"{how}: " in wrong["msg"] and "what was written is removed" in wrong["msg"]
    assert len(os.listdir(place.root / "backups" / "greeter")) == 2


def test_a_repository_of_restic(module, place, everything):
    application, options = everything
    secret = {"repository": str(place.root / "restic"), "repository_password": "nobody-may-see-this"}
    assert "needs a repository and its password" in module.expect_failure(
        "backup", application=application, engine="restic", **options
    )
    made = module("backup", application=application, engine="restic", **secret, **options)
    assert made["read_back"] and sorted(os.listdir(made["directory"])) == [
        "RESTORE.md",
        "manifest.json",
        "manifest.sha256",
    ], made
    assert "nobody-may-see-this" not in json.dumps(made).replace(json.dumps(made.get("invocation")), "")
    (row,) = module("backup_info", application="greeter", prove=True, **secret, **place_of(place))["backups"]
    assert row["damage"] == [] and row["engine"] == "restic"
    assert "needs a repository" in module.expect_failure(
        "restore", application=application, scratch=str(place.root / "s"), **place_of(place)
    )
    back = module("restore", application=application, scratch=str(place.root / "s"), **secret, **place_of(place))
    assert (
        compared(place.home / "venv", place.root / "s" / "environment")
        == ""
        == compared(place.home / "app", place.root / "s" / "source")
    ), back
    assert (
        place.root / "s" / "configuration" / str(place.home)[1:] / "etc" / "greeter.conf"
    ).read_text() == "port = 1\n"
    assert module("drill", application=application, **secret, **place_of(place))["passed"]
    again = []
    for _number in range(2):
        again.append(module("backup", application=application, engine="restic", keep_last=2, **secret, **options))
    # The verified one stays.
    assert again[1]["removed"] == [] and len(os.listdir(place.root / "restic" / "snapshots")) == 3 * 7
    third = module("backup", application=application, engine="restic", keep_last=1, **secret, **options)
    assert (
        third["removed"] == [entry["backup"] for entry in again]
        and len(os.listdir(place.root / "restic" / "snapshots")) == 2 * 7
    )
    text = (pathlib.Path(third["directory"]) / "RESTORE.md").read_text()
    script = "\n".join(block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "mv -T" not in block)
    opened = {"RESTIC_REPOSITORY": secret["repository"], "RESTIC_PASSWORD": secret["repository_password"]}
    subprocess.run(["sh", "-eu", "-c", script], check=True, env={**os.environ, **opened})
    assert compared(place.home / "app", f"{place.home}/app.restored-{third['backup']}") == ""
    wrong = module(
        "backup",
        application=application,
        engine="restic",
        **{**secret, "repository_password": "another-one"},
        **options,
    )
    assert wrong["failed"] and "wrong password" in wrong["msg"] and "another-one" not in wrong["msg"]


def test_a_repository_of_restic_in_s3(module, place, everything):
    application, options = everything
    server = ThreadedMotoServer("127.0.0.1", find_free_port())
    server.start()
    try:
        keys = {"AWS_ACCESS_KEY_ID": "ours", "AWS_SECRET_ACCESS_KEY": "nobody-may-see-this"}
        there = {
            "repository": f"s3:http://127.0.0.1:{server.get_host_and_port()[1]}/vault",
            "repository_password": "secret",
            "repository_environment": keys,
        }
        made = module(
            "backup", application=application, engine="restic", **there, **{**options, "layers": ["environment"]}
        )
        assert made["read_back"] and "nobody-may-see-this" not in json.dumps(made).replace(
            json.dumps(made.get("invocation")), ""
        ), made
        (row,) = module("backup_info", application="greeter", prove=True, **there, **place_of(place))["backups"]
        assert row["damage"] == []
        module("restore", application=application, scratch=str(place.root / "s"), **there, **place_of(place))
        assert compared(place.home / "venv", place.root / "s" / "environment") == ""
    finally:
        server.stop()


def test_a_run_keeps_once_and_a_copy_is_made_elsewhere(module, place, kept):
    application, _first = kept
    options = {
        "once": True,
        "run_id": "r1",
        "copy_to": str(place.root / "vault"),
        "layers": ["source"],
        **place_of(place),
    }
    held = [["sh", "-c", f"echo held >>{place.root}/hooks"]]
    application = {
        **application,
        "backup": {"quiesce": held, "resume": [["sh", "-c", f"echo on >>{place.root}/hooks"]]},
    }
    results = module.run_four_times("backup", application=application, **options)
    assert results[1]["backup"] == results[2]["backup"] and (place.root / "hooks").read_text() == "held\non\n"
    assert compared(results[1]["directory"], place.root / "vault" / "greeter" / results[1]["backup"]) == ""
    failing = {**application, "backup": {**application["backup"], "quiesce": ["false"]}}
    assert "quiesce: false ended with 1" in module("backup", application=failing, **{**options, "run_id": "r2"})["msg"]
    assert (place.root / "hooks").read_text() == "held\non\non\n"
