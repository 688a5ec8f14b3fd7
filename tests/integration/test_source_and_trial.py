# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""source_info, environment with state=trial and wheel_build, run for real on this machine."""

from __future__ import annotations

import hashlib
import os
import pathlib
import pwd
import subprocess

import pytest

from tests.benchmark.plan import sets

from .conftest import make_lock, write_wheel


@pytest.fixture
def application(tmp_path, interpreters):
    """An application whose environment has two packages, and its source."""
    source, environment, packages = (tmp_path / name for name in ("app", "venv", "packages"))
    source.mkdir()
    packages.mkdir()
    old = [
        write_wheel(packages, "helper", "1.0", {"helper/__init__.py": "VALUE = 1\n"}),
        write_wheel(packages, "user", "1.0", {"user.py": "import helper\n"}),
    ]
    subprocess.run([interpreters[0][1], "-m", "venv", str(environment)], check=True)
    subprocess.run(
        [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index", *map(str, old)],
        check=True,
    )
    user = pwd.getpwuid(os.geteuid()).pw_name
    return {"name": "app", "environment": str(environment), "source": str(source), "user": user}, packages


def test_source_info_reads_everything_and_runs_nothing(module, application):
    declared, _packages = application
    source = pathlib.Path(declared["source"])
    (source / "main.py").write_text(
        "import collections, importlib, user\nraise SystemExit\n"
        "def f(x):\n    return isinstance(x, collections.Mapping)\n"
    )
    (source / "old.py").write_text("print 'two'\n")
    (source / "dynamic").write_text("#!/usr/bin/env python3\nimport importlib\nimportlib.import_module(name)\n")
    (source / "requirements.txt").write_text("user==1.0\n-r other.txt\n# helper\n")
    (source / "link.py").symlink_to("/etc/passwd")
    declared["requirements"] = [str(source / "requirements.txt")]
    options = {"applications": [declared], "current": "3.8", "target": "3.12"}
    results = [module("source_info", check=check, **options) for check in (True, False)]
    assert results[0]["applications"] == results[1]["applications"] and not any(result["changed"] for result in results)
    (found,) = results[1]["applications"]
    assert found["uses"] == [["main.py", "collections.Mapping", 4, [0, 99], False, True]]
    assert found["imports"] == {"collections": "main.py", "importlib": "dynamic", "user": "main.py"} and found[
        "required"
    ] == ["user"]
    assert found["dynamic"] == [["dynamic", 3]]
    installed = found["installed"]
    assert installed["files"] > 100 and installed["problems"] == []
    assert {row[0] for row in installed["uses"]} <= {"pip", "setuptools", "helper", "user"}
    assert sorted(problem["path"] for problem in found["problems"]) == ["link.py", "old.py"]
    assert "does not parse" in next(problem["reason"] for problem in found["problems"] if problem["path"] == "old.py")


def test_a_source_that_is_not_there_is_a_problem_that_is_named(module, application):
    declared, _packages = application
    (found,) = module("source_info", applications=[{**declared, "source": "/no/such/place"}], target="3.12")[
        "applications"
    ]
    assert found["problems"] == [{"path": "/no/such/place", "reason": "No such file or directory"}]
    assert "not a Python version" in module("source_info", applications=[declared], target="newest")["msg"]


def test_a_trial_tells_what_fails_that_did_not_fail_before(module, application, interpreters, tmp_path):
    declared, packages = application
    declared["tests"] = ["python -c 'import user'"]
    new = [
        write_wheel(packages, "helper", "2.0", {"helper/__init__.py": "from missing import x\n"}),
        packages / "user-1.0-py3-none-any.whl",
    ]
    options = {
        "application": declared,
        "interpreter": interpreters[1][1],
        "version": interpreters[1][0] + ".0",
        "lock": make_lock(*new),
        "wheels": str(packages),
        "state_dir": str(tmp_path / "state"),
        "tests": True,
    }
    before = sorted(os.listdir(tmp_path))
    planned = module("environment", state="trial", check=True, **options)
    assert (
        planned["changed"] and planned["actions"][0].startswith("try lock ") and sorted(os.listdir(tmp_path)) == before
    )
    broken = module("environment", state="trial", **options)
    assert (
        sorted(broken["failures"]) == ["helper", "user"]
        and broken["failures"]["helper"]["missing"] == "missing"
        and not broken["changed"]
    )
    assert broken["owners"]["helper"] == "helper" and broken["tests"] == {}
    assert any(path.endswith("helper/__init__.py") for path in broken["failures"]["user"]["frames"])
    good = module(
        "environment", state="trial", **{**options, "lock": make_lock(packages / "helper-1.0-py3-none-any.whl", new[1])}
    )
    assert good["failures"] == good["tests"] == good["sources"] == {} and good["modules"] == 2
    removal = {"application": declared, "state": "absent", "state_dir": str(tmp_path / "state")}
    results = module.run_four_times("environment", **removal)
    assert "remove" in results[0]["actions"][0] and os.listdir(declared["environment"] + ".generations") == []


def test_a_trial_has_what_a_generation_would_take_along(module, application, interpreters, tmp_path):
    declared, packages = application
    declared["tests"] = ["python -c 'import local'"]
    site = pathlib.Path(declared["environment"], "lib", f"python{interpreters[0][0]}", "site-packages")
    (site / "local").mkdir()
    (site / "local" / "__init__.py").touch()
    options = {
        "application": declared,
        "interpreter": interpreters[1][1],
        "version": interpreters[1][0] + ".0",
        "wheels": str(packages),
        "tests": True,
        "lock": make_lock(packages / "helper-1.0-py3-none-any.whl"),
        "state_dir": str(tmp_path / "state"),
    }
    (failure,) = module("environment", state="trial", **options)["tests"].values()
    assert "No module named 'local'" in failure["text"]
    taken = {"policy": "copy", "files": [f"lib/python{interpreters[0][0]}/site-packages/local/"]}
    # The second finds the scratch environment of the first.
    assert [module("environment", state="trial", cargo=taken, **options)["tests"] for _number in range(2)] == [{}, {}]


def test_a_source_that_only_the_live_interpreter_compiles_is_named(module, application, interpreters, tmp_path):
    declared, packages = application
    source = pathlib.Path(declared["source"])
    (source / "two.py").write_text("print 'neither does'\n")
    (source / "good.py").write_text("x = 1\n")
    newer = interpreters[1]
    options = {
        "application": declared,
        "interpreter": newer[1],
        "version": newer[0] + ".0",
        "wheels": str(packages),
        "tests": True,
        "lock": make_lock(packages / "helper-1.0-py3-none-any.whl"),
        "state_dir": str(tmp_path / "state"),
    }
    assert module("environment", state="trial", **options)["sources"] == {}
    # A live interpreter that compiles everything stands for an older Python than this machine has.
    live = pathlib.Path(declared["environment"], "bin", "python")
    live.unlink()
    live.write_text("#!/bin/sh\necho '{}'\n")
    live.chmod(0o755)
    assert list(module("environment", state="trial", **options)["sources"]) == ["two.py"]


def test_a_trial_times_benchmarks_in_turn(module, application, interpreters, tmp_path):
    declared, packages = application
    declared["benchmarks"] = ["python -c 'import helper'"]
    options = {
        "application": declared,
        "interpreter": interpreters[1][1],
        "version": interpreters[1][0] + ".0",
        "wheels": str(packages),
        "benchmarks": True,
        "lock": make_lock(packages / "helper-1.0-py3-none-any.whl"),
        "state_dir": str(tmp_path / "state"),
    }
    (timed,) = module("environment", state="trial", **options)["benchmarks"]
    assert timed["command"] == ["python", "-c", "import helper"] and timed["ratio"] == pytest.approx(
        timed["after"] / max(timed["before"], 0.01), abs=0.1
    )


def test_wheel_build_compiles_on_a_host_that_has_the_python(module, tmp_path):
    sets.WORK.mkdir(parents=True, exist_ok=True)
    prefix = sets.unpack_interpreter((3, 9)).parent.parent
    # The account that builds owns nothing: what it runs lies where everybody can reach it.
    link = sets.WORK / "builder" / "3.9.18"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(prefix)
    need = {"name": "python-levenshtein", "version": "0.12.2", "python": "3.9", "platform": "x86_64-manylinux_2_41"}
    options = {"needs": [need], "interpreter_dir": str(link.parent), "cache_dir": str(tmp_path / "cache")}
    results = module.run_four_times("wheel_build", **options)
    (row,) = results[1]["built"]
    assert row["wheel"].startswith("python_Levenshtein-0.12.2-cp39-cp39-") or row["wheel"].lower().startswith(
        "python_levenshtein-0.12.2-cp39-cp39-"
    )
    assert (tmp_path / "cache" / "built" / row["wheel"]).exists()
    (problem,) = module("wheel_build", **{**options, "needs": [{**need, "python": "3.99"}]})["problems"]
    assert "has no Python 3.99" in problem["cause"]


def plant_marked_module(environment, mark, text):
    """A package of the live environment whose import leaves a line in the file *mark*."""
    (site,) = environment.glob("lib/*/site-packages")
    (site / "noisy.py").write_text(f"open({str(mark)!r}, 'a').write('x')\n{text}")
    info = site / "noisy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (info / "RECORD").write_text("noisy.py,,\nnoisy-1.0.dist-info/METADATA,,\n")


@pytest.fixture
def tried(module, application, interpreters, tmp_path):
    """Tries a lock of a package whose import leaves a mark, and fails in both environments."""
    declared, packages = application
    minor, python = interpreters[1]
    mark = tmp_path / "mark"
    mark.write_text("")
    plant_marked_module(pathlib.Path(declared["environment"]), mark, "raise ValueError\n")
    wheels = [packages / "helper-1.0-py3-none-any.whl", packages / "user-1.0-py3-none-any.whl"]
    text = f"open({str(mark)!r}, 'a').write('x')\nraise ValueError\n"
    wheels.append(write_wheel(packages, "noisy", "1.0", {"noisy.py": text}))

    def try_lock(**given):
        mark.write_text("")
        options = {"interpreter": python, "version": minor, "lock": make_lock(*wheels), "wheels": str(packages)}
        options.update(state="trial", tests=True, application=declared, state_dir=str(tmp_path / "state"))
        found = module("environment", **{**options, **given})
        assert not found.get("failed"), found
        return found, len(mark.read_text())

    return try_lock


def test_a_lock_that_passed_is_not_tried_again_until_something_changes(tried, application, tmp_path):
    source = pathlib.Path(application[0]["source"])
    first, imports = tried(run_id="one")
    assert (first["known"], first["failures"]) == ("", {}) and imports > 1
    again, imports = tried(run_id="two")
    assert imports == 0 and again["known"] and not again["failures"]
    assert (again["tried"], again["untried"]) == (first["tried"], first["untried"])
    # A trial of chosen names is always done.
    assert tried(run_id="two", modules=["user"])[0]["known"] == ""
    (source / "more.py").write_text("import helper\n")
    changed, _imports = tried(run_id="three")
    assert changed["known"] == "" and changed["tried"] > 0
    assert tried(run_id="three")[0]["known"]
    plant = next(pathlib.Path(application[0]["environment"]).glob("lib/*/site-packages")) / "new.py"
    plant.write_text("")
    assert tried(run_id="three")[0]["known"] == ""


def test_what_fails_in_the_live_environment_is_tried_once_in_a_run(tried, application):
    source = pathlib.Path(application[0]["source"])
    first, imports = tried(run_id="one")
    assert imports > 1 and "noisy" in str(first["untried"])
    (source / "more.py").write_text("")
    second, imports = tried(run_id="one")
    assert (second["known"], imports) == ("", 0)
    assert {"noisy"} == {name for row in second["untried"] if "earlier trial" in row["reason"] for name in row["names"]}
    (source / "more.py").write_text("import helper\n")
    assert tried(run_id="another")[1] > 1


def test_a_generation_of_the_same_run_does_not_import_it_either(tried, module, application, interpreters, tmp_path):
    declared, packages = application
    mark = tmp_path / "mark"
    assert tried(run_id="one")[1] > 1
    lock = make_lock(*sorted(packages.glob("*.whl")))
    identifier = hashlib.sha256(lock.encode()).hexdigest()
    (tmp_path / "state" / "locks").mkdir()
    (tmp_path / "state" / "locks" / f"{identifier}.txt").write_text(lock)
    options = {"interpreter": interpreters[1][1], "version": interpreters[1][0], "lock": identifier}
    options.update(application=declared, wheels=str(packages), state_dir=str(tmp_path / "state"))
    mark.write_text("")
    built = module("environment", run_id="one", **options)
    assert built["generation"] and mark.read_text() == ""
    assert "noisy" in str(built["untried"])
    known, imports = tried(run_id="two")
    assert known["known"] and imports == 0
    # Its proof was about the source of that time.
    source = pathlib.Path(declared["source"])
    (source / "more.py").write_text("import helper\n")
    changed, imports = tried(run_id="three", tests=True)
    assert changed["known"] == "" and imports > 1


def test_a_generation_that_exists_is_proved_again_when_the_source_has_changed(
    module, application, interpreters, tmp_path
):
    declared, packages = application
    source, state = pathlib.Path(declared["source"]), tmp_path / "state"
    plant_marked_module(pathlib.Path(declared["environment"]), tmp_path / "mark", "")
    lock = make_lock(*sorted(packages.glob("*.whl")))
    identifier = hashlib.sha256(lock.encode()).hexdigest()
    (state / "locks").mkdir(parents=True)
    (state / "locks" / f"{identifier}.txt").write_text(lock)
    options = {"interpreter": interpreters[1][1], "version": interpreters[1][0], "lock": identifier}
    options.update(application=declared, wheels=str(packages), state_dir=str(state))
    record = state / "applications" / "app" / "state.json"
    built = module("environment", **options)
    assert built["changed"]
    before = record.read_text()
    assert not module("environment", **options)["changed"] and record.read_text() == before
    # The next deployment uses a package that only the live environment has.
    (source / "more.py").write_text("import noisy\n")
    planned = module("environment", check=True, **options)
    assert not planned.get("failed") and record.read_text() == before
    refused = module("environment", **options)
    assert refused["failed"] and "exists, but was not proved with what the application is now" in refused["msg"]
    assert "No module named 'noisy'" in refused["msg"] and os.path.isdir(built["path"])
    assert record.read_text() == before
    (source / "more.py").write_text("import helper, user\n")
    good = module("environment", **options)
    assert (good["generation"], good["changed"]) == (built["generation"], False)
    proved = record.read_text()
    assert proved != before
    assert not module("environment", **options)["changed"] and record.read_text() == proved
