# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a generation is: two applications with one environment, a new name, a lost state directory, dead builds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.integration.place import name_generation

RECORD_NAME = ".oxzep7-generation.json"


@pytest.fixture
def promoted(module, place):
    """The application with generation 1 live."""
    assert not module("environment", **place.make_build_options(place.build_wheel("2.0", "new"))).get("failed")
    assert not module("promotion", **place.make_promotion_options(name_generation(place))).get("failed")
    return place


def list_tree(place):
    """Everything below the directory of generations, with inodes; and where the live path leads."""
    found = {}
    for folder, below, names in os.walk(place.home / "venv.generations"):
        for name in [*below, *names]:
            if "__pycache__" not in folder and name != "__pycache__":
                found[os.path.join(folder, name)] = os.lstat(os.path.join(folder, name)).st_ino
    return found, os.readlink(place.home / "venv")


def declare_worker(place, environment=None):
    user = place.declare_application()["user"]
    return {"name": "worker", "environment": str(environment or place.home / "venv"), "user": user, "services": []}


def build_options(place, wheel, application):
    return {**place.make_build_options(wheel), "application": application}


@pytest.mark.parametrize("path", ["same", "symlinked parent", "symlink to it"])
def test_a_second_application_with_the_environment_is_refused_and_removes_nothing(module, promoted, path, tmp_path):
    place = promoted
    environment = place.home / "venv"
    if path == "symlinked parent":
        (tmp_path / "link").symlink_to(place.home)
        environment = tmp_path / "link" / "venv"
    elif path == "symlink to it":
        environment = tmp_path / "other"
        environment.symlink_to(place.home / "venv")
    before = list_tree(place)
    worker = declare_worker(place, environment)
    newer = place.build_wheel("3.0", "newer")
    message = module.expect_failure("environment", **build_options(place, newer, worker))
    assert "the record of application greeter" in message and "`formerly: greeter`" in message
    refused = module("promotion", **place.make_promotion_options(name_generation(place), application=worker))
    assert refused["outcome"] == "refused" and "the record of application greeter" in refused["msg"]
    assert list_tree(place) == before and place.read_greeting() == "new"
    declared = [place.declare_application(), worker]
    found = module("host_info", roots=[str(place.root)], applications=declared, state_dir=str(place.state))
    for application in found["applications"]:
        assert ("environment-shared", True) in [(one["key"], one["blocking"]) for one in application["findings"]]
    step = {
        "application": "worker",
        "lock": "x",
        "interpreter": {"source": "existing", "version": "3", "path": "/bin/sh"},
    }
    looked = module("preflight", applications=declared, steps=[step], state_dir=str(place.state))
    assert [one["key"] for one in looked["blocking"]] == ["environment-shared"]


def test_two_that_were_never_changed_share_an_environment_too(module, place, tmp_path):
    declared = [place.declare_application(), declare_worker(place)]
    found = module("host_info", roots=[], applications=declared, state_dir=str(place.state))["applications"]
    assert [[one["key"] for one in entry["findings"]] for entry in found] == [["environment-shared"]] * 2
    apart = [place.declare_application(), declare_worker(place, tmp_path)]
    found = module("host_info", roots=[], applications=apart, state_dir=str(place.state))["applications"]
    assert found[0]["findings"] == []


def test_a_renamed_application_takes_its_record_over(module, promoted):
    place = promoted
    before, record = list_tree(place), place.read_state()
    renamed = {**place.declare_application(), "name": "salutes"}
    newer = place.build_wheel("3.0", "newer")
    message = module.expect_failure("environment", **build_options(place, newer, renamed))
    assert "set `formerly: greeter` in its declaration and run oxzep7.python.recover" in message
    renamed["formerly"] = "greeter"
    assert "run oxzep7.python.recover" in module.expect_failure("environment", **build_options(place, newer, renamed))
    wrong = {**renamed, "environment": str(place.root)}
    refused = module.expect_failure("recovery", state_dir=str(place.state), applications=[wrong])
    assert "the record of greeter is for" in refused
    both = [renamed, place.declare_application()]
    assert "is declared, too" in module.expect_failure("recovery", state_dir=str(place.state), applications=both)
    results = module.run_four_times("recovery", state_dir=str(place.state), applications=[renamed])
    assert results[1]["adopted"] == {"salutes": "greeter"}
    assert os.listdir(place.state / "applications") == ["salutes"]
    adopted = json.loads((place.state / "applications" / "salutes" / "state.json").read_text())
    assert adopted == {**record, "application": "salutes"}
    assert list_tree(place) == before
    built = module("environment", **build_options(place, newer, renamed))
    assert built["generation"] == name_generation(place, 2) and place.read_greeting() == "new"
    back = place.make_promotion_options(f"0-py{place.interpreters[0][0]}", application=renamed, kind="rollback")
    assert module("promotion", **back)["outcome"] == "promoted" and place.read_greeting() == "old"


def test_a_lost_state_directory_costs_no_generation(module, promoted):
    place = promoted
    before = list_tree(place)
    shutil.move(place.state / "applications", place.root / "lost")
    newer = place.build_wheel("3.0", "newer")
    results = module.run_four_times("environment", **place.make_build_options(newer))
    assert results[1]["generation"] == name_generation(place, 2)
    now = list_tree(place)
    assert now[1] == before[1] and before[0].items() <= now[0].items() and place.read_greeting() == "new"
    record = place.read_state()
    assert record["current"] == name_generation(place) and record["last_number"] == 2
    original = f"0-py{place.interpreters[0][0]}"
    assert {entry["id"]: entry["origin"] for entry in record["generations"]} == {
        original: "adopted",
        name_generation(place): "built",
        name_generation(place, 2): "built",
    }
    assert module("promotion", **place.make_promotion_options(name_generation(place, 2)))["outcome"] == "promoted"
    back = module("promotion", **place.make_promotion_options(original, kind="rollback", keep_generations=1))
    assert back["outcome"] == "promoted" and place.read_greeting() == "old"
    assert set(before[0]) <= set(list_tree(place)[0])


def test_without_any_record_nothing_is_touched(module, promoted):
    place = promoted
    (place.home / "venv.generations" / name_generation(place) / RECORD_NAME).unlink()
    shutil.move(place.state / "applications", place.root / "lost")
    before = list_tree(place)
    newer = place.build_wheel("3.0", "newer")
    message = module.expect_failure("environment", **place.make_build_options(newer))
    assert "neither a record of this host nor one in that directory" in message and "oxzep7_state_dir" in message
    refused = module("promotion", **place.make_promotion_options("previous", kind="rollback"))
    assert refused["outcome"] == "refused" and "neither a record of this host" in refused["msg"]
    assert list_tree(place) == before and place.read_greeting() == "new"


def test_what_a_dead_build_left_goes_and_anything_else_stays(module, place):
    """A directory of each kind, as a build that was killed, another live path, or a person leaves it."""
    wheel = place.build_wheel("2.0", "new")
    first = module("environment", **place.make_build_options(wheel))
    generations = place.home / "venv.generations"
    complete = json.loads((generations / first["generation"] / RECORD_NAME).read_text())
    assert complete["complete"] and complete["live"] == str(place.home / "venv")
    unfinished = {**complete, "complete": False, "generation": None}
    directories = {
        "2-py3.9": unfinished,
        ".building-2-py3.9": {**unfinished, "kind": "scratch"},
        "3-py3.9": {**unfinished, "place": "/srv/other/venv"},
        "4-py3.9": {**complete, "id": "4-py3.9"},
        "5-py3.9": None,
        "mine": None,
    }
    for name, record in directories.items():
        (generations / name / "lib").mkdir(parents=True)
        if record is not None:
            (generations / name / RECORD_NAME).write_text(json.dumps(record))
    (generations / "6-py3.9").mkdir()
    built = module("environment", **place.make_build_options(place.build_wheel("3.0", "newer")))
    assert built["generation"] == name_generation(place, 6)
    left = set(os.listdir(generations))
    assert left == {first["generation"], built["generation"], "3-py3.9", "4-py3.9", "5-py3.9", "mine"}
    assert {os.path.basename(path): reason for path, reason in built["kept"].items()} == {
        "3-py3.9": "its own record says that it is for /srv/other/venv",
        "5-py3.9": "it has no record of its own that says who made it",
        "mine": "it has no record of its own that says who made it",
    }


def test_a_build_that_died_is_not_removed_while_a_process_uses_it(module, place):
    wheel = place.build_wheel("2.0", "new")
    first = module("environment", **place.make_build_options(wheel))["generation"]
    directory = place.home / "venv.generations" / first
    own = json.loads((directory / RECORD_NAME).read_text())
    (directory / RECORD_NAME).write_text(json.dumps({**own, "complete": False, "generation": None}))
    record = place.read_state()
    record["generations"][0].update(complete=False)
    (place.state / "applications" / "greeter" / "state.json").write_text(json.dumps(record))
    program = "import sys; print(1, flush=True); sys.stdin.read(); import greeter"
    with subprocess.Popen(
        [directory / "bin" / "python", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as job:
        assert job.stdout.readline() == b"1\n"
        built = module("environment", **place.make_build_options(wheel))
        assert built["generation"] == name_generation(place, 2)
        assert built["kept"][str(directory)] == f"process {job.pid} was started with {directory}/bin/python"
        job.stdin.close()
        assert job.wait() == 0
    assert module("environment", **place.make_build_options(wheel))["kept"] == {} and not directory.exists()
