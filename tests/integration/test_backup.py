# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of one application: made, listed, damaged, and put back by the module and by hand."""

from __future__ import annotations

import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

from tests.integration.place import generation_name


@pytest.fixture
def kept(module, place):
    """The application with a source directory, and what a backup of both came to."""
    source = place.home / "app"
    source.mkdir()
    (source / "settings.ini").write_text("[mill]\nspeed = slow\n")
    (source / "settings.ini").chmod(0o640)
    application = place.application(source=str(source))
    return application, module("backup", application=application, **place_of(place))


def place_of(place):
    return {"state_dir": str(place.state), "backup_dir": str(place.root / "backups")}


def compared(one, other):
    """What rsync finds different between two trees, in content and in every attribute."""
    words = ["rsync", "-aHAXn", "--checksum", "--delete", "--itemize-changes", f"{one}/", f"{other}/"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


needs_rsync = pytest.mark.skipif(not shutil.which("rsync"), reason="this machine has no rsync")


@needs_rsync
def test_a_backup_is_made_listed_and_put_into_scratch(module, place, kept):
    application, made = kept
    assert made["changed"] and sorted(made["layers"]) == ["environment", "source"] and made["unstable"] == {} and made["left_out"] == {}
    assert sorted(os.listdir(made["directory"])) == sorted(["RESTORE.md", "manifest.json", "manifest.sha256", *(
        name for name in os.listdir(made["directory"]) if name.startswith(("environment.tar.", "source.tar.")))])
    assert all((path.stat().st_mode & 0o077) == 0 for path in [pathlib.Path(made["directory"]), *pathlib.Path(made["directory"]).iterdir()])
    again = module("backup", check=True, application=application, **place_of(place))
    assert again["changed"] and again["backup"] == "" and len(again["actions"]) == 2
    listed = module("backup_info", application="greeter", prove=True, backup_dir=str(place.root / "backups"))["backups"]
    assert [(row["backup"], row["damage"], row["verified"]) for row in listed] == [(made["backup"], [], True)]
    scratch = place.root / "scratch"
    looked = module("restore", check=True, application=application, scratch=str(scratch), **place_of(place))
    assert looked["changed"] and not scratch.exists()
    done = module("restore", application=application, scratch=str(scratch), **place_of(place))
    assert done["restored"] == {"environment": str(scratch / "environment"), "source": str(scratch / "source")} and done["not_given"] == {}
    assert compared(place.home / "venv", scratch / "environment") == "" == compared(place.home / "app", scratch / "source")
    assert subprocess.check_output([scratch / "environment" / "bin" / "python", "-c", "import greeter; print('it runs')"]) == b"it runs\n"
    assert "is there already" in module.fails("restore", application=application, scratch=str(scratch), **place_of(place))


@needs_rsync
def test_what_is_gone_is_put_back_and_what_differs_is_left(module, place, kept):
    application, made = kept
    assert not module("restore", application=application, **place_of(place))["changed"]
    (place.home / "app" / "settings.ini").write_text("[mill]\nspeed = fast\n")
    (place.home / "app" / "new").touch()
    message = module.fails("restore", application=application, **place_of(place))
    assert "new is new; settings.ini has another content, time" in message and "nothing was changed" in message
    before = shutil.copytree(place.home / "venv", place.root / "copy", symlinks=True)
    shutil.rmtree(place.home / "venv")
    results = module.four_times("restore", application=application, layers=["environment"], **place_of(place))
    assert results[1]["restored"] == {"environment": str(place.home / "venv")} and made["backup"] == results[1]["backup"]
    assert compared(before, place.home / "venv").replace(".d..t...... ./\n", "") == "" or place.greeting() == "old"
    place.control("stop")
    place.control("start")
    assert place.greeting() == "old"


def test_a_generation_that_is_gone_is_found_in_a_backup_and_promoted_again(module, place, kept):
    application, made = kept
    old = f"0-py{place.interpreters[0][0]}"
    module("environment", **place.build(place.wheel("2.0", "new")))
    assert module("promotion", **place.promote(generation_name(place)))["outcome"] == "promoted"
    shutil.rmtree(place.home / "venv.generations" / old)
    record = place.state / "applications" / "greeter" / "state.json"
    record.write_text(record.read_text().replace(f'"id": "{old}"', '"id": "0-py2.0"'))
    refused = module("promotion", backup_dir=str(place.root / "backups"), **place.promote("previous", kind="rollback"))
    assert refused["failed"] and f"backup {made['backup']} has it: put it back with oxzep7.python.restore" in refused["msg"]
    nowhere = module("promotion", backup_dir=str(place.root / "none"), **place.promote("previous", kind="rollback"))
    assert "no backup in" in nowhere["msg"]
    restored = module("restore", application=application, layers=["environment"], **place_of(place))
    assert restored["generation"] == old
    assert module("promotion", **place.promote("previous", kind="rollback"))["generation"] == old and place.greeting() == "old"


@needs_rsync
def test_the_runbook_restores_with_nothing_but_a_shell(module, place, kept):
    _application, made = kept
    copies = [shutil.copytree(place.home / name, place.root / f"copy-{name}", symlinks=True) for name in ("venv", "app")]
    (place.home / "app" / "settings.ini").unlink()
    place.control("stop")
    text = (pathlib.Path(made["directory"]) / "RESTORE.md").read_text()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    subprocess.run(["sh", "-eu", "-c", script], check=True)
    for name, copy in zip(("venv", "app"), copies, strict=True):
        # Running what was copied leaves bytecode in the one and not in the other.
        assert [line for line in compared(copy, place.home / name).splitlines() if "__pycache__" not in line] == []
    place.control("start")
    assert place.greeting() == "old" and (place.home / f"app.before-{made['backup']}").is_dir()


def test_every_damage_is_found_before_anything_is_touched(module, place, kept):
    application, made = kept
    directory = pathlib.Path(made["directory"])
    whole = {path.name: path.read_bytes() for path in directory.iterdir()}
    chance = random.Random(6)
    cases = []
    for name in sorted(whole):
        data = bytearray(whole[name])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        cases += [(name, bytes(data)), (name, whole[name][:-1]), (name, None)]
    archives = sorted(name for name in whole if ".tar." in name)
    cases.append(("swapped", None))
    cases.append(("added.tar.gz", b"more"))
    for name, data in cases:
        for other, content in whole.items():
            (directory / other).write_bytes(content)
        if name == "swapped":
            (directory / archives[0]).write_bytes(whole[archives[1]])
        elif data is None:
            (directory / name).unlink()
        else:
            (directory / name).write_bytes(data)
        damage = module("backup_info", application="greeter", prove=True, backup_dir=str(place.root / "backups"))["backups"]
        assert damage and damage[0]["damage"], (name, data is None)
        (directory / "added.tar.gz").unlink(missing_ok=True)
    (directory / archives[0]).write_bytes(b"nothing")
    message = module.fails("restore", application=application, scratch=str(place.root / "scratch"), **place_of(place))
    assert "is damaged" in message and not (place.root / "scratch").exists()


def test_backups_that_are_not_meant_are_refused(module, place, kept):
    application, made = kept
    common = place_of(place)
    assert "it has " + made["backup"] in module.fails("restore", application=application, backup="20200101T000000Z-00000000", **common)
    assert "has no layer interpreter" in module.fails("restore", application=application, layers=["interpreter"], **common)
    os.rename(place.root / "backups" / "greeter", place.root / "backups" / "other")
    assert "has no usable backup" in module.fails("restore", application=application, **common)
    other = {**application, "name": "other"}
    assert "it is not restored here unless `foreign` says so" in module.fails("restore", application=other, scratch=str(place.root / "s"), **common)
    assert module("restore", application=other, foreign=True, scratch=str(place.root / "s"), **common)["restored"]


def test_old_backups_go_and_half_ones_are_none(module, place, kept):
    application, first = kept
    (place.root / "backups" / "greeter" / ".incoming-20200101T000000Z-00000000").mkdir()
    made = [module("backup", application=application, keep_last=2, **place_of(place)) for _number in range(2)]
    assert made[0]["removed"] == [] and made[1]["removed"] == [first["backup"]]
    assert sorted(os.listdir(place.root / "backups" / "greeter")) == sorted(entry["backup"] for entry in made)
    gone = {**application, "source": str(place.root / "nowhere")}
    assert "the source" in module.fails("backup", application=gone, **place_of(place))
