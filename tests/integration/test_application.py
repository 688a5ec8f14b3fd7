# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""environment, promotion, health_check and recovery on one application, as a plain process without systemd."""

from __future__ import annotations

import json
import os

import pytest

from tests.integration.place import name_generation


def test_environment_four_times(module, place, uv):
    new = place.build_wheel("2.0", "new")
    results = module.run_four_times(
        "environment",
        uv=uv,
        **place.make_build_options(new, tests=["python -c 'import greeter'"], source=str(place.home)),
    )
    assert results[0]["generation"] == results[2]["generation"] == name_generation(place)
    assert results[1]["diff"]["before"]["greeter"] == "1.0" and results[1]["diff"]["after"]["greeter"] == "2.0"
    assert place.read_greeting() == "old" and not (place.home / "venv").is_symlink()
    assert [entry["complete"] for entry in place.read_state()["generations"]] == [True]


@pytest.mark.parametrize(
    "case, expected",
    [
        ("import", "do not import in it: broken"),
        ("test", "test 'python -c exit(3)' ended with 3"),
        ("hash", "install"),
        ("lock", "is not in"),
    ],
)
def test_environment_that_cannot_be_proven_leaves_nothing(module, place, case, expected):
    new = place.build_wheel("2.0", "new", **({"broken.py": "import no_such_module\n"} if case == "import" else {}))
    arguments = place.make_build_options(new, tests=["python -c exit(3)"] if case == "test" else [])
    if case == "hash":
        new.write_bytes(new.read_bytes() + b"damage")
    if case == "lock":
        arguments["lock"] = "0" * 64
    result = module("environment", **arguments)
    assert result["failed"] and expected in result["msg"], result["msg"]
    assert place.read_greeting() == "old"
    generations = place.home / "venv.generations"
    assert not generations.exists() or os.listdir(generations) == []


def test_an_import_that_fails_in_the_live_environment_too_is_no_failure(module, place):
    place.install_wheel(place.build_wheel("1.5", "old", **{"broken.py": "import no_such_module\n"}))
    new = place.build_wheel("2.0", "new", **{"broken.py": "import no_such_module\n"})
    assert not module("environment", **place.make_build_options(new)).get("failed")


def test_promotion_four_times_and_back(module, place):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    results = module.run_four_times("promotion", **place.make_promotion_options(name_generation(place)))
    assert [result["outcome"] for result in results] == ["promoted", "promoted", "unchanged", "unchanged"]
    assert results[1]["swap"] == "exchange" and results[1]["downtime_ms"] > 0
    old = f"0-py{place.interpreters[0][0]}"
    assert results[1]["diff"] == {
        "before": {str(place.home / "venv"): old},
        "after": {str(place.home / "venv"): name_generation(place)},
    }
    assert place.read_greeting() == "new" and place.list_open_files() == []
    back = module.run_four_times("promotion", **place.make_promotion_options("previous", kind="rollback"))
    assert back[1]["generation"] == old and place.read_greeting() == "old"
    assert [entry["kind"] for entry in place.read_state()["history"]] == ["upgrade", "rollback"]


@pytest.mark.parametrize(
    "before, seconds",
    [
        ("raise SystemExit('cannot start')", 3),
        ("import threading, os; threading.Timer(1.5, os._exit, [1]).start()", 10),
    ],
)
def test_a_generation_that_does_not_stay_healthy_is_undone(module, place, before, seconds):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new", before=before)))
    result = module(
        "promotion", **place.make_promotion_options(name_generation(place), timeout=seconds, stability_window=4)
    )
    assert result["failed"] and result["outcome"] == "reverted", result
    assert "is live again" in result["msg"] and "greeter" in result["msg"]
    assert place.read_greeting() == "old" and place.list_open_files() == []
    assert os.readlink(place.home / "venv") == f"venv.generations/0-py{place.interpreters[0][0]}"
    last = place.read_state()["history"][-1]
    assert last["event"] == "reverted" and last["reason"] in result["msg"]


@pytest.mark.parametrize(
    "case, expected",
    [
        ("unknown generation", "has no generation 9-py3.9"),
        ("service missing", "no such service on this host: no-such.service"),
        ("unhealthy before", "is not healthy before the promotion"),
        ("nothing to go back to", "no promotion of greeter is recorded"),
    ],
)
def test_promotion_is_refused_and_changes_nothing(module, place, case, expected):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    arguments = place.make_promotion_options(name_generation(place))
    if case == "unknown generation":
        arguments["generation"] = "9-py3.9"
    elif case == "service missing":
        arguments["application"]["services"].append({"name": "no-such.service"})
    elif case == "unhealthy before":
        place.control_service("stop")
    else:
        arguments["generation"] = "previous"
    before = place.read_state()
    result = module("promotion", **arguments)
    assert result["failed"] and result["outcome"] == "refused" and expected in result["msg"], result["msg"]
    assert place.read_state() == before and place.list_open_files() == [] and not (place.home / "venv").is_symlink()


def test_a_live_path_that_was_moved_is_not_touched(module, place):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    module("promotion", **place.make_promotion_options(name_generation(place)))
    (place.home / "venv").unlink()
    (place.home / "venv").symlink_to("venv.generations/0-py" + place.interpreters[0][0])
    result = module("promotion", **place.make_promotion_options("previous", kind="rollback"))
    assert result["failed"] and "but the record says generation" in result["msg"]


def test_a_promotion_that_a_dead_run_left_is_closed(module, place):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    module("promotion", **place.make_promotion_options(name_generation(place)))
    directory = place.state / "applications" / "greeter"
    committed = place.read_state()
    (directory / "state.json").write_text(
        json.dumps({**committed, "current": committed["generations"][0]["id"], "history": []})
    )
    (directory / "state.next.json").write_text(json.dumps(committed))
    old = committed["generations"][0]["target"]
    (directory / "undo.sh").write_text(
        f"cd {place.home} && sh service stop && ln -sfn {old} venv && sh service start\n"
        f"mv {directory}/state.next.json {directory}/state.undone.json\n"
    )
    results = module.run_four_times("recovery", state_dir=str(place.state))
    assert results[1]["closed"][0]["event"] == "reverted" and place.list_open_files() == []
    assert place.read_greeting() == "old" and place.read_state()["current"] == committed["generations"][0]["id"]


def test_a_build_that_died_is_cleared_and_its_number_not_used_again(module, place):
    new = place.build_wheel("2.0", "new")
    module("environment", **place.make_build_options(new))
    path = place.state / "applications" / "greeter" / "state.json"
    record = place.read_state()
    record["generations"][0].update(complete=False)
    path.write_text(json.dumps(record))
    directory = place.home / "venv.generations" / name_generation(place)
    own = json.loads((directory / ".oxzep7-generation.json").read_text())
    (directory / ".oxzep7-generation.json").write_text(json.dumps({**own, "complete": False, "generation": None}))
    (directory / "half").write_text("")
    assert module("environment", **place.make_build_options(new))["generation"] == name_generation(place, 2)
    assert os.listdir(place.home / "venv.generations") == [name_generation(place, 2)]


def test_health_check(module, place):
    healthy = module("health_check", application=place.declare_application())
    assert healthy["healthy"] and [check["kind"] for check in healthy["checks"]] == ["service", "http"]
    place.control_service("stop")
    message = module.expect_failure("health_check", application=place.declare_application())
    assert "greeter is not healthy: check 'greeter' (service): not running" in message


def test_host_info_finds_the_environment_and_what_forbids_an_upgrade(module, place):
    found = module(
        "host_info",
        roots=[str(place.root)],
        applications=[place.declare_application()],
        state_dir=str(place.state),
        detail=True,
    )
    environments = found["inventory"]["environments"]
    (environment,) = [entry for entry in environments if entry["path"] == str(place.home / "venv")]
    assert environment["python"].startswith(place.interpreters[0][0] + ".")
    greeter = next(entry for entry in environment["packages"] if entry["name"] == "greeter")
    assert {"name": "greeter", "version": "1.0"}.items() <= greeter.items()
    assert found["applications"][0]["findings"] == []
    wrong = [
        {**place.declare_application(), "environment": str(place.root / "nowhere")},
        {**place.declare_application(), "environment": str(place.root)},
        {**place.declare_application(), "user": "no-such-user"},
        {**place.declare_application(), "source": str(place.root / "nowhere")},
    ]
    applications = module("host_info", roots=[], applications=wrong)["applications"]
    keys = [application["findings"][0]["key"] for application in applications]
    assert keys == ["environment-not-found", "not-an-environment", "user-not-found", "source-not-found"]
