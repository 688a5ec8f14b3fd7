# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept to go back to, what a running job needs, and an original whose interpreter is a copy."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.integration.place import name_generation


def take_step(module, place, number, **options):
    """Build and promote a generation; returns the result of the promotion."""
    built = module("environment", **place.make_build_options(place.build_wheel(f"{number}.0", f"step{number}")))
    assert built.get("generation") == name_generation(place, number), built
    result = module("promotion", **place.make_promotion_options(built["generation"], **options))
    assert result.get("outcome") == "promoted" and place.read_greeting() == f"step{number}", result
    return result


def list_generations(place):
    return sorted(os.listdir(place.home / "venv.generations"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root removes generations")
def test_the_third_step_of_a_run_keeps_where_a_rollback_of_it_goes(module, place):
    original = f"0-py{place.interpreters[0][0]}"
    few = {"keep_generations": 1, "forget_original": True, "rollback_window": 0, "run_id": "nightly"}
    take_step(module, place, 1, **few)
    take_step(module, place, 2, **few)
    third = take_step(module, place, 3, **few)
    assert third["in_use"] == {original: "run nightly started from it"}
    assert list_generations(place) == [original, name_generation(place, 3)]
    back = place.make_promotion_options("before_newest_run", kind="rollback", run_id="back", rollback_window=0)
    results = module.run_four_times("promotion", **back)
    assert results[1]["generation"] == original and place.read_greeting() == "old"
    assert results[1]["record"]["chosen"] == "before run nightly"
    # A run that is over, and whose rollback window is over, needs nothing any more.
    gone = module(
        "promotion",
        **place.make_promotion_options(
            name_generation(place, 3),
            run_id="again",
            keep_generations=1,
            forget_original=True,
            rollback_window=7,
        ),
    )
    assert set(gone["in_use"]) == {original} and "run again started from it" in gone["in_use"][original]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root removes generations")
def test_a_job_of_an_older_generation_keeps_its_modules(module, place):
    few = {"keep_generations": 1, "rollback_window": 0}
    take_step(module, place, 1, run_id="first", **few)
    first = place.home / "venv.generations" / name_generation(place, 1)
    program = "import sys; print(1, flush=True); sys.stdin.read(); import greeter; print(greeter.__file__)"
    with subprocess.Popen(
        [first / "bin" / "python", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as job:
        assert job.stdout.readline() == b"1\n"
        take_step(module, place, 2, run_id="second", **few)
        third = take_step(module, place, 3, run_id="third", **few)
        assert third["in_use"][first.name] == f"process {job.pid} was started with {first}/bin/python"
        printed, _errors = job.communicate()
        assert job.returncode == 0 and printed.decode().startswith(str(first))
    last = take_step(module, place, 4, run_id="fourth", **few)
    assert first.name not in last["in_use"] and not first.exists()


@pytest.fixture(params=["python", "python3"])
def copied(place, request):
    """The application in an environment that has copies of the interpreter, run by one of its names."""
    place.control_service("stop")
    shutil.rmtree(place.home / "venv")
    subprocess.run([place.interpreters[0][1], "-m", "venv", "--copies", place.home / "venv"], check=True)
    place.install_wheel(place.old)
    script = (place.home / "service").read_text()
    assert "venv/bin/python " in script
    (place.home / "service").write_text(script.replace("venv/bin/python ", f"venv/bin/{request.param} "))
    assert place.control_service("start") == 0
    assert not (place.home / "venv" / "bin" / "python").is_symlink()
    return place


def test_back_to_an_original_whose_interpreter_is_a_copy(module, copied):
    place = copied
    take_step(module, place, 1)
    back = module("promotion", **place.make_promotion_options("before_newest_run", kind="rollback"))
    original = f"0-py{place.interpreters[0][0]}"
    assert back.get("outcome") == "promoted" and back["generation"] == original, back
    assert place.read_greeting() == "old"
    pid = int((place.home / "pid").read_text())
    assert os.readlink(f"/proc/{pid}/exe").startswith(str(place.home / "venv.generations" / original))
    again = module("promotion", **place.make_promotion_options(name_generation(place)))
    assert again["outcome"] == "promoted" and place.read_greeting() == "step1"
