# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's part of plan_delivery and wheelhouse: check, do, do again, check again."""

from __future__ import annotations

import hashlib
import json
import tarfile

LOCK = "six==1.15.0\n"


def write_plan_directory(tmp_path, identifier):
    step = {
        "from": "3.8",
        "to": "3.9",
        "lock": identifier,
        "interpreter": {"source": "existing", "version": "3.9"},
    }
    part = {"applications": [{"name": "x", "steps": [step]}]}
    (tmp_path / "plan" / "locks").mkdir(parents=True)
    (tmp_path / "plan" / "plan.json").write_text(json.dumps({"hosts": {"localhost": part}}))
    (tmp_path / "plan" / "locks" / f"{identifier}.txt").write_text(LOCK)
    return part


def test_plan_delivery(module, tmp_path):
    identifier = hashlib.sha256(LOCK.encode()).hexdigest()
    part = write_plan_directory(tmp_path, identifier)
    results = module.run_four_times("plan_delivery", plan_dir=str(tmp_path / "plan"), state_dir=str(tmp_path / "state"))
    assert (tmp_path / "state" / "locks" / f"{identifier}.txt").read_text() == LOCK
    assert (tmp_path / "state" / "plan.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(results[1]["diff"]["after"][str(tmp_path / "state" / "plan.json")]) == part


def test_a_lock_that_is_not_what_its_name_says_is_refused(module, tmp_path):
    options = {"plan_dir": str(tmp_path / "plan"), "state_dir": str(tmp_path / "state")}
    write_plan_directory(tmp_path, "0" * 64)
    assert "does not match" in module.expect_failure("plan_delivery", **options)
    (tmp_path / "plan" / "plan.json").write_text("{")
    assert "has no usable plan for localhost" in module.expect_failure("plan_delivery", **options)
    assert not (tmp_path / "state").exists()


def bundle_of(tmp_path, name, content):
    (tmp_path / "content").write_bytes(content)
    with tarfile.open(tmp_path / "bundle.tar", "w") as stream:
        stream.add(tmp_path / "content", arcname=name)
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_files_of_a_wheelhouse(module, tmp_path):
    entry = bundle_of(tmp_path, "a-1-py3-none-any.whl", b"wheel")
    asked = module("wheelhouse", files=[entry], directory=str(tmp_path / "wheels"))
    assert asked["missing"] == ["a-1-py3-none-any.whl"] and not asked["changed"]
    results = module.run_four_times(
        "wheelhouse", files=[entry], bundle=str(tmp_path / "bundle.tar"), directory=str(tmp_path / "wheels")
    )
    assert results[2]["missing"] == []
    assert (tmp_path / "wheels" / entry["name"]).read_bytes() == b"wheel"


def test_damaged_and_unsafe_bundles_are_refused(module, tmp_path):
    entry = bundle_of(tmp_path, "a-1-py3-none-any.whl", b"wheel")
    damaged = module(
        "wheelhouse",
        files=[{**entry, "sha256": "0" * 64}],
        bundle=str(tmp_path / "bundle.tar"),
        directory=str(tmp_path / "w"),
    )
    assert damaged["failed"] and "arrived damaged" in damaged["msg"]
    unsafe = module(
        "wheelhouse",
        files=[{**entry, "name": "../evil"}],
        bundle=str(tmp_path / "bundle.tar"),
        directory=str(tmp_path / "w"),
    )
    assert unsafe["failed"] and "not a plain file name" in unsafe["msg"]
    assert list((tmp_path / "w").iterdir()) == [] and not (tmp_path / "evil").exists()


def test_a_host_that_was_seen_to_have_its_plan_is_not_asked_again(module, tmp_path):
    identifier = hashlib.sha256(LOCK.encode()).hexdigest()
    write_plan_directory(tmp_path, identifier)
    options = {"plan_dir": str(tmp_path / "plan"), "state_dir": str(tmp_path / "state")}
    first, again = module("plan_delivery", **options), module("plan_delivery", **options)
    assert (
        first["changed"] and not again["changed"] and [entry["label"] for entry in again["steps"]] == ["x 3.8 -> 3.9"]
    )
    seen = module("host_info", roots=[str(tmp_path)], homes=False, state_dir=str(tmp_path / "state"))["delivered"]
    assert seen["locks"] == [identifier]
    # What is known is believed: the state directory that is asked for here has nothing.
    believed = module("plan_delivery", **{**options, "state_dir": str(tmp_path / "empty")}, known=seen)
    assert not believed["changed"] and believed["steps"] == first["steps"] and not (tmp_path / "empty").exists()
    for changed in ({**seen, "plan": "0" * 64}, {**seen, "locks": []}):
        assert module("plan_delivery", check=True, **{**options, "state_dir": str(tmp_path / "empty")}, known=changed)[
            "changed"
        ]
