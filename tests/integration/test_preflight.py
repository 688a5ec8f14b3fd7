# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight on a real application, and the runs that a host has recorded."""

from __future__ import annotations

import fcntl
import json

from ansible_collections.oxzep7.python.plugins.plugin_utils._rollout._preflight import check_clock_skew


def steps(place, **interpreter):
    return [
        {
            "application": "greeter",
            "lock": "0" * 64,
            "interpreter": {
                "source": "existing",
                "version": place.interpreters[1][0],
                "path": place.interpreters[1][1],
                **interpreter,
            },
        }
    ]


def look(module, place, application=None, **options):
    options = {
        "applications": [application or place.declare_application()],
        "state_dir": str(place.state),
        "steps": steps(place),
        "backup_dir": str(place.root / "backups"),
        "interpreter_dir": str(place.root / "interpreters"),
        **options,
    }
    results = [module("preflight", check=check, **options) for check in (True, False)]
    assert [result["changed"] for result in results] == [False, False], results
    assert [entry["key"] for entry in results[0]["findings"]] == [entry["key"] for entry in results[1]["findings"]]
    return results[1]


def keys(result):
    return [entry["key"] for entry in result["blocking"]]


def test_nothing_speaks_against_an_application_that_is_well(module, place):
    found = look(module, place, backup_layers=["environment"])
    assert found["findings"] == found["blocking"] == []
    (row,) = found["room"]
    assert (
        row["needed_bytes"] > 1 << 20
        and row["needed_inodes"] > 100
        and row["for"] == ["1 generations of greeter", "a backup of greeter"]
    )


def test_the_space_for_a_backup_includes_databases(module, place):
    without = look(module, place, backup_layers=["environment", "databases"])["room"][0]["needed_bytes"]
    (place.home / "db.sqlite3").write_bytes(bytes(30 << 20))
    (place.home / "db.sqlite3-wal").write_bytes(bytes(2 << 20))
    databases = [
        {"sqlite": str(place.home / "db.sqlite3")},
        {"name": "words", "command": {"dump": ["cat", str(place.home / "words")]}},
        {"name": "away", "mysql": {"database": "shop", "defaults_file": "/nowhere"}},
    ]
    application = place.declare_application(backup={"databases": databases})
    found = look(module, place, application, backup_layers=["environment", "databases"])
    assert found["room"][0]["needed_bytes"] - without == 32 << 20
    (finding,) = found["findings"]
    assert finding["key"] == "backup-size-unknown" and found["blocking"] == []
    assert "words (a database of the kind command does not tell its size)" in finding["detail"]
    assert "away (" in finding["detail"] and "db.sqlite3" not in finding["detail"]
    assert str(place.root / "backups") in finding["remediation"]
    # A backup says the same.
    options = {"state_dir": str(place.state), "backup_dir": str(place.root / "backups")}
    told = module("backup", check=True, application=application, layers=["databases"], **options)
    assert told["estimate"] == 32 << 20 and sorted(told["unknown_sizes"]) == ["away", "words"]
    assert told["actions"] == ["keep databases of greeter (32 MiB, without words, away, whose size is unknown)"]


def test_what_is_found_names_the_thing_and_the_next_step(module, place):
    sick = place.declare_application(checks=[{"name": "never", "tcp": {"port": 1}}])
    found = look(module, place, sick)
    (problem,) = found["blocking"]
    assert (
        problem["key"] == "unhealthy"
        and "check 'never' (tcp)" in problem["detail"]
        and "oxzep7_accept_unhealthy" in problem["remediation"]
    )
    assert (
        keys(look(module, place, sick, accept_unhealthy=["never"]))
        == keys(look(module, place, sick, known_findings=["unhealthy"]))
        == []
    )
    assert keys(look(module, place, steps=steps(place, path="/nowhere/python"))) == ["interpreter-unobtainable"]
    away = look(module, place, steps=steps(place, source="archive", path="/nowhere/archive.tar.gz", sha256="0" * 64))
    assert (
        keys(away) == ["interpreter-unobtainable"]
        and "does not exist on the controller" in away["blocking"][0]["detail"]
    )
    assert keys(look(module, place, place.declare_application(environment=str(place.home / "gone")))) == [
        "preflight-failed"
    ]


def test_the_run_that_holds_the_lock_is_named(module, place):
    lease = place.state / "applications" / "greeter" / "lease"
    lease.parent.mkdir(parents=True)
    lease.write_text(json.dumps({"run": "another", "pid": 1, "since": "today"}))
    with lease.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = look(module, place)
    assert keys(found) == ["lease-held"] and "run another" in found["blocking"][0]["detail"]


def test_clocks():
    assert check_clock_skew(100.0, 90.0, 110.0, 0.0) == [] and check_clock_skew(50.0, 100.0, 101.0, 60.0) == []
    (behind,), (ahead,) = check_clock_skew(30.0, 100.0, 101.0, 60.0), check_clock_skew(200.0, 100.0, 101.0, 60.0)
    assert (
        "70 seconds behind" in behind["detail"]
        and "99 seconds ahead of" in ahead["detail"]
        and behind["key"] == ahead["key"] == "clock-skewed"
    )


def test_a_host_tells_of_its_runs(module, place):
    built = module("environment", **place.make_build_options(place.build_wheel("2.0", "new")), run_id="one")
    promoted = module("promotion", **place.make_promotion_options(built["generation"]), run_id="one")
    assert promoted["outcome"] == "promoted"
    info = module("run_info", check=True, run_id="one", state_dir=str(place.state))
    assert info["changed"] is False and [entry["run"] for entry in info["runs"]] == ["one"]
    assert [event["event"] for event in info["events"]] == ["generation complete", "promotion opened", "promoted"]
    assert promoted["journal"] == {"events": info["events"], "applications": info["applications"]}
    (application,) = info["applications"]
    assert (
        application["current"] == built["generation"]
        and [entry["event"] for entry in application["history"]] == ["promoted"]
        and not application["open"]
    )
    assert "the identifier of a run cannot be" in module.expect_failure(
        "run_info", run_id="../one", state_dir=str(place.state)
    )
